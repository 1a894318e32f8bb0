"""Compiled calendar of station files: digits to days since 1970."""

# ruff: noqa: PLR2004 (months are their own names)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from somobench.compiling import compile_lazily

Bytes = NDArray[np.uint8]
Whole = int | np.int64

FIRST_YEAR, LAST_YEAR = 1900, 2199
NO_TIME = np.int64(-(2**62))
_ZERO = 48
_NO_NUMBER = -1000
_DAYS_BEFORE = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_EPOCH_DAYS = 719162  # from 0001-01-01 to 1970-01-01


@compile_lazily()
def read_two_digits(data: Bytes, position: int) -> Whole:
    """Read two digits; far below zero where there is another byte."""
    tens = np.int64(data[position]) - _ZERO
    ones = np.int64(data[position + 1]) - _ZERO
    if tens < 0 or tens > 9 or ones < 0 or ones > 9:
        return _NO_NUMBER
    return 10 * tens + ones


@compile_lazily()
def count_month_days(year: Whole, month: Whole) -> Whole:
    """Days of a month, 1 to 12, of the Gregorian calendar."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days: Whole = _MONTH_DAYS[month - 1]
    return days + (1 if leap and month == 2 else 0)


@compile_lazily()
def count_days(year: Whole, month: Whole, day: Whole) -> Whole:
    """Days since 1970 in the Gregorian calendar; NO_TIME if there is no such day."""
    if year < FIRST_YEAR or year > LAST_YEAR or month < 1 or month > 12 or day < 1:
        return NO_TIME
    if day > count_month_days(year, month):
        return NO_TIME
    past = year - 1
    leaps = past // 4 - past // 100 + past // 400
    days: Whole = past * 365 + leaps - _EPOCH_DAYS + _DAYS_BEFORE[month - 1]
    leap = count_month_days(year, 2) == 29
    return days + day - 1 + (1 if leap and month > 2 else 0)
