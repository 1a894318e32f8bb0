"""Whether hourly totals cover an hour each (ERA5) or grow since 00 UTC (ERA5-Land).

Files don't say it. Radiation shows it: hourly totals of it fall in the afternoon of
every day that has one, growing ones never before the next 00 UTC.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.daily import Accumulation
from somobench.pipelines.forcing.era5.fields import Field
from somobench.pipelines.forcing.era5.parts import Rectangle
from somobench.schemas.errors import InputError

DAYLIGHT_FIELDS = ("ssrd", "ssr")
LOOKED_AT = 49  # time stamps: two whole days, whenever the first begins
NOTICEABLE = 0.01  # of the largest value; smaller falls may come from packing
HOUR = np.timedelta64(1, "h")


def find_accumulation(
    field: Field, row: int = 0, column: int = 0
) -> Accumulation | None:
    """Tell from two days at one node how hourly totals accumulate.

    Returns None of variables that don't show it, and in the dark.
    """
    node = Rectangle(
        slice(row, row + 1),
        slice(column, column + 1),
        np.array([0]),
        np.array([0]),
    )
    stop = min(LOOKED_AT, len(field.times))
    if field.raw.name not in DAYLIGHT_FIELDS:
        return None
    return judge_accumulation(field.times[:stop], field.read(0, stop, node)[0][:, 0])


def judge_accumulation(
    times: NDArray[np.datetime64], values: NDArray[np.float64]
) -> Accumulation | None:
    """Tell from radiation at `LOOKED_AT` times of a node how totals accumulate."""
    ends = times[1:]
    within_day = ends - (ends - HOUR).astype("datetime64[D]") > HOUR
    follows = np.diff(times) == HOUR
    steps = np.diff(values)[within_day & follows]
    steps = steps[np.isfinite(steps)]
    largest = np.nanmax(values, initial=0.0)
    if len(steps) < LOOKED_AT // 2 or not largest > 0:
        return None
    return "hour_ending" if steps.min() < -NOTICEABLE * largest else "since_00_utc"


def refuse_other_accumulation(
    field: Field,
    said: Accumulation,
    times: NDArray[np.datetime64],
    values: NDArray[np.float64],
) -> None:
    """Refuse hourly radiation that accumulates otherwise than the recipe says.

    Parameters
    ----------
    times, values : (N,)
        Of one node; `LOOKED_AT` of them tell.

    Raises
    ------
    InputError
        With what the values look like.
    """
    if field.raw.name not in DAYLIGHT_FIELDS:
        return
    found = judge_accumulation(times, values)
    if found is not None and found != said:
        raise InputError(
            f"{field.raw.name} in forcing input {field.parts[0].file}",
            found=f"values that look like {found}: they "
            + ("fall within" if found == "hour_ending" else "only grow through")
            + " the day",
            expected=f"forcing.accumulation: {said}",
            hint=f"set forcing.accumulation to {found}",
        )
