"""The splits of a release and what their audit found, as a section of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from somobench.pages.html import (
    Markup,
    Section,
    bullets,
    code,
    details,
    joined,
    number,
    paragraph,
    table,
)
from somobench.pages.tables import Cell, Column, sortable_table, words
from somobench.schemas.variables import ROLES
from somobench.splits import QUESTIONS
from somobench.splits.checks import check_named

APART = "train to test"
Record = Mapping[str, Any]


def split_sections(report: Record) -> list[Section]:
    """Return one section on all splits, for a page with `sortable_page`'s script.

    Parameters
    ----------
    report : content of splits.json
    """
    splits = dict(sorted(report["splits"].items()))
    blocks = [*_carried(splits), *_left_out(report["left_out"])]
    return [Section("splits", "Splits and their audit", tuple(blocks))]


def _carried(splits: Mapping[str, Record]) -> list[Markup]:
    if not splits:
        return [paragraph("The release has no split.")]
    asked = [
        joined([code(name), ": ", QUESTIONS[record["definition"]["kind"]]])
        for name, record in splits.items()
    ]
    return [
        paragraph("What each split asks of a model:"),
        bullets(asked),
        paragraph(
            "The embargo is the least number of days between two roles of one cell; "
            "there is none where no cell has two. Distances are those of test cells "
            "from the nearest train cell. A failure of the audit stops a release."
        ),
        _overview(splits),
        *(_split_details(name, record) for name, record in splits.items()),
    ]


def _overview(splits: Mapping[str, Record]) -> Markup:
    header = [
        words("split"),
        *(Column(f"{role} cells") for role in ROLES),
        *(Column(f"{role} cell-days") for role in ROLES),
        Column("embargo, days"),
        Column("distance, km, least"),
        Column("distance, km, median"),
        Column("checks"),
        Column("failures"),
    ]
    rows = []
    for name, record in splits.items():
        audit = record["audit"]
        apart = audit["distance_km"][APART] or {}
        by_role = [audit[key][role] for key in ("cells", "cell_days") for role in ROLES]
        distances = [apart.get("nearest"), apart.get("median")]
        rows.append(
            [
                Cell(name, name),
                *(_count(each) for each in (*by_role, embargo(audit))),
                *(Cell(number(each, 1), each) for each in distances),
                *(_count(each) for each in (len(audit["checks"]), _failures(audit))),
            ]
        )
    return sortable_table(header, rows, "Cells, days and audit of every split")


def _count(value: int | None) -> Cell:
    return Cell(number(value), value)


def embargo(audit: Record) -> int | None:
    """Return the least number of days between two roles of a cell, if one has two."""
    return min((item["embargo_days"] for item in audit["boundaries"]), default=None)


def _failures(audit: Record) -> int:
    return sum(item["severity"] == "failure" for item in audit["findings"])


def _split_details(name: str, record: Record) -> Markup:
    audit = record["audit"]
    found = {item["check"]: item for item in audit["findings"]}
    rows = [_check_row(check, found.get(check)) for check in audit["checks"]]
    failures = _failures(audit)
    told = f": {len(rows)} checks, {failures or 'no'} failure{'s' * (failures > 1)}"
    summary = joined(["Audit of ", code(name), told])
    header = ("looked for", "if it is there", "found")
    return details(
        summary,
        table(header, rows, f"What the audit of {name} looked for", texts=True),
        _roles_table(audit),
    )


def _check_row(name: str, finding: Record | None) -> Sequence[object]:
    check = check_named(name)
    severity = "a failure" if check.severity == "failure" else "reported"
    return (check.looks_for, severity, finding["found"] if finding else "nothing")


def _roles_table(audit: Record) -> Markup:
    header = ("role", "cells", "cell-days", "target days, all layers")
    rows = [
        [
            role,
            audit["cells"][role],
            audit["cell_days"][role],
            sum(audit["target_days_by_layer"][role]),
        ]
        for role in ROLES
    ]
    return table(header, rows, "By role")


def _left_out(reasons: Mapping[str, str]) -> list[Markup]:
    if not reasons:
        return [paragraph("No split of the recipe is left out.")]
    named = sorted(reasons.items())
    listed = [joined([code(name), ": ", why]) for name, why in named]
    return [paragraph("Left out, and why:"), bullets(listed)]
