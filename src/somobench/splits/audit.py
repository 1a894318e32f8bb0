"""Look for leakage in a split: shared days, places, stations, groups, memory.

Pure, and apart from what makes splits: only rows, cells and the sensors behind targets
are looked at. A failure makes a split unusable; what is reported is for the reader to
judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.schemas.variables import ROLES
from somobench.splits.checks import (
    KEPT_APART,
    PAIRS,
    Claim,
    Severity,
    derive_claim,
    list_checks,
)
from somobench.splits.data import (
    Mask,
    SplitData,
    check_audit_inputs,
    role_masks,
    target_days,
)
from somobench.splits.measures import (
    count_days_in_two_roles,
    count_same_days,
    count_shared_stations,
    mark_days_within,
    measure_boundaries,
    measure_distances,
)
from somobench.splits.sites import (
    SAME_POSITION,
    SAME_SITE,
    SAME_STATION,
    links_between,
)

NAMED = 5  # examples in a finding
FULL_RECORD_NOTE = (
    "scaling 'full' and the choice of the primary sensor use the whole record, test "
    "days included; scaling 'train' fits the line on train days only"
)


class Finding(NamedTuple):
    """One thing that roles share: what was looked for, how bad, how often, an example.

    A failure makes the split unusable.
    """

    check: str
    severity: Severity
    number: int
    found: str


class SplitAudit(NamedTuple):
    """What an audit measured, looked for and found.

    `checks` names all that was looked for, `findings` holds only what is there.
    """

    measures: dict[str, Any]
    findings: tuple[Finding, ...]
    checks: tuple[str, ...]

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings that make the split unusable."""
        return tuple(item for item in self.findings if item.severity == "failure")

    def content(self) -> dict[str, Any]:
        """Return measures, checks and findings as published beside the split."""
        found = [item._asdict() for item in self.findings]
        return {**self.measures, "checks": list(self.checks), "findings": found}


def audit_split(
    rows: pd.DataFrame,
    data: SplitData,
    definition: Mapping[str, Any] | None = None,
) -> SplitAudit:
    """Measure what the roles of one split share.

    Parameters
    ----------
    rows : DataFrame
        cell_id, start, end (both inside, 00:00), role of one split; further columns
        are passed over.
    data : SplitData
    definition : mapping, optional
        What the split promises to keep apart, see `derive_claim`. Without it only what
        holds for every split is looked at.

    Returns
    -------
    SplitAudit
        Failures: a day in two roles, a role without target, a cell that `data` lacks,
        days of two roles within the reach of lagged inputs (of one cell, or of two
        that share a station, a site or a position), and a broken promise.

    Raises
    ------
    InputError
        If something isn't a table, or the definition no definition.
    ValidationError
        With all that is wrong in the tables: a lacking column, an empty table, a role
        unknown, a day no day, a range that ends before it starts, a cell in
        `data.cells` twice, a place nowhere on Earth.
    """
    rows = check_audit_inputs(rows, data)
    claim = None if definition is None else derive_claim(definition, data)
    cells, sources, lags = data.cells, data.sources, data.lags
    days = pd.date_range(rows["start"].min(), rows["end"].max(), unit="ns")
    names = cells["cell_id"].to_numpy().astype(str)
    masks = role_masks(rows, names, days)
    counted = target_days(rows, data)
    measures = {
        "days_in_two_roles": count_days_in_two_roles(rows),
        "target_days_by_layer": {
            role: [int(count) for count in counted[role]] for role in ROLES
        },
        "empty_roles": [role for role in ROLES if not counted[role].sum()],
        **_measure_roles(masks, cells, sources),
        "boundaries": measure_boundaries(masks, lags),
        "full_record": FULL_RECORD_NOTE,
    }
    findings = [
        *_find_wrong_days(rows, set(names), measures),
        _find_shared_lags(measures["boundaries"]),
        *_find_shared_places(cells, sources, masks, lags),
        *(_find_broken_promises(claim, names, masks, lags) if claim else ()),
        *_report_nearness(measures),
    ]
    there = tuple(item for item in findings if item.number)
    return SplitAudit(measures, there, list_checks(claim.kind if claim else None))


def _measure_roles(
    masks: Mapping[str, Mask], cells: pd.DataFrame, sources: pd.DataFrame
) -> dict[str, Any]:
    """Count cells and days of the roles, and measure what lies between them."""
    names = cells["cell_id"].to_numpy().astype(str)
    members = {role: mask.any(axis=1) for role, mask in masks.items()}
    return {
        "cells": {role: int(some.sum()) for role, some in members.items()},
        "cell_days": {role: int(mask.sum()) for role, mask in masks.items()},
        "cells_in_train_and_test": int((members["train"] & members["test"]).sum()),
        "distance_km": {
            f"{one} to {other}": measure_distances(cells, masks, one, other)
            for one, other in PAIRS
        },
        "test_days_that_train_elsewhere": count_same_days(cells, masks),
        "stations": count_shared_stations(sources, masks, names),
    }


