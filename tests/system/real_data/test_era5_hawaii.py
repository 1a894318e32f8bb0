from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from factories.raw.era5_stores import make_cell_table, make_recipe
from somobench.pipelines.forcing.era5.fields import group_boxes
from somobench.pipelines.forcing.era5.files.stores import open_inputs
from somobench.pipelines.forcing.era5.placement import place_cells
from somobench.pipelines.forcing.era5.reference import (
    REFERENCE,
    weigh_soil_moisture,
)
from somobench.pipelines.forcing.precision import STORED_STEP
from somobench.pipelines.forcing.source import ForcingRequest


def soil_of_hawaii(
    shared_data: Path,
    repository: Path,
    product: str,
    cells: Sequence[str],
    **forcing: Any,
) -> xr.DataArray:
    files = sorted((shared_data / "era5_hawaii").glob(f"{product}_swvl1*.nc"))
    recipe = make_recipe(
        repository,
        start="2017-01-01",
        end="2018-12-31",
        forcing={"registration": "points", "frequency": "daily"} | forcing,
        reference={"layers": [1]},
    )
    request = ForcingRequest(
        recipe=recipe,
        cells=make_cell_table(cells=cells),
        inputs=tuple(files),
        reference_inputs=tuple(files),
    )
    with open_inputs(files) as opened:
        boxes = group_boxes(opened.stores)
        placement = place_cells(
            boxes, request.cells, recipe.forcing, recipe.grid.resolution
        )
        array, _ = weigh_soil_moisture(placement, request)
    return array.sel(layer=1)


def test_real_era5_points_are_averaged_over_corners(
    shared_data: Path, repository: Path
) -> None:
    cell = "19.625_-155.625"  # four points of cell file 0165 surround it
    found = soil_of_hawaii(
        shared_data, repository, "era5", [cell], remapping="corner_mean"
    )
    path = shared_data / "era5_hawaii" / "era5_swvl1_stl1_cell0165.nc"
    with xr.open_dataset(path) as points:
        corner = (abs(points["lat"] - 19.625) < 0.2) & (
            abs(points["lon"] + 155.625) < 0.2
        )
        expected = points["swvl1"].to_numpy()[corner.to_numpy()].astype(float)
    assert expected.shape == (4, 730)
    np.testing.assert_allclose(
        found.sel(cell=cell), expected.mean(axis=0), atol=STORED_STEP[REFERENCE] / 2
    )


def test_real_era5_land_points_are_taken_from_the_nearest(
    shared_data: Path, repository: Path
) -> None:
    cells = ["19.625_-155.625", "21.375_-158.125"]  # one in each of the two files
    found = soil_of_hawaii(
        shared_data, repository, "era5_land", cells, remapping="nearest"
    )
    path = shared_data / "era5_hawaii" / "era5_land_swvl1_stl1_cell0166.nc"
    with xr.open_dataset(path) as points:
        # 21.4 N lies 0.025 degrees from 21.375; 158.1 W lies 0.025 from 158.125.
        here = np.isclose(points["lat"], 21.4) & np.isclose(points["lon"], -158.1)
        expected = points["swvl1"].to_numpy()[here][0]
    assert found.notnull().all()
    np.testing.assert_allclose(
        found.sel(cell="21.375_-158.125"), expected, atol=STORED_STEP[REFERENCE] / 2
    )
