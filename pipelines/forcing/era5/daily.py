"""Daily values from hourly ones, and humidity: arithmetic on arrays, no files.

A day is a UTC day, and is missing as soon as one of its hours is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from somobench.schemas.errors import UsageError

Frequency = Literal["hourly", "daily"]
Accumulation = Literal["hour_ending", "since_00_utc", "daily_total"]

SECONDS_COVERED = {"hourly": 3600.0, "daily": 86400.0}
SATURATION_PRESSURE_AT_T0 = 611.21  # Pa; a1 of IFS CY41R2 part IV, eq. 7.5
SATURATION_SLOPE = 17.502  # a3 over water
SATURATION_OFFSET = 32.19  # K; a4 over water
TRIPLE_POINT = 273.16  # K
DRY_TO_VAPOUR = 287.0597 / 461.5250  # gas constants of dry air and vapour, J kg-1 K-1


@dataclass(frozen=True)
class DayRule:
    """Which time stamps make day d, and what is done with their values.

    `offsets` are hours after 00 UTC of the day; None means the one value whose time
    stamp lies anywhere within the day.
    """

    offsets: tuple[int, ...] | None
    statistic: Literal["sum", "mean"]
    words: str


MEAN_OF_HOURS = DayRule(tuple(range(24)), "mean", "mean of 00 to 23 UTC")
SUM_OF_HOURS_ENDING = DayRule(
    tuple(range(1, 25)), "sum", "sum of 01 to 23 UTC and 00 UTC of the next day"
)
TOTAL_AT_NEXT_MIDNIGHT = DayRule((24,), "sum", "value at 00 UTC of the next day")
THE_DAYS_OWN = DayRule(None, "mean", "value of the day itself")


def day_rule(
    frequency: Frequency, accumulation: Accumulation, *, accumulated: bool
) -> DayRule:
    """Choose the rule that makes a variable daily.

    Parameters
    ----------
    frequency : of the input
    accumulation : what an accumulated value covers: the hour that ends at its time
        stamp (ERA5), all hours since 00 UTC (ERA5-Land), or its whole day
    accumulated : bool
        True for sums over time such as precipitation, False for states.

    Raises
    ------
    UsageError
        If frequency and accumulation exclude each other.

    Notes
    -----
    ECMWF, "ERA5: data documentation", accumulations: hourly ERA5 accumulates over
    the hour that ends at the validity time, ERA5-Land from 00 UTC of the day.
    """
    contradictory = {("hourly", "daily_total"), ("daily", "hour_ending")}
    if (frequency, accumulation) in contradictory:
        raise UsageError(
            "forcing.accumulation of the recipe",
            found=f"{accumulation} with {frequency} input",
            expected="hour_ending or since_00_utc with hourly input, "
            "daily_total or since_00_utc with daily input",
        )
    if accumulated and accumulation == "since_00_utc":
        return TOTAL_AT_NEXT_MIDNIGHT
    if frequency == "daily":
        return THE_DAYS_OWN
    return SUM_OF_HOURS_ENDING if accumulated else MEAN_OF_HOURS


def covered_seconds(frequency: Frequency, accumulation: Accumulation) -> float | None:
    """Return the time that one accumulated value covers; None if it varies."""
    if accumulation == "since_00_utc":
        return None
    return SECONDS_COVERED[frequency]


def positions_of_days(
    times: NDArray[np.datetime64], days: NDArray[np.datetime64], rule: DayRule
) -> NDArray[np.int64]:
    """Find the time stamps that make each day.

    Parameters
    ----------
    times : (T,) datetime64, increasing
    days : (D,) datetime64[D]

    Returns
    -------
    (D, K) array
        Positions in `times`, -1 where there is none.
    """
    unit = "datetime64[D]" if rule.offsets is None else "datetime64[h]"
    held = times.astype(unit).astype(np.int64)
    offsets = np.array(rule.offsets or (0,), dtype=np.int64)
    wanted = days.astype(unit).astype(np.int64)[:, np.newaxis] + offsets
    if len(held) == 0:
        return np.full(wanted.shape, -1, dtype=np.int64)
    nearest = np.minimum(np.searchsorted(held, wanted), len(held) - 1)
    return np.where(held[nearest] == wanted, nearest, -1).astype(np.int64)


def gather_days(
    values: NDArray[np.float64], positions: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Arrange (T, node) values by day, (D, K, node); NaN where the position is -1."""
    arranged = values[positions]
    arranged[positions < 0] = np.nan
    return arranged


def aggregate_days(arranged: NDArray[np.float64], rule: DayRule) -> NDArray[np.float64]:
    """Sum or average (D, K, node) values to (D, node); one missing, day missing."""
    if rule.statistic == "sum":
        return np.asarray(arranged.sum(axis=1))
    return np.asarray(arranged.mean(axis=1))


def specific_humidity(
    dewpoint: NDArray[np.float64], pressure: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute specific humidity from dewpoint temperature and pressure.

    Parameters
    ----------
    dewpoint : K, at 2 m
    pressure : Pa, at the surface

    Returns
    -------
    array
        kg kg-1.

    Notes
    -----
    IFS documentation CY41R2, part IV, eq. 7.4 and 7.5 with the constants for
    saturation over water (Buck 1981), as ECMWF's ERA5 documentation prescribes for
    near-surface humidity.
    """
    exponent = (
        SATURATION_SLOPE * (dewpoint - TRIPLE_POINT) / (dewpoint - SATURATION_OFFSET)
    )
    vapour = SATURATION_PRESSURE_AT_T0 * np.exp(exponent)
    return DRY_TO_VAPOUR * vapour / (pressure - (1.0 - DRY_TO_VAPOUR) * vapour)
