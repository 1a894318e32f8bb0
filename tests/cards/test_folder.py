"""A card is believed only where score.json and its tables say the same."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factories.cards import RUNGS, make_card, write_card, write_made
from somobench.cards.folder import read_card
from somobench.schemas.errors import InputError, ValidationError
from somobench.scoring.headline import RungName, headline


def change_headline(record: dict[str, Any]) -> None:
    record["headline"]["highest_rung_beaten"] = "persistence"


def change_difference(record: dict[str, Any]) -> None:
    record["headline"]["rungs"][0]["low"] += 0.001


def hide_rung(record: dict[str, Any]) -> None:
    record["ladder"]["rungs"] = [*RUNGS[:2], "persistence"]


def move_rung_apart(record: dict[str, Any]) -> None:
    item = record["headline"]["rungs"].pop()
    record["headline"]["rungs_with_observations"].insert(0, item)


def change_summary(record: dict[str, Any]) -> None:
    record["summary"]["plain"]["pearson_r"]["value"] = 0.99


def change_model(record: dict[str, Any]) -> None:
    record["model"] = "another"


def change_split(record: dict[str, Any]) -> None:
    record["split"] = "spatial"


def change_hash(record: dict[str, Any]) -> None:
    record["manifest_sha256"] = "0" * 63


def change_schema(record: dict[str, Any]) -> None:
    record["schema_version"] = "2"


def exceed_days(record: dict[str, Any]) -> None:
    record["coverage"]["given"] = 2401


def climb_by_path(record: dict[str, Any]) -> None:
    record["release"] = "../../virtual-0.1.0"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (change_headline, "highest_rung_beaten"),
        (change_difference, "headline, rungs"),
        (hide_rung, "scores, against: found reanalysis"),
        (move_rung_apart, "rungs_with_observations"),
        (change_summary, "summary"),
        (change_model, "scores, model: found model-a, expected another"),
        (change_split, "scores, split: found temporal, expected spatial"),
        (change_hash, "manifest_sha256"),
        (change_schema, "schema_version"),
        (exceed_days, "coverage: found 2401"),
        (climb_by_path, "release"),
    ],
)
def test_card_that_says_other_than_its_tables_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], named: str
) -> None:
    record, tables = make_card()
    change(record)
    folder = write_made(tmp_path / "card", record, tables)
    with pytest.raises(ValidationError, match=named):
        read_card(folder)


def test_known_rung_that_reads_observations_cannot_pass_as_another(
    tmp_path: Path,
) -> None:
    record, tables = make_card()
    compared = tables["scores"].query("against != ''")
    record["headline"] = headline(compared, [RungName(rung, False) for rung in RUNGS])
    folder = write_made(tmp_path / "card", record, tables)
    with pytest.raises(ValidationError, match="rungs_with_observations"):
        read_card(folder)


@pytest.mark.parametrize(
    "content",
    ["", "[" * 100_000, "not JSON", "[1]", "null", '{"model": NaN}', "\x00\xff"],
    ids=["empty", "deep", "text", "list", "null", "nan", "bytes"],
)
def test_damaged_record_is_refused(tmp_path: Path, content: str) -> None:
    folder = write_card(tmp_path / "card")
    (folder / "score.json").write_text(content, "latin-1")
    with pytest.raises((InputError, ValidationError)):
        read_card(folder)


@pytest.mark.parametrize("file", ["scores.parquet", "cell_scores.parquet"])
def test_damaged_or_missing_table_is_refused(tmp_path: Path, file: str) -> None:
    folder = write_card(tmp_path / "card")
    (folder / file).write_bytes((folder / file).read_bytes()[:-20])
    with pytest.raises(InputError, match=file):
        read_card(folder)
    (folder / file).unlink()
    with pytest.raises(InputError, match=file):
        read_card(folder)


def test_table_that_breaks_its_schema_is_refused(tmp_path: Path) -> None:
    record, tables = make_card()
    tables["scores"].loc[0, "low"] = 2.0
    folder = write_made(tmp_path / "card", record, tables)
    with pytest.raises(ValidationError, match="low not above high"):
        read_card(folder)


def test_number_that_is_not_finite_in_the_record_is_refused(tmp_path: Path) -> None:
    folder = write_card(tmp_path / "card")
    record = json.loads((folder / "score.json").read_text("utf-8"))
    record["bootstrap"]["level"] = math.inf
    (folder / "score.json").write_text(json.dumps(record), "utf-8")
    with pytest.raises(ValidationError, match="bootstrap.level"):
        read_card(folder)
