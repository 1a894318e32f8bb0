"""What tests of contradictions start from."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr

from somobench.catalog.storage.archive import open_zarr_zip
from somobench.recognise import GRIDS


@pytest.fixture(scope="session")
def release(repository: Path) -> Path:
    """Return the folder of a release without a contradiction."""
    folder = repository / "releases" / "virtual-2.0.0"
    if not folder.is_dir():
        pytest.skip("virtual-2.0.0 is not in this checkout")
    return folder


@pytest.fixture(scope="module")
def grids(release: Path) -> dict[str, xr.Dataset]:
    """Return the grids of the release, which a test copies before it changes them."""
    return {name: open_zarr_zip(release / f"{name}.zarr.zip").load() for name in GRIDS}
