"""A score card as `somobench evaluate` writes it, read and checked against itself."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError as PydanticError

from somobench.cards.lookup import ScoreLookup
from somobench.catalog.fetching.cache import open_regular
from somobench.schemas.errors import (
    Failure,
    InputError,
    SomobenchError,
    UsageError,
    ValidationError,
)
from somobench.schemas.validate import validate_table
from somobench.scoring.files import SCORE_FILE, TABLE_FILES, TABLE_SCHEMAS
from somobench.scoring.headline import derive_headline
from somobench.scoring.record import SCORE_SCHEMA, ScoreRecord
from somobench.submissions.confine import limit_memory
from somobench.submissions.parquet import is_text

MAXIMUM_RECORD = 16_000_000  # bytes
MAXIMUM_TABLE = 64_000_000  # bytes
MAXIMUM_MEMORY = 400_000_000  # bytes that reading a table may take
REQUIRED = ("scores", "cell_scores")
ATTEMPTS = 5  # at a folder that is being replaced
WRITTEN = "what `somobench evaluate` writes"


@dataclass(frozen=True, kw_only=True, eq=False)
class Card:
    """A submission's scores on one split.

    Attributes
    ----------
    record : ScoreRecord
    scores, cell_scores : DataFrame of schemas SCORES and CELL_SCORES
    lead_scores : DataFrame of schema LEAD_SCORES, or None
    headline : dict or None
        Derived from `scores`; None where there is none.
    no_headline : str
        The reason, where there is none.
    """

    record: ScoreRecord
    scores: pd.DataFrame
    cell_scores: pd.DataFrame
    lead_scores: pd.DataFrame | None
    headline: dict[str, Any] | None
    no_headline: str

    @cached_property
    def lookup(self) -> ScoreLookup:
        """Rows of `scores` by what they are."""
        return ScoreLookup(self.scores)


def read_card(folder: Path | str) -> Card:
    """Read a folder that `evaluate` wrote, again if it is replaced meanwhile.

    Raises
    ------
    InputError
        If a file is missing, too large or can't be read.
    UsageError
        If score.json is of another schema.
    ValidationError
        If a table or score.json breaks its schema, or they don't belong together.
    """
    path = Path(folder)
    for _ in range(ATTEMPTS):
        before = _identify(path)
        try:
            card = _read_files(path)
        except SomobenchError:
            if _identify(path) == before:
                raise
        else:
            if _identify(path) == before:
                return card
    raise InputError(
        f"score card {path}",
        found=f"it was replaced {ATTEMPTS} times while it was read",
        expected="a card that nobody is writing",
    )


def _identify(folder: Path) -> tuple[int, int] | None:
    """Return which folder has a name; None where there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_ino, status.st_ctime_ns


def _read_files(path: Path) -> Card:
    record = read_record(path)
    tables = {
        name: read_table(path / file, name)
        for name, file in TABLE_FILES.items()
        if name in REQUIRED or (path / file).exists()
    }
    return build_card(record, tables, str(path))


def build_card(
    record: ScoreRecord | Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    what: str = "card",
) -> Card:
    """Derive a card from a record and its tables.

    Parameters
    ----------
    record : ScoreRecord, or content of score.json
    tables : by name, as of `Evaluation.tables`
    what : names the card in errors

    Raises
    ------
    UsageError
        If the record is of another schema.
    ValidationError
        If it breaks its schema, or the tables belong to something else.
    """
    if not isinstance(record, ScoreRecord):
        record = parse_record(json.dumps(record), what)
    scores = tables["scores"]
    failures = [
        *_find_other_labels(record, tables),
        *_find_other_rungs(record, scores),
        *_find_other_leads(record, tables),
    ]
    if failures:
        raise ValidationError(f"score card {what}", failures)
    found = derive_headline(record, scores)
    return Card(
        record=record,
        scores=scores,
        cell_scores=tables["cell_scores"],
        lead_scores=tables.get("lead_scores"),
        headline=found if found["available"] else None,
        no_headline=found.get("reason", ""),
    )


def read_record(folder: Path) -> ScoreRecord:
    """Read `score.json` of a folder.

    Raises
    ------
    InputError
        If it is missing, too large, or no JSON object.
    UsageError
        If it is of another schema.
    ValidationError
        If it breaks the schema, naming all entries.
    """
    path = folder / SCORE_FILE
    with _open_small(path, MAXIMUM_RECORD) as stream:
        try:
            text = stream.read().decode("utf-8")
        except (OSError, ValueError) as error:
            raise _make_read_error(path, error) from error
    return parse_record(text, str(folder))


