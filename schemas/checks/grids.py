"""Checks between the variables of one grid, and on its axes and attributes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.checks import check_whole
from somobench.schemas.variables import VARIABLES

LEAP_DAYS = 366
NO_CLIMATOLOGY = 3
OF_A_LAYER = re.compile(r"_layer\d$")  # statistics of soil moisture are kept by layer


def _find_other_days(days: xr.DataArray) -> str | None:
    values = days.to_numpy()
    if np.array_equal(values, np.arange(1, LEAP_DAYS + 1)):
        return None
    return f"{len(values)} days, from {values.min()} to {values.max()}"


DAYS_OF_YEAR = check_whole("days 1 to 366 in order", _find_other_days)


def _find_source_contradiction(dataset: xr.Dataset) -> str | None:
    dims = ("split", "layer", "cell", "day_of_year")
    climatology = dataset["climatology"].transpose(*dims).to_numpy()
    source = dataset["climatology_source"].transpose(*dims[:3]).to_numpy()
    present = np.isfinite(climatology)
    whole, some = present.all(axis=-1), present.any(axis=-1)
    wrong = (whole != (source != NO_CLIMATOLOGY)) | (some != whole)
    return f"{int(wrong.sum())} series otherwise" if wrong.any() else None


SOURCE_TELLS = check_whole(
    "a whole climatology, or none where climatology_source is 3",
    _find_source_contradiction,
    needs=("climatology", "climatology_source"),
)


def _find_lacking_factors(dataset: xr.Dataset) -> str | None:
    dims = ("split", "layer", "cell")
    present = dataset["climatology"].count("day_of_year").transpose(*dims) > 0
    wrong = np.zeros(present.shape, bool)
    for name in ("scale_slope", "scale_offset"):
        factors = dataset[name].transpose(*dims).to_numpy()
        wrong |= present.to_numpy() & ~np.isfinite(factors)
    return f"{int(wrong.sum())} series without" if wrong.any() else None


FACTORS_WHERE_CLIMATOLOGY = check_whole(
    "scale_slope and scale_offset where there is a climatology",
    _find_lacking_factors,
    needs=("climatology", "scale_slope", "scale_offset"),
)


def _find_no_deviation(dataset: xr.Dataset) -> str | None:
    wrong = (dataset["normalisation_std"].to_numpy() <= 0).sum()
    return f"{int(wrong)} deviations of 0" if wrong else None


DEVIATIONS_ABOVE_ZERO = check_whole(
    "normalisation_std above 0", _find_no_deviation, needs=("normalisation_std",)
)


def _find_unpaired_moment(dataset: xr.Dataset) -> str | None:
    means = dataset["normalisation_mean"].transpose("split", "variable").to_numpy()
    spreads = dataset["normalisation_std"].transpose("split", "variable").to_numpy()
    for column, name in enumerate(dataset["variable"].to_numpy().tolist()):
        variable = VARIABLES.get(OF_A_LAYER.sub("", name))
        if variable is None:
            return f"variable {name}"
        width = variable.maximum - variable.minimum
        mean, spread = means[:, column], spreads[:, column]
        low, high = mean < variable.minimum, mean > variable.maximum
        if (low | high | (spread > width)).any():
            return f"{name} with mean {mean.tolist()} and deviation {spread.tolist()}"
        if (np.isfinite(mean) != np.isfinite(spread)).any():
            return f"{name} with a mean and no deviation, or the reverse"
    return None


STATISTICS_FIT = check_whole(
    "means and deviations that the variable can have",
    _find_unpaired_moment,
    needs=("normalisation_mean", "normalisation_std", "variable"),
)

ATTRIBUTE_CHARACTERS = 64_000
PACKING = frozenset({"scale_factor", "add_offset", "_FillValue", "missing_value"})
SCALED_TOLERANCE = 2e-5  # m3 m-3: both series are rounded to five decimals
POROSITY_SHARE = 0.001  # of values above 1: matching a mean and variance has no cap
DEPTH_TOLERANCE = 0.006  # m: depths are compared as whole centimetres
SERIES = ("layer", "cell", "time")


def _find_long_attributes(dataset: xr.Dataset) -> str | None:
    size = len(str(dataset.attrs)) + sum(
        len(str(variable.attrs)) for variable in dataset.variables.values()
    )
    return f"{size} characters" if size > ATTRIBUTE_CHARACTERS else None


SHORT_ATTRIBUTES = check_whole(
    f"at most {ATTRIBUTE_CHARACTERS} characters of attributes", _find_long_attributes
)


def _find_packing(dataset: xr.Dataset) -> str | None:
    for name, variable in dataset.variables.items():
        left = PACKING & {str(key) for key in variable.attrs}
        if left:
            return f"{name} with {', '.join(sorted(left))}"
    return None


UNPACKED = check_whole(
    "decoded values, no scale_factor or _FillValue among the attributes", _find_packing
)


def _find_crossed_layers(dataset: xr.Dataset) -> str | None:
    layers = dataset["layer"].to_numpy().astype(int)
    above = dataset["layer_depth_from"].to_numpy().astype(float)
    below = dataset["layer_depth_to"].to_numpy().astype(float)
    if not len(layers):
        return "no layer"
    if not (np.diff(layers) > 0).all():
        return f"layers {layers.tolist()}"
    if not (above < below).all() or (above[1:] < below[:-1] - 1e-9).any():
        return f"bounds {above.tolist()} to {below.tolist()} m"
    return None


LAYERS_IN_ORDER = check_whole(
    "layers in order, each once, one below the other",
    _find_crossed_layers,
    needs=("layer", "layer_depth_from", "layer_depth_to"),
)


def _place(dataset: xr.Dataset, wrong: NDArray[np.bool_]) -> str:
    at = np.unravel_index(int(wrong.argmax()), wrong.shape)
    named = [
        f"{dim} {str(dataset[dim].to_numpy()[index])[:20]}"
        for dim, index in zip(SERIES, at, strict=False)
    ]
    return f"{int(wrong.sum())} times, such as {', '.join(named)}"


def _get_array(dataset: xr.Dataset, name: str) -> NDArray[Any]:
    dims = [dim for dim in SERIES if dim in dataset[name].dims]
    return dataset[name].transpose(*dims).to_numpy()


def _find_other_scaling(dataset: xr.Dataset) -> str | None:
    slope, offset = (
        _get_array(dataset, "scale_slope"),
        _get_array(dataset, "scale_offset"),
    )
    for layer, _ in enumerate(dataset["layer"]):
        part = dataset.isel(layer=layer)
        measured = part["soil_moisture_in_situ"].transpose("cell", "time").to_numpy()
        given = part["soil_moisture"].transpose("cell", "time").to_numpy()
        expected = offset[layer][:, None] + slope[layer][:, None] * measured
        # Both are rounded, and the rounding of the measured is scaled as well.
        allowed = SCALED_TOLERANCE * (1 + np.abs(slope[layer][:, None]))
        wrong = np.abs(given - expected) > allowed
        wrong |= np.isfinite(given) & ~np.isfinite(expected)
        wrong |= np.isnan(given) & (expected > allowed)
        if wrong.any():
            cell, day = np.argwhere(wrong)[0]
            return (
                f"{int(wrong.sum())} other values in layer {int(part['layer'])}, such "
                f"as {given[cell, day]:.5f} instead of {expected[cell, day]:.5f}"
            )
    return None


SCALED_AS_STATED = check_whole(
    "soil_moisture = scale_offset + scale_slope x soil_moisture_in_situ, if positive",
    _find_other_scaling,
    needs=("soil_moisture", "soil_moisture_in_situ", "scale_slope", "scale_offset"),
)


def _find_uncounted(dataset: xr.Dataset) -> str | None:
    measured = np.isfinite(_get_array(dataset, "soil_moisture_in_situ"))
    wrong = measured != (_get_array(dataset, "observation_count") > 0)
    return _place(dataset, wrong) if wrong.any() else None


COUNTED_WHERE_MEASURED = check_whole(
    "observations exactly where soil_moisture_in_situ has a value",
    _find_uncounted,
    needs=("soil_moisture_in_situ", "observation_count"),
)


def _find_more_used(dataset: xr.Dataset) -> str | None:
    used, accepted = (
        _get_array(dataset, name) for name in ("used_count", "accepted_count")
    )
    wrong = used > accepted
    return _place(dataset, wrong) if wrong.any() else None


USED_ARE_ACCEPTED = check_whole(
    "used_count at most accepted_count",
    _find_more_used,
    needs=("used_count", "accepted_count"),
)


def _find_empty_fill(dataset: xr.Dataset) -> str | None:
    filled = _get_array(dataset, "is_gapfilled") == 1
    wrong = filled & ~np.isfinite(_get_array(dataset, "soil_moisture_in_situ"))
    return _place(dataset, wrong) if wrong.any() else None


FILLED_WHERE_PRESENT = check_whole(
    "is_gapfilled only where soil_moisture_in_situ has a value",
    _find_empty_fill,
    needs=("soil_moisture_in_situ", "is_gapfilled"),
)


def _find_mask_mismatch(dataset: xr.Dataset) -> str | None:
    inside = _get_array(dataset, "primary_station").astype(str) != ""
    valued = np.isfinite(_get_array(dataset, "soil_moisture_in_situ")).any(axis=-1)
    wrong = valued != inside
    return _place(dataset, wrong) if wrong.any() else None


ONLY_WHERE_MEASURED = check_whole(
    "values exactly in layers and cells that have a primary station",
    _find_mask_mismatch,
    needs=("soil_moisture_in_situ", "primary_station"),
)


def _find_empty_cell(dataset: xr.Dataset) -> str | None:
    valued = np.isfinite(_get_array(dataset, "soil_moisture")).any(axis=(0, 2))
    if valued.all():
        return None
    return f"none in cell {dataset['cell'].to_numpy()[~valued][0]}"


EVERY_CELL_HAS_TARGET = check_whole(
    "a target in every cell", _find_empty_cell, needs=("soil_moisture", "cell")
)


def _find_other_layer(dataset: xr.Dataset) -> str | None:
    above = dataset["layer_depth_from"].to_numpy()[:, None] - DEPTH_TOLERANCE
    below = dataset["layer_depth_to"].to_numpy()[:, None] + DEPTH_TOLERANCE
    depth_from, depth_to = (
        _get_array(dataset, "depth_from"),
        _get_array(dataset, "depth_to"),
    )
    present = np.isfinite(depth_from) | np.isfinite(depth_to)
    inside = (above <= depth_from) & (depth_from <= depth_to) & (depth_to <= below)
    wrong = present & ~inside
    return _place(dataset, wrong) if wrong.any() else None


DEPTH_IN_LAYER = check_whole(
    "the sensor's depth inside its layer",
    _find_other_layer,
    needs=("depth_from", "depth_to", "layer_depth_from", "layer_depth_to"),
)


def _find_oversaturation(values: xr.DataArray) -> str | None:
    array = values.to_numpy()
    finite = int(np.isfinite(array).sum())
    above = int((array > 1).sum())
    return f"{above} of {finite} above 1" if above > POROSITY_SHARE * finite else None


BELOW_POROSITY = check_whole(
    f"at most a share of {POROSITY_SHARE} above 1 m3 m-3, more water than room",
    _find_oversaturation,
)
