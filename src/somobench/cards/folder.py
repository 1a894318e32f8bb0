"""A score card as `somobench evaluate` writes it, read and checked against itself.

`score.json` repeats numbers of the tables (headline, summary, lead times). They are
computed again from the tables, so that a page never shows a number that isn't there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError as PydanticError

from somobench.cards.lookup import ScoreLookup
from somobench.ladder.rungs import RUNGS
from somobench.schemas.errors import Failure, InputError, ValidationError
from somobench.schemas.validate import validate_table
from somobench.scoring.card_record import CardRecord
from somobench.scoring.files import SCORE_FILE, TABLE_FILES, TABLE_SCHEMAS
from somobench.scoring.headline import RungName, headline
from somobench.scoring.lead_times import lead_summary
from somobench.scoring.record import summary

MAXIMUM_RECORD = 16_000_000  # bytes
MAXIMUM_TABLE = 256_000_000  # bytes, decoded
REQUIRED = ("scores", "cell_scores")
CLAIMS = (
    "metric",
    "highest_rung_beaten",
    "rungs",
    "rungs_with_observations",
    "by_metric",
    "by_pool_kind",
    "by_layer",
)
"""Parts of a headline that have to be those of the tables."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Card:
    """A submission's scores on one split.

    Attributes
    ----------
    record : CardRecord
    scores, cell_scores : DataFrame of schemas SCORES and CELL_SCORES
    lead_scores : DataFrame of schema LEAD_SCORES, or None
    headline : dict or None
        Computed from `scores`; None where no rung was compared with.
    no_headline : str
        The reason, where there is none.
    """

    record: CardRecord
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
    """Read a folder that `evaluate` wrote.

    Raises
    ------
    InputError
        If a file is missing, too large or can't be read.
    ValidationError
        If a table breaks its schema, or score.json says other than the tables.
    """
    path = Path(folder)
    record = _read_record(path / SCORE_FILE)
    tables = {
        name: _read_table(path / file, name)
        for name, file in TABLE_FILES.items()
        if name in REQUIRED or (path / file).exists()
    }
    return build_card(record, tables, str(path))


def build_card(
    record: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], what: str = "card"
) -> Card:
    """Check a record against its tables.

    Parameters
    ----------
    record : content of score.json
    tables : by name, as of `Evaluation.tables`
    what : names the card in errors

    Raises
    ------
    ValidationError
        If it has wrong types, or says other than the tables.
    """
    parsed = _parsed(record, what)
    scores = tables["scores"]
    rungs = _rung_names(parsed)
    compared = scores[scores["against"] != ""]
    found = headline(compared, rungs) if rungs else None
    leads = tables.get("lead_scores")
    failures = [
        *_other_labels(parsed, tables),
        *_other_rungs(parsed, compared),
        *_other_claims(parsed, found),
    ]
    if summary(scores) != parsed.summary:
        failures.append(Failure("summary", "other scores", "those of scores.parquet"))
    told = None if leads is None else lead_summary(leads, parsed.model)
    if told != parsed.lead_times:
        failures.append(
            Failure("lead_times", "other scores", "those of lead_scores.parquet")
        )
    if parsed.coverage.given > parsed.coverage.asked:
        failures.append(
            Failure("coverage", str(parsed.coverage.given), "at most all cell-days")
        )
    common = parsed.lead_coverage.common if parsed.lead_coverage else 0
    if common > parsed.coverage.given:
        failures.append(
            Failure("lead_coverage", str(common), "at most the cell-days predicted")
        )
    if failures:
        raise ValidationError(f"score card {what}", failures)
    return Card(
        record=parsed,
        scores=scores,
        cell_scores=tables["cell_scores"],
        lead_scores=leads,
        headline=found,
        no_headline="" if rungs else str(parsed.headline.get("reason", ""))[:2000],
    )


def _read_record(path: Path) -> dict[str, Any]:
    try:
        size = path.stat().st_size
        if size > MAXIMUM_RECORD:
            raise InputError(
                f"file {path}",
                found=f"{size} bytes",
                expected=f"{MAXIMUM_RECORD} at most",
            )
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"file {path}",
            found=repr(error)[:200],
            expected="what `somobench evaluate` writes",
        ) from error
    return record


def _read_table(path: Path, name: str) -> pd.DataFrame:
    try:
        metadata = pq.read_metadata(path)
        groups = range(metadata.num_row_groups)
        size = sum(metadata.row_group(group).total_byte_size for group in groups)
        if size > MAXIMUM_TABLE:
            raise InputError(
                f"file {path}",
                found=f"{size} bytes decoded",
                expected=f"{MAXIMUM_TABLE} at most",
            )
        frame = pd.read_parquet(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(
            f"file {path}",
            found=repr(error)[:200],
            expected="what `somobench evaluate` writes",
        ) from error
    return validate_table(frame, TABLE_SCHEMAS[name], str(path))


def _parsed(record: object, what: str) -> CardRecord:
    try:
        return CardRecord.model_validate(record)
    except PydanticError as error:
        failures = [
            Failure(
                ".".join(map(str, item["loc"])) or "whole",
                repr(item["input"])[:80],
                item["msg"],
            )
            for item in error.errors(include_url=False)
        ]
        raise ValidationError(f"score card {what}", failures) from None


def _rung_names(record: CardRecord) -> list[RungName]:
    """Return the rungs in the ladder's order; the record marks those unknown here."""
    listed = record.headline.get("rungs_with_observations")
    marked = {
        item.get("rung")
        for item in (listed if isinstance(listed, list) else ())
        if isinstance(item, dict)
    }
    return [
        RungName(
            name, RUNGS[name].needs_observations if name in RUNGS else name in marked
        )
        for name in record.ladder.rungs
    ]


def _other_labels(
    record: CardRecord, tables: Mapping[str, pd.DataFrame]
) -> list[Failure]:
    failures = []
    for name, column, expected in (
        ("scores", "split", record.split),
        ("scores", "model", record.model),
        ("cell_scores", "split", record.split),
        ("cell_scores", "model", record.model),
    ):
        found = sorted(set(tables[name][column].astype(str)))
        if found != [expected]:
            shown = ", ".join(found)[:200] or "none"
            failures.append(Failure(f"{name}, {column}", shown, expected))
    return failures


def _other_rungs(record: CardRecord, compared: pd.DataFrame) -> list[Failure]:
    unknown = sorted(set(compared["against"].astype(str)) - set(record.ladder.rungs))
    if not unknown:
        return []
    return [Failure("scores, against", ", ".join(unknown)[:200], "rungs of the ladder")]


def _other_claims(record: CardRecord, found: dict[str, Any] | None) -> list[Failure]:
    if found is None:
        if record.headline.get("highest_rung_beaten") is None:
            return []
        return [Failure("headline", "a rung beaten", "none: there is no ladder")]
    return [
        Failure(
            f"headline, {claim}",
            str(record.headline.get(claim))[:80],
            f"{str(found[claim])[:80]}, as scores.parquet has it",
        )
        for claim in CLAIMS
        if record.headline.get(claim) != found[claim]
    ]
