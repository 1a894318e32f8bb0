"""What a split asks of a model: series, test days, thresholds and pools to score by.

A series is a cell's layer that has a target. Everything is cut to the days from the
first to the last test day and is NaN outside test days; thresholds and climatology come
from train days. Targets are in train scaling. A series without train days, of a cell
that is held out, has the thresholds of its whole record, as it has its scale factors:
they say which of its days were dry, and no model meets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.split_view import SplitView
from somobench.folds import FOLD
from somobench.metrics.extremes import compute_extreme_thresholds
from somobench.schemas.errors import Failure, ValidationError
from somobench.schemas.scores import ALL_LAYERS
from somobench.schemas.variables import TEST, TRAIN
from somobench.uncertainty.pools import NO_GROUP, label_standard_pools

SERIES = ("layer", "cell")
DRYNESS_CLASSES: Mapping[str, tuple[float, float]] = {
    "below 0.5": (0.0, 0.5),
    "0.5 to 1": (0.5, 1.0),
    "1 to 2": (1.0, 2.0),
    "2 to 5": (2.0, 5.0),
    "5 and more": (5.0, np.inf),
}
REANALYSIS, OBSERVATIONS = "reanalysis", "observations"

Floats = NDArray[np.float64]
Pools = dict[tuple[str, int], xr.DataArray]


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoringCase:
    """One split as predictions are scored on it.

    Attributes
    ----------
    split : str
    target : DataArray, (series, time), m3 m-3
        NaN on days that aren't test days; coordinates layer and cell on series.
    observed : DataArray, (series, time), m3 m-3
        The same with all days of the release, for persistence.
    climatology : DataArray, (series, day_of_year)
    thresholds : {"dry": (series,), "wet": (series,)}
        Of train days, or of all days where there is none; NaN where they are too few.
    cells : DataFrame by `cell_id`
        All cells of the release.
    layers : labels that the release has
    roles : DataArray, (cell, time), int8
        Of all cells and days of the release.
    labels : mapping of DataArray of str, (series)
        Group of each series in each pool.
    moments_from : mapping of layer to "reanalysis" or "observations"
    full_record : (series,), bool
        Series without train days: their scale factors are those of the full record.
    scale : (slope, offset) of each series, or None
        From measured to train scaling, where targets are as measured; None where they
        are in train scaling.
    sensor_spread : (series,), 1
        Standard deviation of the means of a target's sensors over their mean; NaN
        where there is only one.
    """

    split: str
    target: xr.DataArray
    observed: xr.DataArray
    climatology: xr.DataArray
    thresholds: Mapping[str, NDArray[np.float64]]
    cells: pd.DataFrame
    layers: tuple[int, ...]
    roles: xr.DataArray
    labels: Mapping[str, xr.DataArray]
    moments_from: Mapping[int, str]
    full_record: NDArray[np.bool_]
    sensor_spread: NDArray[np.float64]
    scale: tuple[Floats, Floats] | None = None

    @property
    def series_layers(self) -> NDArray[np.int8]:
        """Layer of each series."""
        return np.asarray(self.target["layer"].to_numpy(), dtype=np.int8)

    @property
    def own_layers(self) -> tuple[int, ...]:
        """Layers that have a series."""
        return tuple(sorted(set(self.series_layers.tolist())))

    @property
    def series_cells(self) -> NDArray[np.str_]:
        """Cell of each series."""
        return np.asarray(self.target["cell"].to_numpy(), dtype=str)

    def pools(self, kinds: tuple[str, ...] | None = None) -> Pools:
        """Return group labels by kind of pool and layer; layer 0 is all of them."""
        chosen = self.labels if kinds is None else kinds
        return {key: own for key, own in self._pools.items() if key[0] in chosen}

    @cached_property
    def _pools(self) -> Pools:
        layers = self.series_layers
        pools: Pools = {}
        for kind, labels in self.labels.items():
            for layer in (ALL_LAYERS, *self.own_layers):
                inside = (layers == layer) | (layer == ALL_LAYERS)
                own = np.where(inside, labels.to_numpy(), NO_GROUP)
                pools[kind, layer] = labels.copy(data=own.astype(object))
        return pools

    def is_scaled_to_reference(self, layer: int) -> bool:
        """Tell whether the targets of a layer have the reanalysis' moments.

        Those of all layers do where any layer's do that has series here.
        """
        chosen = self.own_layers if layer == ALL_LAYERS else (layer,)
        return any(self.moments_from.get(each) == REANALYSIS for each in chosen)

    def place_on_series(self, grid: xr.DataArray) -> xr.DataArray:
        """Place predictions on the series and days of the target; NaN where none are.

        Parameters
        ----------
        grid : DataArray, (layer, cell, time) and optionally member

        Returns
        -------
        DataArray, (series, time) and optionally member, float32
        """
        rest = tuple(dim for dim in grid.dims if dim not in {*SERIES, "time"})
        values = grid.transpose(*SERIES, "time", *rest).to_numpy()
        layer = grid.get_index("layer").get_indexer(pd.Index(self.series_layers))
        cell = grid.get_index("cell").get_indexer(pd.Index(self.series_cells))
        days = grid.get_index("time").get_indexer(self.target.get_index("time"))
        shape = (len(layer), len(days), *values.shape[3:])
        placed = np.full(shape, np.nan, dtype=np.float32)
        into, out_of = np.flatnonzero(days >= 0), days[days >= 0]
        for row in np.flatnonzero((layer >= 0) & (cell >= 0)):
            placed[row, into] = values[layer[row], cell[row], out_of]
        coords = dict(self.target.coords) | {dim: grid[dim] for dim in rest}
        return xr.DataArray(placed, coords, ("series", "time", *rest))

    def place_scaled(self, grid: xr.DataArray) -> xr.DataArray:
        """Place predictions in train scaling beside the target, in its own scaling.

        Parameters and result as of `place_on_series`.
        """
        placed = self.place_on_series(grid)
        return placed if self.scale is None else _undo_scale(placed, *self.scale)


def _undo_scale(values: xr.DataArray, slope: Floats, offset: Floats) -> xr.DataArray:
    """Return values in train scaling, (series, ...), as they would be measured."""
    along = (slice(None), *[None] * (values.ndim - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        measured = (values.to_numpy().astype(np.float64) - offset[along]) / slope[along]
    return values.copy(data=np.where(np.isfinite(measured), measured, np.nan))


def build_case(
    view: SplitView, moments_from: Mapping[int, str], *, scaled: bool = True
) -> ScoringCase:
    """Gather what one split asks from the files of a release.

    Parameters
    ----------
    view : SplitView
    moments_from : mapping of layer to "reanalysis" or "observations"
        Where the mean and variance of its targets come from.
    scaled : bool
        Targets in train scaling; otherwise as measured, on the same days.

    Raises
    ------
    ValidationError
        If no test day has a target.
    """
    targets = view.targets
    values, tested = view.train_scaled(), view.has_role(TEST)
    layer, cell = np.nonzero((np.isfinite(values.to_numpy()) & tested).any(axis=2))
    climatology = _take_series(view.climatology(), layer, cell)
    scale = None
    if not scaled:
        values = (
            targets["soil_moisture_in_situ"]
            .transpose(*values.dims)
            .where(
                values.notnull()  # noqa: PD004 - xarray has no notna
            )
        )
        slope, offset = (
            _take_values(view.features[name], layer, cell).astype(np.float64)
            for name in ("scale_slope", "scale_offset")
        )
        scale = slope, offset
        climatology = _undo_scale(climatology, slope, offset)
        moments_from = dict.fromkeys(moments_from, OBSERVATIONS)
    if not layer.size:
        failure = Failure(view.split, "no test day with a target", "at least one")
        raise ValidationError("scores", [failure])
    days = np.flatnonzero(tested.any(axis=0))
    period = slice(int(days[0]), int(days[-1]) + 1)
    observed = _take_series(values, layer, cell)
    trained = view.has_role(TRAIN)[cell]
    is_full_record = view.features["scale_is_full_record"]
    return ScoringCase(
        split=view.split,
        target=observed.where(tested[cell])[:, period],
        observed=observed,
        climatology=climatology,
        thresholds=_derive_thresholds(observed.to_numpy().astype(np.float64), trained),
        cells=view.cells,
        layers=tuple(targets["layer"].to_numpy().tolist()),
        roles=view.role.assign_coords(cell=targets["cell"], time=targets["time"]),
        labels=_label_series(view, observed, layer, cell),
        moments_from=moments_from,
        full_record=_take_values(is_full_record, layer, cell) == 1,
        sensor_spread=_take_spread(targets, layer, cell),
        scale=scale,
    )


def _derive_thresholds(
    observed: NDArray[np.float64], trained: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Return percentiles of train days; of all days for a series without any."""
    own = compute_extreme_thresholds(np.where(trained, observed, np.nan))
    untrained = np.asarray(~(trained & np.isfinite(observed)).any(axis=1))
    whole = compute_extreme_thresholds(np.where(untrained[:, None], observed, np.nan))
    return {side: np.where(untrained, whole[side], own[side]) for side in own}


