"""Splits: named, hashed assignments of cell and day to train, validation and test.

A kind of split is one function in `KINDS`; its name is the key of its parameters in the
recipe. Pure: the stage `splits` reads and writes, `split_audit` looks for leakage.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.schemas.recipe import (
    Params,
    SpatialSplitParams,
    SplitParams,
    TemporalSplitParams,
)

COLUMNS = ("split", "cell_id", "start", "end", "role")
MINIMUM_TRAIN_DAYS = 90  # target days of one layer, as the target rule asks of a series
MINIMUM_TEST_DAYS = 30  # target days; fewer leave a correlation within about +-0.36
DAYS_A_YEAR = 365.25
ORIGIN = (-90.0, -180.0)  # south-west corner of the blocks, the same for every release
EDGE_DECIMALS = 9  # blocks; hides binary fractions of coordinates on a block's edge

Available = NDArray[np.bool_]
"""Whether a target exists: (layer, cell, day)."""


class Assignment(NamedTuple):
    """A split that the data carry.

    `rows` has the columns cell_id, start, end (both inside) and role; `without` gives
    a reason for each cell that takes no part; `notes` adds to the published definition.
    """

    rows: pd.DataFrame
    without: Mapping[str, str]
    notes: Mapping[str, Any]


class LeftOut(NamedTuple):
    """A split that the data can't carry, and why."""

    reason: str


Kind = Callable[[pd.DataFrame, pd.DatetimeIndex, Available, Any], Assignment | LeftOut]


def build_splits(
    params: SplitParams,
    cells: pd.DataFrame,
    days: pd.DatetimeIndex,
    available: Available,
) -> dict[str, Assignment | LeftOut]:
    """Build every split that the recipe asks for.

    Parameters
    ----------
    params : SplitParams
        A field for each kind; kinds whose field is None aren't built.
    cells : DataFrame
        cell_id, latitude, longitude, region; in any order.
    days : DatetimeIndex
        Every day of the period.
    available : array, (layer, cell, day), bool
        Where a target exists; cells as in `cells`.

    Returns
    -------
    dict
        The assignment, or why there is none, by name of the split.
    """
    order = np.argsort(cells["cell_id"].to_numpy().astype(str), kind="stable")
    ordered = cells.iloc[order].reset_index(drop=True)
    return {
        name: KINDS[name](ordered, days, available[:, order], asked)
        for name, asked in sorted(dict(params).items())
        if asked is not None
    }


def definition_of(name: str, params: Params, assignment: Assignment) -> dict[str, Any]:
    """Return what says how a split was made: kind, parameters, thresholds, notes."""
    return {
        "kind": name,
        "parameters": params.model_dump(mode="json"),
        **assignment.notes,
        "cells": int(assignment.rows["cell_id"].nunique()),
        "cells_left_out": dict(sorted(assignment.without.items())),
    }


def split_temporal(
    cells: pd.DataFrame,
    days: pd.DatetimeIndex,
    available: Available,
    params: TemporalSplitParams,
) -> Assignment | LeftOut:
    """Split the period at two dates, the same for every cell.

    A cell takes part if one of its layers has 90 train days that span the least number
    of train years, and 30 test days.
    """
    starts = [days[0], _stamp(params.validation_start), _stamp(params.test_start)]
    if not starts[0] < starts[1] < starts[2] <= days[-1]:
        return LeftOut(
            f"validation_start {params.validation_start} and test_start "
            f"{params.test_start} don't divide the period, {days[0]:%Y-%m-%d} to "
            f"{days[-1]:%Y-%m-%d}"
        )
    places = [*days.searchsorted(starts).tolist(), len(days)]
    parts = [available[:, :, a:b] for a, b in pairwise(places)]
    fits, reasons = _enough_days(parts[0], parts[2], params.minimum_train_years)
    names = cells["cell_id"].astype(str).to_numpy()
    without = {
        name: reason
        for name, fit, reason in zip(names, fits, reasons, strict=True)
        if not fit
    }
    if not fits.any():
        return LeftOut(f"no cell has enough days: {reasons[0]} (first cell)")
    if not parts[1][:, fits].any():
        return LeftOut(
            "no target in the validation period of any cell with enough days"
        )
    ends = [*(start - pd.Timedelta(days=1) for start in starts[1:]), days[-1]]
    rows = [
        (name, start, end, role)
        for name in names[fits]
        for start, end, role in zip(
            starts, ends, ("train", "validation", "test"), strict=True
        )
    ]
    notes = {
        "minimum_train_days": MINIMUM_TRAIN_DAYS,
        "minimum_test_days": MINIMUM_TEST_DAYS,
    }
    return Assignment(_rows(rows), without, notes)


def _enough_days(
    train: Available, test: Available, minimum_years: float
) -> tuple[NDArray[np.bool_], list[str]]:
    """Say of each cell whether a layer has enough days, and what its best layer has."""
    train_days, test_days = train.sum(axis=-1), test.sum(axis=-1)
    first = train.argmax(axis=-1)
    last = train.shape[-1] - train[..., ::-1].argmax(axis=-1)
    years = np.where(train_days > 0, (last - first) / DAYS_A_YEAR, 0.0)
    least = np.floor(minimum_years * DAYS_A_YEAR) / DAYS_A_YEAR
    fits = (
        (train_days >= MINIMUM_TRAIN_DAYS)
        & (years >= least)
        & (test_days >= MINIMUM_TEST_DAYS)
    ).any(axis=0)
    reasons = [
        f"at most {train_days[:, cell].max()} train days over "
        f"{years[:, cell].max():.2f} years and {test_days[:, cell].max()} test days; "
        f"a layer needs {MINIMUM_TRAIN_DAYS} over {minimum_years:g} and "
        f"{MINIMUM_TEST_DAYS}"
        for cell in range(train.shape[1])
    ]
    return fits, reasons