def parse_record(text: str, what: str) -> ScoreRecord:
    """Parse the text of `score.json`; errors as of `read_record`."""
    try:
        return ScoreRecord.model_validate_json(text)
    except PydanticError as error:
        found = error.errors(include_url=False)
    places = [".".join(map(str, item["loc"])) for item in found]
    if "" in places and found[places.index("")]["type"] != "value_error":
        shown = found[places.index("")]["msg"]
        raise InputError(f"{SCORE_FILE} of {what}", found=shown, expected=WRITTEN)
    if "schema_version" in places:
        item = found[places.index("schema_version")]
        is_known = isinstance(item["input"], str)
        raise UsageError(
            f"{SCORE_FILE} of {what}",
            found=f"schema version {str(item['input'])[:20]}" if is_known else "none",
            expected=f"schema version {SCORE_SCHEMA}",
            hint="score the submission again with `somobench evaluate`",
        )
    failures = [
        Failure(place or "whole", repr(item["input"])[:80], item["msg"])
        for place, item in zip(places, found, strict=True)
    ]
    raise ValidationError(f"score card {what}", failures)


def read_table(path: Path, name: str) -> pd.DataFrame:
    """Read a table of a card, in little memory; errors as of `read_card`."""
    with _open_small(path, MAXIMUM_TABLE) as stream, limit_memory(MAXIMUM_MEMORY):
        try:
            too_large = _measure_unpacked(stream) > MAXIMUM_MEMORY
            stream.seek(0)
            frame = None if too_large else pd.read_parquet(stream, use_threads=False)
        except MemoryError:
            frame = None
        except (OSError, ValueError, pa.ArrowException) as error:
            raise _make_read_error(path, error) from error
    if frame is None:
        found = f"more than {MAXIMUM_MEMORY} bytes when it is unpacked"
        raise InputError(f"file {path}", found=found, expected=WRITTEN)
    return validate_table(frame, TABLE_SCHEMAS[name], str(path))


def _measure_unpacked(stream: BinaryIO) -> int:
    """Return about how many bytes a table takes; a text counts in each row it is in.

    The footer can't tell: one text in a dictionary stands for any number of rows.
    """
    file = pq.ParquetFile(stream)
    groups = (file.metadata.row_group(i) for i in range(file.num_row_groups))
    unpacked = sum(max(0, group.total_byte_size) for group in groups)
    unpacked += int(file.metadata.num_rows) * 8 * file.metadata.num_columns
    texts = [field.name for field in file.schema_arrow if is_text(field.type)]
    if unpacked > MAXIMUM_MEMORY or not texts:
        return unpacked
    stream.seek(0)
    coded = pq.ParquetFile(stream, read_dictionary=texts)
    for column in coded.read(texts, use_threads=False).columns:
        for chunk in column.chunks:
            is_coded = pa.types.is_dictionary(chunk.type)
            lengths = pc.binary_length(chunk.dictionary if is_coded else chunk)
            repeated = lengths.take(chunk.indices) if is_coded else lengths
            unpacked += pc.sum(repeated).as_py() or 0
    return unpacked


@contextmanager
def _open_small(path: Path, most: int) -> Iterator[BinaryIO]:
    """Open a regular file; nothing is waited for, and nothing large is opened."""
    try:
        stream = open_regular(path)
    except SomobenchError as error:
        raise InputError(f"file {path}", found=error.found, expected=WRITTEN) from error
    with stream:
        size = os.fstat(stream.fileno()).st_size
        if size > most:
            expected = f"a file of {most} bytes at most"
            raise InputError(f"file {path}", found=f"{size} bytes", expected=expected)
        yield stream


def _make_read_error(path: Path, error: Exception) -> InputError:
    return InputError(f"file {path}", found=repr(error)[:200], expected=WRITTEN)


def _find_other_labels(
    record: ScoreRecord, tables: Mapping[str, pd.DataFrame]
) -> list[Failure]:
    failures = []
    for name in REQUIRED:
        for column, expected in (("split", record.split), ("model", record.model)):
            found = sorted(set(tables[name][column].astype(str)))
            if found != [expected]:
                shown = ", ".join(found)[:200] or "none"
                failures.append(Failure(f"{name}, {column}", shown, expected))
    return failures


def _find_other_rungs(record: ScoreRecord, scores: pd.DataFrame) -> list[Failure]:
    unknown = set(scores["against"].astype(str)) - {"", *record.ladder.rungs}
    if not unknown:
        return []
    shown = ", ".join(sorted(unknown))[:200]
    return [Failure("scores, against", shown, "rungs of the ladder")]


def _find_other_leads(
    record: ScoreRecord, tables: Mapping[str, pd.DataFrame]
) -> list[Failure]:
    table = tables.get("lead_scores")
    found = [] if table is None else sorted(set(table["lead_time"].tolist()))
    expected = record.submission.lead_times
    if found != expected:
        return [Failure("lead_scores, lead_time", str(found)[:200], str(expected))]
    if table is not None and record.model not in set(table["model"]):
        return [Failure("lead_scores, model", "others", record.model)]
    return []
