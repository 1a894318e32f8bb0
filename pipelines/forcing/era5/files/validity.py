"""Which time a value belongs to, decided from what a file says about its times.

A file may carry the hour that a value belongs to (validity time), the start of the
forecast that it comes from, and the time since that start (step), under many names.
Only the first makes days. It is named `validity` here, along one dim or along start
and step.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import InputError

VALIDITY = "validity"
VALIDITY_NAMES = ("valid_time",)
START_NAMES = ("forecast_reference_time", "forecast_initial_time", "initial_time")
STEP_NAMES = ("step", "forecast_period", "forecast_hour", "leadtime", "lead_time")
TIME_DIMS = ("time", *VALIDITY_NAMES, *START_NAMES, *STEP_NAMES)

STANDARD = {"time": "validity", "forecast_reference_time": "start"}
"""CF's standard names of time stamps; that of the step is forecast_period."""
HOURS_OF_UNIT = {
    **dict.fromkeys(("h", "hr", "hour", "hours"), 1.0),
    **dict.fromkeys(("min", "minute", "minutes"), 1 / 60),
    **dict.fromkeys(("s", "second", "seconds"), 1 / 3600),
    **dict.fromkeys(("ns", "nanosecond", "nanoseconds"), 1 / 3.6e12),
    **dict.fromkeys(("d", "day", "days"), 24.0),
}


def add_validity(dataset: xr.Dataset, what: str) -> xr.Dataset:
    """Add the coordinate `validity` and rename the dims of time to `time` and `step`.

    Rules, in this order: a time that the file calls `valid_time`, or whose standard
    name is `time`, is the validity time; a start with a step is added to it; a plain
    `time` that the file doesn't call a forecast's start is the validity time.

    Parameters
    ----------
    dataset : Dataset
        Any names of times; values unread.
    what : str
        Name of the input for messages.

    Raises
    ------
    InputError
        If there is no time, only the start of forecasts, two times that both claim to
        be the validity time and differ, or a step without a unit.

    Notes
    -----
    CF conventions, standard names `time`, `forecast_reference_time` and
    `forecast_period`: validity time is the reference time plus the period.
    """
    claims = [
        name
        for name in _list_names(dataset)
        if _classify_time(dataset, name) == "validity"
    ]
    claims.sort(key=lambda name: name not in VALIDITY_NAMES)
    if claims:
        _refuse_second_claim(dataset, claims, what)
        return _rename_time_dims(dataset, dataset[claims[0]], what)
    found = _add_step_to_start(dataset, what)
    if (
        found is None
        and "time" in dataset.variables
        and not _classify_time(dataset, "time")
    ):
        found = dataset["time"]
    if found is None:
        raise _make_time_error(dataset, what)
    return _rename_time_dims(dataset, found, what)


def list_times(store: xr.Dataset | xr.DataArray) -> NDArray[np.datetime64]:
    """Return the validity times of a normalised store in the order of its values."""
    return np.asarray(store[VALIDITY].to_numpy().ravel())


def _list_names(dataset: xr.Dataset) -> list[str]:
    return [str(name) for name in dataset.variables]


def _classify_time(dataset: xr.Dataset, name: str) -> str | None:
    """Say whether a variable is `validity`, `start` or `step`; None if it doesn't."""
    standard = str(dataset[name].attrs.get("standard_name", ""))
    if name in STEP_NAMES or standard == "forecast_period":
        return "step"
    if name in VALIDITY_NAMES:
        return "validity"
    if name in START_NAMES:
        return "start"
    return STANDARD.get(standard)


def _refuse_second_claim(dataset: xr.Dataset, claims: list[str], what: str) -> None:
    chosen = dataset[claims[0]]
    if claims[0] in VALIDITY_NAMES and "standard_name" in chosen.attrs:
        return
    for name in claims[1:]:
        if not _are_equal(dataset[name], chosen):
            raise InputError(
                f"times of forcing input {what}",
                found=f"{claims[0]} and {name}, which both say that they are the "
                "validity time, and differ",
                expected="one validity time",
                hint="give a forecast's start the standard_name "
                f"forecast_reference_time: ncatted -a "
                f"standard_name,{name},o,c,forecast_reference_time",
            )


def _are_equal(one: xr.DataArray, other: xr.DataArray) -> bool:
    return one.shape == other.shape and bool(
        np.array_equal(one.to_numpy(), other.to_numpy())
    )


