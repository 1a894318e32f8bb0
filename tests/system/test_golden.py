"""What a published grid says of itself, as a text that a person reviews."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from somobench.catalog.storage.archive import open_zarr_zip
from somobench.schemas.recipe import load_recipe

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden"
RELEASE = ROOT / "releases" / load_recipe(ROOT / "params.yaml").release.id
GRIDS = ("features", "forcing", "targets")


def metadata(path: Path) -> dict[str, Any]:
    """Return dimensions, attributes, types and chunks of a grid, without its values."""
    with open_zarr_zip(path) as grid:
        return {
            "attrs": grid.attrs,
            "sizes": dict(grid.sizes),
            "variables": {
                str(name): {
                    "attrs": variable.attrs,
                    "chunks": variable.encoding.get("chunks"),
                    "dims": variable.dims,
                    "dtype": str(variable.dtype),
                }
                for name, variable in grid.variables.items()
            },
        }


@pytest.mark.parametrize("grid", GRIDS)
def test_metadata_of_a_published_grid_is_the_golden_one(grid: str) -> None:
    found = json.dumps(
        metadata(RELEASE / f"{grid}.zarr.zip"), indent=2, sort_keys=True, default=str
    )
    golden = GOLDEN / f"{grid}.json"
    if os.environ.get("SOMOBENCH_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(f"{found}\n", "utf-8")
    assert f"{found}\n" == golden.read_text("utf-8"), "review, then: make golden"
