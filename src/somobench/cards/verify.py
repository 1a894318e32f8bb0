"""Recompute a published score from the files that it names, and compare."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, NoReturn

from somobench.cards.differences import (
    compare_records,
    compare_report,
    compare_tables,
)
from somobench.cards.folder import build_card, read_record
from somobench.cards.page import card_page
from somobench.catalog.resolve import resolve
from somobench.schemas.errors import InputError, IntegrityError, UsageError
from somobench.scoring.evaluate import Evaluation, evaluate_submission
from somobench.scoring.own_grid import describe_wanted
from somobench.scoring.record import ScoreRecord
from somobench.submissions.submission import open_submission

SHOWN = 3  # differences named


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
    record = read_record(target)
    release = resolve(record.release)
    gridded = record.submission.gridded
    opened = open_submission(
        _find_submission(target, record, submission),
        wanted=None if gridded is None else describe_wanted(release, gridded.options),
    )
    _refuse_other(
        f"values of submission {opened.name}",
        opened.values_sha256,
        record.submission.values_sha256,
    )
    what = f"manifest of release {record.release}"
    _refuse_other(what, release.manifest_sha256, record.manifest_sha256)
    again = evaluate_submission(
        opened,
        release=release,
        split=record.split,
        ladder=ladder,
        with_ladder=record.ladder.sha256 is not None or ladder is not None,
        allow_missing=record.options.allow_missing,
        name=record.model,
    )
    return compare_score(target, again)


def compare_score(folder: Path, again: Evaluation) -> Verification:
    """Compare a folder with what was computed again; errors as of `verify_score`."""
    record, computed = read_record(folder), again.record
    _refuse_other_ladder(record, computed)
    same_file = computed.submission.file_sha256 == record.submission.file_sha256
    same_code = computed.code.sha256 == record.code.sha256
    found = compare_records(record, computed, same_file=same_file, same_code=same_code)
    found += compare_tables(folder, again.tables)
    if not found:
        page = _draw_page(folder, record, again) if same_code else None
        found = compare_report(folder, page)
    if found:
        _refuse_differences(folder, found, None if same_code else record.code.version)
    return Verification(
        record.release,
        record.split,
        record.model,
        {name: len(table) for name, table in again.tables.items()},
        same_file,
        same_code,
    )


def _find_submission(
    folder: Path, record: ScoreRecord, given: Path | str | None
) -> Path:
    if given is not None:
        return Path(given)
    if record.submission.file_sha256 is None:
        raise UsageError(
            f"score {folder}",
            found="predictions that were scored in memory",
            expected="a file with the same values",
            hint="--submission FILE",
        )
    name = record.submission.name
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
        hint=f"say where it lies: --submission FOLDER/{name}",
    )


def _refuse_other(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise IntegrityError(
            what, found=f"sha256 {found}", expected=f"sha256 {expected}, as scored"
        )


def _refuse_other_ladder(record: ScoreRecord, computed: ScoreRecord) -> None:
    expected, found = record.ladder.sha256, computed.ladder.sha256
    if found == expected:
        return
    raise IntegrityError(
        "predictions of the ladder",
        found=f"sha256 {found}" if found else f"none: {computed.ladder.missing}",
        expected=f"sha256 {expected}, as scored" if expected else "none, as scored",
        hint="--ladder FILE with the predictions that were compared with",
    )


def _refuse_differences(
    folder: Path, found: list[str], other_code: str | None
) -> NoReturn:
    more = len(found) - SHOWN
    raise IntegrityError(
        f"score {folder}",
        found="; ".join(found[:SHOWN]) + (f"; and {more} more" * (more > 0)),
        expected="what is computed from the submission and the release",
        hint=other_code and f"it was computed by other code, somobench {other_code}",
    )


def _draw_page(folder: Path, record: ScoreRecord, again: Evaluation) -> str:
    return card_page(build_card(record, again.tables, str(folder)), again.cells)