def split_spatial(
    cells: pd.DataFrame,
    days: pd.DatetimeIndex,
    available: Available,
    params: SpatialSplitParams,
) -> Assignment | LeftOut:
    """Split cells by spatial blocks, the whole period each.

    Blocks are aligned to 90 S, 180 W. Region by region, largest block first, each
    block goes to the fold with fewest cells of its region, then fewest cells at all.
    A seeded hash orders what is equal and names the test and the validation fold.
    """
    has_target = available.any(axis=(0, 2))
    cells = cells.iloc[np.flatnonzero(has_target)]
    if len(cells) < params.minimum_cells:
        return LeftOut(
            f"{len(cells)} cells with a target, {params.minimum_cells} needed"
        )
    blocks = block_of(cells, params.block_degrees)
    if blocks.nunique() < params.folds:
        return LeftOut(
            f"{blocks.nunique()} blocks of {params.block_degrees:g} degrees for "
            f"{params.folds} folds"
        )
    folds = _assign_folds(blocks, cells["region"].astype(str), params)
    roles = {0: "test", 1: "validation"}
    rows = [
        (str(cell), days[0], days[-1], roles.get(fold, "train"))
        for cell, fold in zip(cells["cell_id"], blocks.map(folds), strict=True)
    ]
    by_block = {block: roles.get(folds[block], "train") for block in sorted(folds)}
    return Assignment(_rows(rows), {}, {"blocks": by_block})


def block_of(cells: pd.DataFrame, degrees: float) -> pd.Series[str]:
    """Name the block of each cell by its row and column from 90 S, 180 W."""
    north, east = (
        np.floor(
            np.round((cells[name].to_numpy() - start) / degrees, EDGE_DECIMALS)
        ).astype(int)
        for name, start in zip(("latitude", "longitude"), ORIGIN, strict=True)
    )
    names = [f"{row}_{column}" for row, column in zip(north, east, strict=True)]
    return pd.Series(names, index=cells.index, dtype="str")


def _assign_folds(
    blocks: pd.Series[str], regions: pd.Series[str], params: SpatialSplitParams
) -> dict[str, int]:
    """Balance folds by cells, within regions first; fold numbers are hashed."""
    region_of = regions.groupby(blocks).min()
    size_of = blocks.value_counts()
    order = sorted(
        size_of.index,
        key=lambda name: (
            region_of[name],
            -size_of[name],
            _hashed(params.seed, "block", name),
        ),
    )
    ranked = sorted(range(params.folds), key=lambda n: _hashed(params.seed, "fold", n))
    total = dict.fromkeys(ranked, 0)
    by_region: dict[tuple[str, int], int] = {}
    folds: dict[str, int] = {}
    for block in order:
        region = region_of[block]
        fold = min(ranked, key=lambda n: (by_region.get((region, n), 0), total[n]))
        folds[str(block)] = fold
        total[fold] += int(size_of[block])
        by_region[region, fold] = by_region.get((region, fold), 0) + int(size_of[block])
    return folds


def _hashed(seed: int, *parts: object) -> str:
    text = ":".join(str(part) for part in (seed, *parts))
    return hashlib.sha256(text.encode()).hexdigest()


KINDS: Mapping[str, Kind] = {"temporal": split_temporal, "spatial": split_spatial}
"""Every kind of split, by the name of its parameters in the recipe."""


def split_table(assignments: Mapping[str, Assignment]) -> pd.DataFrame:
    """Join assignments to one table of schema SPLITS."""
    parts = [
        assignment.rows.assign(split=name) for name, assignment in assignments.items()
    ]
    joined = pd.concat(parts) if parts else _rows([]).assign(split="")
    table = joined[list(COLUMNS)].sort_values(
        ["split", "cell_id", "start"], ignore_index=True
    )
    texts = dict.fromkeys(("split", "cell_id", "role"), "str")
    return table.astype(texts)


def split_sha256(table: pd.DataFrame) -> str:
    """Hash the rows of a split table, whatever their order.

    Sorted lines `split,cell_id,start,end,role`, dates as YYYY-MM-DD, a newline after
    each, in UTF-8.
    """
    days = {name: table[name].dt.strftime("%Y-%m-%d") for name in ("start", "end")}
    text = table.assign(**days)[list(COLUMNS)].agg(",".join, axis=1)
    return hashlib.sha256(
        "".join(f"{line}\n" for line in sorted(text)).encode()
    ).hexdigest()


def _rows(rows: list[tuple[str, pd.Timestamp, pd.Timestamp, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["cell_id", "start", "end", "role"])
    return frame.astype({"start": "datetime64[ns]", "end": "datetime64[ns]"})


def _stamp(day: dt.date) -> pd.Timestamp:
    return pd.Timestamp(day).as_unit("ns")
