"""A card is believed only where score.json and its tables say the same."""

from __future__ import annotations

import json
import math
import os
import resource
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from factories.cards import (
    RUNGS,
    make_card,
    make_finding,
    write_card,
    write_made,
)
from factories.faults.bombs import one_text_again_and_again
from somobench.cards import folder
from somobench.cards.folder import read_card
from somobench.schemas.errors import InputError, UsageError, ValidationError


def hide_rung(record: dict[str, Any]) -> None:
    record["ladder"]["rungs"] = [*RUNGS[:2], "persistence"]


def hide_mark(record: dict[str, Any]) -> None:
    record["ladder"]["observing"] = []


def mark_other_rung(record: dict[str, Any]) -> None:
    record["ladder"]["observing"].append("reanalysis")


def claim_lead_times(record: dict[str, Any]) -> None:
    record["submission"]["lead_times"] = [1, 3]


def forget_ladder(record: dict[str, Any]) -> None:
    record["ladder"]["sha256"] = None


def claim_headline(record: dict[str, Any]) -> None:
    record["headline"] = {"highest_rung_beaten": "persistence"}


def change_model(record: dict[str, Any]) -> None:
    record["model"] = "another"


def change_split(record: dict[str, Any]) -> None:
    record["split"] = "spatial"


def change_hash(record: dict[str, Any]) -> None:
    record["manifest_sha256"] = "0" * 63


def exceed_days(record: dict[str, Any]) -> None:
    record["coverage"]["given"] = 2401


def climb_by_path(record: dict[str, Any]) -> None:
    record["release"] = "../../virtual-0.1.0"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (hide_rung, "scores, against: found reanalysis"),
        (hide_mark, "rung persistence: observing has to be True"),
        (mark_other_rung, "rung reanalysis: observing has to be False"),
        (claim_lead_times, r"lead_scores, lead_time: found \[\], expected \[1, 3\]"),
        (forget_ladder, "rungs without the sha256"),
        (claim_headline, "headline"),
        (change_model, "scores, model: found model-a, expected another"),
        (change_split, "scores, split: found temporal, expected spatial"),
        (change_hash, "manifest_sha256"),
        (exceed_days, "coverage.*2401 cell-days predicted of 2400"),
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


@pytest.mark.parametrize("version", ["1", "3"])
def test_card_of_another_schema_is_refused_with_the_next_step(
    tmp_path: Path, version: str
) -> None:
    record, tables = make_card()
    folder = write_made(tmp_path / "card", record | {"schema_version": version}, tables)
    with pytest.raises(UsageError, match=f"schema version {version}(.|\n)*again with"):
        read_card(folder)


def test_headline_is_derived_from_the_tables(tmp_path: Path) -> None:
    record, tables = make_card()
    scores = tables["scores"]
    rung = (scores["against"] == "ridge_memory") & (scores["pool_kind"] == "plain")
    scores.loc[rung, "low"] = -1.0
    found = read_card(write_made(tmp_path / "card", record, tables))
    assert found.headline is not None
    assert found.headline["highest_rung_beaten"] == "climatology"
    observing = [item["rung"] for item in found.headline["rungs_with_observations"]]
    assert observing == ["persistence"]


def test_copy_of_the_target_has_no_headline(tmp_path: Path) -> None:
    record, tables = make_card(findings=[make_finding()])
    found = read_card(write_made(tmp_path / "card", record, tables))
    assert found.headline is None
    assert "the predictions equal the target, in 8 of 8 series" in found.no_headline


def test_card_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_card(tmp_path / "card", "model-a")
    other = write_card(tmp_path / "other", "model-b")
    read, writers = folder.read_table, [other]

    def read_beside_a_writer(file: Path, name: str) -> pd.DataFrame:
        if writers:
            path.rename(tmp_path / "old")
            writers.pop().rename(path)
        return read(file, name)

    monkeypatch.setattr(folder, "read_table", read_beside_a_writer)
    assert read_card(path).record.model == "model-b"
    assert writers == []


def test_device_in_place_of_a_file_is_refused_and_not_waited_for(
    tmp_path: Path,
) -> None:
    for file in ("score.json", "scores.parquet"):
        folder = write_card(tmp_path / file)
        (folder / file).unlink()
        os.mkfifo(folder / file)
        with pytest.raises(InputError, match="no regular file"):
            read_card(folder)


@pytest.mark.parametrize(
    "content",
    ["", "[" * 100_000, "not JSON", "[1]", "null", '{"model": NaN}', "\x00\xff"],
    ids=["empty", "deep", "text", "list", "null", "nan", "bytes"],
)
def test_damaged_record_is_refused(tmp_path: Path, content: str) -> None:
    folder = write_card(tmp_path / "card")
    (folder / "score.json").write_text(content, "latin-1")
    with pytest.raises((InputError, UsageError)):
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


def test_table_is_measured_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = write_card(tmp_path / "card")
    one_text_again_and_again(card / "scores.parquet")
    monkeypatch.setattr(folder, "limit_memory", lambda _: nullcontext())
    monkeypatch.delattr(pd, "read_parquet")
    with pytest.raises(InputError, match="bytes when it is unpacked"):
        read_card(card)


@pytest.mark.parametrize("file", ["scores.parquet", "cell_scores.parquet"])
def test_small_table_that_would_fill_the_memory_is_refused(
    tmp_path: Path, file: str
) -> None:
    card = write_card(tmp_path / "card")
    one_text_again_and_again(card / file)
    assert (card / file).stat().st_size < 2_000_000
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(InputError, match="bytes when it is unpacked"):
        read_card(card)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
