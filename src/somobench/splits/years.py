"""Splits `dry_years` and `wet_years`: differential split-sample by cell and year.

The test of O, Dutra and Orth (2020, doi:10.1175/JHM-D-20-0072.1): train in the years of
one climate, test in those of another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.schemas.recipe import YearSplitParams
from somobench.schemas.variables import ROLES
from somobench.splits.data import (
    DAY,
    MINIMUM_TRAIN_DAYS,
    Assignment,
    LeftOut,
    Row,
    SplitData,
    role_masks,
    rows_frame,
)

MEASURE_DECIMALS = 6
CONTRAST_DECIMALS = 3
MONTHS = 12


class Year(NamedTuple):
    """A year that lies wholly in the period, named after the year of its last day."""

    name: int
    start: pd.Timestamp
    end: pd.Timestamp


def split_dry_years(data: SplitData, params: YearSplitParams) -> Assignment | LeftOut:
    """Train each cell on its wettest third of years, test it on its driest."""
    return _split_years(data, params, ROLES)


def split_wet_years(data: SplitData, params: YearSplitParams) -> Assignment | LeftOut:
    """Train each cell on its driest third of years, test it on its wettest."""
    return _split_years(data, params, ROLES[::-1])


def _split_years(
    data: SplitData, params: YearSplitParams, from_wet_to_dry: tuple[str, ...]
) -> Assignment | LeftOut:
    """Give roles to thirds of each cell's years, in order of their dryness."""
    years = list_complete_years(data.days, params.first_month)
    if len(years) < params.minimum_years:
        return LeftOut(
            f"{len(years)} complete years in the period, {params.minimum_years} needed"
        )
    if "precipitation" not in data.forcing:
        return LeftOut("no precipitation to tell dry years from wet ones")
    counts = _sum_by_year(data.available.astype(np.float64), data.days, years).round()
    observed = _find_observed_years(counts >= MINIMUM_TRAIN_DAYS)
    dryness, uses_radiation = _measure_dryness(data, years)
    observed &= np.isfinite(dryness)
    without, rows = {}, []
    for cell, name in enumerate(data.names.tolist()):
        own = np.flatnonzero(observed[cell])
        if own.size < params.minimum_years:
            without[name] = (
                f"{own.size} years with {MINIMUM_TRAIN_DAYS} target days of a layer, "
                f"{params.minimum_years} needed"
            )
            continue
        ordered = own[np.argsort(dryness[cell, own], kind="stable")]
        roles = dict(zip(ordered, _name_thirds(own.size, from_wet_to_dry), strict=True))
        rows += _make_rows(name, {years[k]: roles[k] for k in own}, data.lags)
    if not rows:
        most = int(observed.sum(axis=1).max())
        return LeftOut(
            f"no cell has {params.minimum_years} years with {MINIMUM_TRAIN_DAYS} "
            f"target days of a layer; the most is {most}"
        )
    taken = ~np.isin(data.names, list(without))
    notes: dict[str, Any] = {
        "embargo_days": data.lags,
        "minimum_days_a_year": MINIMUM_TRAIN_DAYS,
        "ordered_by": {
            "net radiation over precipitation": int((taken & uses_radiation).sum()),
            "precipitation": int((taken & ~uses_radiation).sum()),
        },
    }
    table = rows_frame(rows)
    notes["precipitation_test_over_train"] = _measure_contrast(table, data)
    return Assignment(table, without, notes)


def _measure_contrast(rows: pd.DataFrame, data: SplitData) -> float | None:
    """Return rain of test days over rain of train days, the median of cells."""
    masks = role_masks(rows, data.names, data.days)
    rain = data.forcing["precipitation"]
    taken = masks["test"].any(axis=1)
    test, train = (
        np.where(masks[role], rain, 0.0)[taken].sum(axis=1)
        / masks[role][taken].sum(axis=1)
        for role in ("test", "train")
    )
    ratios = test[train > 0] / train[train > 0]
    return round(float(np.median(ratios)), CONTRAST_DECIMALS) if ratios.size else None


def list_complete_years(days: pd.DatetimeIndex, first_month: int) -> list[Year]:
    """List the years, from the first day of a month on, that lie in a period."""
    offset = int(first_month > 1)
    found = []
    for number in range(days[0].year, days[-1].year + 2):
        start = pd.Timestamp(number - offset, first_month, 1).as_unit("ns")
        end = start + pd.DateOffset(months=MONTHS) - DAY
        if start >= days[0] and end <= days[-1]:
            found.append(Year(number, start, end))
    return found


def _sum_by_year(
    values: NDArray[np.floating], days: pd.DatetimeIndex, years: list[Year]
) -> NDArray[np.float64]:
    """Sum daily values, (..., day), to years, (..., year)."""
    bounds = [days.searchsorted([year.start, year.end + DAY]) for year in years]
    sums = [values[..., a:b].sum(axis=-1, dtype=np.float64) for a, b in bounds]
    return np.stack(sums, axis=-1)


def _find_observed_years(enough: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return, (cell, year), the years of the layer that has most, the upper at ties."""
    best = enough.sum(axis=-1).argmax(axis=0)
    chosen: NDArray[np.bool_] = enough[best, np.arange(enough.shape[1])]
    return chosen


def _measure_dryness(
    data: SplitData, years: list[Year]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return what years are ordered by, (cell, year), and where radiation is in it.

    Annual net radiation over precipitation, MJ kg-1, which orders years as dryness
    does; minus precipitation in cells where radiation is missing or negative, or where
    a year is without rain.
    """
    lengths = np.array([(year.end - year.start).days + 1 for year in years])
    rain = _sum_by_year(data.forcing["precipitation"], data.days, years) / lengths
    radiation = np.full(rain.shape, np.nan)
    if "net_radiation" in data.forcing:
        radiation = (
            _sum_by_year(data.forcing["net_radiation"], data.days, years) / lengths
        )
    # Years that reach beyond a cell's record have no rain, and are never chosen.
    defined = ((rain > 0) & (radiation >= 0) | np.isnan(rain)).all(axis=1)
    ratio = np.divide(radiation, rain, out=-rain.copy(), where=defined[:, None])
    return np.round(ratio, MEASURE_DECIMALS), defined


def _name_thirds(count: int, roles: tuple[str, ...]) -> list[str]:
    """Name the roles of ordered years: equal outer thirds, the rest between."""
    outer = round(count / 3)
    return [
        role
        for role, size in zip(roles, (outer, count - 2 * outer, outer), strict=True)
        for _ in range(size)
    ]


def _make_rows(name: str, roles: Mapping[Year, str], lags: int) -> list[Row]:
    """Return the rows of one cell; neighbouring years of two roles lie `lags` apart.

    The days between are taken from train rather than validation, from validation
    rather than test.
    """
    by_number = {year.name: role for year, role in roles.items()}
    rank = {role: place for place, role in enumerate(ROLES)}

    def has_lower_rank(role: str, neighbour: int) -> int:
        other = by_number.get(neighbour, role)
        return lags if rank[role] < rank[other] else 0

    return [
        (
            name,
            year.start + DAY * has_lower_rank(role, year.name - 1),
            year.end - DAY * has_lower_rank(role, year.name + 1),
            role,
        )
        for year, role in roles.items()
    ]
