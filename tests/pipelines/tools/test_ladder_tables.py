"""Ladder tables of the documents: what the scores of a release say, word for word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from somobench.pipelines.tools.ladder_tables import (
    insert_table,
    make_brief_table,
    make_ladder_table,
    name_kind,
    shift_table,
)
from somobench.schemas.errors import UsageError

ROOT = Path(__file__).resolve().parents[3]
RELEASE = "virtual-2.0.0"


def _scores(**changed: object) -> pd.DataFrame:
    row = {
        "split": "temporal",
        "model": "climatology",
        "layer": 0,
        "metric": "pearson_r",
        "pool_kind": "plain",
        "against": "",
        "value": 0.456,
        "low": 0.291,
        "high": 0.634,
    }
    return pd.DataFrame([row, row | {"model": "persistence", "value": 0.9} | changed])


def test_table_shows_value_and_interval_and_marks_observed_rungs() -> None:
    lines = make_ladder_table(_scores()).splitlines()
    assert lines[0] == "| rung | temporal |"
    assert "| `climatology` | 0.46 (0.29, 0.63) |" in lines
    assert "| `persistence` * | 0.90 (0.29, 0.63) |" in lines
    assert "| `water_balance` | not available |" in lines


@pytest.mark.parametrize(
    "other",
    [
        {"layer": 1},
        {"metric": "rmse"},
        {"pool_kind": "regime"},
        {"against": "climatology"},
    ],
)
def test_other_scores_stay_out_of_the_table(other: dict[str, object]) -> None:
    assert "| `persistence` * | not available |" in make_ladder_table(_scores(**other))


def test_small_loss_has_no_sign() -> None:
    found = make_ladder_table(_scores(value=-0.004, low=-0.006, high=0.004))
    assert "| `persistence` * | 0.00 (-0.01, 0.00) |" in found


def test_document_without_a_place_is_refused() -> None:
    with pytest.raises(UsageError, match="ladder:virtual-9.9.9"):
        insert_table("text", "ladder", "virtual-9.9.9", "| |\n")


def test_brief_table_has_four_splits_and_rungs_that_are_there() -> None:
    row = {"model": "ridge_memory", "layer": 0, "metric": "pearson_r", "against": ""}
    row |= {"pool_kind": "plain", "value": 0.5, "low": 0.4, "high": 0.6}
    splits = ("temporal", "dry_years", "ungauged")
    table = make_brief_table(pd.DataFrame([row | {"split": name} for name in splits]))
    assert table.splitlines()[0] == "| rung | temporal | ungauged |"
    assert len(table.splitlines()) == 3


def test_scores_of_all_folds_have_a_place_of_their_own() -> None:
    pooled = pd.DataFrame({"split": ["spatial_folds", "spatial_folds"]})
    assert name_kind(pooled) == "folds"
    assert name_kind(pd.DataFrame({"split": ["spatial", "temporal"]})) == "ladder"


def test_cost_of_a_shift_stands_by_rung_and_split() -> None:
    row = {
        "split": "dry_years",
        "model": "ridge_memory",
        "layer": 0,
        "metric": "pearson_r",
        "cost": 0.059,
        "low": 0.019,
        "high": 0.115,
    }
    others = [{"layer": 1, "cost": 0.5}, {"metric": "anomaly_r", "cost": 0.5}]
    table = shift_table(pd.DataFrame([row, *(row | other for other in others)]))
    assert "| rung | dry_years |" in table
    assert "| `ridge_memory` | 0.06 (0.02, 0.12) |" in table
    assert "| `climatology` | not available |" in table
    assert "0.50" not in table


@pytest.mark.parametrize(
    ("document", "kind", "file", "table"),
    [
        ("docs/ladder.md", "ladder", "scores.parquet", make_ladder_table),
        ("docs/ladder.md", "shifts", "shift_costs.parquet", shift_table),
        ("README.md", "brief", "scores.parquet", make_brief_table),
    ],
)
def test_pages_show_the_tables_of_the_release(
    document: str, kind: str, file: str, table: Callable[[pd.DataFrame], str]
) -> None:
    page = (ROOT / document).read_text("utf-8")
    rows = pd.read_parquet(ROOT / "releases" / RELEASE / file)
    assert insert_table(page, kind, RELEASE, table(rows)) == page
