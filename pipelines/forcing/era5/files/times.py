"""Time stamps of forcing inputs: which are accepted, and what is said of others."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.daily import Frequency
from somobench.pipelines.forcing.era5.files.validity import VALIDITY
from somobench.schemas.errors import InputError

UNITS = {"hourly": "h", "daily": "D"}
HOURS = {"hourly": 1, "daily": 24}


def check_times(dataset: xr.Dataset, what: str) -> xr.Dataset:
    """Return the dataset with validity times as datetime64[ns], known to be usable.

    Raises
    ------
    InputError
        If times aren't dates of the standard calendar, in order, each once.
    """
    times = dataset[VALIDITY]
    if not np.issubdtype(times.dtype, np.datetime64):
        raise InputError(
            f"times of forcing input {what}",
            found=_describe_time_kind(times),
            expected="dates of the standard (Gregorian) calendar in CF encoding",
        )
    values = times.to_numpy().astype("datetime64[ns]")
    _refuse_disorder(values.ravel(), what)
    return dataset.assign_coords({VALIDITY: (times.dims, values)})


def _describe_time_kind(times: xr.DataArray) -> str:
    first = times.to_numpy().ravel()[:1]
    calendar = getattr(first[0], "calendar", None) if len(first) else None
    if calendar is not None:
        return f"calendar {calendar}"
    if times.dtype.kind in "UST" or (len(first) and isinstance(first[0], str)):
        return f"text such as {str(first[0])!r}" if len(first) else "text"
    return f"dtype {times.dtype} without a unit such as 'hours since ...'"


def _refuse_disorder(times: NDArray[np.datetime64], what: str) -> None:
    steps = np.diff(times)
    for kind, bad in (
        ("missing time stamp", np.isnat(times)),
        ("time twice", np.append(False, steps == np.timedelta64(0))),
        ("time before the one it follows", np.append(False, steps < np.timedelta64(0))),
    ):
        if bad.any():
            raise InputError(
                f"times of forcing input {what}",
                found=f"{kind}: {times[bad][0]} ({int(bad.sum())} in all)",
                expected="increasing times, each once",
                hint="sort the file by time and drop duplicates; of forecasts, keep "
                "the steps up to the next start (without step 0)",
            )


def check_steps(times: NDArray[np.datetime64], frequency: Frequency, what: str) -> None:
    """Refuse times that don't follow one another in the steps of the frequency.

    Gaps are allowed here: they make days missing, which is refused later with all
    of them.

    Parameters
    ----------
    times : (T,) of all files together, increasing, each once

    Raises
    ------
    InputError
        If the usual step is another, or times share an hour or day.
    """
    steps = np.diff(times)
    usual = float(np.median(steps / np.timedelta64(1, "h"))) if len(steps) else None
    if usual not in (None, HOURS[frequency]):
        raise InputError(
            f"time step of {what}",
            found=f"{usual:g} hours",
            expected=f"{HOURS[frequency]} hours (forcing.frequency: {frequency})",
        )
    _refuse_crowded(times, frequency, what)


def _refuse_crowded(
    times: NDArray[np.datetime64], frequency: Frequency, what: str
) -> None:
    whole = times.astype(f"datetime64[{UNITS[frequency]}]")
    bad = np.append(False, whole[1:] == whole[:-1])
    if frequency == "hourly":
        bad |= whole != times
    if bad.any():
        raise InputError(
            f"times of {what}",
            found=f"{times[bad][0]} ({int(bad.sum())} in all)",
            expected="one value a day"
            if frequency == "daily"
            else "one value an hour, on the hour",
        )
