"""The shipped virtual release, whose truth is known: what its ladder has to show."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
RELEASE = ROOT / "releases" / "virtual-2.0.0"
# The upper rung of each pair knows what the lower one knows, and more; or it knows as
# much and isn't bound to a line.
ORDER = (
    ("climatology", "ridge_memory"),
    ("linear_1", "cluster_regression"),
    ("linear_1", "ridge_forcing"),
    ("ridge_forcing", "ridge_memory"),
    ("ridge_memory", "gradient_boosting"),
    ("gradient_boosting", "water_balance"),
    ("water_balance", "reanalysis"),
    ("ridge_memory", "ridge_state"),
)
NOT_TRAINED = ("persistence", "reanalysis")
SPLITS = 7


@pytest.fixture(scope="module")
def differences() -> pd.DataFrame:
    """Return differences of rungs over all series, by pair, split and metric."""
    scores = pd.read_parquet(RELEASE / "scores.parquet")
    plain = scores[(scores["pool_kind"] == "plain") & (scores["layer"] == 0)]
    return plain.set_index(["against", "model"]).sort_index()


@pytest.fixture(scope="module")
def costs() -> pd.DataFrame:
    """Return shift costs over all series, by rung."""
    table = pd.read_parquet(RELEASE / "shift_costs.parquet")
    return table[table["layer"] == 0].set_index("model").sort_index()


@pytest.mark.parametrize("metric", ["pearson_r", "anomaly_r"])
@pytest.mark.parametrize("pair", ORDER, ids="<".join)
def test_rung_that_knows_more_is_never_beaten_by_the_one_below(
    differences: pd.DataFrame, pair: tuple[str, str], metric: str
) -> None:
    rows = differences.loc[pair]
    rows = rows[rows["metric"] == metric]
    assert len(rows) == SPLITS
    assert (rows["high"] >= 0).all()


@pytest.mark.parametrize("metric", ["pearson_r", "anomaly_r"])
def test_order_of_the_ladder_holds_with_confidence_in_most_cases(
    differences: pd.DataFrame, metric: str
) -> None:
    rows = pd.concat([differences.loc[pair] for pair in ORDER])
    rows = rows[rows["metric"] == metric]
    assert len(rows) == SPLITS * len(ORDER)
    assert (rows["low"] > 0).mean() > 0.5


@pytest.mark.parametrize("rung", NOT_TRAINED)
def test_rung_that_is_not_trained_loses_nothing_under_a_shift(
    costs: pd.DataFrame, rung: str
) -> None:
    assert len(costs.loc[rung]) == 2 * (SPLITS - 1)
    assert (costs.loc[rung, ["cost", "low", "high"]] == 0).all(axis=None)


@pytest.mark.parametrize("rung", ["ridge_memory", "ridge_state"])
def test_regressions_lose_skill_under_every_shift(
    costs: pd.DataFrame, rung: str
) -> None:
    rows = costs.loc[rung]
    rows = rows[rows["metric"] == "pearson_r"].set_index("split")
    assert (rows["cost"] > 0).all()
    assert (rows.loc[["energy_to_water", "water_to_energy"], "low"] >= 0).all()


def test_water_balance_loses_less_than_a_regression_under_every_shift(
    costs: pd.DataFrame,
) -> None:
    lost = costs[costs["metric"] == "pearson_r"].set_index("split", append=True)["cost"]
    assert (lost.loc["water_balance"] < lost.loc["ridge_memory"]).all()
