"""Costs of shifts that contradict each other, or scores of the reference split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from somobench.consistency.costs import find_incoherent_costs
from somobench.schemas.manifest import Manifest, SplitRecord


def make_row(**values: object) -> dict[str, Any]:
    """Return costs of a rung on one of two layers."""
    row: dict[str, Any] = {
        "split": "energy_to_water",
        "reference_split": "temporal",
        "model": "ridge_memory",
        "layer": 1,
        "metric": "pearson_r",
        "shifted": 0.5,
        "reference": 0.6,
        "cost": 0.1,
        "low": 0.0,
        "high": 0.2,
        "cell_count": 5,
        "day_count": 900,
    }
    return row | values


def find(rows: list[dict[str, Any]], value: float = 0.6, days: int = 900) -> list[str]:
    """Return columns that are found, beside one score of the water-limited cells."""
    score = {
        "split": "temporal",
        "model": "ridge_memory",
        "layer": 1,
        "metric": "pearson_r",
        "pool_kind": "regime",
        "pool": "water-limited",
        "against": "",
        "value": value,
        "cell_count": 5,
        "day_count": days,
    }
    record = SplitRecord.model_construct(definition={"kind": "energy_to_water"})
    manifest = Manifest.model_construct(splits={"energy_to_water": record})
    tables = {"shift_costs": pd.DataFrame(rows), "scores": pd.DataFrame([score])}
    return [it.where.split()[-1] for it in find_incoherent_costs(manifest, tables)]


def make_layers(**whole: object) -> list[dict[str, Any]]:
    layers = [make_row(), make_row(layer=2, cost=0.3, day_count=600)]
    together = make_row(layer=0, cost=0.2, cell_count=10, day_count=1500)
    return [together | whole, *layers]


@pytest.mark.parametrize(
    ("whole", "faults"),
    [
        ({}, []),
        ({"cost": 0.3001}, []),
        ({"cost": 0.31}, ["cost"]),
        ({"shifted": 0.48}, ["shifted"]),
        ({"day_count": 1499}, ["day_count"]),
    ],
)
def test_all_layers_together_lie_among_them(
    whole: dict[str, object], faults: list[str]
) -> None:
    assert find(make_layers(**whole)) == faults


def test_what_is_not_trained_loses_nothing() -> None:
    same = {"model": "reanalysis", "shifted": 0.6, "cost": 0.0}
    assert find([make_row(**same)]) == []
    assert find([make_row(**same | {"cost": 0.01})]) == ["cost"]
    assert find([make_row(**same | {"shifted": 0.61})]) == ["shifted"]


def test_reference_is_the_score_of_the_same_days() -> None:
    assert find([make_row()], value=0.6001) == []
    assert find([make_row()], value=0.65) == ["reference"]
    assert find([make_row()], value=0.65, days=901) == []


def test_no_cost_contradicts_nothing_whoever_wrote_the_texts(tmp_path: Path) -> None:
    texts = {"split", "reference_split", "model", "metric"}
    none = pa.table(
        {
            name: pa.array([], pa.string_view() if name in texts else pa.float64())
            for name in make_row()
        }
    )
    pq.write_table(none, tmp_path / "none.parquet")
    manifest = Manifest.model_construct(splits={})
    tables = {"shift_costs": pd.read_parquet(tmp_path / "none.parquet")}
    assert find_incoherent_costs(manifest, tables) == []


@pytest.mark.parametrize(("name", "value"), [("low", -2.1), ("high", 30.0)])
def test_no_interval_exceeds_what_a_correlation_can_lose(
    name: str, value: float
) -> None:
    assert find([make_row(**{name: value})]) == [name]
    assert find([make_row(metric="ubrmse", **{name: value})]) == []
