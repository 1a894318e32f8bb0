"""Tables of docs/models.md are what the kept numbers give."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from somobench.pipelines.tools.model_tables import (
    make_forecast_table,
    make_neural_table,
    write_models,
)

ROOT = Path(__file__).resolve().parents[3]


def make_row(**named: object) -> dict[str, object]:
    numbers = {"value": 0.8, "low": 0.7, "high": 0.9}
    texts = {"model": "lstm", "against": "", "metric": "pearson_r"}
    return {"split": "temporal", "cpu_seconds": 31.4, **texts, **numbers, **named}


def test_document_holds_what_its_numbers_give() -> None:
    document = ROOT / "docs" / "models.md"
    assert write_models(document) == document.read_text(encoding="utf-8")


def test_table_marks_who_is_beaten_and_who_beats() -> None:
    won = {"value": 0.1, "low": 0.05, "high": 0.2}
    lost = {"value": -0.1, "low": -0.2, "high": -0.001}
    open_ = {"value": 0.0, "low": -0.1, "high": 0.1}
    table = pd.DataFrame(
        [
            make_row(),
            make_row(against="linear_1", **won),
            make_row(against="reanalysis", **lost),
            make_row(against="climatology", **open_),
            make_row(against="linear_1", metric="ubrmse"),
        ]
    )
    assert make_neural_table(table).splitlines()[2:] == [
        "| `lstm` |  | 0.80 (0.70, 0.90) |",
        "| `lstm` | `climatology` | 0.00 (-0.10, 0.10) |",
        "| `lstm` | `linear_1` | **0.10 (0.05, 0.20)** |",
        "| `lstm` | `reanalysis` | _-0.10 (-0.20, 0.00)_ |",
        "| `lstm` | seconds of CPU | 31 |",
    ]


def test_forecast_table_has_a_column_a_lead_time() -> None:
    rows = [make_row(lead_time=lead, value=1 - lead / 10) for lead in (1, 2)]
    less = {"against": "persistence", "low": -0.1}
    rows += [make_row(lead_time=lead, value=0.05, **less) for lead in (1, 2)]
    assert make_forecast_table(pd.DataFrame(rows)).splitlines() == [
        "| model | less | 1 d | 2 d |",
        "| --- | --- | --- | --- |",
        "| `lstm` |  | 0.90 | 0.80 |",
        "| `lstm` | `persistence` | 0.05 (-0.10, 0.90) | 0.05 (-0.10, 0.90) |",
    ]
