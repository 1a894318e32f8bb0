"""The headline: the highest rung beaten with all rungs below it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from somobench.scoring.headline import RungName, find_headline, refuse_headline

LADDER = [
    RungName("climatology", False),
    RungName("ridge_memory", False),
    RungName("reanalysis", False),
    RungName("persistence", True),
]


def differences(lows: dict[str, float | None], **changes: Any) -> pd.DataFrame:
    """Return rows whose interval starts at `lows`, by rung."""
    rows = [
        {
            "split": "temporal",
            "model": "mine",
            "layer": 0,
            "metric": "pearson_r",
            "pool_kind": "plain",
            "pool": "",
            "against": rung,
            "value": None if low is None else low + 0.1,
            "low": low,
            "high": None if low is None else low + 0.2,
            "cell_count": 5,
            "day_count": 500,
        }
        | changes
        for rung, low in lows.items()
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("lows", "highest"),
    [
        ((0.01, 0.01, 0.01), "reanalysis"),
        ((0.01, 0.01, -0.01), "ridge_memory"),
        ((0.01, 0.0, -0.01), "climatology"),  # an interval that touches 0 isn't above
        ((0.01, -0.01, 0.01), "climatology"),  # a rung in between isn't beaten
        ((-0.01, 0.01, 0.01), None),
        ((None, 0.01, 0.01), None),  # nothing is known of the lowest rung
    ],
)
def test_headline_is_the_highest_rung_with_all_below_beaten(
    lows: tuple[float | None, ...], highest: str | None
) -> None:
    names = ("climatology", "ridge_memory", "reanalysis")
    found = find_headline(differences(dict(zip(names, lows, strict=True))), LADDER)
    assert found["highest_rung_beaten"] == highest


def test_rung_that_reads_observations_stands_apart() -> None:
    lows = {"climatology": 0.1, "ridge_memory": 0.1, "reanalysis": 0.1}
    found = find_headline(differences(lows | {"persistence": -0.5}), LADDER)
    assert found["highest_rung_beaten"] == "reanalysis"
    assert [item["rung"] for item in found["rungs"]] == list(lows)
    (apart,) = found["rungs_with_observations"]
    assert (apart["rung"], apart["beaten"]) == ("persistence", False)


def test_rung_without_an_interval_is_neither_beaten_nor_not() -> None:
    found = find_headline(differences({"climatology": None}), LADDER[:1])
    (rung,) = found["rungs"]
    assert rung["beaten"] is None
    assert rung["low"] is None


def test_other_metrics_pools_and_layers_stand_beside() -> None:
    main = differences({"climatology": 0.1, "ridge_memory": -0.1})
    better = {"climatology": 0.1, "ridge_memory": 0.1}
    others = [
        differences(better, metric="anomaly_r"),
        differences(better, pool_kind="region_balanced"),
        differences(better, layer=2),
        differences(better, pool_kind="region", pool="europe"),
    ]
    found = find_headline(pd.concat([main, *others]), LADDER[:2])
    assert found["highest_rung_beaten"] == "climatology"
    assert found["by_metric"]["anomaly_r"] == "ridge_memory"
    assert found["by_pool_kind"]["region_balanced"] == "ridge_memory"
    assert found["by_layer"] == {"2": "ridge_memory"}


@pytest.mark.parametrize(
    ("lows", "sentence"),
    [
        (
            (0.1, 0.1, 0.1),
            "Beats reanalysis and every rung below it: all 3 rungs, with confidence.",
        ),
        (
            (0.1, -0.1, 0.1),
            "Beats climatology and every rung below it with confidence, "
            "but not ridge_memory: 1 of 3.",
        ),
        (
            (-0.1, 0.1, 0.1),
            "Doesn't beat climatology, the lowest rung, with confidence.",
        ),
    ],
)
def test_sentence_says_how_far_up_the_ladder(
    lows: tuple[float, ...], sentence: str
) -> None:
    names = ("climatology", "ridge_memory", "reanalysis")
    found = find_headline(differences(dict(zip(names, lows, strict=True))), LADDER)
    assert found["sentence"] == sentence


def test_headline_without_rungs_gives_the_reason() -> None:
    found = refuse_headline("no predictions")
    assert found == {
        "available": False,
        "highest_rung_beaten": None,
        "reason": "no predictions",
    }
