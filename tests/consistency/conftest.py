"""What tests of contradictions start from."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def release(repository: Path) -> Path:
    """Return the folder of a release without a contradiction."""
    folder = repository / "releases" / "virtual-2.0.0"
    if not folder.is_dir():
        pytest.skip("virtual-2.0.0 is not in this checkout")
    return folder