def _find_wrong_days(
    rows: pd.DataFrame, known: set[str], measures: Mapping[str, Any]
) -> list[Finding]:
    unknown = sorted(set(rows["cell_id"]) - known)
    empty, twice = measures["empty_roles"], measures["days_in_two_roles"]
    return [
        Finding("days_in_two_roles", "failure", twice, f"{twice} cell-days twice"),
        Finding(
            "empty_roles",
            "failure",
            len(empty),
            _list_examples(empty, "without target"),
        ),
        Finding(
            "unknown_cells",
            "failure",
            len(unknown),
            _list_examples(unknown, "not known"),
        ),
    ]


def _find_shared_lags(crossed: list[dict[str, Any]]) -> Finding:
    """Judge the boundaries between roles of a cell by the reach of lags."""
    shared = [item for item in crossed if item["shared_days"]]
    text = "; ".join(
        f"{item['from']} to {item['to']}: {item['embargo_days']} days between, "
        f"{item['shared_days']} lagged days shared"
        for item in shared
    )
    return Finding("target_lags", "failure", len(shared), text)


def _find_shared_places(
    cells: pd.DataFrame, sources: pd.DataFrame, masks: Mapping[str, Mask], lags: int
) -> list[Finding]:
    """Find pairs of cells with one measuring place and roles that meet."""
    place = {name: row for row, name in enumerate(cells["cell_id"].astype(str))}
    met: dict[str, list[str]] = {SAME_STATION: [], SAME_SITE: [], SAME_POSITION: []}
    for link in links_between(cells, sources):
        if not {link.first, link.second} <= set(place):
            continue
        pair = place[link.first], place[link.second]
        for one, other in PAIRS:
            if any(
                (mark_days_within(masks[one][[a]], lags) & masks[other][[b]]).any()
                for a, b in (pair, pair[::-1])
            ):
                cells_of = f"{link.first} and {link.second}"
                met[link.kind].append(f"{link.what} in {cells_of}, {one} and {other}")
    return [
        Finding(f"shared_{kind}", "failure", len(texts), "; ".join(texts[:NAMED]))
        for kind, texts in met.items()
    ]


def _find_broken_promises(
    claim: Claim, names: NDArray[np.str_], masks: Mapping[str, Mask], lags: int
) -> list[Finding]:
    """Hold a split to what it promises to keep apart."""
    broken = []
    for one, other in claim.pairs:
        if claim.kind == "date":
            first, second = (
                np.asarray(masks[role].any(axis=0)) for role in (one, other)
            )
            count = int((mark_days_within(first, lags) & second).sum())
            broken += [f"{count} dates of {other} near {one}"] * bool(count)
        else:
            groups = [
                _collect_groups(claim, names[masks[role].any(axis=1)])
                for role in (one, other)
            ]
            shared = sorted(groups[0] & groups[1])
            broken += [f"{name} in {one} and {other}" for name in shared]
    return [
        Finding(
            f"{claim.kind}{KEPT_APART}",
            "failure",
            len(broken),
            _list_examples(broken, ""),
        )
    ]


def _collect_groups(claim: Claim, names: NDArray[np.str_]) -> set[str]:
    return {group for name in names for group in claim.groups.get(name, ())}


def _report_nearness(measures: Mapping[str, Any]) -> list[Finding]:
    apart = measures["distance_km"]["train to test"]
    elsewhere = measures["test_days_that_train_elsewhere"]
    both = measures["stations"]["both"]
    return [
        Finding(
            "distance",
            "reported",
            int(apart is not None),
            f"test cells lie {apart and apart['nearest']} km or more from train cells",
        ),
        Finding(
            "weather",
            "reported",
            elsewhere["cell_days"],
            f"{elsewhere['cell_days']} test cell-days are train days of other cells, "
            f"the nearest {elsewhere['nearest_km']} km away",
        ),
        Finding(
            "stations",
            "reported",
            both,
            f"{both} stations stand behind train and test targets, on other days",
        ),
    ]


def _list_examples(items: list[str], what: str) -> str:
    more = f" and {len(items) - NAMED} more" if len(items) > NAMED else ""
    return f"{', '.join(items[:NAMED])}{more} {what}".strip()
