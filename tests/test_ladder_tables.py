"""Ladder tables of the documents: what the scores of a release say, word for word."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from somobench.pipelines.ladder_tables import ladder_table, with_table
from somobench.schemas.errors import UsageError

ROOT = Path(__file__).resolve().parents[1]
RELEASE = "virtual-1.0.0"


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
    lines = ladder_table(_scores()).splitlines()
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
    assert "| `persistence` * | not available |" in ladder_table(_scores(**other))


def test_document_without_a_place_is_refused() -> None:
    with pytest.raises(UsageError, match="ladder:virtual-9.9.9"):
        with_table("text", "virtual-9.9.9", "| |\n")


def test_readme_shows_the_scores_of_the_release() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    scores = pd.read_parquet(ROOT / "releases" / RELEASE / "scores.parquet")
    assert with_table(readme, RELEASE, ladder_table(scores)) == readme
