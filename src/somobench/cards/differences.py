"""How a published score differs from what is computed again, told entry by entry."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from somobench.schemas.validate import validate_table
from somobench.scoring.files import REPORT_FILE, SCORE_FILE, TABLE_FILES, TABLE_SCHEMAS

CODE = "code"
NAMED = "submission.name"
OF_THE_FILE = ("submission.file_sha256", "submission.file_size")
LONGEST = 80  # letters of an entry that are shown
LABELS = {"metric", "layer", "pool_kind", "pool", "against", "cell_id"}


def different_entries(
    stored: Mapping[str, Any],
    computed: Mapping[str, Any],
    *,
    same_file: bool,
    same_code: bool,
) -> list[str]:
    """Describe every entry of `score.json` that isn't what was computed.

    The code is left out, the submission's name, and its file's hash and size where the
    file isn't the same one. An entry that other code didn't know yet may be absent.

    Parameters
    ----------
    stored, computed : content of score.json
    same_file, same_code : bool
        Whether they come from the same file of predictions and the same sources.
    """
    free = {CODE, NAMED, *(() if same_file else OF_THE_FILE)}
    plain = json.loads(json.dumps(computed))
    return [
        f"{SCORE_FILE}: {told}"
        for told in _compared(stored, plain, free, same_code=same_code)
    ]


def _compared(
    stored: Mapping[str, Any],
    computed: Mapping[str, Any],
    free: set[str],
    *,
    same_code: bool,
    above: str = "",
) -> Iterator[str]:
    for key in sorted({*stored, *computed}):
        place = f"{above}{key}"
        if place in free:
            continue
        if key not in computed:
            yield f"{place[:LONGEST]} not expected"
        elif key not in stored:
            if same_code:
                yield f"{place} missing"
        elif isinstance(stored[key], dict) and isinstance(computed[key], dict):
            parts = stored[key], computed[key], free
            yield from _compared(*parts, same_code=same_code, above=f"{place}.")
        elif _text(stored[key]) != _text(computed[key]):
            told = _text(stored[key])[:LONGEST], _text(computed[key])[:LONGEST]
            yield f"{place} {told[0]}, computed {told[1]}"


def _text(entry: object) -> str:
    """Write an entry so that 1, 1.0 and true differ."""
    return json.dumps(entry, sort_keys=True)


def different_tables(folder: Path, computed: Mapping[str, pd.DataFrame]) -> list[str]:
    """Describe every row of the stored tables that isn't what was computed."""
    found = []
    for name, file in TABLE_FILES.items():
        if name in computed or (folder / file).exists():
            found += _different_rows(folder / file, name, computed.get(name))
    return found


def different_report(folder: Path, page: str | None) -> list[str]:
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


def _different_rows(path: Path, name: str, again: pd.DataFrame | None) -> list[str]:
    if again is None:
        return [f"{path.name}: not expected"]
    try:
        stored = validate_table(pd.read_parquet(path), TABLE_SCHEMAS[name], path.name)
    except (OSError, ValueError) as error:
        return [f"{path.name}: {error}"]
    if len(stored) != len(again):
        return [f"{path.name}: {len(stored)} rows, computed {len(again)}"]
    same = (stored == again) | (stored.isna() & again.isna())
    rows = (~same.all(axis=1)).to_numpy().nonzero()[0]
    return [_described(path.name, stored, again, same, int(row)) for row in rows]


def _described(
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
