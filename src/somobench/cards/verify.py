"""Recompute a published score from the files that it names, and compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from somobench.cards.differences import (
    different_entries,
    different_report,
    different_tables,
)
from somobench.cards.folder import build_card
from somobench.cards.page import card_page, release_cells
from somobench.catalog.resolve import resolve
from somobench.schemas.errors import InputError, IntegrityError, UsageError
from somobench.scoring.card_record import CardRecord
from somobench.scoring.evaluate import Evaluation, evaluate_submission
from somobench.scoring.files import SCORE_FILE
from somobench.scoring.record import SCORE_SCHEMA, code_sha256
from somobench.submissions.submission import open_submission

SHOWN = 3  # differences named
MAXIMUM_RECORD = 16_000_000  # bytes


class Verification(NamedTuple):
    """What was recomputed, and whether from the same file, by the same code."""

    release: str
    split: str
    model: str
    rows: dict[str, int]
    same_file: bool
    same_code: bool


def verify_score(
    folder: Path | str,
    *,
    submission: Path | str | None = None,
    ladder: Path | str | None = None,
) -> Verification:
    """Recompute the scores in a folder and compare them exactly, as stored.

    A submission is known by its values: a copy in another format is the same one. The
    whole of score.json is compared but for the code, the submission's name and, where
    a copy was read, its file; report.html byte by byte where the code is the same.

    Parameters
    ----------
    folder : Path
        What `evaluate` wrote.
    submission : Path, optional
        The submission; by default the file of its name in the folder, beside it, or in
        the current folder. Predictions that were scored in memory need it.
    ladder : Path, optional
        The rungs' predictions, where the release doesn't carry them.

    Raises
    ------
    IntegrityError
        If the submission, the release or the ladder isn't the one that was scored, or
        anything in the folder differs or is missing.
    UsageError
        If there is no file to read, or score.json is of another schema.
    InputError
        If score.json or the submission can't be read.
    """
    target = Path(folder)
    record = _read_record(target)
    facts = record["submission"]
    file = _found(target, facts, submission)
    opened = open_submission(file)
    what = f"values of submission {file}"
    _refuse_other(what, opened.values_sha256, facts["values_sha256"])
    release = resolve(record["release"])
    what = f"manifest of release {record['release']}"
    _refuse_other(what, release.manifest_sha256, record["manifest_sha256"])
    again = evaluate_submission(
        opened,
        release=release,
        split=record["split"],
        ladder=ladder,
        with_ladder=record["ladder"]["sha256"] is not None or ladder is not None,
        allow_missing=bool(record["options"]["allow_missing"]),
        name=record["model"],
    )
    _refuse_other_ladder(again, record["ladder"]["sha256"])
    same_file = opened.file_sha256 == facts["file_sha256"]
    same_code = record["code"]["sha256"] == code_sha256()
    _refuse_differences(target, record, again, same_file=same_file, same_code=same_code)
    return Verification(
        record["release"],
        record["split"],
        record["model"],
        {name: len(table) for name, table in again.tables.items()},
        same_file,
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
        record["options"]["allow_missing"]
        CardRecord.model_validate(record)
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(
            f"file {path}", found=repr(error)[:200], expected="what `evaluate` writes"
        ) from error
    return record


def _found(folder: Path, facts: dict[str, Any], given: Path | str | None) -> Path:
    if given is not None:
        return Path(given)
    if facts["file_sha256"] is None:
        raise UsageError(
            f"score {folder}",
            found="predictions that were scored in memory",
            expected="a file with the same values",
            hint="--submission FILE",
        )
    name = str(facts["name"])
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


def _refuse_other_ladder(again: Evaluation, expected: str | None) -> None:
    found = again.record["ladder"]["sha256"]
    if found != expected:
        reason = again.headline.get("reason")
        raise IntegrityError(
            "predictions of the ladder",
            found=f"sha256 {found}" if found else f"none: {reason}",
            expected=f"sha256 {expected}, as scored" if expected else "none, as scored",
            hint="--ladder FILE with the predictions that were compared with",
        )


def _refuse_differences(
    target: Path,
    record: dict[str, Any],
    again: Evaluation,
    *,
    same_file: bool,
    same_code: bool,
) -> None:
    """Raise if anything stored differs from what was computed again."""
    found = different_entries(
        record, again.record, same_file=same_file, same_code=same_code
    )
    found += different_tables(target, again.tables)
    if not found:
        found = _different_page(target, record, again, same_code=same_code)
    if found:
        more = len(found) - SHOWN
        version = f"somobench {record['code']['version']}"
        raise IntegrityError(
            f"score {target}",
            found="; ".join(found[:SHOWN]) + (f"; and {more} more" * (more > 0)),
            expected="what is computed from the submission and the release",
            hint=None if same_code else f"it was computed by other code, {version}",
        )


def _different_page(
    target: Path, record: dict[str, Any], again: Evaluation, *, same_code: bool
) -> list[str]:
    card = build_card(record, again.tables, str(target))
    page = card_page(card, release_cells(card)) if same_code else None
    return different_report(target, page)
