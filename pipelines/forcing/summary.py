"""What the stage tells at the terminal: cells and files left out, each with a reason.

The same stands in forcing.json with every name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

SHOWN = 3  # names in a line


def summarise_forcing(report: Mapping[str, Any]) -> list[str]:
    """Say in a line each what was kept, and what was left out for which reason.

    Parameters
    ----------
    report : mapping
        Content of forcing.json.
    """
    cells, days = report["cells"], report["days"]
    kept = f"forcing: {cells['kept']} cells kept, {cells['dropped']} dropped; "
    return [f"{kept}{days} days", *(f"  {line}" for line in _describe_details(report))]


def _describe_details(report: Mapping[str, Any]) -> Iterator[str]:
    yield from _group_by_reason("cells dropped", report["dropped_cells"], "cell_id")
    yield from _group_by_reason(
        "files passed over", report.get("files_passed_over", ())
    )
    variables = report.get("variables", {})
    for name, item in variables.items():
        yield from _describe_variable(name, item)
    reference = report.get("reference", {})
    if isinstance(reference, Mapping) and reference:
        yield from _describe_reference(reference)


def _group_by_reason(what: str, rows: Any, key: str = "name") -> Iterator[str]:
    counts = Counter(row["reason"] for row in rows)
    for reason, count in sorted(counts.items()):
        names = [row[key] for row in rows if row["reason"] == reason]
        more = ", ..." if count > SHOWN else ""
        yield f"{count} {what}: {reason} ({', '.join(names[:SHOWN])}{more})"


def _describe_variable(name: str, item: Mapping[str, Any]) -> Iterator[str]:
    for raw, read in item.get("read", {}).items():
        for unit in read["units"]:
            if unit.endswith("(assumed)"):
                yield f"{name}: files give {raw} no unit, {unit}"
    yield from _describe_preliminary(name, item)
    if count := item.get("small_negatives_set_to_zero", 0):
        yield f"{name}: {count} small negative values set to zero"
    yield from _group_by_reason(
        f"{name} files rejected", item.get("files_rejected", ()), "file"
    )
    for reason, count in item.get("values_dropped", {}).items():
        yield f"{name}: {count} values dropped: {reason}"


def _describe_preliminary(name: str, item: Mapping[str, Any]) -> Iterator[str]:
    days = item.get("preliminary_days", {"count": 0})
    if days["count"]:
        first, last = days["runs"][0][0], days["runs"][-1][1]
        yield f"{name}: {days['count']} preliminary days (ERA5T), {first} to {last}"


def _describe_reference(reference: Mapping[str, Any]) -> Iterator[str]:
    yield from _describe_preliminary("reference", reference)
    if reference["sea_nodes_left_out"]:
        yield f"reference: {reference['sea_nodes_left_out']} sea nodes left out"
    if reference["cells_without"]:
        yield f"reference: {len(reference['cells_without'])} cells without"
    for layer, item in reference["layers"].items():
        if item["levels_missing"]:
            absent = ", ".join(item["levels_missing"])
            yield f"reference: layer {layer} without {absent}"
