"""What was lost: how much by each rule, and which files and sensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from somobench.pages.figures import RowPlot
from somobench.pages.frame import Section, write_number
from somobench.pages.tables import Table
from somobench.pipelines.release.report.layers import (
    Numbers,
    make_section,
    plot_bars,
    show_code,
    write_share,
)
from somobench.schemas.recipe import Recipe

NOT_OFFERED = "in no cell of the forcing"
KEPT, LOST, REST = "c1", "c2", "c8"
RULES_SHOWN = 8  # bars of a panel; the rest are one bar, and all are in the table
NAMES_SHOWN = 200  # rows of a table of names; the rest are in validation.json
ROLES = {
    "primary": "primary sensor of a target",
    "gap-filling": "fills gaps of a target",
    "accepted, filled no day": "accepted to fill gaps, but there were none for it",
}
COUNTED = {
    "sensors": ("Sensors", "sensors of files that could be read"),
    "values": ("Values", "values of these sensors as delivered"),
    "days": ("Sensor-days", "days on which a sensor has a good value"),
    "files": ("Files", "files of soil moisture that were found"),
}
NAME_LISTS = (
    (
        "Files that were rejected",
        "ingest",
        "rejected_files",
        ("file", "reason", "found", "expected"),
    ),
    (
        "Sensors dropped before the target rule",
        "ingest",
        "dropped_sensors",
        ("sensor_id", "reason"),
    ),
    (
        "Sensors rejected by the target rule",
        "targets",
        "rejected_sensors",
        ("sensor_id", "cell_id", "reason", "found", "expected"),
    ),
)


def count_losses(
    ingest: Mapping[str, Any], targets: Mapping[str, Any]
) -> dict[str, Any]:
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
    roles = {role: outcomes.get(role, 0) for role in ROLES}
    account = _account(sum(roles.values()), lost)
    return account | {"kept_by_role": roles}


def make_loss_section(recipe: Recipe, report: Numbers, stages: Numbers) -> Section:
    """Show what was kept and what each rule took, of sensors, values and days."""
    losses = report["losses"]
    names = [name for name in COUNTED if name in losses]
    return make_section(
        "lost",
        "Lost at each rule",
        template="losses",
        plots=[_plot_losses(n, losses[n]) for n in names if losses[n]["total"]],
        tables=[_tabulate_losses(n, losses[n]) for n in names],
        flags=", ".join(recipe.stations.good_flags),
        names=[
            _tabulate_names(title, columns, found)
            for title, stage, key, columns in NAME_LISTS
            if (found := stages.get(stage, {}).get(key))
        ],
    )


def _plot_losses(name: str, account: Numbers) -> RowPlot:
    counts = [(label, count, KEPT) for label, count in _list_kept(account)]
    first, rest = account["lost"][:RULES_SHOWN], account["lost"][RULES_SHOWN:]
    counts += [(item["rule"], item["count"], LOST) for item in first]
    if rest:
        others = sum(item["count"] for item in rest)
        counts.append((f"{len(rest)} other rules", others, REST))
    total = account["total"]
    return plot_bars(
        COUNTED[name][0], counts, total, f"% of {write_number(total)} {name}"
    )


def _list_kept(account: Numbers) -> list[tuple[str, int]]:
    """Return what was kept: sensors by role, all else in one."""
    if "kept_by_role" not in account:
        return [("kept", account["kept"])]
    return [(label, account["kept_by_role"][role]) for role, label in ROLES.items()]


def _tabulate_losses(name: str, account: Numbers) -> Table:
    total = account["total"]
    title, meaning = COUNTED[name]
    lost = [(item["rule"], "lost", item["count"]) for item in account["lost"]]
    kept = [(label, "kept", count) for label, count in _list_kept(account)]
    return Table(
        sortable=False,
        title=f"{title}: {write_number(total)} {meaning}",
        columns=["rule", "kept or lost", "count", "share"],
        rows=[[*row, write_share(row[2], total)] for row in (*kept, *lost)],
    )


def _tabulate_names(
    title: str, columns: Sequence[str], found: Sequence[Numbers]
) -> Table:
    more = len(found) - NAMES_SHOWN
    title = f"{title}: {write_number(len(found))}"
    if more > 0:
        title += f"; the first {NAMES_SHOWN} are listed, {write_number(more)} are not"
    return Table(
        sortable=False,
        title=title,
        columns=[name.removesuffix("_id") for name in columns],
        rows=[
            [
                row.get(name) if name == "reason" else show_code(row.get(name))
                for name in columns
            ]
            for row in found[:NAMES_SHOWN]
        ],
    )
