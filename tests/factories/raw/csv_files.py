"""Builders of station files as CSV, keyword-only."""

from __future__ import annotations

from collections.abc import Iterable

HEADER = {
    "network": "MYFARM",
    "station": "Field 1",
    "sensor": "TDR-a",
    "latitude": "53.6",
    "longitude": "10.2",
    "depth_from": "0.05",
    "depth_to": "0.05",
}
ROWS = ("2020-01-01,0.21", "2020-01-02,0.22")


def csv_file(
    *,
    rows: Iterable[str] = ROWS,
    heads: str = "time,soil_moisture",
    without: str = "",
    **header: str,
) -> str:
    """Return a file's text; `header` changes keys, `without` leaves one out."""
    keys = {key: text for key, text in (HEADER | header).items() if key != without}
    lines = [f"# {key}: {text}" for key, text in keys.items()]
    return "\n".join([*lines, heads, *rows, ""])
