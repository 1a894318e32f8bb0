"""Split `temporal`: the same two dates for every cell."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.schemas.recipe import TemporalSplitParams
from somobench.schemas.variables import ROLES
from somobench.splits.data import (
    DAY,
    MINIMUM_TRAIN_DAYS,
    Assignment,
    Available,
    LeftOut,
    Mask,
    SplitData,
    rows_frame,
)

MINIMUM_TEST_DAYS = 30  # target days; fewer leave a correlation within about +-0.36
DAYS_A_YEAR = 365.25


def split_temporal(
    data: SplitData, params: TemporalSplitParams
) -> Assignment | LeftOut:
    """Split the period at two dates, the same for every cell.

    The part before a date ends `data.lags` days earlier. A cell has all three roles if
    one of its layers has 90 train days that span the least number of train years, and
    30 test days; it only trains if it lacks the test days. Train days are those that
    the primary measured.
    """
    starts = [
        data.days[0],
        _as_timestamp(params.validation_start),
        _as_timestamp(params.test_start),
    ]
    ends = [starts[1] - DAY * (data.lags + 1), starts[2] - DAY * (data.lags + 1)]
    if not (
        starts[0] <= ends[0] and starts[1] <= ends[1] and starts[2] < data.days[-1]
    ):
        return LeftOut(
            f"validation_start {params.validation_start} and test_start "
            f"{params.test_start} don't divide the period, {data.days[0]:%Y-%m-%d} to "
            f"{data.days[-1]:%Y-%m-%d}, into parts longer than {data.lags} days"
        )
    spans = list(zip(starts, [*ends, data.days[-1]], ROLES, strict=True))
    parts = [data.available[..., _slice_days(data.days, *span[:2])] for span in spans]
    parts[0] = data.measured[..., _slice_days(data.days, *spans[0][:2])]
    trains = _find_trainable(parts[0], params.minimum_train_years)
    tests = trains & (parts[2].sum(axis=-1) >= MINIMUM_TEST_DAYS)
    reasons = _give_reasons(parts[0], parts[2], params.minimum_train_years)
    has_all = np.asarray(tests.any(axis=0))
    has_train = np.asarray(trains.any(axis=0))
    if not has_all.any():
        return LeftOut(f"no cell has enough days: {reasons[0]} (first cell)")
    parts_of_cell = np.where(has_all, len(ROLES), has_train.astype(int))
    rows = rows_frame(
        (str(name), *span)
        for name, count in zip(data.names, parts_of_cell, strict=True)
        for span in spans[:count]
    )
    by_name = dict(zip(data.names.tolist(), reasons, strict=True))
    return Assignment(
        rows,
        _select_reasons(by_name, ~has_train),
        {
            "embargo_days": data.lags,
            "minimum_train_days": MINIMUM_TRAIN_DAYS,
            "minimum_test_days": MINIMUM_TEST_DAYS,
            "cells_train_only": _select_reasons(by_name, has_train & ~has_all),
        },
    )


def _slice_days(
    days: pd.DatetimeIndex, start: pd.Timestamp, end: pd.Timestamp
) -> slice:
    return slice(*days.searchsorted([start, end + DAY]).tolist())


def _select_reasons(reasons: dict[str, str], which: Mask) -> dict[str, str]:
    return {
        name: reason
        for (name, reason), one in zip(reasons.items(), which, strict=True)
        if one
    }


def _measure_years(part: Available) -> NDArray[np.float64]:
    """Return the years from the first to the last target, (layer, cell)."""
    first = part.argmax(axis=-1)
    last = part.shape[-1] - part[..., ::-1].argmax(axis=-1)
    return np.where(part.any(axis=-1), (last - first) / DAYS_A_YEAR, 0.0)


def _find_trainable(train: Available, minimum_years: float) -> Mask:
    """Say which layers of which cells have enough train days, (layer, cell)."""
    least = np.floor(minimum_years * DAYS_A_YEAR) / DAYS_A_YEAR
    enough: Mask = (train.sum(axis=-1) >= MINIMUM_TRAIN_DAYS) & (
        _measure_years(train) >= least
    )
    return enough


def _give_reasons(train: Available, test: Available, minimum_years: float) -> list[str]:
    """Say of each cell what its best layer has, and what a layer needs."""
    train_days, test_days = (
        train.sum(axis=-1).max(axis=0),
        test.sum(axis=-1).max(axis=0),
    )
    years = _measure_years(train).max(axis=0)
    return [
        f"at most {train_days[cell]} train days over {years[cell]:.2f} years and "
        f"{test_days[cell]} test days; a layer needs {MINIMUM_TRAIN_DAYS} over "
        f"{minimum_years:g} and {MINIMUM_TEST_DAYS}"
        for cell in range(train.shape[1])
    ]


def _as_timestamp(day: dt.date) -> pd.Timestamp:
    return pd.Timestamp(day).as_unit("ns")