def _add_step_to_start(dataset: xr.Dataset, what: str) -> xr.DataArray | None:
    steps = [
        name for name in _list_names(dataset) if _classify_time(dataset, name) == "step"
    ]
    starts = [
        name
        for name in _list_names(dataset)
        if _classify_time(dataset, name) == "start"
    ]
    starts += [name for name in ("time",) if name in dataset.variables]
    if not steps or not starts:
        return None
    start = dataset[starts[0]]
    if not np.issubdtype(start.dtype, np.datetime64):
        return start  # of another calendar or kind, refused with what it is
    return start.astype("datetime64[ns]") + _convert_steps(dataset[steps[0]], what)


def _convert_steps(step: xr.DataArray, what: str) -> xr.DataArray:
    if np.issubdtype(step.dtype, np.timedelta64):
        return step.astype("timedelta64[ns]")
    unit = str(step.attrs.get("units", "hours" if step.name == "forecast_hour" else ""))
    if unit.lower() not in HOURS_OF_UNIT or step.dtype.kind not in "iuf":
        raise InputError(
            f"{step.name} of forcing input {what}",
            found=f"dtype {step.dtype}, unit {unit or 'none'}",
            expected=f"a number of {', '.join(HOURS_OF_UNIT)}",
        )
    seconds = step.astype(np.float64) * HOURS_OF_UNIT[unit.lower()] * 3600.0
    # Hours as parts of a day in single precision are less than half a second off.
    whole = np.round(seconds.to_numpy()).astype("timedelta64[s]")
    return step.copy(data=whole.astype("timedelta64[ns]"))


def _make_time_error(dataset: xr.Dataset, what: str) -> InputError:
    starts = [
        name
        for name in _list_names(dataset)
        if _classify_time(dataset, name) == "start"
    ]
    if starts:
        return InputError(
            f"times of forcing input {what}",
            found=f"{starts[0]}, the start of forecasts, and no step",
            expected="valid_time, or a step to add to the start",
            hint="keep valid_time when the file is written, or let time hold the hour "
            "that a value belongs to, with standard_name time",
        )
    return InputError(
        f"forcing input {what}",
        found=f"dims {', '.join(map(str, dataset.dims))}; "
        f"coordinates {', '.join(map(str, dataset.coords))}",
        expected="time or valid_time with values",
    )


def _rename_time_dims(
    dataset: xr.Dataset, found: xr.DataArray, what: str
) -> xr.Dataset:
    """Rename the one or two dims of the validity time, drop every other time."""
    spread = [dim for dim in dataset.dims if dim in TIME_DIMS and dim not in found.dims]
    if spread:
        if any(dataset.sizes[dim] > 1 for dim in spread):
            raise _make_spread_error(found, spread, what)
        dataset = dataset.squeeze(spread, drop=True)
    dims = _order_dims(dataset, found)
    values = found.variable
    if not dims:
        dataset, values, dims = _expand_single_time(dataset, values)
    others = [name for name in _list_names(dataset) if _is_time(dataset, name, dims)]
    plain = dataset.drop_vars(others)
    renamed = dict(zip(dims, ("time", "step"), strict=False))
    moved = {old: new for old, new in renamed.items() if old != new}
    taken = [new for new in moved.values() if new in plain.variables]
    plain = plain.drop_vars(taken).rename_dims(moved)
    ordered = values.transpose(*dims)
    names = tuple(renamed.values())
    return plain.assign_coords({VALIDITY: (names, ordered.values, dict(found.attrs))})


def _order_dims(dataset: xr.Dataset, found: xr.DataArray) -> list[Hashable]:
    """Return the dims of the validity time, the start first."""
    is_step = {
        dim: str(dim) in STEP_NAMES
        or (
            str(dim) in dataset.variables
            and _classify_time(dataset, str(dim)) == "step"
        )
        for dim in found.dims
    }
    return sorted(found.dims, key=lambda dim: is_step[dim])


def _expand_single_time(
    dataset: xr.Dataset, values: xr.Variable
) -> tuple[xr.Dataset, xr.Variable, list[Hashable]]:
    plain = dataset.drop_vars(
        [name for name in _list_names(dataset) if name in TIME_DIMS]
    )
    carried = [name for name, array in plain.data_vars.items() if array.ndim]
    one = xr.Variable(("time",), values.values.reshape(1))
    return plain[carried].expand_dims("time"), one, ["time"]


def _is_time(dataset: xr.Dataset, name: str, dims: list[Hashable]) -> bool:
    return (
        name in TIME_DIMS
        or name in dims
        or _classify_time(dataset, name) in {"start", "step", "validity"}
    )


def _make_spread_error(
    found: xr.DataArray, dims: Sequence[Hashable], what: str
) -> InputError:
    return InputError(
        f"times of forcing input {what}",
        found=f"the validity time {found.name} along {found.dims or 'no dim'}, and "
        f"values also along {', '.join(map(str, dims))}",
        expected="one time for every value",
        hint="keep valid_time along start and step, or select one step",
    )
