"""Split `spatial`: k folds of spatial blocks, so that neighbours stay together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.recipe import SpatialSplitParams
from somobench.splits.data import (
    Assignment,
    LeftOut,
    SplitData,
    hash_order,
    make_whole_period_rows,
)
from somobench.splits.sites import Link, links_between

ORIGIN = (-90.0, -180.0)  # south-west corner of the blocks, the same for every release
EDGE_DECIMALS = 9  # blocks; hides binary fractions of coordinates on a block's edge


def split_spatial(data: SplitData, params: SpatialSplitParams) -> Assignment | LeftOut:
    """Split cells by spatial blocks, the whole period each.

    Blocks are aligned to 90 S, 180 W; blocks whose cells share a measuring place count
    as one. Region by region, largest first, each goes to the fold with fewest cells of
    its region, then fewest cells at all. A seeded hash orders what is equal and numbers
    the folds. `params.fold` is tested; `spatial_fold` gives the others.
    """
    if len(data.cells) < params.minimum_cells:
        return LeftOut(
            f"{len(data.cells)} cells with a target, {params.minimum_cells} needed"
        )
    blocks = name_block(data.cells, params.block_degrees)
    joined = _join_linked_blocks(
        blocks, data.names.tolist(), links_between(data.cells, data.sources)
    )
    if len(set(joined.values())) < params.folds:
        return LeftOut(
            f"{len(set(joined.values()))} blocks of {params.block_degrees:g} degrees "
            f"for {params.folds} folds"
        )
    folds = _assign_folds(blocks.map(joined), data.cells["region"].astype(str), params)
    notes = {"blocks": {name: folds[joined[name]] for name in sorted(joined)}}
    definition = {"parameters": params.model_dump(), **notes}
    rows = spatial_fold(data.cells, data.days, definition, params.fold)
    return Assignment(rows, {}, notes)


def spatial_fold(
    cells: pd.DataFrame,
    days: pd.DatetimeIndex,
    definition: Mapping[str, Any],
    fold: int,
) -> pd.DataFrame:
    """Return the rows of one fold of a published spatial split.

    The fold is tested, the next one validates (the first after the last), all others
    train; every cell keeps its role for the whole period.

    Parameters
    ----------
    cells : DataFrame
        cell_id, latitude, longitude: the cells with a target.
    days : DatetimeIndex
        First and last are those of the release's period.
    definition : mapping
        As published with the split: `parameters` and `blocks`.
    fold : int
        From 0 to one less than the number of folds.

    Returns
    -------
    DataFrame
        cell_id, start, end (both inside), role.

    Raises
    ------
    UsageError
        If there is no such fold.
    InputError
        If the definition isn't that of a spatial split, or not of these cells.
    """
    try:
        count = int(definition["parameters"]["folds"])
        degrees = float(definition["parameters"]["block_degrees"])
        folds = dict(definition["blocks"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            "definition of a spatial split",
            found=f"{type(error).__name__}: {error}"[:200],
            expected="parameters (folds, block_degrees) and blocks, as published",
        ) from error
    if fold not in range(count):
        raise UsageError("fold", found=fold, expected=f"from 0 to {count - 1}")
    roles = {fold: "test", (fold + 1) % count: "validation"}
    number = name_block(cells, degrees).map(folds)
    _refuse_other_cells(cells, number)
    return make_whole_period_rows(
        cells["cell_id"], [roles.get(one, "train") for one in number], days
    )


def _refuse_other_cells(cells: pd.DataFrame, folds: pd.Series[Any]) -> None:
    """Refuse cells in a block without a fold, which no fold would test."""
    outside = cells["cell_id"].astype(str)[folds.isna()].tolist()
    if outside:
        raise InputError(
            "cells of a spatial split",
            found=f"{len(outside)} in blocks without a fold, {outside[0]} first",
            expected="cells with a target in the release that published the blocks",
        )


def name_block(cells: pd.DataFrame, degrees: float) -> pd.Series[str]:
    """Name the block of each cell by its row and column from 90 S, 180 W."""
    north, east = (
        np.floor(
            np.round((cells[name].to_numpy() - start) / degrees, EDGE_DECIMALS)
        ).astype(int)
        for name, start in zip(("latitude", "longitude"), ORIGIN, strict=True)
    )
    names = [f"{row}_{column}" for row, column in zip(north, east, strict=True)]
    return pd.Series(names, index=cells.index, dtype="str")


def _join_linked_blocks(
    blocks: pd.Series[str], names: Sequence[str], links: Sequence[Link]
) -> dict[str, str]:
    """Name each block by the first of those that share measuring places with it."""
    block_by_cell = dict(zip(names, blocks, strict=True))
    joined = {str(block): str(block) for block in blocks}
    for link in links:
        if link.first in block_by_cell and link.second in block_by_cell:
            ends = (joined[block_by_cell[cell]] for cell in (link.first, link.second))
            low, high = sorted(ends)
            joined = {
                block: low if name == high else name for block, name in joined.items()
            }
    return joined


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
            hash_order(params.seed, "block", name),
        ),
    )
    ranked = sorted(
        range(params.folds), key=lambda n: hash_order(params.seed, "fold", n)
    )
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
