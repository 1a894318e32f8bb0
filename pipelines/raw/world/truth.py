"""True soil moisture of the virtual world's cells, known because it is simulated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from somobench.pipelines.raw.world.hourly import compute_progress
from somobench.pipelines.raw.world.reanalysis import SPIN_UP, Box
from somobench.pipelines.raw.world.stations import Ground, is_wet, take_day_ends
from somobench.pipelines.raw.world.weather import Floats
from somobench.schemas.recipe import Recipe

DECIMALS = 5


@dataclass(frozen=True)
class RegionTruth:
    """Daily truth of a region's cells, (layer, cell, day), with their places."""

    latitude: Floats
    longitude: Floats
    soil_moisture: Floats


def average_truth(box: Box, ground: Ground) -> Floats:
    """Return the mean over hours 00 to 23 of true soil moisture, (layer, cell, day)."""
    ends = take_day_ends(ground.balance.soil_moisture)
    columns = range(ends.shape[2])
    moved = np.stack(
        [
            compute_progress(
                box.shares.rain[SPIN_UP:-1], is_wet(ground.drivers, column)
            ).mean(1)
            for column in columns
        ],
        axis=1,
    )[:, None, :]
    return np.moveaxis(ends[:-1] + (ends[1:] - ends[:-1]) * moved, 0, 2)


def make_truth_dataset(
    truths: list[RegionTruth], days: npt.NDArray[np.datetime64], recipe: Recipe
) -> xr.Dataset:
    """Return daily truth on (layer, cell, time), cells sorted by id."""
    latitude = np.concatenate([item.latitude for item in truths])
    longitude = np.concatenate([item.longitude for item in truths])
    cells = list(_name_cells(latitude, longitude))
    order = np.asarray(sorted(range(len(cells)), key=cells.__getitem__))
    truth = np.concatenate([item.soil_moisture for item in truths], axis=1)
    rounded = np.round(truth[:, order], DECIMALS).astype("float32")
    attrs = {"units": "m3 m-3", "long_name": "simulated true soil moisture"}
    depths = np.asarray([[x.depth_from_cm, x.depth_to_cm] for x in recipe.layers[:3]])
    return xr.Dataset(
        {"soil_moisture_truth": (("layer", "cell", "time"), rounded, attrs)},
        coords={
            "layer": ("layer", np.asarray([1, 2, 3], dtype="int8")),
            "layer_depth_from": ("layer", depths[:, 0] / 100.0, {"units": "m"}),
            "layer_depth_to": ("layer", depths[:, 1] / 100.0, {"units": "m"}),
            "cell": ("cell", np.asarray(cells, dtype=str)[order]),
            "latitude": ("cell", latitude[order], {"units": "degrees_north"}),
            "longitude": ("cell", longitude[order], {"units": "degrees_east"}),
            "time": ("time", days.astype("datetime64[ns]")),
        },
        attrs={"title": "SoMoBench virtual world: simulated truth, no observation"},
    )


def _name_cells(latitude: Floats, longitude: Floats) -> Iterator[str]:
    for place in zip(latitude.tolist(), longitude.tolist(), strict=True):
        yield f"{place[0]}_{place[1]}"
