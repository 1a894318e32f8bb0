"""Recompute a published score from the files that it names, and compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from somobench.catalog.resolve import resolve
from somobench.evaluation import (
    SCORE_FILE,
    TABLE_FILES,
    TABLE_SCHEMAS,
    Evaluation,
    evaluate,
)
from somobench.schemas.errors import InputError, IntegrityError, UsageError
from somobench.schemas.validate import validate_table
from somobench.score_record import SCORE_SCHEMA, code_sha256
from somobench.submission import hash_submission

SHOWN = 3  # differences named
KEYS = ("model", "release", "split", "split_sha256", "headline", "coverage", "summary")
MAXIMUM_RECORD = 16_000_000  # bytes


class Verification(NamedTuple):
    """What was recomputed, and whether by the same code as published."""

    release: str
    split: str
    model: str
    rows: dict[str, int]
    same_code: bool


def verify_score(
    folder: Path | str,
    *,
    submission: Path | str | None = None,
    ladder: Path | str | None = None,
) -> Verification:
    """Recompute the scores in a folder and compare them exactly, as stored.

    Parameters
    ----------
    folder : Path
        What `evaluate` wrote.
    submission : Path, optional
        The submission; by default the file of its name in the folder, beside it, or in
        the current folder.
    ladder : Path, optional
        The rungs' predictions, where the release doesn't carry them.

    Raises
    ------
    IntegrityError
        If the submission, the release or the ladder isn't the one that was scored, or
        a score differs.
    """
    target = Path(folder)
    record = _read_record(target)
    facts = record["submission"]
    if facts["file_sha256"] is None:
        raise UsageError(
            f"score {target}",
            found="predictions that were scored in memory",
            expected="a submission that came from a file",
        )
    file = _found(target, str(facts["name"]), submission)
    digest = hash_submission(file)[0]
    _refuse_other(f"submission {file}", digest, facts["file_sha256"])
    manifest = resolve(record["release"]).manifest_sha256
    what = f"manifest of release {record['release']}"
    _refuse_other(what, manifest, record["manifest_sha256"])
    again = evaluate(
        file,
        release=record["release"],
        split=record["split"],
        ladder=ladder,
        allow_missing=bool(record["options"]["allow_missing"]),
        name=record["model"],
    )
    _refuse_other_ladder(again.record["ladder"], record["ladder"])
    same_code = record["code"]["sha256"] == code_sha256()
    _compare(target, record, again, same_code=same_code)
    return Verification(
        record["release"],
        record["split"],
        record["model"],
        {name: len(table) for name, table in again.tables.items()},
        same_code,
    )


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / SCORE_FILE
    try:
        if path.stat().st_size > MAXIMUM_RECORD:
            raise InputError(f"file {path}", found=f"{path.stat().st_size} bytes")
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if record["schema_version"] != SCORE_SCHEMA:
            raise UsageError(
                f"file {path}",
                found=f"schema version {record['schema_version']}",
                expected=SCORE_SCHEMA,
            )
        for key in (*KEYS, "submission", "options", "ladder", "code"):
            record[key]
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(
            f"file {path}", found=repr(error)[:200], expected="what `evaluate` writes"
        ) from error
    return record


def _found(folder: Path, name: str, given: Path | str | None) -> Path:
    if given is not None:
        return Path(given)
    if Path(name).name != name:
        raise InputError(
            f"submission of {folder}",
            found=name[:80],
            expected="a name without folders",
        )
    places = (folder / name, folder.resolve().parent / name, Path(name))
    for place in places:
        if place.exists():
            return place
    raise InputError(
        f"submission {name}",
        found=f"none in {folder}, beside it or here",
        expected="the file that was scored",
        hint="--submission FILE",
    )


def _refuse_other(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise IntegrityError(
            what, found=f"sha256 {found}", expected=f"sha256 {expected}, as scored"
        )


def _refuse_other_ladder(found: dict[str, Any], expected: dict[str, Any]) -> None:
    if found["sha256"] != expected["sha256"]:
        raise IntegrityError(
            "predictions of the ladder",
            found=f"sha256 {found['sha256']}",
            expected=f"sha256 {expected['sha256']}, as scored",
            hint="--ladder FILE with the predictions that were compared with",
        )


def _compare(
    folder: Path, record: dict[str, Any], again: Evaluation, *, same_code: bool
) -> None:
    """Raise if anything stored differs from what was computed again."""
    differences = [
        f"{SCORE_FILE}: {key}" for key in KEYS if record[key] != again.record[key]
    ]
    if record.get("lead_times") != again.record.get("lead_times"):
        differences.append(f"{SCORE_FILE}: lead_times")
    for name, file in TABLE_FILES.items():
        if name in again.tables or (folder / file).exists():
            differences += _different_rows(folder / file, name, again.tables.get(name))
    if differences:
        more = len(differences) - SHOWN
        version = f"somobench {record['code']['version']}"
        raise IntegrityError(
            f"score {folder}",
            found="; ".join(differences[:SHOWN])
            + (f"; and {more} more" if more > 0 else ""),
            expected="what is computed from the submission and the release",
            hint=None if same_code else f"it was computed by other code, {version}",
        )


def _different_rows(path: Path, name: str, again: pd.DataFrame | None) -> list[str]:
    """Describe the rows of a stored table that differ."""
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
    labels = {"metric", "layer", "pool_kind", "pool", "against", "cell_id"}
    where = " ".join(
        str(stored[column].iloc[row]) for column in stored.columns if column in labels
    )
    return f"{file} row {row} ({where}): {shown}"
