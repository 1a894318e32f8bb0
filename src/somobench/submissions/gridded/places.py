"""Where a gridded file says that its values lie, by CF attributes or known names."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.submissions.gridded.stored import unpack_variable
from somobench.submissions.units import decode_attribute

Floats = NDArray[np.float64]

NAMES = {
    "latitude": ("latitude", "lat", "nav_lat", "xlat"),
    "longitude": ("longitude", "lon", "nav_lon", "xlong", "long"),
}
_UNITS = {
    "latitude": ("degrees_north", "degree_north", "degrees_n", "degree_n"),
    "longitude": ("degrees_east", "degree_east", "degrees_e", "degree_e"),
}
_LIMITS = {"latitude": 90.0, "longitude": 360.0}


class Places(NamedTuple):
    """Positions of a file's values.

    On a grid latitude and longitude belong to a dim each; elsewhere (points, reduced
    and curvilinear grids) both lie over the same dims.
    """

    latitude: Floats
    longitude: Floats
    dims: tuple[str, ...]
    is_grid: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the dims."""
        if self.is_grid:
            return len(self.latitude), len(self.longitude)
        return self.latitude.shape


def find_place_names(dataset: xr.Dataset) -> dict[str, str]:
    """Return the variables that are latitude and longitude, as far as there are some.

    What a standard name says counts before units, and units before names.

    Raises
    ------
    InputError
        If several could be one of them.
    """
    found = {}
    for what, known in NAMES.items():
        wanted = _UNITS[what]
        for test in (
            lambda _, attrs, what=what: attrs.get("standard_name") == what,
            lambda _, attrs, wanted=wanted: (
                decode_attribute(attrs.get("units")).lower() in wanted
                and "standard_name" not in attrs
            ),
            lambda name, _, known=known: name.lower() in known,
        ):
            names = [
                str(name)
                for name, variable in dataset.variables.items()
                if test(str(name), variable.attrs) and 1 <= variable.ndim <= 2  # noqa: PLR2004 (axis or map)
            ]
            if len(names) > 1:
                raise InputError(
                    f"{what} of the file",
                    found=f"several: {', '.join(names)}"[:200],
                    expected="one variable",
                )
            if names:
                found[what] = names[0]
                break
    return found


def find_places(dataset: xr.Dataset) -> Places:
    """Read where the values of a file lie.

    Raises
    ------
    InputError
        If it doesn't say, or says what is no position on Earth.
    """
    names = find_place_names(dataset)
    lacking = sorted(set(NAMES) - set(names))
    if lacking:
        listed = ", ".join(str(name) for name in dataset.variables)
        raise InputError(
            f"{' and '.join(lacking)} of the file",
            found=f"none among {listed}"[:200],
            expected="variables with standard_name latitude and longitude",
        )
    latitude, longitude = (dataset.variables[names[what]] for what in NAMES)
    values = [
        _check_degrees(what, unpack_variable(dataset, names[what])) for what in NAMES
    ]
    rows, columns = ([str(dim) for dim in item.dims] for item in (latitude, longitude))
    if rows == columns:
        return Places(values[0], values[1], tuple(rows), is_grid=False)
    if len(rows) == len(columns) == 1:
        for what, axis in zip(NAMES, values, strict=True):
            _refuse_gaps(what, axis)
        return Places(values[0], values[1], (rows[0], columns[0]), is_grid=True)
    raise InputError(
        "latitude and longitude of the file",
        found=f"dims {', '.join(rows)} and {', '.join(columns)}",
        expected="one dim each, or the same dims",
    )


def _check_degrees(what: str, variable: xr.Variable) -> Floats:
    raw: Any = variable.to_numpy()
    units = decode_attribute(variable.attrs.get("units"))
    if raw.dtype.kind not in "fiu" or raw.size == 0:
        found = f"{raw.size} values of dtype {raw.dtype}"
        raise InputError(f"{what} of the file", found=found, expected="degrees")
    values = np.asarray(raw, np.float64)
    if units.lower() in {"m", "km", "rad", "radian", "radians"}:
        raise InputError(
            f"units of {what} of the file", found=units, expected="degrees"
        )
    largest = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else np.inf
    if largest > _LIMITS[what]:
        raise InputError(
            f"{what} of the file",
            found=f"values as large as {largest:g}",
            expected=f"at most {_LIMITS[what]:g} degrees",
        )
    return values


def _refuse_gaps(what: str, axis: Floats) -> None:
    """Refuse an axis of a grid that doesn't say where all its rows or columns lie."""
    missing = int((~np.isfinite(axis)).sum())
    if missing:
        raise InputError(
            f"{what} of the file",
            found=f"{missing} missing value{'s' if missing > 1 else ''} of {len(axis)}",
            expected="a position of every row and column",
        )
