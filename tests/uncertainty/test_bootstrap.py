"""Blocks of days, their length, replicates of scores, and coverage of intervals."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from somobench.metrics import score
from somobench.metrics.days import resample_days
from somobench.metrics.extremes import compute_extreme_thresholds
from somobench.metrics.registry import metrics_named
from somobench.metrics.rows import Rows, RowScores, score_rows
from somobench.schemas.errors import InputError, UnknownNameError, UsageError
from somobench.uncertainty.block_length import block_length, choose_politis_white_length
from somobench.uncertainty.bootstrap import bootstrap_scores, draw_days
from somobench.uncertainty.intervals import (
    Resampled,
    make_pooled_interval,
    take_percentile_interval,
)

SMOOTH = ("pearson_r", "spearman_r", "bias", "rmse", "kge_2009")


def persistent(
    rng: np.random.Generator, shape: tuple[int, int], rho: float
) -> np.ndarray:
    """Return rows of AR(1) noise of unit variance."""
    noise = rng.standard_normal(shape)
    noise[:, 1:] *= np.sqrt(1 - rho**2)
    for day in range(1, shape[1]):
        noise[:, day] += rho * noise[:, day - 1]
    return noise


def make_models(
    rng: np.random.Generator, *, cells: int = 8, days: int = 700
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Return a good and a poor prediction of a target with gaps."""
    signal = persistent(rng, (cells, days), 0.97)
    series = [
        0.3 + 0.05 * (signal + share * persistent(rng, (cells, days), 0.9))
        for share in (0.3, 0.8, 0.1)
    ]
    series[2][rng.random((cells, days)) < 0.3] = np.nan
    coords = {
        "cell": [f"{cell:02d}" for cell in range(cells)],
        "time": pd.date_range("2018-01-01", periods=days),
    }
    good, poor, target = (xr.DataArray(s, coords, ("cell", "time")) for s in series)
    return good, poor, target


def test_draw_is_made_of_blocks_as_long_as_the_record() -> None:
    days = resample_days(np.ones(100, dtype=bool), length=20, draws=50, seed=3)
    # steps of 5 days, 20 of them; 5 blocks of 4 steps fill a draw
    assert (days.step, days.length, days.weights.shape) == (5, 20, (50, 20))
    assert (days.weights.sum(axis=1) == 20).all()
    # each step is used equally often in the long run: 50 draws, once each
    assert days.weights.sum(axis=0).mean() == 50


def test_sums_repeat_days_as_often_as_the_draw_does(rng: np.random.Generator) -> None:
    daily = rng.random((3, 23))
    days = resample_days(np.ones(23, dtype=bool), length=5, draws=4, seed=1)
    repeats = np.repeat(days.weights, days.step, axis=1)[:, :23]
    once, squared = days.sums([(daily,), (daily, daily)])
    np.testing.assert_allclose(once, repeats @ daily.T)
    np.testing.assert_allclose(squared, repeats @ (daily**2).T)


def test_days_without_pairs_are_taken_out_before_blocks_are_cut() -> None:
    scored = np.zeros(60, dtype=bool)
    scored[[*range(10, 20), *range(40, 50)]] = True
    days = resample_days(scored, length=4, draws=9, seed=1)
    assert days.weights.shape == (9, 20)
    daily = np.where(scored, 1.0, 1e9)[None]
    assert (days.sums([(daily,)])[0] == 20).all()


def test_seed_decides_the_draws() -> None:
    scored = np.ones(200, dtype=bool)
    one = resample_days(scored, length=10, seed=1)
    assert one.same_as(resample_days(scored, length=10, seed=1))
    assert not one.same_as(resample_days(scored, length=10, seed=2))


def test_block_is_shortened_to_a_quarter_of_a_short_record() -> None:
    days = resample_days(np.ones(80, dtype=bool), length=91)
    assert (days.length, days.wanted_length) == (20, 91)


@pytest.mark.parametrize(("scored", "length"), [(0, 5), (10, 0)])
def test_bootstrap_of_nothing_is_refused(scored: int, length: int) -> None:
    mask = np.arange(10) < scored
    with pytest.raises(UsageError, match=f"{scored} scored days, blocks of {length}"):
        resample_days(mask, length=length)


def test_politis_white_block_grows_with_persistence(rng: np.random.Generator) -> None:
    lengths = [
        block_length(persistent(rng, (20, 2000), rho), "politis_white")
        for rho in (0.0, 0.8, 0.95)
    ]
    assert lengths[0] <= 8 < lengths[1] < lengths[2]
    # the theory for AR(1): (sqrt(6) rho / (1 - rho^2))^(2/3) n^(1/3) = 39, 105 days
    assert lengths[1] == pytest.approx(39, rel=0.4)
    assert lengths[2] == pytest.approx(105, rel=0.4)


def test_politis_white_block_sees_through_gaps(rng: np.random.Generator) -> None:
    error = persistent(rng, (20, 2000), 0.9)
    gaps = np.where(rng.random(error.shape) < 0.4, np.nan, error)
    whole, broken = (block_length(rows, "politis_white") for rows in (error, gaps))
    assert broken == pytest.approx(whole, rel=0.3)


