"""What each rule of the pipeline let through, in the order in which rules apply.

Pure: the stages' own reports in, numbers for figures out. A count that a stage did not
report is left out, never guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

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
