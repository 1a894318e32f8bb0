"""How deep a model's layers lie: by bounds, by name, or by a scheme that is known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import xarray as xr

from somobench.schemas.errors import InputError, UsageError
from somobench.submissions.gridded.stored import find_bounds, unpack_variable
from somobench.submissions.units import decode_attribute

SCHEMES: dict[str, tuple[float, ...]] = {
    # IFS documentation CY48R1, part IV (physical processes), chapter 8, table 8.1
    "ecmwf": (0.0, 0.07, 0.28, 1.0, 2.89),
    # Noah in GLDAS-2: README of NASA GES DISC, table 2
    "noah": (0.0, 0.1, 0.4, 1.0, 2.0),
    # CMIP6 variable mrsos: the upper 10 cm (data request, table Lmon and day)
    "mrsos": (0.0, 0.1),
}
"""Edges of model layers, m, by the scheme's name."""

ECMWF = re.compile(r"swvl([1-4])")
IN_NAME = re.compile(r"(\d+(?:\.\d+)?)[_-](\d+(?:\.\d+)?)_?cm", re.I)
_METRES = {"": 1.0, "m": 1.0, "cm": 0.01, "mm": 0.001, "metre": 1.0, "metres": 1.0}
_METRES |= {"meter": 1.0, "meters": 1.0}


def parse_edges(scheme: str) -> tuple[float, ...]:
    """Return the edges of model layers in m, by a scheme's name or as numbers.

    Raises
    ------
    UsageError
        If they are neither.

    Examples
    --------
    >>> parse_edges("0,0.05,0.3")
    (0.0, 0.05, 0.3)
    """
    if scheme in SCHEMES:
        return SCHEMES[scheme]
    try:
        edges = tuple(float(part) for part in scheme.split(","))
    except ValueError:
        edges = ()
    if len(edges) < 2 or edges[0] < 0 or (np.diff(edges) <= 0).any():  # noqa: PLR2004 (a layer has two)
        raise UsageError(
            "layers",
            found=scheme[:80],
            expected=f"{', '.join(SCHEMES)}, or edges in m such as 0,0.07,0.28,1",
        )
    return edges


def find_depths_of(
    dataset: xr.Dataset,
    name: str,
    place: int,
    names: Sequence[str],
    edges: tuple[float, ...] | None,
) -> tuple[float, float]:
    """Return the depths of a variable that is one layer."""
    if edges is not None:
        if len(edges) != len(names) + 1:
            raise _refuse_depths(
                ", ".join(names), f"{len(edges) - 1} layers were given"
            )
        return edges[place], edges[place + 1]
    short = decode_attribute(dataset[name].attrs.get("GRIB_shortName"))
    if found := ECMWF.fullmatch(name) or ECMWF.fullmatch(short):
        layer = int(found[1])
        return SCHEMES["ecmwf"][layer - 1], SCHEMES["ecmwf"][layer]
    if name == "mrsos":
        return SCHEMES["mrsos"][0], SCHEMES["mrsos"][1]
    if found := IN_NAME.search(name):
        return float(found[1]) / 100, float(found[2]) / 100
    raise _refuse_depths(name, "nothing says how deep it lies")


def find_depths_along(
    dataset: xr.Dataset, name: str, dim: str, edges: tuple[float, ...] | None
) -> list[tuple[float, float]]:
    """Return the depths along a vertical dim."""
    count = dataset.sizes[dim]
    if edges is not None:
        if len(edges) != count + 1:
            raise _refuse_depths(
                name, f"{len(edges) - 1} layers were given for {count}"
            )
        from_below = _is_from_below(dataset, dim)
        return list(pairwise(edges))[:: -1 if from_below else 1]
    if dim not in dataset.variables:
        raise _refuse_depths(name, f"{dim} has {count} places without depths")
    coordinate = dataset.variables[dim]
    units = decode_attribute(coordinate.attrs.get("units"))
    found = find_bounds(dataset, dim)
    bounds = None if found is None else unpack_variable(dataset, found)
    if bounds is None or bounds.shape != (count, 2):
        raise _refuse_depths(name, f"{dim} in {units or 'no units'}, without bounds")
    units = decode_attribute(bounds.attrs.get("units")) or units
    metres = _METRES.get(units.lower())
    if metres is None or not units:
        raise _refuse_depths(name, f"{dim} in {units or 'no units'}")
    depths = np.abs(np.asarray(bounds.to_numpy(), np.float64)) * metres
    # Single precision: 0.07 m is 0.07000000029802322.
    depths = np.sort(depths, axis=1).round(6)
    if not np.isfinite(depths).all() or (depths[:, 0] >= depths[:, 1]).any():
        raise _refuse_depths(name, f"bounds of {dim} without thickness")
    return [(float(top), float(bottom)) for top, bottom in depths]


def _is_from_below(dataset: xr.Dataset, dim: str) -> bool:
    """Tell whether a coordinate begins with the deepest layer."""
    if dim not in dataset.variables or dataset.variables[dim].dtype.kind not in "fiu":
        return False
    values = np.abs(unpack_variable(dataset, dim).to_numpy().astype(np.float64))
    return len(values) > 1 and bool((np.diff(values) < 0).all())


def _refuse_depths(name: str, found: str) -> InputError:
    return InputError(
        f"depths of {name}",
        found=found[:200],
        expected="bounds of the vertical coordinate in m or cm, or a known scheme",
        hint=f"--layers with one of {', '.join(SCHEMES)}, or edges in m: 0,0.07,0.28",
    )
