"""What ingest says at the terminal of what it kept and dropped."""

from __future__ import annotations

from typing import Any

from somobench.pipelines.ingest.summary import summarise_ingest


def make_report(**changes: Any) -> dict[str, Any]:
    report: dict[str, Any] = {
        "files": {"found": 5, "read": 3, "rejected": 2},
        "rejected_by_reason": {"header": 2},
        "sensors": {"kept": 2, "dropped": {"in no layer": 1}},
        "days": {"kept": 700, "dropped": {}},
        "values": {"read": 90, "good": 80, "dropped": {"flag D01": 7, "flag C02": 3}},
        "notes": {},
    }
    return report | changes


def test_kept_and_dropped_stand_with_their_reasons_most_frequent_first() -> None:
    assert summarise_ingest(make_report()) == [
        "ingest: 3 of 5 files read, 2 sensors and 700 days kept",
        "  2 files rejected: 2 header",
        "  1 sensors dropped: 1 in no layer",
        "  10 values dropped: 7 flag D01, 3 flag C02",
    ]


def test_many_reasons_are_counted_and_not_listed() -> None:
    dropped = {f"flag D{number:02}": number for number in range(1, 9)}
    lines = summarise_ingest(make_report(values={"dropped": dropped}))
    assert lines[-1] == (
        "  36 values dropped: 8 flag D08, 7 flag D07, 6 flag D06, 5 flag D05, "
        "4 flag D04, and 3 more reasons"
    )


def test_what_an_archive_contradicts_is_said_with_what_counts() -> None:
    notes = {
        "depth": [{"found": "0.0508", "used": "0.05", "sensors": 4}],
    }
    lines = summarise_ingest(make_report(notes=notes))
    assert lines[-1] == "  4 sensors, depth: 0.0508, used 0.05"
