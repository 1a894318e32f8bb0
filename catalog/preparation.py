"""What a model needs beside inputs and target: static variables, masks, normalisation.

Pure: a view in, the same view with more variables out. Moments are those that the
release derived from train days; static variables get theirs from train cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from somobench.schemas.errors import IntegrityError
from somobench.schemas.variables import (
    ROLES,
    STATIC_ATTRIBUTES,
    TRAIN,
    VARIABLES,
)

AS_IT_IS = ("day_of_year",)
"""Inputs that no linear map makes fit for a model: their moments are 0 and 1."""
ABOVE = "soil_moisture_above"
MOMENTS = ("mean", "std")


def add_statics(view: xr.Dataset) -> xr.Dataset:
    """Turn the numbers that describe a cell from coordinates into variables, (cell)."""
    return view.reset_coords([name for name in STATIC_ATTRIBUTES if name in view])


def add_masks(view: xr.Dataset, inputs: Sequence[str]) -> xr.Dataset:
    """Add a mask for each role, and one for the inputs, bool.

    Returns
    -------
    Dataset
        With `is_train`, `is_validation` and `is_test`, shaped as the target: days of
        the role that have a target, which on test days are those that are scored.
        `has_inputs`: days on which every input and lag is known; the first layer has
        none above it and needs none.
    """
    target = view["soil_moisture"]
    masks = {}
    for number, role in enumerate(ROLES, TRAIN):
        mask = target.notnull() & (view["role"] == number)
        mask.attrs = {"long_name": f"{role} days with a target"}
        masks[f"is_{role}"] = mask.transpose(*target.dims)
    known = xr.ones_like(view["role"], dtype=bool)
    for name in inputs:
        present = view[name].notnull()
        if name == ABOVE and "layer" in view.dims:
            present = present | (view["layer"] == view["layer"].min())
        known = known & present.all(set(present.dims) & {"lag"})
    known.attrs = {"long_name": "days on which every input is known"}
    masks["has_inputs"] = known
    return view.assign(masks)


def add_normalisation(
    view: xr.Dataset, features: xr.Dataset, inputs: Sequence[str]
) -> xr.Dataset:
    """Add mean and standard deviation (`ddof=0`) of inputs and target.

    Parameters
    ----------
    view : Dataset
        With `role`, and a target in train scaling.
    features : Dataset, (variable)
        `normalisation_mean` and `normalisation_std` of the split.
    inputs : names of variables of the view

    Returns
    -------
    Dataset
        With `normalisation_mean` and `normalisation_std`, (variable), or
        (layer, variable) where an input is soil moisture of several layers, in each
        input's unit; `target_mean` and `target_std`, by layer, m3 m-3. `variable` has
        the inputs, so that arithmetic with `view[names].to_dataarray()` aligns.

    Raises
    ------
    IntegrityError
        If the release lacks the moments of an input.
    """
    layers = np.atleast_1d(view["layer"].to_numpy()).tolist()
    by_layer = "layer" in view["soil_moisture"].dims
    is_layered = by_layer and any("layer" in view[name].dims for name in inputs)
    added = {}
    for moment in MOMENTS:
        rows = [
            [_get_moment(view, features, moment, name, layer) for name in inputs]
            for layer in layers
        ]
        attrs = {
            "long_name": f"{_NAMES[moment]} over train cells and days, by input",
            "comment": "in the unit of each input; day_of_year is left as it is",
        }
        values = np.array(rows).reshape(len(layers), len(inputs))
        added[f"normalisation_{moment}"] = xr.Variable(
            ("layer", "variable") if is_layered else "variable",
            values if is_layered else values[0],
            attrs,
        )
        target = [_read_moment(features, moment, _name_target(n)) for n in layers]
        attrs = {
            "long_name": f"{_NAMES[moment]} of the target over train cells and days",
            "units": VARIABLES["soil_moisture"].units,
        }
        added[f"target_{moment}"] = xr.Variable(
            "layer" if by_layer else (), target if by_layer else target[0], attrs
        )
    return view.assign(added).assign_coords(variable=np.array(inputs, dtype=str))


_NAMES = {"mean": "mean", "std": "standard deviation"}


def _name_target(layer: int) -> str:
    return f"soil_moisture_layer{layer}"


def _get_moment(
    view: xr.Dataset, features: xr.Dataset, moment: str, name: str, layer: int
) -> float:
    """Return a moment of an input as the model of a layer sees it."""
    if name in AS_IT_IS:
        return float(moment == "std")
    if name in STATIC_ATTRIBUTES:
        return _measure_static(view, moment, name)
    if name == "climatology":
        return _read_moment(features, moment, _name_target(layer))
    if name == ABOVE:
        above = _name_target(layer - 1)
        known = above in features["variable"].to_numpy().tolist()
        return _read_moment(features, moment, above) if known else float("nan")
    return _read_moment(features, moment, name)


def _measure_static(view: xr.Dataset, moment: str, name: str) -> float:
    """Measure a static variable over train cells; one that never varies has std 1."""
    is_train = (view["role"] == TRAIN).any("time").to_numpy()
    values = view[name].to_numpy()[is_train]
    values = values[np.isfinite(values)]
    if not values.size:
        return float("nan")
    return float(values.mean() if moment == "mean" else values.std() or 1.0)


def _read_moment(features: xr.Dataset, moment: str, name: str) -> float:
    if name not in features["variable"].to_numpy().tolist():
        raise IntegrityError(
            "features of the release",
            found=f"no moments of {name}",
            expected="those of every input",
        )
    return float(features[f"normalisation_{moment}"].sel(variable=name))
