"""How a published score differs from what is computed again, entry by entry."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from somobench.cards.folder import read_table
from somobench.schemas.errors import SomobenchError
from somobench.scoring.files import REPORT_FILE, SCORE_FILE, TABLE_FILES
from somobench.scoring.record import ScoreRecord

FREE = ("code.version", "code.sha256", "submission.name")
OF_THE_FILE = (
    "submission.file_sha256",
    "submission.file_size",
    "submission.understood",
)
LONGEST = 80  # letters of an entry that are shown
LABELS = {"metric", "layer", "pool_kind", "pool", "against", "cell_id"}


def compare_records(
    stored: ScoreRecord, computed: ScoreRecord, *, same_file: bool, same_code: bool
) -> list[str]:
    """Describe every entry of `score.json` that isn't what was computed.

    Parameters
    ----------
    stored, computed : ScoreRecord
    same_file, same_code : bool
        Whether they come from the same file of predictions and the same sources. The
        code and the submission's name are left out, and its file's hash and size where
        the file isn't the same one. An optional entry that other code didn't write may
        be absent.
    """
    free = {*FREE, *(() if same_file else OF_THE_FILE)}
    written = dict(_flatten(stored.model_dump(mode="json", exclude_unset=True)))
    wanted = dict(_flatten(computed.model_dump(mode="json")))
    places = {*written, *wanted} if same_code else {*written}
    return [
        f"{SCORE_FILE}: {place} {_show(written, place)}, computed "
        f"{_show(wanted, place)}"
        for place in sorted(places - free)
        if written.get(place) != wanted.get(place)
    ]


def _flatten(entry: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the places of all entries with their JSON, where 1, 1.0 and true differ."""
    if not isinstance(entry, dict) or not entry:
        yield above, json.dumps(entry)
        return
    for key, inner in entry.items():
        yield from _flatten(inner, f"{above}.{key}" if above else str(key))


def _show(entries: Mapping[str, str], place: str) -> str:
    return entries.get(place, "nothing")[:LONGEST]


def compare_tables(folder: Path, computed: Mapping[str, pd.DataFrame]) -> list[str]:
    """Describe every row of the stored tables that isn't what was computed."""
    found = []
    for name, file in TABLE_FILES.items():
        if name in computed or (folder / file).exists():
            found += _compare_rows(folder / file, name, computed.get(name))
    return found


def compare_report(folder: Path, page: str | None) -> list[str]:
    """Describe a report that is missing or, where a page is given, another one."""
    path = folder / REPORT_FILE
    if not path.is_file():
        return [f"{REPORT_FILE}: missing"]
    if page is None:
        return []
    wanted = page.encode("utf-8")
    if path.stat().st_size == len(wanted) and path.read_bytes() == wanted:
        return []
    return [f"{REPORT_FILE}: other than the page of these scores"]


def _compare_rows(path: Path, name: str, again: pd.DataFrame | None) -> list[str]:
    if again is None:
        return [f"{path.name}: not expected"]
    try:
        stored = read_table(path, name)
    except SomobenchError as error:
        return [f"{path.name}: {error}"]
    if len(stored) != len(again):
        return [f"{path.name}: {len(stored)} rows, computed {len(again)}"]
    same = (stored == again) | (stored.isna() & again.isna())
    rows = (~same.all(axis=1)).to_numpy().nonzero()[0]
    return [_describe_row(path.name, stored, again, same, int(row)) for row in rows]


def _describe_row(
    file: str, stored: pd.DataFrame, again: pd.DataFrame, same: pd.DataFrame, row: int
) -> str:
    columns = same.columns[~same.iloc[row].to_numpy()]
    shown = ", ".join(
        f"{column} {stored[column].iloc[row]}, computed {again[column].iloc[row]}"
        for column in columns
    )
    where = " ".join(
        str(stored[column].iloc[row]) for column in stored.columns if column in LABELS
    )
    return f"{file} row {row} ({where}): {shown}"
