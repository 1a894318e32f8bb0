"""What the stage says at the terminal: what was read and dropped, with reasons.

The same stands in ingest.json with every name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SHOWN = 5  # reasons in a line, the most frequent ones


def summarise_ingest(report: Mapping[str, Any]) -> list[str]:
    """Say in a line each what was kept, and what was dropped for which reason.

    Parameters
    ----------
    report : mapping
        Content of ingest.json.
    """
    files, sensors, days = report["files"], report["sensors"], report["days"]
    kept = (
        f"ingest: {files['read']} of {files['found']} files read, {sensors['kept']} "
        f"sensors and {days['kept']} days kept"
    )
    return [kept, *(f"  {line}" for line in _list_losses(report))]


def _list_losses(report: Mapping[str, Any]) -> Iterator[str]:
    losses = {
        "files rejected": report["rejected_by_reason"],
        "sensors dropped": report["sensors"]["dropped"],
        "days dropped": report["days"]["dropped"],
        "values dropped": report["values"]["dropped"],
    }
    for what, counts in losses.items():
        if counts:
            yield f"{sum(counts.values())} {what}: {_list_reasons(counts)}"
    for kind, notes in report["notes"].items():
        count = sum(note["sensors"] for note in notes)
        first = notes[0]
        yield f"{count} sensors, {kind}: {first['found']}, used {first['used']}"


def _list_reasons(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{count} {reason}" for reason, count in ordered[:SHOWN]]
    rest = len(ordered) - SHOWN
    return ", ".join([*shown, *([f"and {rest} more reasons"] if rest > 0 else [])])
