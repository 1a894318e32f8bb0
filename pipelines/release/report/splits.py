"""The splits of a release and what their audits found, as sections of its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from somobench.pages.frame import Section, write_number
from somobench.pages.tables import ASCENDING, WORDS, Cell, Column, Table
from somobench.pipelines.release.report.layers import make_section, show_name
from somobench.schemas.variables import ROLES
from somobench.splits import QUESTIONS
from somobench.splits.checks import check_named

APART = "train to test"
SEVERITIES = {"failure": "a failure", "reported": "reported"}
Record = Mapping[str, Any]


def make_split_sections(report: Record) -> list[Section]:
    """Return one section on all splits.

    Parameters
    ----------
    report : content of splits.json
    """
    splits = dict(sorted(report["splits"].items()))
    return [
        make_section(
            "splits",
            "Splits and their audit",
            questions=[
                (name, QUESTIONS[record["definition"]["kind"]])
                for name, record in splits.items()
            ],
            overview=_tabulate_overview(splits),
            audits=[_describe_audit(name, record) for name, record in splits.items()],
            left_out=sorted(report["left_out"].items()),
        )
    ]


def _tabulate_overview(splits: Mapping[str, Record]) -> Table:
    titles = [f"{role} {what}" for what in ("cells", "cell-days") for role in ROLES]
    titles += ["embargo, days", "distance, km, least", "distance, km, median"]
    titles += ["checks", "failures"]
    rows: list[list[object]] = []
    for name, record in splits.items():
        audit = record["audit"]
        apart = audit["distance_km"][APART] or {}
        distances = [apart.get("nearest"), apart.get("median")]
        rows.append(
            [
                Cell(show_name(name), name),
                *(audit[key][role] for key in ("cells", "cell_days") for role in ROLES),
                find_embargo(audit),
                *(Cell(write_number(each, 1), each) for each in distances),
                len(audit["checks"]),
                _count_failures(audit),
            ]
        )
    return Table(
        title="Cells, days and audit of every split",
        columns=[Column("split", WORDS, ASCENDING), *map(Column, titles)],
        rows=rows,
    )


def find_embargo(audit: Record) -> int | None:
    """Return the least number of days between two roles of a cell, if one has two."""
    return min((item["embargo_days"] for item in audit["boundaries"]), default=None)


def _count_failures(audit: Record) -> int:
    return sum(item["severity"] == "failure" for item in audit["findings"])


def _describe_audit(name: str, record: Record) -> dict[str, Any]:
    audit = record["audit"]
    found = {item["check"]: item["found"] for item in audit["findings"]}
    checks = Table(
        sortable=False,
        title=Markup("What the audit of {} looked for").format(name),
        columns=["looked for", "if it is there", "found"],
        rows=[
            [check.looks_for, SEVERITIES[check.severity], found.get(each, "nothing")]
            for each in audit["checks"]
            for check in (check_named(each),)
        ],
    )
    roles = Table(
        sortable=False,
        title="By role",
        columns=["role", "cells", "cell-days", "target days, all layers"],
        rows=[
            [
                role,
                audit["cells"][role],
                audit["cell_days"][role],
                sum(audit["target_days_by_layer"][role]),
            ]
            for role in ROLES
        ],
    )
    failures = _count_failures(audit)
    return {
        "name": name,
        "count": len(audit["checks"]),
        "failures": f"{failures or 'no'} failure{'s' * (failures > 1)}",
        "checks": checks,
        "roles": roles,
    }


def tabulate_feature_audit(features: Record) -> Table | None:
    """Return what the audit of features and train targets found, if there is one.

    Parameters
    ----------
    features : content of features.json
    """
    found = [
        (split, finding)
        for split, findings in sorted(features.get("audit", {}).items())
        for finding in findings or [None]
    ]
    if not found:
        return None
    return Table(
        sortable=False,
        title="Features and train targets, computed again from train days alone",
        columns=["split", "looked for", "if it is there", "found"],
        rows=[
            [
                Cell(show_name(split), split),
                finding["check"].replace("_", " "),
                SEVERITIES[finding["severity"]],
                finding["found"],
            ]
            if finding
            else [Cell(show_name(split), split), "other days", "a failure", "nothing"]
            for split, finding in found
        ],
    )
