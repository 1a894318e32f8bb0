"""The grid of targets: every array of schema TARGETS with its attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.targets.cells import (
    CellTarget,
    DenseSeries,
    name_reference,
)
from somobench.pipelines.targets.rule import (
    NO_SOURCE,
    IntervalTarget,
    station_spread,
    take_in_situ,
)
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import Recipe
from somobench.schemas.variables import get_attrs
from somobench.statistics.digits import quantise

SERIES = ("layer", "cell", "time")

_DESCRIPTIONS = {
    "is_gapfilled": "1 where a series other than the primary filled the day",
    "observation_count": "good values of the day in the series that gave its value",
    "scale_slope": "slope of the full-record line from the primary's units to scaled",
    "scale_offset": "offset of the full-record line from the primary's units to scaled",
    "overlap_days": "days that the full-record line was fitted on; 0 if unscaled",
    "station_count": "sensors at the chosen depth interval that could be scaled",
    "accepted_count": "sensors accepted for gap filling, the primary not counted",
    "used_count": "accepted sensors that filled at least one day",
    "station_spread": (
        "standard deviation (ddof 1) over mean of the unscaled means of the primary "
        "and the accepted sensors; missing where the primary is alone"
    ),
    "primary_network": "network of the primary sensor",
    "primary_station": "station of the primary sensor",
    "primary_sensor": "name of the primary sensor",
    "depth_from": "upper end of the primary's depth interval, rounded to whole cm",
    "depth_to": "lower end of the primary's depth interval, rounded to whole cm",
}
_UNITS = {"scale_offset": "m3 m-3", "depth_from": "m", "depth_to": "m"}


class TargetGrid:
    """The arrays of schema TARGETS, filled one layer and cell at a time.

    Parameters
    ----------
    series : DenseSeries
        The one that targets are built from.
    positions : DataFrame
        Columns latitude and longitude, indexed by cell_id.
    recipe : Recipe
    """

    def __init__(
        self, series: DenseSeries, positions: pd.DataFrame, recipe: Recipe
    ) -> None:
        self._series, self._positions, self._recipe = series, positions, recipe
        cells = sorted(set(series.sensors["cell_id"].astype(str)))
        self._cells = {cell: place for place, cell in enumerate(cells)}
        self._layers = [layer.layer for layer in recipe.layers]
        self._arrays = _make_arrays(len(self._layers), len(cells), len(series.days))

    def add(self, result: CellTarget) -> None:
        """Fill in the target of one layer and cell, if it has one."""
        if result.target is None:
            return
        place = self._layers.index(result.layer), self._cells[result.cell_id]
        stored = _describe_target(result.target, self._series, self._recipe)
        for name, value in stored.items():
            self._arrays[name][place] = value

    def dataset(self) -> xr.Dataset:
        """Return the cells that have a target in some layer, sorted by id.

        Raises
        ------
        InputError
            If there is no target at all.
        """
        kept = np.isfinite(self._arrays["scale_slope"]).any(axis=0)
        if not kept.any():
            raise InputError(
                "targets",
                found="no sensor that passes the rule in any layer",
                expected="at least one",
                hint="see targets.json for what each threshold rejected",
            )
        cells = np.array(list(self._cells))[kept]
        places = self._positions.loc[cells]
        return xr.Dataset(
            {
                name: (
                    SERIES[: values.ndim],
                    _fix_width(values if kept.all() else values[:, kept]),
                    _describe_array(name) | _comment_on(name, self._recipe),
                )
                for name, values in self._arrays.items()
            },
            coords={
                "cell": cells,
                "latitude": ("cell", places["latitude"].to_numpy("float64")),
                "longitude": ("cell", places["longitude"].to_numpy("float64")),
                "time": self._series.days.to_numpy("datetime64[ns]"),
                **make_layer_coords(self._recipe),
            },
            attrs=_describe_grid(self._series, self._recipe),
        )


def _describe_grid(series: DenseSeries, recipe: Recipe) -> dict[str, Any]:
    by_layer = [name_reference(layer.layer, recipe) for layer in recipe.layers]
    scaled = [name for name in by_layer if name != "none"]
    definitions = sorted(set(series.sensors["day_definition"]))
    return {
        "reference": scaled[0] if scaled else "none",
        "reference_by_layer": " ".join(by_layer),
        "day_definition": " ".join(definitions),
        "grid_resolution": recipe.grid.resolution,
    }


def make_layer_coords(recipe: Recipe) -> dict[str, Any]:
    """Return the coordinates of dimension `layer`; depths in m."""
    depth = {"units": "m", "positive": "down", "standard_name": "depth"}
    return {
        "layer": np.array([item.layer for item in recipe.layers], dtype=np.int8),
        "layer_depth_from": (
            "layer",
            np.array([item.depth_from_cm / 100 for item in recipe.layers]),
            depth,
        ),
        "layer_depth_to": (
            "layer",
            np.array([item.depth_to_cm / 100 for item in recipe.layers]),
            depth,
        ),
    }


def _make_arrays(layers: int, cells: int, days: int) -> dict[str, NDArray[Any]]:
    grid, series = (layers, cells), (layers, cells, days)
    return {
        "soil_moisture": np.full(series, np.nan, np.float32),
        "soil_moisture_in_situ": np.full(series, np.nan, np.float32),
        "is_gapfilled": np.zeros(series, np.int8),
        "observation_count": np.zeros(series, np.int16),
        "scale_slope": np.full(grid, np.nan),
        "scale_offset": np.full(grid, np.nan),
        "overlap_days": np.zeros(grid, np.int32),
        "station_count": np.zeros(grid, np.int16),
        "accepted_count": np.zeros(grid, np.int16),
        "used_count": np.zeros(grid, np.int16),
        "station_spread": np.full(grid, np.nan, np.float32),
        "primary_network": np.full(grid, "", object),
        "primary_station": np.full(grid, "", object),
        "primary_sensor": np.full(grid, "", object),
        "depth_from": np.full(grid, np.nan, np.float32),
        "depth_to": np.full(grid, np.nan, np.float32),
    }


def _describe_target(
    target: IntervalTarget, series: DenseSeries, recipe: Recipe
) -> dict[str, Any]:
    """Return what one cell and layer stores, by name of the array."""
    primary = target.primary
    sensor = series.sensors.iloc[primary.row]
    factors = quantise(np.array([primary.matching.slope, primary.matching.offset]))
    in_situ = take_in_situ(target, recipe.targets.decimals)
    return {
        "soil_moisture": target.values,
        "soil_moisture_in_situ": in_situ,
        "is_gapfilled": target.source > 0,
        "observation_count": np.where(
            np.isfinite(in_situ), _select_counts(target, series), 0
        ),
        "scale_slope": factors[0],
        "scale_offset": factors[1],
        "overlap_days": primary.matching.overlap_days,
        "station_count": 1 + len(target.accepted) + len(target.rejected),
        "accepted_count": len(target.accepted),
        "used_count": len(target.used),
        "station_spread": station_spread(target),
        "primary_network": sensor["network"],
        "primary_station": sensor["station"],
        "primary_sensor": sensor["sensor"],
        "depth_from": target.depth_from_cm / 100,
        "depth_to": target.depth_to_cm / 100,
    }


def _select_counts(target: IntervalTarget, series: DenseSeries) -> NDArray[np.int16]:
    """Return the counts of the series that gave each day, else the primary's."""
    rows = [target.primary.row, *(item.candidate.row for item in target.accepted)]
    giver = np.where(target.source == NO_SOURCE, 0, target.source)
    counts: NDArray[np.int16] = series.counts[
        np.array(rows)[giver], np.arange(giver.size)
    ]
    return counts


def _describe_array(name: str) -> dict[str, Any]:
    if name in ("soil_moisture", "soil_moisture_in_situ"):
        return get_attrs(name)
    attrs: dict[str, Any] = {"long_name": _DESCRIPTIONS[name]}
    if name in _UNITS:
        attrs["units"] = _UNITS[name]
    if name == "is_gapfilled":
        attrs |= {"flag_values": [0, 1], "flag_meanings": "primary_or_none gap_filled"}
    return attrs


def _comment_on(name: str, recipe: Recipe) -> dict[str, str]:
    """Return what a recipe says of its stations, for the arrays that rest on them."""
    comment = recipe.stations.comment
    about = ("soil_moisture", "soil_moisture_in_situ", "depth_from", "depth_to")
    return {} if comment is None or name not in about else {"comment": comment}


def _fix_width(values: NDArray[Any]) -> NDArray[Any]:
    """Give text arrays the width that they need, other arrays as they are."""
    return values.astype(str) if values.dtype == object else values
