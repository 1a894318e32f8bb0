"""Pools of cells: medians, balance, intervals, differences of two models."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from somobench.metrics.days import resample_days
from somobench.metrics.registry import METRICS
from somobench.schemas.errors import InputError
from somobench.uncertainty.bootstrap import (
    BootstrappedScores,
    bootstrap_scores,
    draw_days,
)
from somobench.uncertainty.cells import _take_median, draw_groups
from somobench.uncertainty.pooling import pool_differences, pool_scores
from somobench.uncertainty.pools import label_standard_pools

DRAWS = 200


def make_scores(
    values: object, *, name: str = "rmse", noise: float = 0.0, seed: int = 1
) -> BootstrappedScores:
    """Return scores of one metric as given, with replicates that scatter by `noise`."""
    array = np.asarray(values, dtype=float)
    cells = [f"{cell:03d}" for cell in range(array.shape[-1])]
    coords: dict[str, object] = {"cell": cells}
    dims = ("layer", "cell") if array.ndim > 1 else ("cell",)
    if array.ndim > 1:
        coords["layer"] = np.arange(1, array.shape[0] + 1, dtype=np.int8)
    scores = xr.Dataset(
        {name: (dims, array), "pair_count": (dims, np.full(array.shape, 99))}, coords
    )
    rng = np.random.default_rng(seed)
    drawn = array.ravel() + noise * rng.standard_normal((DRAWS, 1))
    return BootstrappedScores(
        scores,
        (METRICS[name],),
        {name: drawn.astype(np.float32)},
        resample_days(np.ones(500, dtype=bool), length=50, draws=DRAWS),
    )


def make_labels(scored: BootstrappedScores, labels: list[str]) -> xr.DataArray:
    """Label the cells."""
    return scored.scores["cell"].copy(data=np.array(labels, dtype=object))


def test_pools_are_medians_of_their_cells() -> None:
    scored = make_scores([1.0, 2.0, 9.0, 4.0, np.nan])
    labels = make_labels(scored, ["asia", "asia", "asia", "europe", "europe"])
    pooled = pool_scores(scored, label_standard_pools(scored.scores, region=labels))
    values = pooled["score"].sel(metric="rmse")
    assert float(values.sel(group="all")) == 3.0
    assert float(values.sel(group="region=asia")) == 2.0
    assert float(values.sel(group="region=europe")) == 4.0
    assert pooled["cell_count"].sel(metric="rmse").values[:3].tolist() == [4, 3, 1]
    assert pooled["group_size"].values[:3].tolist() == [5, 3, 2]


def test_balanced_pool_counts_every_region_alike() -> None:
    # 20 cells at 1, 6 at 3, and a region of 4 cells, too few to count
    scored = make_scores([1.0] * 20 + [3.0] * 6 + [50.0] * 4)
    labels = make_labels(scored, ["a"] * 20 + ["b"] * 6 + ["c"] * 4)
    pooled = pool_scores(scored, {"region": labels})
    balanced = pooled.sel(metric="rmse", group="region_balanced")
    assert float(balanced["score"]) == pytest.approx(2.0)
    assert float(balanced["lower"]) == float(balanced["upper"]) == pytest.approx(2.0)
    assert int(balanced["cell_count"]) == 26
    assert int(balanced["group_size"]) == 30


def test_balanced_pool_without_a_large_region_is_missing() -> None:
    scored = make_scores([1.0, 2.0])
    pooled = pool_scores(scored, {"region": make_labels(scored, ["a", "b"])})
    balanced = pooled.sel(metric="rmse", group="region_balanced")
    assert np.isnan(balanced["score"])
    assert np.isnan(balanced["upper"])


def test_layers_networks_records_and_stations_are_pools() -> None:
    scored = make_scores([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    template = scored.scores["pair_count"]
    pools = label_standard_pools(
        scored.scores,
        network=make_labels(scored, ["SCAN", "SCAN", ""]),
        regime=make_labels(scored, ["water-limited", "unknown", "unknown"]),
        valid_days=template.copy(data=[[300, 366, 2000], [1100, 3700, 0]]),
        station_count=template.copy(data=[[1, 1, 2], [1, 4, 9]]),
    )
    pooled = pool_scores(scored, pools)["score"].sel(metric="rmse")
    expected = {
        "all": 3.5,
        "layer=1": 2.0,
        "layer=2": 5.0,
        "network=SCAN": 3.0,  # cells 1 and 2 in both layers: 1, 2, 4, 5
        "regime=water-limited": 2.5,
        "regime=unknown": 4.0,
        "record_length=below 1 year": 3.5,
        "record_length=1 to 3 years": 2.0,
        "record_length=3 to 6 years": 3.5,
        "record_length=10 years and more": 5.0,
        "station_count=1 station": 2.0,
        "station_count=2 stations": 3.0,
        "station_count=3 stations and more": 5.5,
    }
    found = dict(zip(pooled["group"].values.tolist(), pooled.values, strict=True))
    assert found == expected


def test_interval_over_cells_is_that_of_a_resampled_median() -> None:
    # 101 cells, 0 to 100: the median's standard error is near 1.25 sd / sqrt(n) = 3.6
    # for a normal law, sqrt(n) / (2 n f) = 5.0 for this uniform one
    scored = make_scores(np.arange(101.0))
    pooled = pool_scores(scored, label_standard_pools(scored.scores))
    both = pooled.sel(metric="rmse", group="all")
    width = float(both["upper"] - both["lower"])
    assert width == pytest.approx(2 * 1.645 * 5.0, rel=0.25)
    assert float(both["lower"]) < 50 < float(both["upper"])


def test_interval_over_days_alone_is_that_of_the_replicates() -> None:
    scored = make_scores([10.0], noise=1.0)
    pooled = pool_scores(scored, label_standard_pools(scored.scores)).isel(
        group=0, metric=0
    )
    drawn = scored.replicates["rmse"][:, 0]
    # Blocks of 50 days are 4 steps of 13 days: 500 / 52 blocks, one more than degrees
    stretch = stats.t.ppf(0.95, 500 / 52 - 1) / stats.norm.ppf(0.95)
    tails = np.quantile(drawn, [0.05, 0.95]) - np.median(drawn)
    expected = 10.0 + stretch * tails
    assert [float(pooled["lower"]), float(pooled["upper"])] == pytest.approx(
        expected, rel=1e-4
    )


def test_bias_of_the_replicates_does_not_move_the_interval() -> None:
    plain = make_scores([10.0], noise=1.0)
    biased = make_scores([10.0], noise=1.0)
    biased.replicates["rmse"][:] -= 5.0
    pools = label_standard_pools(plain.scores)
    ends = [
        [float(pool_scores(scored, pools)[end][0, 0]) for end in ("lower", "upper")]
        for scored in (plain, biased)
    ]
    assert ends[1] == pytest.approx(ends[0], abs=1e-5)
    assert ends[1][0] < 10.0 < ends[1][1]
    # differences too: ours lies 0 below theirs, whatever the replicates' middle is
    compared = pool_differences(plain, biased, pools).isel(metric=0, group=0)
    assert float(compared["difference_lower"]) == pytest.approx(0.0, abs=1e-5)
    assert float(compared["difference_upper"]) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "value", "end", "bound"),
    [("pearson_r", 0.99, "upper", 1.0), ("rmse", 0.01, "lower", 0.0)],
)
def test_interval_stays_in_the_range_of_the_metric(
    name: str, value: float, end: str, bound: float
) -> None:
    scored = make_scores([value], name=name, noise=0.5)
    pooled = pool_scores(scored, label_standard_pools(scored.scores))
    assert float(pooled[end][0, 0]) == bound


def test_interval_needs_a_value_in_half_of_the_draws() -> None:
    scored = make_scores([10.0], noise=1.0)
    scored.replicates["rmse"][:120] = np.nan
    pooled = pool_scores(scored, label_standard_pools(scored.scores))
    assert np.isnan(pooled["lower"]).all()
    scored.replicates["rmse"][:] = 10.0
    scored.replicates["rmse"][:90] = np.nan
    pooled = pool_scores(scored, label_standard_pools(scored.scores))
    assert (pooled["lower"] == 10.0).all()


def test_clusters_are_drawn_whole_and_widen_the_interval() -> None:
    values = np.repeat(np.arange(10.0), 20)  # ten clusters of alike cells
    scored = make_scores(values)
    pools = label_standard_pools(scored.scores)
    clusters = make_labels(scored, [f"cluster {v}" for v in values])
    alone = pool_scores(scored, pools)
    whole = pool_scores(scored, pools, clusters=clusters)
    assert float(whole["score"][0, 0]) == float(alone["score"][0, 0])
    widths = [float((p["upper"] - p["lower"])[0, 0]) for p in (alone, whole)]
    assert widths[1] > 2 * widths[0]


def test_clustered_medians_are_those_of_repeated_cells(
    rng: np.random.Generator,
) -> None:
    replicates = rng.random((30, 8)).astype(np.float32)
    replicates[rng.random(replicates.shape) < 0.2] = np.nan
    labels = ["all"] * 8
    group = next(
        draw_groups({"all": labels}, draws=30, seed=2, clusters=list("aabbbcde"))
    )
    assert group.chosen is not None
    medians = group.medians(np.ones(8), replicates).both
    sizes = set()
    for draw in range(30):
        rows = group.chosen[draw][group.chosen[draw] < 8]
        counts = group.count_uses(30)[draw]
        np.testing.assert_array_equal(counts, np.bincount(rows, minlength=8))
        assert counts[0] == counts[1]  # rows of a cluster come together
        assert counts[2] == counts[3] == counts[4]
        assert counts[[0, 2, 5, 6, 7]].sum() == 5  # as many clusters as there are
        sizes.add(rows.size)
        repeated = replicates[draw, rows]
        finite = repeated[np.isfinite(repeated)].astype(float)
        expected = np.median(finite) if finite.size else np.nan
        np.testing.assert_allclose(medians[draw], expected, rtol=1e-6)
    assert len(sizes) > 1  # clusters differ in size


def test_group_without_a_score_has_no_median() -> None:
    scored = make_scores([np.nan, np.nan])
    pooled = pool_scores(scored, label_standard_pools(scored.scores))
    assert np.isnan(pooled["score"]).all()
    assert pooled["cell_count"].values.tolist() == [[0]]


def test_draws_of_a_group_do_not_depend_on_other_groups() -> None:
    def draws(labels: list[str]) -> np.ndarray:
        groups = draw_groups({"region": labels}, draws=5, seed=4)
        chosen = next(group for group in groups if group.label == "b").chosen
        assert chosen is not None
        return chosen

    alone, beside = ["b"] * 5, ["b", "a", *"bbbb"]
    np.testing.assert_array_equal(draws(alone), draws(beside))


def test_group_of_four_cells_has_an_interval_over_days_alone() -> None:
    four, five = (make_scores(np.arange(float(size))) for size in (4, 5))
    widths = [
        float((pooled["upper"] - pooled["lower"])[0, 0])
        for pooled in (
            pool_scores(scored, label_standard_pools(scored.scores))
            for scored in (four, five)
        )
    ]
    # Replicates don't differ from day to day, so that cells alone make an interval.
    assert widths[0] == 0 < widths[1]


def test_group_with_scores_of_four_cells_has_an_interval_over_days_alone() -> None:
    six = make_scores([1.0, 2.0, 3.0, 4.0, np.nan, np.nan])
    pooled = pool_scores(six, label_standard_pools(six.scores))
    assert float(pooled["upper"][0, 0]) == float(pooled["lower"][0, 0]) == 2.5


def test_balanced_pool_counts_clusters_and_not_the_cells_in_them() -> None:
    # Region a has six cells in four clusters, too few to count; b has five clusters.
    scored = make_scores([9.0] * 6 + [1.0] * 5)
    labels = make_labels(scored, ["a"] * 6 + ["b"] * 5)
    clusters = make_labels(scored, [*"pqrrss", *"tuvwx"])
    pooled = pool_scores(scored, {"region": labels}, clusters=clusters)
    balanced = pooled.sel(metric="rmse", group="region_balanced")
    assert float(balanced["score"]) == 1.0
    assert int(balanced["cell_count"]) == 5


def test_record_below_a_season_has_no_interval() -> None:
    scored = make_scores(np.arange(9.0), noise=1.0)
    for days, known in ((90, False), (91, True)):
        drawn = resample_days(np.ones(days, dtype=bool), length=10, draws=DRAWS)
        short = replace(scored, days=drawn)
        pooled = pool_scores(short, label_standard_pools(short.scores))
        assert bool(np.isfinite(pooled["lower"]).all()) is known
        assert float(pooled["score"][0, 0]) == 4.0
        compared = pool_differences(short, short, label_standard_pools(short.scores))
        assert bool(np.isfinite(compared["gain_upper"]).all()) is known


def test_few_clusters_are_not_drawn_however_many_cells_they_hold() -> None:
    labels = ["all"] * 12
    groups = [
        next(draw_groups({"all": labels}, draws=5, seed=1, clusters=clusters))
        for clusters in ([*"aabbccdddddd"], [*"aabbccddeeee"])
    ]
    assert groups[0].chosen is None
    assert groups[1].chosen is not None
    values = np.array([1.0, np.nan, np.nan, np.nan, *[2.0] * 8])
    assert [group.count_units(values) for group in groups] == [3, 4]


def test_draws_of_days_and_of_cells_alone_leave_the_others_still() -> None:
    values = np.arange(7.0)
    drawn = (values + np.array([[0.0], [10.0]])).astype(np.float32)
    group = next(draw_groups({"all": ["all"] * 7}, draws=2, seed=3))
    found = group.medians(values, drawn)
    assert group.chosen is not None
    assert found.days.tolist() == [3.0, 13.0]
    expected = [float(np.median(values[chosen])) for chosen in group.chosen]
    assert found.cells.tolist() == expected
    assert found.both.tolist() == [expected[0], expected[1] + 10.0]


def test_difference_is_taken_on_cells_that_both_models_have() -> None:
    ours = make_scores([1.0, 2.0, 3.0, np.nan])
    theirs = make_scores([2.0, np.nan, 4.0, 9.0])
    compared = pool_differences(ours, theirs, label_standard_pools(ours.scores))
    both = compared.sel(metric="rmse", group="all")
    assert float(both["difference"]) == -1.0  # medians 2 and 3 of two cells
    assert float(both["gain"]) == 1.0  # a smaller error is better
    assert int(both["cell_count"]) == 2


def test_shared_noise_of_days_cancels_in_a_difference() -> None:
    ours = make_scores([1.0] * 9, noise=5.0, seed=3)
    theirs = make_scores([1.1] * 9, noise=5.0, seed=3)
    pools = label_standard_pools(ours.scores)
    assert float(pool_scores(ours, pools)["upper"][0, 0]) > 5
    compared = pool_differences(ours, theirs, pools).isel(metric=0, group=0)
    assert float(compared["gain_lower"]) == pytest.approx(0.1, abs=1e-5)
    assert int(compared["better"]) == 1


def test_gain_of_a_bias_is_its_smaller_distance_from_zero() -> None:
    ours = make_scores([-0.1] * 6, name="bias")
    theirs = make_scores([0.3] * 6, name="bias")
    compared = pool_differences(ours, theirs, label_standard_pools(ours.scores))
    compared = compared.isel(metric=0, group=0)
    assert float(compared["difference"]) == pytest.approx(-0.4)
    assert float(compared["gain"]) == pytest.approx(0.2)
    assert int(compared["better"]) == 1


def test_model_compared_with_itself_is_undecided() -> None:
    scored = make_scores(np.arange(9.0), noise=1.0)
    compared = pool_differences(scored, scored, label_standard_pools(scored.scores))
    assert float(compared["difference_upper"][0, 0]) == 0.0
    assert int(compared["better"][0, 0]) == 0


def test_scores_on_different_draws_are_not_compared() -> None:
    ours, theirs = make_scores([1.0, 2.0]), make_scores([1.0, 2.0])
    other = resample_days(np.ones(500, dtype=bool), length=50, draws=DRAWS, seed=9)
    theirs = BootstrappedScores(theirs.scores, theirs.metrics, theirs.replicates, other)
    with pytest.raises(InputError, match="the same draws"):
        pool_differences(ours, theirs, label_standard_pools(ours.scores))


def test_other_cells_or_metrics_are_not_compared() -> None:
    ours = make_scores([1.0, 2.0])
    pools = label_standard_pools(ours.scores)
    with pytest.raises(InputError, match="coordinate cell"):
        pool_differences(ours, make_scores([1.0, 2.0, 3.0]), pools)
    with pytest.raises(InputError, match="found: +bias"):
        pool_differences(ours, make_scores([1.0, 2.0], name="bias"), pools)


def test_better_model_is_found_from_series_to_pools(rng: np.random.Generator) -> None:
    days, cells = 900, 24
    season = np.sin(np.arange(days) / 58.0)
    target = 0.3 + 0.05 * (season + 0.5 * rng.standard_normal((cells, days)))
    coords = {
        "cell": [f"{cell:02d}" for cell in range(cells)],
        "time": pd.date_range("2018-01-01", periods=days),
    }

    def series(noise: float) -> xr.DataArray:
        values = target + noise * rng.standard_normal((cells, days))
        return xr.DataArray(values, coords, ("cell", "time"))

    observed, good, poor = series(0.0), series(0.01), series(0.05)
    drawn = draw_days([good, poor], observed)
    names = ["pearson_r", "anomaly_r", "rmse"]
    ours, theirs = (
        bootstrap_scores(model, observed, days=drawn, metrics=names)
        for model in (good, poor)
    )
    pools = label_standard_pools(ours.scores)
    assert (pool_differences(ours, theirs, pools)["better"] == 1).all()
    assert (pool_differences(theirs, ours, pools)["better"] == -1).all()
    pooled = pool_scores(ours, pools)
    assert (pooled["lower"] <= pooled["score"]).all()
    assert (pooled["score"] <= pooled["upper"]).all()
    assert pooled.attrs["confidence_level"] == 0.9


@pytest.mark.parametrize("cells", [1, 2, 3, 8, 41])
@pytest.mark.parametrize("missing", [0.0, 0.4, 1.0])
def test_median_over_cells_is_that_of_those_with_a_value(
    rng: np.random.Generator, cells: int, missing: float
) -> None:
    values = rng.integers(0, 9, (30, cells)).astype(np.float32)
    values[rng.random(values.shape) < missing] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rows without any
        expected = np.nanmedian(values.astype(np.float64), axis=1)
    np.testing.assert_array_equal(_take_median(values), expected)


def test_without_draws_scores_are_the_same_and_have_no_intervals() -> None:
    rng = np.random.default_rng(5)
    days = pd.date_range("2020-01-01", periods=400)
    cells = [f"{cell:03d}" for cell in range(7)]
    target = xr.DataArray(
        rng.random((7, 400)), {"cell": cells, "time": days}, ("cell", "time")
    )
    model = target + 0.3 * rng.standard_normal(target.shape)
    scored_days = np.ones(400, dtype=bool)
    pooled = []
    for draws in (30, 0):
        drawn = resample_days(scored_days, length=9, draws=draws)
        scored = bootstrap_scores(model, target, days=drawn)
        labels = make_labels(scored, ["a"] * 5 + ["b"] * 2)
        clusters = make_labels(scored, [*cells[:6], cells[5]])
        pooled.append(pool_scores(scored, {"region": labels}, clusters=clusters))
    with_draws, without = pooled
    for name in ("score", "cell_count"):
        xr.testing.assert_allclose(without[name], with_draws[name], rtol=1e-12)
    assert np.isfinite(with_draws["lower"]).any()
    assert not np.isfinite(without["lower"]).any()
    assert not np.isfinite(without["upper"]).any()
