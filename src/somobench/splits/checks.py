"""What the audit of a split looks for, how bad it is, and what a split promises.

Names only, without the looking: pages and the command line read an audit from here.
Promises are looked up in the data and not in the rows of the split.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import pandas as pd

from somobench.schemas.errors import InputError
from somobench.schemas.variables import ROLES
from somobench.splits.blocks import name_block
from somobench.splits.data import SplitData
from somobench.splits.groups import VEGETATION, get_networks, get_regions

Severity = Literal["failure", "reported"]
KEPT_APART = "_kept_apart"
PAIRS = tuple(combinations(ROLES, 2))


class Check(NamedTuple):
    """A thing that is looked for; a `failure` makes the split unusable."""

    looks_for: str
    severity: Severity


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "days_in_two_roles": Check("a day of a cell with two roles", "failure"),
        "empty_roles": Check("a role without a target", "failure"),
        "unknown_cells": Check("a cell that the release lacks", "failure"),
        "target_lags": Check(
            "days of two roles within the reach of lagged inputs", "failure"
        ),
        "shared_station": Check(
            "a station behind cells of two roles, on days within that reach", "failure"
        ),
        "shared_site": Check("the same of stations less than 1 km apart", "failure"),
        "shared_position": Check("the same of cells less than 1 km apart", "failure"),
        "distance": Check("how near test cells lie to train cells", "reported"),
        "weather": Check("test days on which another cell trains", "reported"),
        "stations": Check(
            "stations behind train and test targets of other days", "reported"
        ),
    }
)
"""Every check that any split has, in the order of an audit."""


def check_named(name: str) -> Check:
    """Return a check by name, those of a split's own promise included."""
    if name in CHECKS:
        return CHECKS[name]
    groups = name.removesuffix(KEPT_APART)
    text = f"a {groups} of two roles that the split promises to keep apart"
    return Check(text, "failure")


def list_checks(claim_kind: str | None) -> tuple[str, ...]:
    """Return the names of all checks of a split that promises this, or nothing."""
    own = () if claim_kind is None else (f"{claim_kind}{KEPT_APART}",)
    names = tuple(CHECKS)
    place = names.index("distance")
    return (*names[:place], *own, *names[place:])


class Claim(NamedTuple):
    """What a split keeps apart, besides the days of a cell.

    `kind` is `date` (no date has two roles), or names the groups of cells, as in
    `network`; `groups` holds those of each cell. `pairs` are the roles kept apart.
    """

    kind: str
    groups: Mapping[str, frozenset[str]]
    pairs: tuple[tuple[str, str], ...] = PAIRS


def derive_claim(definition: Mapping[str, Any], data: SplitData) -> Claim | None:
    """Return what a split promises to keep apart, from the data rather than its rows.

    None for splits by year, which keep apart the days of a cell and no more.

    Parameters
    ----------
    definition : mapping
        As published with the split, or at least `kind` and what says where its groups
        come from: `parameters.block_degrees` of `spatial`, `held_out_by` of `ungauged`.
    data : SplitData

    Raises
    ------
    InputError
        If the definition lacks one of them, or the data what it needs.
    """
    try:
        return _look_up_claim(definition, data)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(
            "definition of a split",
            found=f"{type(error).__name__}: {error}"[:200],
            expected="kind, parameters and notes as published with a split, and data "
            "with the region, regime or network that it keeps apart",
        ) from error


def _look_up_claim(definition: Mapping[str, Any], data: SplitData) -> Claim | None:
    cells = data.cells
    match definition["kind"]:
        case "temporal":
            return Claim("date", {})
        case "spatial":
            blocks = name_block(cells, definition["parameters"]["block_degrees"])
            return Claim("block", _label_cells(cells, blocks))
        case "ungauged":
            return _look_up_ungauged(definition["held_out_by"], data)
        case "energy_to_water" | "water_to_energy":
            pairs = tuple(pair for pair in PAIRS if "test" in pair)
            return Claim("regime", _label_cells(cells, cells["regime"]), pairs)
        case "dry_years" | "wet_years":
            return None
    message = f"kind {definition['kind']!r}"
    raise ValueError(message)


def _look_up_ungauged(groups_by: str, data: SplitData) -> Claim:
    if groups_by == "network":
        return Claim("network", get_networks(data.sources))
    if groups_by == VEGETATION:
        return Claim(VEGETATION, _label_cells(data.cells, data.cells[VEGETATION]))
    return Claim("region", get_regions(data.cells))


def _label_cells(
    cells: pd.DataFrame, labels: pd.Series[str]
) -> dict[str, frozenset[str]]:
    pairs = zip(cells["cell_id"].astype(str), labels.astype(str), strict=True)
    return {cell: frozenset((label,)) for cell, label in pairs}
