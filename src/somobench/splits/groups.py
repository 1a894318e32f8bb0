"""Splits `ungauged`, `energy_to_water`, `water_to_energy`: cells held out by kind.

Every cell keeps one role for the whole period.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.schemas.recipe import RegimeSplitParams, UngaugedSplitParams
from somobench.schemas.variables import ROLES
from somobench.splits.data import (
    Assignment,
    LeftOut,
    SplitData,
    hash_order,
    make_whole_period_rows,
)

LEAST_GROUPS = len(ROLES)  # one for each role
VEGETATION = "vegetation_class"
REGIME_BOUNDARY = 1.0  # dryness; Budyko: energy limits evaporation below, water above
LEAST_TRAIN_SIDE = 2  # a cell to train, one to validate


def split_ungauged(
    data: SplitData, params: UngaugedSplitParams
) -> Assignment | LeftOut:
    """Hold out whole networks, or whole regions where there are too few networks.

    In the order of a seeded hash, a network joins the test networks if that brings
    their cells nearer to `test_fraction` of all; the smallest one is tested if none
    does. Validation networks are chosen likewise from the rest. A cell whose target
    comes from networks of two roles takes no part.
    """
    if len(data.cells) < params.minimum_cells:
        return LeftOut(
            f"{len(data.cells)} cells with a target, {params.minimum_cells} needed"
        )
    if params.by == VEGETATION:
        return _split_by_vegetation(data, params)
    networks, regions = get_networks(data.sources), get_regions(data.cells)
    for groups_by, groups in (("network", networks), ("region", regions)):
        members = {name: groups[name] for name in data.names}
        if len(frozenset().union(*members.values())) >= LEAST_GROUPS:
            return _hold_out(data, members, groups_by, params)
    counts = [len(set().union(*groups.values())) for groups in (networks, regions)]
    return LeftOut(
        f"{counts[0]} networks and {counts[1]} regions; {LEAST_GROUPS} of either needed"
    )


def _split_by_vegetation(
    data: SplitData, params: UngaugedSplitParams
) -> Assignment | LeftOut:
    """Hold out whole classes of vegetation; a cell of unknown class takes no part."""
    classes = data.cells.get(VEGETATION, pd.Series("", index=data.cells.index))
    known = np.flatnonzero(classes.fillna("").astype(str) != "")
    count = classes.iloc[known].nunique()
    if len(known) < params.minimum_cells or count < LEAST_GROUPS:
        return LeftOut(
            f"{count} classes of vegetation in {len(known)} cells; {LEAST_GROUPS} "
            f"classes in {params.minimum_cells} cells needed"
        )
    part = data.chosen(known)
    pairs = zip(part.names, part.cells[VEGETATION].astype(str), strict=True)
    members = {str(cell): frozenset((name,)) for cell, name in pairs}
    held = _hold_out(part, members, VEGETATION, params)
    unknown = {str(name): "no class of vegetation" for name in data.names}
    without = {name: unknown[name] for name in unknown if name not in members}
    return held._replace(without=dict(held.without) | without)


def get_networks(sources: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Return the networks behind the targets of each cell."""
    grouped = sources["network"].astype(str).groupby(sources["cell_id"].astype(str))
    return {str(cell): frozenset(names) for cell, names in grouped}


def get_regions(cells: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Return the region of each cell."""
    pairs = zip(cells["cell_id"].astype(str), cells["region"].astype(str), strict=True)
    return {cell: frozenset((region,)) for cell, region in pairs}


def _hold_out(
    data: SplitData,
    members: Mapping[str, frozenset[str]],
    groups_by: str,
    params: UngaugedSplitParams,
) -> Assignment:
    size: dict[str, int] = {}
    for groups in members.values():
        for group in groups:
            size[group] = size.get(group, 0) + 1
    order = sorted(size, key=lambda group: hash_order(params.seed, groups_by, group))
    wanted = params.test_fraction * len(members)
    test = _choose_nearest(wanted, order, size)
    rest = [group for group in order if group not in test]
    validation = _choose_nearest(wanted, rest[: len(rest)], size, keep=1)
    role_of = dict.fromkeys(order, "train")
    role_of |= dict.fromkeys(validation, "validation") | dict.fromkeys(test, "test")
    roles = {
        cell: sorted({role_of[group] for group in groups})
        for cell, groups in members.items()
    }
    single = {cell: found[0] for cell, found in roles.items() if len(found) == 1}
    without = {
        cell: f"{groups_by}s of two roles: {', '.join(sorted(members[cell]))}"
        for cell, found in roles.items()
        if cell not in single
    }
    held = {
        role: sorted(group for group, own in role_of.items() if own == role)
        for role in ROLES
    }
    rows = make_whole_period_rows(single, single.values(), data.days)
    return Assignment(rows, without, {"held_out_by": groups_by, "groups": held})


def _choose_nearest(
    wanted: float, order: Sequence[str], size: Mapping[str, int], keep: int = 2
) -> list[str]:
    """Choose groups whose cells come near to a number, `keep` groups staying behind."""
    chosen: list[str] = []
    total = 0
    for group in order:
        if len(order) - len(chosen) <= keep:
            break
        if abs(total + size[group] - wanted) < abs(total - wanted):
            chosen.append(group)
            total += size[group]
    return chosen or [min(order, key=lambda group: (size[group], order.index(group)))]


def split_energy_to_water(
    data: SplitData, params: RegimeSplitParams
) -> Assignment | LeftOut:
    """Train where energy limits evaporation (dryness < 1), test where water does."""
    dryness = data.cells["dryness"].to_numpy(float)
    return _cross_regimes(
        data, dryness < REGIME_BOUNDARY, dryness > REGIME_BOUNDARY, params
    )


def split_water_to_energy(
    data: SplitData, params: RegimeSplitParams
) -> Assignment | LeftOut:
    """Train where water limits evaporation (dryness > 1), test where energy does."""
    dryness = data.cells["dryness"].to_numpy(float)
    return _cross_regimes(
        data, dryness > REGIME_BOUNDARY, dryness < REGIME_BOUNDARY, params
    )


def _cross_regimes(
    data: SplitData,
    train: NDArray[np.bool_],
    test: NDArray[np.bool_],
    params: RegimeSplitParams,
) -> Assignment | LeftOut:
    """Train on cells of one regime, validate on hashed ones of them, test the other."""
    known = np.isfinite(data.cells["dryness"].to_numpy(float))
    if not known.any():
        return LeftOut("no cell has a dryness: it takes net radiation")
    least = max(params.minimum_cells, LEAST_TRAIN_SIDE)
    counts = {"train": int(train.sum()), "test": int(test.sum())}
    if min(counts.values()) < least:
        return LeftOut(
            f"{counts['train']} cells of the regime to train on and {counts['test']} "
            f"of the one to test on, {least} of each needed"
        )
    side = sorted(
        data.names[train], key=lambda name: hash_order(params.seed, "cell", name)
    )
    count = math.ceil(params.validation_fraction * len(side))
    roles = dict.fromkeys(side[:count], "validation")
    roles |= dict.fromkeys(side[count:], "train")
    roles |= dict.fromkeys(data.names[test].tolist(), "test")
    without = {
        str(name): "no dryness" if not one else "dryness of exactly 1"
        for name, one in zip(data.names, known, strict=True)
        if name not in roles
    }
    notes = {"boundary": REGIME_BOUNDARY, "period": "the whole one for every cell"}
    return Assignment(
        make_whole_period_rows(roles, roles.values(), data.days), without, notes
    )
