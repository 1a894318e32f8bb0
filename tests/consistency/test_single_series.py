"""Metrics of one series that hang together."""

from __future__ import annotations

import pandas as pd
import pytest

from somobench.consistency.single_series import find_broken_identities
from somobench.schemas.manifest import Manifest

# 100 days with 10 events, 8 of them hit, and 9 false alarms: H = 0.8, F = 9 / 90 = 0.1,
# 17 events predicted. With ln 0.1 = -2.3026, ln 0.8 = -0.2231, ln 0.2 = -1.6094 and
# ln 0.9 = -0.1054: (-2.3026 + 0.2231 - 1.6094 + 0.1054) / -4.2405 = 0.8451.
SCORES = {
    "bias": -0.03,
    "absolute_bias": 0.03,
    "rmse": 0.05,
    "ubrmse": 0.04,
    "hit_rate_dry": 0.8,
    "false_alarm_rate_dry": 0.1,
    "frequency_bias_dry": 1.7,
    "sedi_dry": 0.8451,
}


def find(
    cells: int = 1, version: str = "2.0.0", days: int = 100, **changed: float
) -> list[str]:
    rows = [
        {
            "split": "temporal",
            "model": "water",
            "layer": 1,
            "metric": metric,
            "pool_kind": "network",
            "pool": "NET",
            "against": "",
            "value": value,
            "cell_count": cells,
            "day_count": days,
        }
        for metric, value in (SCORES | changed).items()
    ]
    manifest = Manifest.model_construct(package_version=version)
    failures = find_broken_identities(manifest, pd.DataFrame(rows))
    return [failure.where.split()[-1] for failure in failures]


def test_scores_of_one_series_hang_together() -> None:
    assert find() == []


@pytest.mark.parametrize(
    ("changed", "faults"),
    [
        ({"absolute_bias": 0.031}, ["absolute_bias"]),
        ({"bias": 0.03}, []),
        ({"rmse": 0.051}, ["rmse"]),
        ({"sedi_dry": 0.846}, ["sedi_dry"]),
        ({"hit_rate_dry": 0.7}, ["sedi_dry"]),
        ({"frequency_bias_dry": 1.6}, ["sedi_dry"]),
    ],
)
def test_score_that_the_others_contradict_is_found(
    changed: dict[str, float], faults: list[str]
) -> None:
    assert find(**changed) == faults


def test_medians_of_several_series_and_earlier_rules_are_not_judged() -> None:
    assert find(cells=2, rmse=0.06) == []
    assert find(version="1.1.0", sedi_dry=0.1) == []


def test_more_days_than_any_series_has_take_no_room() -> None:
    assert find(days=10**15) == []
