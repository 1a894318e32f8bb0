"""Pandera schema of a submission, in the one order that it is brought into.

Each check on values names the first cell, day and layer that break it.
"""

from __future__ import annotations

import numpy as np
import pandera.xarray as px
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.checks import CELLS_IN_ORDER, SOME_FINITE, check_whole
from somobench.schemas.submission_names import (
    LONGEST_LEAD,
    PREDICTION,
    SERIES_DIMS,
)
from somobench.schemas.variables import VARIABLES

_SHOWN = 3  # offenders named
_BLOCK = 4_000_000  # values looked at together

_PHYSICAL = VARIABLES[PREDICTION]


def _name_offenders(values: xr.DataArray, kind: str) -> str | None:
    """Name the first values that are infinite or outside the physical range."""
    array = values.to_numpy()
    flat, count = array.reshape(-1), 0
    first: list[int] = []
    for start in range(0, flat.size, _BLOCK):
        part = flat[start : start + _BLOCK]
        infinite = np.isinf(part)
        bad = infinite
        if kind == "range":
            bad = ~infinite & ((part < _PHYSICAL.minimum) | (part > _PHYSICAL.maximum))
        places = np.flatnonzero(bad)
        count += places.size
        first += (places[: _SHOWN - len(first)] + start).tolist()
    if not count:
        return None
    named = "; ".join(_describe_value(values, flat, place) for place in first)
    return f"{count} values: {named}"


def _describe_value(values: xr.DataArray, flat: NDArray[np.float32], place: int) -> str:
    """Describe one value, such as 34.2 in cell 41.875_-111.625 on 2020-07-01."""
    labels = []
    for dim, index in zip(
        values.dims, np.unravel_index(place, values.shape), strict=True
    ):
        label = values[str(dim)].to_numpy()[index]
        text = str(label)[:10] if dim == "time" else str(label)
        labels.append(f"{dim} {text}")
    return f"{flat[place]:g} at {', '.join(labels)}"


NO_INFINITY = check_whole(
    "finite numbers, or NaN for a missing day",
    lambda data: _name_offenders(data, "inf"),
)
IN_RANGE = check_whole(
    f"{_PHYSICAL.minimum:g} to {_PHYSICAL.maximum:g} m3 m-3",
    lambda data: _name_offenders(data, "range"),
)


def _find_repeated(values: xr.DataArray) -> str | None:
    labels = values.to_numpy()
    order = np.argsort(labels, kind="stable")
    same = labels[order][1:] == labels[order][:-1]
    return f"{labels[order][1:][same][0]} twice" if same.any() else None


def _find_partial_days(times: xr.DataArray) -> str | None:
    values = times.to_numpy().astype("datetime64[ns]")
    late = values != values.astype("datetime64[D]")
    return str(values[late][0]) if late.any() else None


WHOLE_DAYS = check_whole("days at 00:00", _find_partial_days)
EACH_DAY_ONCE = check_whole("each day once", _find_repeated)
EACH_LAYER_ONCE = check_whole("each layer once", _find_repeated)
EACH_MEMBER_ONCE = check_whole("each member once", _find_repeated)
EACH_LEAD_ONCE = check_whole("each lead time once", _find_repeated)

_COORDS = {
    "cell": px.Coordinate(checks=CELLS_IN_ORDER),
    "time": px.Coordinate(dtype="datetime64[ns]", checks=[WHOLE_DAYS, EACH_DAY_ONCE]),
    "layer": px.Coordinate(dtype="int8", checks=EACH_LAYER_ONCE),
}
_OPTIONAL = {
    "member": px.Coordinate(dtype="int64", checks=EACH_MEMBER_ONCE),
    "lead_time": px.Coordinate(
        dtype="int64",
        checks=[
            px.Check(
                lambda days: (days >= 1) & (days <= LONGEST_LEAD),
                error=f"1 to {LONGEST_LEAD} days",
            ),
            EACH_LEAD_ONCE,
        ],
    ),
}


def make_submission_schema(dims: tuple[str, ...]) -> px.DatasetSchema:
    """Return the schema of a submission with these dims.

    Parameters
    ----------
    dims : tuple of str
        `submission_names.DIMS`, with or without `lead_time` and `member`.
    """
    given = {name: coord for name, coord in _OPTIONAL.items() if name in dims}
    prediction = px.DataVar(
        dtype="float32",
        dims=dims,
        checks=[NO_INFINITY, IN_RANGE, SOME_FINITE],
        nullable=True,
    )
    return px.DatasetSchema(
        data_vars={PREDICTION: prediction},
        coords=_COORDS | given,
        strict=True,
        name="submission",
    )


SUBMISSION = make_submission_schema(SERIES_DIMS)