def test_row_with_few_days_has_no_politis_white_length() -> None:
    error = np.full((1, 200), np.nan)
    error[0, :59] = np.arange(59.0)
    assert np.isnan(choose_politis_white_length(error)).all()
    # the cube root of 59, rounded up
    assert block_length(error, "politis_white") == 4


def test_automatic_block_is_a_season_at_least(rng: np.random.Generator) -> None:
    brief, lasting = (persistent(rng, (20, 4000), rho) for rho in (0.0, 0.97))
    assert block_length(brief, "politis_white") < 91
    assert block_length(brief) == 91
    assert block_length(np.full((1, 200), np.nan)) == 91
    assert block_length(lasting) == block_length(lasting, "politis_white") > 91


@pytest.mark.parametrize(
    ("rule", "days"), [("cube_root", 10), ("season", 91), ("year", 365)]
)
def test_named_rule_gives_its_length(rule: str, days: int) -> None:
    assert block_length(np.zeros((2, 1000)), rule) == days  # type: ignore[arg-type]


def test_unknown_rule_is_named() -> None:
    with pytest.raises(UnknownNameError, match="automatic, politis_white, cube_root"):
        block_length(np.zeros((1, 10)), "month")  # type: ignore[arg-type]


def test_scores_are_those_without_bootstrap(rng: np.random.Generator) -> None:
    good, _, target = make_models(rng)
    train = target["time"].dt.year == 2018
    scored = bootstrap_scores(good, target, train=train, scored=~train)
    plain = score(good, target, train=train, scored=~train)
    for name in plain.data_vars:
        np.testing.assert_allclose(scored.scores[name], plain[name], rtol=1e-12)
    assert scored.scores.attrs["block_length"] == scored.days.length


def test_given_thresholds_stand_for_those_of_train_days(
    rng: np.random.Generator,
) -> None:
    good, _, target = make_models(rng)
    train, names = target["time"].dt.year == 2018, ["sedi_dry", "sedi_wet"]
    of_train = bootstrap_scores(good, target, train=train, scored=~train, metrics=names)
    given = bootstrap_scores(
        good,
        target.where(~train),
        thresholds=compute_extreme_thresholds(target.where(train).to_numpy()),
        metrics=names,
    )
    xr.testing.assert_identical(given.scores, of_train.scores)
    assert np.isfinite(given.scores["sedi_dry"]).any()


def test_replicate_is_the_score_of_the_drawn_days(rng: np.random.Generator) -> None:
    _, poor, target = make_models(rng, cells=2, days=200)
    days = resample_days(np.ones(200, dtype=bool), length=20, draws=3, seed=5)
    names = ("pearson_r", "bias", "rmse", "nse", "kge_2012")
    scored = bootstrap_scores(poor, target, days=days, metrics=names)
    for draw in range(3):
        weights = np.repeat(days.weights[draw], days.step).astype(int)
        used = np.repeat(np.arange(200), weights)
        x, y = (a.values[:, used] for a in (poor, target))
        day = np.ones(used.size, dtype=int)
        expected = score_rows(Rows(x, y, day), metrics_named(names))
        for name in names:
            np.testing.assert_allclose(
                scored.replicates[name][draw], expected.values[name], rtol=1e-5
            )


def test_replicate_fits_the_season_to_the_drawn_days(rng: np.random.Generator) -> None:
    size = 400
    day = np.arange(size) % 366 + 1
    shape = rng.random((1, 366))
    angle = 2 * np.pi * day / 366
    terms = [np.ones(size), np.cos(angle), np.sin(angle), shape[0, day - 1]]
    season = np.array(terms).T
    target = np.cumsum(rng.standard_normal((1, size)), axis=1)
    prediction = target + 5 * season[:, 3] + 3 * rng.standard_normal((1, size))
    target[0, rng.random(size) < 0.2] = np.nan
    days = resample_days(np.ones(size, dtype=bool), length=40, draws=6, seed=5)
    rows = Rows(prediction, target, day, shape)
    found = score_rows(rows, metrics_named(["deseasonalised_r"]), days=days)
    for draw, weights in enumerate(days.weights):
        used = np.repeat(np.arange(size), np.repeat(weights, days.step).astype(int))
        used = used[np.isfinite(target[0, used])]
        basis = season[used]
        x, y = (
            series[0, used] - basis @ np.linalg.lstsq(basis, series[0, used])[0]
            for series in (prediction, target)
        )
        replicate = found.replicates["deseasonalised_r"][draw, 0]
        assert replicate == pytest.approx(np.corrcoef(x, y)[0, 1], rel=1e-5)


