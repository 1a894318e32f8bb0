"""Which soil moisture a file has, in which layers, and what a release's layers get."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import xarray as xr

from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import is_volumetric, normalise_units
from somobench.submissions.gridded.depths import (
    ECMWF,
    IN_NAME,
    find_depths_along,
    find_depths_of,
    parse_edges,
)
from somobench.submissions.units import VOLUME_FRACTION, decode_attribute

MASS = "mass_content_of_water_in_soil_layer"
STANDARD_NAMES = (VOLUME_FRACTION, MASS)
NAMES = re.compile(
    r"swvl\d|soil_?moisture|sm|sms|swc|mrsol|mrsll|mrsos|soilmoi\d+_\d+cm.*", re.I
)
VERTICAL = re.compile(
    r"depth.*|lev|level|layer|soil_?l.*|nsoil|solth|soil.*|z|.*layer.*", re.I
)
LEAST_COVERED = 0.5  # of a release's layer, below which a model says nothing about it
LEAST_PART = 1e-9  # m; layers that only touch share nothing
DENSITY = 1000.0  # kg m-3 of liquid water


class ModelLayer(NamedTuple):
    """A layer of a model: where a file holds it, its depths in m, and its unit.

    Values times `factor` are m3 m-3.
    """

    variable: str
    level: int | None
    top: float
    bottom: float
    units: str
    factor: float
    vertical: str | None

    @property
    def name(self) -> str:
        """Name of the layer as people read it."""
        depths = f"{self.top * 100:g}-{self.bottom * 100:g} cm"
        place = "" if self.level is None else f"[{self.level}]"
        return f"{self.variable}{place} {depths}"


def find_model_layers(
    dataset: xr.Dataset,
    own_dims: Sequence[str],
    *,
    variables: Sequence[str] = (),
    scheme: str | None = None,
) -> list[ModelLayer]:
    """Find the soil moisture of a file and how deep it lies.

    Parameters
    ----------
    dataset : as it is stored
    own_dims : dims of time and place
    variables : names, where they were given, from the top where `scheme` says depths
    scheme : of `SCHEMES`, or edges in m

    Raises
    ------
    InputError
        For no soil moisture or several kinds of it, units that aren't known, and
        layers of unknown depths.
    """
    names = _choose_variables(dataset, own_dims, variables)
    edges = None if scheme is None else parse_edges(scheme)
    layers: list[ModelLayer] = []
    for place, name in enumerate(names):
        vertical = _find_vertical(dataset, name, own_dims)
        if vertical is None:
            bounds = [find_depths_of(dataset, name, place, names, edges)]
        else:
            bounds = find_depths_along(dataset, name, vertical, edges)
        for level, (top, bottom) in enumerate(bounds):
            units = decode_attribute(dataset[name].attrs.get("units"))
            factor = find_factor(dataset[name], bottom - top)
            at = None if vertical is None else level
            layers.append(ModelLayer(name, at, top, bottom, units, factor, vertical))
    layers.sort(key=lambda item: item.top)
    for upper, lower in pairwise(layers):
        if lower.top < upper.bottom - LEAST_PART:
            raise InputError(
                "layers of the file",
                found=f"{upper.name} and {lower.name} overlap",
                expected="one soil moisture for each depth",
                hint="--variable NAME chooses",
            )
    return layers


def _choose_variables(
    dataset: xr.Dataset, own_dims: Sequence[str], given: Sequence[str]
) -> list[str]:
    """Return the variables of soil moisture that lie over time and place."""
    along = [
        str(name)
        for name, item in dataset.variables.items()
        if set(own_dims) <= {str(dim) for dim in item.dims}
    ]
    unknown = [name for name in given if name not in along]
    listed = ", ".join(along)[:300] or "none"
    if unknown:
        raise InputError(
            f"variable {unknown[0]} of the file",
            found=f"over time and place there are {listed}",
            expected="one of them",
        )
    if given:
        return list(given)
    named = [name for name in along if _is_moisture(name, dataset[name])]
    if not named:
        raise InputError(
            "soil moisture of the file",
            found=f"over time and place there are {listed}",
            expected=f"a variable with standard_name {VOLUME_FRACTION} or {MASS}, or a"
            " known name such as swvl1",
            hint="--variable NAME",
        )
    kinds = {ECMWF.sub("swvl", IN_NAME.sub("", name)) for name in named}
    if len(kinds) > 1:
        raise InputError(
            "soil moisture of the file",
            found=f"several kinds: {', '.join(named)}"[:200],
            expected="one",
            hint="--variable NAME chooses, once for each layer",
        )
    return sorted(named, key=_list_numbers)


def _list_numbers(name: str) -> tuple[list[int], str]:
    """Return the numbers of a name: SoilMoi10_40cm is above SoilMoi100_200cm."""
    return [int(part) for part in re.findall(r"\d+", name)], name


def _is_moisture(name: str, variable: xr.DataArray) -> bool:
    known = decode_attribute(variable.attrs.get("standard_name")) in STANDARD_NAMES
    short = decode_attribute(variable.attrs.get("GRIB_shortName"))
    return known or any(bool(NAMES.fullmatch(item)) for item in (name, short))


def _find_vertical(
    dataset: xr.Dataset, name: str, own_dims: Sequence[str]
) -> str | None:
    """Return the dim of depth, if any; refuse others of more than one place."""
    others = [str(dim) for dim in dataset[name].dims if dim not in own_dims]
    vertical = [dim for dim in others if _is_vertical(dataset, dim)]
    rest = [dim for dim in others if dim not in vertical and dataset.sizes[dim] > 1]
    if rest or len(vertical) > 1:
        listed = ", ".join(f"{dim} {dataset.sizes[dim]}" for dim in others)
        raise InputError(
            f"dims of {name}",
            found=f"beside time and place {listed}",
            expected="at most one of depth",
            hint="choose one member, lead time or version beforehand",
        )
    return vertical[0] if vertical else None


def _is_vertical(dataset: xr.Dataset, dim: str) -> bool:
    attrs = dataset[dim].attrs if dim in dataset.variables else {}
    axis = decode_attribute(attrs.get("axis")).upper() == "Z" or "positive" in attrs
    named = decode_attribute(attrs.get("standard_name")) == "depth"
    return axis or named or bool(VERTICAL.fullmatch(dim))


def find_factor(variable: xr.DataArray, thickness: float) -> float:
    """Return by what values are multiplied to be m3 m-3.

    Parameters
    ----------
    variable : with `units`
    thickness : of its layer, m; water of a layer is divided by it

    Raises
    ------
    InputError
        For no units, or unknown ones.
    """
    units = decode_attribute(variable.attrs.get("units"))
    plain = normalise_units(units).lower()
    fraction = decode_attribute(variable.attrs.get("standard_name")) == VOLUME_FRACTION
    if is_volumetric(units) or (fraction and plain == "1"):
        return 1.0
    if plain in {"vol%", "%vol", "volume%"} or (fraction and plain in {"%", "percent"}):
        return 0.01
    if plain in {"kgm-2", "kg/m2", "mm"}:
        return 1.0 / (DENSITY * thickness)
    raise InputError(
        f"units of {variable.name}",
        found=units[:80] or "no attribute units",
        expected=f"m3 m-3 or kg m-2 (a share has standard_name {VOLUME_FRACTION})",
        hint="set the attribute units in the file; a degree of saturation has to be"
        " multiplied by porosity",
    )


def weigh_layers(
    model: Iterable[ModelLayer], depths: tuple[float, float]
) -> tuple[dict[ModelLayer, float], float]:
    """Return the weights of model layers in a layer of a release, and what they cover.

    A weight is the thickness that both share over that of all shared parts.

    Examples
    --------
    >>> upper = ModelLayer("swvl1", None, 0.0, 0.07, "m3 m-3", 1.0, None)
    >>> lower = ModelLayer("swvl2", None, 0.07, 0.28, "m3 m-3", 1.0, None)
    >>> weights, covered = weigh_layers([upper, lower], (0.0, 0.1))
    >>> [round(weight, 3) for weight in weights.values()], covered
    ([0.7, 0.3], 1.0)
    """
    top, bottom = depths
    shared = {
        item: part
        for item in model
        if (part := min(item.bottom, bottom) - max(item.top, top)) > LEAST_PART
    }
    total = sum(shared.values())
    covered = round(total / (bottom - top), 6)
    return {item: part / total for item, part in shared.items()}, covered
