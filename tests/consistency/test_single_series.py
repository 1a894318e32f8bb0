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


def make_rows(cells: int, scores: dict[str, float]) -> pd.DataFrame:
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
            "day_count": 100,
        }
        for metric, value in scores.items()
    ]
    return pd.DataFrame(rows)


def judge(rows: pd.DataFrame, version: str = "2.0.0") -> list[str]:
    manifest = Manifest.model_construct(package_version=version)
    failures = find_broken_identities(manifest, rows)
    return [failure.where.split()[-1] for failure in failures]


def find(cells: int = 1, version: str = "2.0.0", **changed: float) -> list[str]:
    return judge(make_rows(cells, SCORES | changed), version)


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
    rows = make_rows(1, SCORES).assign(day_count=10**15)
    assert judge(rows) == []


# Means 0.30 and 0.27, deviations 0.05 and 0.04, r 0.8: ubrmse 0.03, rmse 0.0424, nse
# 1 - 0.0018 / 0.0025. Ratios 0.9 of means, 0.8 of deviations, so 0.8 / 0.9 of
# coefficients of variation; efficiencies 1 - sqrt(0.04 + 0.04 + 0.01) and
# 1 - sqrt(0.04 + 0.0123 + 0.01). With means of 1.1 the latter were 0.6473.
BIASED = {
    "bias": -0.03,
    "absolute_bias": 0.03,
    "rmse": 0.0424,
    "ubrmse": 0.03,
    "pearson_r": 0.8,
    "nse": 0.28,
    "kge_2009": 0.7,
    "kge_2012": 0.7503,
}


def make_biased(sign: int, *, scale: float = 1.0, pool: str = "") -> pd.DataFrame:
    """Return rows of a series whose values are so many times larger."""
    errors = ("bias", "absolute_bias", "rmse", "ubrmse")
    changed = {name: round(scale * BIASED[name], 4) for name in errors}
    changed["bias"] *= sign
    return make_rows(1, BIASED | changed).assign(pool=pool)


@pytest.mark.parametrize(("sign", "faults"), [(1, []), (-1, ["bias"])])
def test_bias_has_the_sign_of_its_efficiencies(sign: int, faults: list[str]) -> None:
    series = [make_biased(sign, scale=it, pool=f"{it}") for it in (0.5, 1, 2)]
    assert judge(pd.concat(series)) == faults


def test_one_series_in_many_pools_is_one_sign() -> None:
    pools = [make_biased(-1, pool=name) for name in ("ONE", "OTHER", "THIRD")]
    assert judge(pd.concat(pools)) == []


def test_rounding_of_small_errors_hides_a_sign() -> None:
    # Reanalysis in a dry cell of a virtual world: errors have two digits.
    dry = {"bias": -0.0016, "rmse": 0.0031, "ubrmse": 0.0026, "absolute_bias": 0.0016}
    rest = {"pearson_r": 0.5548, "nse": -2.168, "kge_2009": 0.0501, "kge_2012": 0.0255}
    rows = [
        make_rows(1, dry | rest | {"nse": nse}).assign(pool=f"{nse}")
        for nse in (-2.167, -2.168, -2.169)
    ]
    assert "bias" not in judge(pd.concat(rows))