def _take_series(
    grid: xr.DataArray, layer: NDArray[np.intp], cell: NDArray[np.intp]
) -> xr.DataArray:
    """Take series out of a grid (layer, cell, ...)."""
    layers = grid["layer"].to_numpy()[layer]
    cells = grid["cell"].to_numpy()[cell].astype(str)
    last = str(grid.dims[-1])
    names = [f"{layer}/{cell}" for layer, cell in zip(layers, cells, strict=True)]
    return xr.DataArray(
        grid.to_numpy()[layer, cell],
        {
            "series": names,
            "layer": ("series", layers),
            "cell": ("series", cells),
            last: grid[last].to_numpy(),
        },
        ("series", last),
        attrs={"units": "m3 m-3"} if last == "time" else {},
    )


def _label_series(
    view: SplitView,
    observed: xr.DataArray,
    layer: NDArray[np.intp],
    cell: NDArray[np.intp],
) -> dict[str, xr.DataArray]:
    """Label every series with its group in each pool."""
    like = xr.DataArray(
        np.zeros(len(cell), dtype=np.int32),
        {"series": observed["series"].to_numpy()},
        ("series",),
    )
    table = view.cells.iloc[cell]
    network = _take_values(view.targets["primary_network"], layer, cell)
    count = _take_values(view.targets["station_count"], layer, cell)
    pools = label_standard_pools(
        xr.Dataset({"pair_count": like}),
        region=like.copy(data=_make_texts(table["region"])),
        regime=like.copy(data=_make_texts(table["regime"])),
        network=like.copy(data=_make_texts(network)),
        valid_days=like.copy(data=np.isfinite(observed.to_numpy()).sum(axis=1)),
        station_count=like.copy(data=count.astype(np.int64)),
    )
    pools["dryness"] = like.copy(data=_classify_dryness(table["dryness"]))
    if FOLD in table:
        pools[FOLD] = like.copy(data=_make_texts(table[FOLD]))
    plain = pools.pop("all")
    return {"plain": plain.copy(data=np.full(plain.size, "plain", dtype=object))} | {
        str(name): labels for name, labels in pools.items()
    }


def _take_spread(
    targets: xr.Dataset, layer: NDArray[np.intp], cell: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the relative spread of each series' sensors; NaN where unknown."""
    if "station_spread" not in targets:
        return np.full(layer.size, np.nan)
    return _take_values(targets["station_spread"], layer, cell).astype(np.float64)


def _take_values(
    grid: xr.DataArray, layer: NDArray[np.intp], cell: NDArray[np.intp]
) -> NDArray[Any]:
    return np.asarray(grid.transpose(*SERIES).to_numpy()[layer, cell])


def _make_texts(values: object) -> NDArray[np.object_]:
    return np.asarray(values).astype(str).astype(object)


def _classify_dryness(dryness: pd.Series) -> NDArray[np.object_]:
    values = dryness.to_numpy(dtype=np.float64)
    labels = np.full(values.size, NO_GROUP, dtype=object)
    for name, (low, high) in DRYNESS_CLASSES.items():
        labels[(values >= low) & (values < high)] = name
    return labels
