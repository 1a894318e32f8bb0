"""What became of stations' meteorology, for forcing.json: each day has an origin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from somobench.pipelines.forcing.source import ForcingRequest
from somobench.pipelines.forcing.station.merging import (
    FILL_RULES,
    NO_DAY,
    CellSeries,
    FillRule,
    StationSeries,
)
from somobench.pipelines.stations import Note, Rejection

RULES = frozenset(get_args(FillRule))


@dataclass(frozen=True)
class Read:
    """A variable of all archives: series by cell, and what was left out."""

    words: str
    """How values became days."""
    by_cell: dict[str, list[StationSeries]] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    notes: Counter[Note] = field(default_factory=Counter)


def report_of_stations(
    read: Mapping[str, Read],
    merged: Mapping[str, Mapping[str, CellSeries]],
    dropped: Mapping[str, str],
    request: ForcingRequest,
) -> dict[str, Any]:
    """Say where every day of every kept cell comes from, and what was left out.

    Parameters
    ----------
    read, merged : by variable
    dropped : reason by cell
    """
    kept = {
        name: {cell: item for cell, item in by_cell.items() if cell not in dropped}
        for name, by_cell in merged.items()
    }
    reasons = Counter(part for text in dropped.values() for part in text.split("; "))
    params = request.recipe.forcing
    return {
        "dropped_by_reason": dict(sorted(reasons.items())),
        "limits": {
            "maximum_gap": params.maximum_gap,
            "maximum_precipitation_gap": params.maximum_precipitation_gap,
            "minimum_hours": params.minimum_hours,
        },
        "not_of_the_primary_station": list(_list_filled_days(kept, request)),
        "primary_stations": _list_primaries(kept),
        "variables": {
            name: _describe_variable(name, item, kept[name])
            for name, item in read.items()
        },
    }


def _describe_variable(
    name: str, read: Read, kept: Mapping[str, CellSeries]
) -> dict[str, Any]:
    origins = [
        (origin, item.primary)
        for item in kept.values()
        if not item.refused
        for origin in item.origins
    ]
    filled = sum(origin in RULES for origin, _ in origins)
    own = sum(origin == primary for origin, primary in origins)
    missing = sum(origin == NO_DAY for origin, _ in origins)
    further = {"missing": missing} if missing else {}
    notes = [
        vars(note) | {"series": count} for note, count in sorted(read.notes.items())
    ]
    return {
        "cells_without": sorted(
            cell for cell, item in kept.items() if item.refused or not item.primary
        ),
        "daily": read.words,
        "days": {
            "filled": filled,
            "of_other_stations": len(origins) - filled - own - missing,
            "of_primary_stations": own,
            **further,
        },
        "files_rejected": [asdict(item) for item in read.rejections],
        "filled_by": FILL_RULES.get(name, "linear"),
        **({"notes": notes} if notes else {}),
        "series": sum(len(series) for series in read.by_cell.values()),
        "values_dropped": dict(sorted(read.dropped.items())),
    }


def _list_filled_days(
    kept: Mapping[str, Mapping[str, CellSeries]], request: ForcingRequest
) -> Iterator[dict[str, Any]]:
    for name, by_cell in kept.items():
        for cell, series in by_cell.items():
            for origin, first, last in series.runs():
                if origin == NO_DAY:
                    continue
                yield {
                    "cell_id": cell,
                    "end": str(request.days[last]),
                    "from": origin,
                    "start": str(request.days[first]),
                    "variable": name,
                }


def _list_primaries(
    kept: Mapping[str, Mapping[str, CellSeries]],
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, by_cell in kept.items():
        for cell, series in by_cell.items():
            if not series.refused and series.primary:
                found.setdefault(cell, {})[name] = series.primary
    return found
