"""Rows of scores that contradict each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from somobench.consistency.pools import find_incoherent_scores
from somobench.consistency.scores import _find_missing_intervals, _judge_size


def make_row(
    value: float,
    cells: int,
    *,
    model: str = "water",
    against: str = "",
    layer: int = 0,
    pool: str = "",
    days: int = 900,
) -> dict[str, object]:
    """Return a row of Pearson correlations; a pool is a region."""
    return {
        "split": "temporal",
        "model": model,
        "layer": layer,
        "metric": "pearson_r",
        "pool_kind": "region" if pool else "plain",
        "pool": pool,
        "against": against,
        "value": value,
        "cell_count": cells,
        "day_count": days,
    }


def find(*rows: dict[str, object]) -> list[str]:
    return [str(it.found) for it in find_incoherent_scores(pd.DataFrame(rows))]


OURS, THEIRS = make_row(0.8, 5), make_row(0.5, 5, model="ridge")


def test_difference_is_that_of_both_scores() -> None:
    assert find(OURS, THEIRS, make_row(0.3001, 5, against="ridge")) == []
    wrong = make_row(0.31, 5, against="ridge")
    assert "water/ridge/0.31" in find(OURS, THEIRS, wrong)[0]


def test_difference_on_other_days_is_left_aside() -> None:
    other = make_row(0.31, 5, against="ridge", days=800)
    assert find(OURS, THEIRS, other) == []


@pytest.mark.parametrize(
    ("cells", "days", "shown"), [(6, 900, "cell_count"), (5, 901, "day_count")]
)
def test_difference_counts_no_more_than_both_scores(
    cells: int, days: int, shown: str
) -> None:
    theirs = make_row(0.5, 6, model="ridge", days=950)
    more = make_row(0.3, cells, against="ridge", days=days)
    failures = find_incoherent_scores(pd.DataFrame([OURS, theirs, more]))
    assert [it.where for it in failures] == [f"scores.parquet {shown}"]


def make_pairs(turned: int, *, days: int = 800) -> list[dict[str, object]]:
    """Return 20 pools of 900 days with their differences, some of the other sign."""
    rows = []
    for place in range(20):
        pool, ours = f"region {place}", 0.8 + place / 1000
        said = (ours - 0.51) * (-1 if place < turned else 1)
        rows += [
            make_row(ours, 5, pool=pool),
            make_row(0.5, 5, model="ridge", pool=pool),
            make_row(said, 5, against="ridge", pool=pool, days=days),
        ]
    return rows


@pytest.mark.parametrize(("turned", "alarm"), [(10, False), (11, True), (20, True)])
def test_most_differences_keep_their_sign_where_few_days_are_left_out(
    turned: int, alarm: bool
) -> None:
    rows = make_pairs(turned)
    assert bool(find(*rows)) is alarm
    # Of few differences none can be told from one that other days turn round.
    assert find(*rows[:57]) == []


def test_differences_of_a_part_of_the_days_may_have_any_sign() -> None:
    assert find(*make_pairs(20, days=700)) == []


def test_one_difference_in_many_pools_is_one_sign() -> None:
    rows = [row for row in make_pairs(20) if row["pool"] == "region 3"]
    assert find(*(row | {"pool": f"{it}"} for it in range(20) for row in rows)) == []


@pytest.mark.parametrize(("value", "alarm"), [(0.6001, False), (0.61, True)])
def test_median_lies_among_those_of_groups_that_hold_all(
    value: float, alarm: bool
) -> None:
    regions = [make_row(0.4, 3, pool="asia"), make_row(0.6, 2, pool="europe")]
    assert bool(find(make_row(value, 5), *regions)) is alarm
    # Where a group is too small for a row, its series may lie anywhere.
    assert find(make_row(value, 6), *regions) == []


def test_median_of_all_layers_lies_among_theirs() -> None:
    layers = [make_row(0.4, 3, layer=1), make_row(0.6, 2, layer=2)]
    assert find(make_row(0.5, 5), *layers) == []
    assert "water/layer/0.7" in find(make_row(0.7, 5), *layers)[0]


def test_errors_are_too_large_of_a_split_or_of_a_rung_everywhere() -> None:
    good = [
        make_row(0.03, 5, model=model) | {"split": split, "metric": "rmse"}
        for model in ("linear", "ridge", "water")
        for split in ("spatial", "temporal", "ungauged")
    ]

    def judge(*wrong: tuple[str, str]) -> list[str]:
        rows = [
            it | ({"value": 1.3} if (it["model"], it["split"]) in wrong else {})
            for it in good
        ]
        return [it.found for it in _judge_size(pd.DataFrame(rows))]

    assert judge() == []
    # A rung that was fitted in another climate may be that far off.
    assert judge(("ridge", "ungauged")) == []
    everywhere = [("ridge", split) for split in ("spatial", "temporal", "ungauged")]
    assert judge(*everywhere) == ["errors of 1.3 m3 m-3, model ridge"]
    on_one = [("ridge", "spatial"), ("water", "spatial")]
    assert judge(*on_one) == ["errors of 1.3 m3 m-3, split spatial"]


@pytest.mark.parametrize(
    ("days", "low", "alarm"), [(91, None, True), (90, None, False), (91, 0.4, False)]
)
def test_intervals_are_due_where_a_season_was_scored(
    days: int, low: float | None, alarm: bool
) -> None:
    rows = [make_row(0.5, 2, days=2 * days) | {"low": np.nan, "high": np.nan}] * 20
    if low is not None:
        rows[3] = rows[3] | {"low": low, "high": 0.6}
    assert bool([*_find_missing_intervals(pd.DataFrame(rows))]) is alarm