@pytest.mark.parametrize(
    "name",
    ["spearman_r", "p5_difference", "p95_difference", "pdf_overlap"],
)
def test_first_order_replicate_is_close_to_the_score_of_the_drawn_days(
    rng: np.random.Generator, name: str
) -> None:
    size, draws = 3000, 40
    target = rng.standard_normal((1, size))
    prediction = 0.6 * target + 0.5 * rng.standard_normal((1, size)) + 0.7
    days = resample_days(np.ones(size, dtype=bool), length=4, draws=draws)
    metric = metrics_named([name])
    day = np.ones(size, dtype=int)
    ours = score_rows(Rows(prediction, target, day), metric, days=days)
    exact = []
    for weights in days.weights:
        used = np.repeat(np.arange(size), weights.astype(int))
        drawn = Rows(prediction[:, used], target[:, used], day[used])
        exact.append(score_rows(drawn, metric).values[name][0])
    replicates = ours.replicates[name][:, 0]
    # the remainder is small against the spread that the interval measures
    assert np.corrcoef(replicates, exact)[0, 1] > 0.85
    assert np.std(replicates) == pytest.approx(np.std(exact), rel=0.25)
    assert abs(np.mean(replicates) - np.mean(exact)) < np.std(exact)


def test_flat_climatology_changes_no_replicate(rng: np.random.Generator) -> None:
    target = rng.standard_normal((2, 300))
    prediction = target + rng.standard_normal((2, 300))
    days = resample_days(np.ones(300, dtype=bool), length=30, draws=20)
    without, flat = (
        score_rows(
            Rows(prediction, target, np.arange(300) + 1, climatology),
            metrics_named(["deseasonalised_r"]),
            days=days,
        ).replicates["deseasonalised_r"]
        for climatology in (None, np.full((2, 366), 0.3))
    )
    np.testing.assert_allclose(flat, without, rtol=1e-6)


def test_draw_with_too_few_pairs_has_no_replicate(rng: np.random.Generator) -> None:
    good, _, target = make_models(rng, cells=2, days=200)
    target[0, 12:] = np.nan  # 12 days at most, all in the first of blocks of 20
    days = resample_days(np.ones(200, dtype=bool), length=20, draws=60)
    scored = bootstrap_scores(good, target, days=days, metrics=["bias"])
    missing = np.isnan(scored.replicates["bias"])
    assert 0 < missing[:, 0].sum() < 60
    assert not missing[:, 1].any()


def test_models_share_the_longest_block(rng: np.random.Generator) -> None:
    good, poor, target = make_models(rng)
    both = draw_days([good, poor], target)
    single = [draw_days([model], target).length for model in (good, poor)]
    assert both.length == max(single)


def test_days_drawn_for_other_pairs_are_refused(rng: np.random.Generator) -> None:
    good, _, target = make_models(rng)
    days = draw_days([good.where(good["time"].dt.year == 2018)], target)
    with pytest.raises(InputError, match="365 scored days of 700"):
        bootstrap_scores(good, target, days=days)


def test_no_model_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="at least one model"):
        draw_days([], make_models(rng)[2])


@cache
def _experiments(rho: float, days: int) -> tuple[RowScores, float, dict[str, float]]:
    """Bootstrap 300 independent records, in blocks; scores of an endless one."""
    rng = np.random.default_rng(7)

    def rows(count: int, length: int) -> Rows:
        target = persistent(rng, (count, length), rho)
        prediction = 0.3 + 0.8 * target + 0.6 * persistent(rng, (count, length), rho)
        return Rows(prediction + 5, target + 5, np.arange(length) % 366 + 1)

    metrics = metrics_named(SMOOTH)
    endless = score_rows(rows(10, 60_000), metrics)
    truth = {name: float(np.mean(v)) for name, v in endless.values.items()}
    record = rows(300, days)
    drawn = resample_days(
        np.ones(days, dtype=bool),
        length=block_length(record.prediction - record.target),
        draws=300,
    )
    return score_rows(record, metrics, days=drawn), drawn.blocks, truth


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize(("rho", "days"), [(0.0, 500), (0.9, 1500)])
def test_ninety_percent_interval_covers_the_truth(
    name: str, rho: float, days: int
) -> None:
    scores, blocks, truth = _experiments(rho, days)
    values, drawn = scores.values[name], scores.replicates[name].T
    lower, upper = make_pooled_interval(
        values,
        Resampled(drawn, drawn, np.broadcast_to(values[:, None], drawn.shape)),
        blocks=blocks,
        cells=np.ones(values.size, dtype=np.int64),
        level=0.9,
    )
    covered = ((lower <= truth[name]) & (truth[name] <= upper)).mean()
    # 300 experiments leave 0.017 of noise; blocks of persistent errors are few, and
    # block bootstraps are known to be some per cent short then
    assert 0.83 <= covered <= 0.95


def test_interval_without_blocks_would_be_far_too_narrow() -> None:
    scores, _, truth = _experiments(0.9, 1500)
    rng = np.random.default_rng(7)
    target = persistent(rng, (300, 1500), 0.9)
    error = 0.3 - 0.2 * target + 0.6 * persistent(rng, (300, 1500), 0.9)
    single = resample_days(np.ones(1500, dtype=bool), length=1, draws=200)
    lower, upper = take_percentile_interval((single.sums([(error,)])[0] / 1500).T, 0.9)
    covered = ((lower <= 0.3) & (upper >= 0.3)).mean()
    blocks = take_percentile_interval(scores.replicates["bias"].T, 0.9)
    inside = (blocks[0] <= truth["bias"]) & (truth["bias"] <= blocks[1])
    assert covered < 0.5 < inside.mean()
