"""Sections of the report on what was lost: how much by each rule, and which.

Each function takes numbers of `validation.json` and gives the blocks of a section.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from somobench.pages.html import Markup, details, figure, number, paragraph, table
from somobench.pipelines.release.report.places import (
    KEPT,
    REST,
    ROLES,
    counted,
    percent,
)
from somobench.pipelines.release.report.plots import Bar, bars
from somobench.pipelines.release.report.svg import SERIES
from somobench.schemas.recipe import Recipe

REACHED_TARGETS = ("primary", "gap-filling", "accepted, filled no day")
NOT_OFFERED = "in no cell of the forcing"


def losses(ingest: Mapping[str, Any], targets: Mapping[str, Any]) -> dict[str, Any]:
    """Collect files, values, days and sensors that were kept and lost, by rule.

    Parameters
    ----------
    ingest, targets : contents of ingest.json and targets.json

    Returns
    -------
    dict
        For `files`, `values`, `days` (of sensors) and `sensors`, where reported: the
        `total` that rules were applied to, what was `kept`, and what was `lost`: a
        list of rule and count, most first. Total = kept + sum of lost; `sensors` has
        `kept` by role, from ingest to the target.
    """
    found: dict[str, Any] = {}
    if "files" in ingest:
        files = ingest["files"]
        reasons = ingest.get("rejected_by_reason", {})
        found["files"] = _account(files["read"], _scaled_to(reasons, files))
    if "values" in ingest:
        found["values"] = _account(
            ingest["values"]["good"], ingest["values"]["dropped"]
        )
    if "days" in ingest:
        found["days"] = _account(ingest["days"]["kept"], ingest["days"]["dropped"])
    if "sensors" in ingest and "sensors" in targets:
        found["sensors"] = _sensors(ingest["sensors"], targets)
    return found


def _account(kept: int, lost: Mapping[str, int]) -> dict[str, Any]:
    return {
        "total": kept + sum(lost.values()),
        "kept": kept,
        "lost": _ranked(lost),
    }


def _ranked(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"rule": rule, "count": count} for rule, count in ordered if count]


def _scaled_to(
    reasons: Mapping[str, int], files: Mapping[str, int]
) -> Mapping[str, int]:
    """Return reasons of rejected files, if each stands for one file.

    A rejection may concern a sensor of several files, or a file that gave another
    sensor; then only the number of files is certain.
    """
    rejected = files["rejected"]
    return reasons if sum(reasons.values()) == rejected else {"rejected": rejected}


def _sensors(ingest: Mapping[str, Any], targets: Mapping[str, Any]) -> dict[str, Any]:
    outcomes = targets["sensors"]
    lost = Counter(ingest["dropped"])
    lost.update({NOT_OFFERED: ingest["kept"] - outcomes["candidates"]})
    lost.update(targets["rejected_by_reason"])
    roles = {role: outcomes.get(role, 0) for role in REACHED_TARGETS}
    account = _account(sum(roles.values()), lost)
    return account | {"kept_by_role": roles}


RULES_SHOWN = 8  # bars of a panel; the rest are one bar, and all are in the table
NAMES_SHOWN = 200  # rows of a table of names; the rest are in validation.json
LOST = SERIES[1]
Numbers = Mapping[str, Any]

COUNTED = {
    "sensors": ("Sensors", "sensors of files that could be read"),
    "values": ("Values", "values of these sensors as delivered"),
    "days": ("Sensor-days", "days on which a sensor has a good value"),
    "files": ("Files", "files of soil moisture that were found"),
}


def lost_blocks(recipe: Recipe, report: Numbers) -> list[Markup]:
    """Show what was kept and what each rule took, of sensors, values and days."""
    losses = report["losses"]
    panels = [
        bars(
            f"lost-{name}",
            title,
            _loss_bars(losses[name]),
            f"% of {number(losses[name]['total'])} {name}",
            100,
        )
        for name, (title, _) in COUNTED.items()
        if name in losses and losses[name]["total"]
    ]
    if not panels:
        return [paragraph("The stages reported no counts.")]
    flags = ", ".join(recipe.stations.good_flags)
    kept = (
        f"A value is kept if its flag is exactly {flags}; \u201cflag\u201d names other "
        f"flags as delivered, joined ones as one. "
        if flags
        else ""
    )
    caption = (
        f"Figure 1. What became of everything that was found: kept in blue, lost in "
        f"orange, lost under rarer rules in grey. Rules apply in turn, and each loss "
        f"is counted once, under the first rule that takes it. {kept}Shares are of "
        f"counts: they don't tell which seasons or places lost most."
    )
    return [
        figure(panels, caption, name="figure-1"),
        details(
            "Every rule with its count",
            *(_loss_table(name, losses[name]) for name in COUNTED if name in losses),
        ),
    ]


def _loss_bars(account: Numbers) -> list[Bar]:
    total = account["total"]
    rows = [(label, count, KEPT) for label, count in _kept(account)]
    first, rest = account["lost"][:RULES_SHOWN], account["lost"][RULES_SHOWN:]
    rows += [(item["rule"], item["count"], LOST) for item in first]
    if rest:
        others = sum(item["count"] for item in rest)
        rows.append((f"{len(rest)} other rules", others, REST))
    return [
        Bar(label, 100 * count / total, counted(count, total), colour)
        for label, count, colour in rows
    ]


def _kept(account: Numbers) -> list[tuple[str, int]]:
    """Return what was kept: sensors by role, all else in one."""
    if "kept_by_role" not in account:
        return [("kept", account["kept"])]
    return [(label, account["kept_by_role"][role]) for role, label in ROLES.items()]


def _loss_table(name: str, account: Numbers) -> Markup:
    total = account["total"]
    rows: list[list[Any]] = [
        [label, "kept", count, percent(count, total)] for label, count in _kept(account)
    ]
    rows += [
        [item["rule"], "lost", item["count"], percent(item["count"], total)]
        for item in account["lost"]
    ]
    title, meaning = COUNTED[name]
    return table(
        ["rule", "", "count", "share"], rows, f"{title}: {number(total)} {meaning}"
    )


def names_lost(stages: Numbers) -> list[Markup]:
    """List the files and sensors that were rejected, by name, as far as they fit."""
    ingest = stages.get("ingest", {})
    rejected = stages.get("targets", {}).get("rejected_sensors", [])
    lists = (
        (
            "Files that were rejected",
            ("file", "reason", "found", "expected"),
            ingest.get("rejected_files", []),
        ),
        (
            "Sensors dropped before the target rule",
            ("sensor_id", "reason"),
            ingest.get("dropped_sensors", []),
        ),
        (
            "Sensors rejected by the target rule",
            ("sensor_id", "cell_id", "reason", "found", "expected"),
            rejected,
        ),
    )
    return [_names_table(*item) for item in lists if item[2]]


def _names_table(
    title: str, columns: Sequence[str], found: Sequence[Numbers]
) -> Markup:
    shown = [[row.get(name) for name in columns] for row in found[:NAMES_SHOWN]]
    more = len(found) - len(shown)
    told = f"{title}: {number(len(found))}"
    if more:
        told += f"; the first {NAMES_SHOWN} are listed, {number(more)} more are not"
    header = [name.replace("_id", "") for name in columns]
    return details(
        f"{title} ({number(len(found))})", table(header, shown, told, texts=True)
    )
