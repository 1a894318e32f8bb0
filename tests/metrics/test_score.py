"""The labelled wrapper: pairs, labels, refusals, hand-derived values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.anomalies import remove_season
from somobench.metrics import METRICS, PLUMBER2, score
from somobench.metrics.anomalies import (
    count_leap_year_days,
    seasonal_climatology,
)
from somobench.metrics.registry import REFERENCE_MOMENTS
from somobench.schemas.errors import InputError, UnknownNameError, UsageError
from somobench.uncertainty.bootstrap import bootstrap_scores
from somobench.uncertainty.pooling import pool_scores
from somobench.uncertainty.pools import label_standard_pools

UNITS = {"units": "m3 m-3"}


def make_series(values: object, *, start: str = "2019-01-01") -> xr.DataArray:
    """Label (cell, time) values; a single row becomes one cell."""
    array = np.atleast_2d(np.array(values, dtype=np.float32))
    coords = {
        "cell": [f"cell {row}" for row in range(array.shape[0])],
        "time": pd.date_range(start, periods=array.shape[1]),
    }
    return xr.DataArray(array, coords, ("cell", "time"), attrs=UNITS)


def make_pair(
    rng: np.random.Generator, *, cells: int = 3, days: int = 400
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return a prediction without gaps and a target with some."""
    target = 0.3 + 0.05 * rng.standard_normal((cells, days))
    prediction = target + 0.02 * rng.standard_normal((cells, days))
    target[rng.random((cells, days)) < 0.2] = np.nan
    return make_series(prediction), make_series(target)


def all_days(series: xr.DataArray) -> xr.DataArray:
    """Return a mask that holds on every day."""
    return xr.ones_like(series["time"], dtype=bool)


def test_scores_of_four_pairs_are_those_derived_by_hand() -> None:
    # x = 1 2 3 6, y = 2 1 4 5: means 3 and 3; deviations -2 -1 0 3 and -1 -2 1 2
    # var x = 14/4, var y = 10/4, cov = (2 + 2 + 0 + 6)/4 = 10/4; errors -1 1 -1 1
    scored = score(
        make_series([1, 2, 3, 6]), make_series([2, 1, 4, 5]), minimum_count=4
    )
    expected = {
        "pearson_r": 10 / np.sqrt(14 * 10),
        "spearman_r": 0.8,  # ranks 1 2 3 4 and 2 1 3 4: 1 - 6 * 2 / (4 * 15)
        "bias": 0.0,
        "rmse": 1.0,
        "ubrmse": 1.0,
        "nse": 1 - 4 / 10,
        "standardised_rmse": np.sqrt(4 / 10),
        "normalised_mean_error": 4 / 6,
        "absolute_bias": 0.0,
        "sd_difference": np.sqrt(1.4) - 1,
    }
    for name, value in expected.items():
        assert float(scored[name][0]) == pytest.approx(value, abs=1e-12), name


def test_kge_of_doubled_target_is_derived_by_hand() -> None:
    # x = 2y: r = 1, alpha = 2, beta = 2, gamma = 1
    target = make_series([1, 2, 3, 6])
    scored = score(2 * target, target, minimum_count=4)
    assert float(scored["kge_2009"][0]) == pytest.approx(1 - np.sqrt(2))
    assert float(scored["kge_2012"][0]) == pytest.approx(0.0)


def test_perfect_prediction_has_every_perfect_value(rng: np.random.Generator) -> None:
    _, target = make_pair(rng)
    members = xr.concat([target, target], "member")
    scored = score(members, target, train=all_days(target))
    for name, metric in METRICS.items():
        if name in ("spread_skill_ratio", *(n for n in METRICS if "drought" in n)):
            continue
        values = scored[name].values
        np.testing.assert_allclose(values, metric.perfect, atol=1e-7, err_msg=name)
    assert np.isnan(scored["spread_skill_ratio"]).all()


def test_result_drops_time_and_keeps_layers_and_coordinates(
    rng: np.random.Generator,
) -> None:
    prediction, target = (
        xr.concat([a, 2 * a], "layer").assign_coords(
            layer=[1, 2], latitude=("cell", [1.0, 2.0, 3.0])
        )
        for a in make_pair(rng)
    )
    scored = score(prediction.transpose("time", "cell", "layer"), target)
    assert scored["rmse"].dims == ("layer", "cell")
    assert list(scored["latitude"]) == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(scored["rmse"][1], 2 * scored["rmse"][0], rtol=1e-6)
    np.testing.assert_allclose(scored["nse"][1], scored["nse"][0], rtol=1e-5)


def test_attributes_tell_unit_range_perfect_value_and_source(
    rng: np.random.Generator,
) -> None:
    scored = score(*make_pair(rng))
    assert scored["rmse"].attrs["units"] == "m3 m-3"
    assert scored["pearson_r"].attrs["units"] == "1"
    assert scored["pearson_r"].attrs["valid_range"] == [-1.0, 1.0]
    assert scored["nse"].attrs["perfect_value"] == 1.0
    assert scored["bias"].attrs["better"] == "nearest"
    assert "doi:" in scored["kge_2009"].attrs["source"]


@pytest.mark.parametrize("name", ["bias", "rmse", "nse", "kge_2009", "kge_2012"])
def test_metric_of_moments_notes_whose_moments_the_target_has(name: str) -> None:
    assert METRICS[name].attrs("m3 m-3")["note"] == REFERENCE_MOMENTS


@pytest.mark.parametrize("name", ["pearson_r", "spearman_r", "anomaly_r"])
def test_metric_that_ignores_moments_has_no_such_note(name: str) -> None:
    assert "note" not in METRICS[name].attrs("m3 m-3")


def test_plumber_set_holds_seven_known_metrics() -> None:
    assert len(set(PLUMBER2)) == 7
    assert set(PLUMBER2) <= set(METRICS)


def test_cell_below_minimum_count_is_missing_and_counted() -> None:
    values = np.arange(20, dtype=float).reshape(2, 10) % 7
    target = make_series(values)
    target[1, 0] = np.nan
    scored = score(make_series(values + 1), target, metrics=["bias", "pearson_r"])
    assert scored["pair_count"].values.tolist() == [10, 9]
    assert scored["bias"].values[0] == pytest.approx(1.0)
    assert np.isnan(scored["bias"].values[1])
    assert scored.attrs == {"minimum_count": 10, "below_minimum_count": 1}


CORRELATIONS = ("pearson_r", "spearman_r", "anomaly_r", "deseasonalised_r")


def test_constant_prediction_has_a_correlation_of_zero(
    rng: np.random.Generator,
) -> None:
    _, target = make_pair(rng)
    scored = score(target.copy(data=np.full(target.shape, 0.3)), target)
    for name in CORRELATIONS:
        assert (scored[name] == 0).all(), name
        assert scored[name].attrs["undefined_count"] == 0
    # The distance from (1, 1, 1) of r, alpha, beta is that of (0, 0, beta).
    beta = 0.3 / target.where(target.notnull()).mean("time")  # noqa: PD004
    expected = 1 - np.sqrt(2 + (beta - 1) ** 2)
    for name in ("kge_2009", "kge_2012"):
        np.testing.assert_allclose(scored[name], expected, rtol=1e-6)


def test_prediction_of_nothing_but_zero_is_scored_too(rng: np.random.Generator) -> None:
    _, target = make_pair(rng)
    scored = score(xr.zeros_like(target), target)
    for name in ("kge_2009", "kge_2012"):
        np.testing.assert_allclose(scored[name], 1 - np.sqrt(3.0), rtol=1e-12)


def test_constant_target_has_no_correlation_and_is_counted(
    rng: np.random.Generator,
) -> None:
    prediction, target = make_pair(rng)
    scored = score(prediction, target.copy(data=np.full(target.shape, 0.3)))
    for name in CORRELATIONS:
        assert np.isnan(scored[name]).all(), name
        assert scored[name].attrs["undefined_count"] == 3


def test_model_that_gives_up_on_most_cells_gains_nothing_by_it(
    rng: np.random.Generator,
) -> None:
    days = 700
    signal = rng.standard_normal((9, days))
    coords = {"cell": np.arange(9), "time": pd.date_range("2018-01-01", periods=days)}
    target = xr.DataArray(0.3 + 0.02 * signal, coords, ("cell", "time"))
    honest = target + 0.04 * rng.standard_normal((9, days))
    gave_up = honest.where(honest["cell"] < 2, 0.3)
    names = ["pearson_r", "anomaly_r"]
    pooled = [
        pool_scores(scored, label_standard_pools(scored.scores))["score"].sel(
            group="all"
        )
        for scored in (
            bootstrap_scores(model, target, metrics=names)
            for model in (honest, gave_up)
        )
    ]
    # r of signal against noise twice as large: 1 / sqrt(1 + 4)
    np.testing.assert_allclose(pooled[0], 1 / np.sqrt(5), atol=0.1)
    assert (pooled[1] == 0).all()


def test_prediction_of_nothing_but_the_climatology_is_no_departure(
    rng: np.random.Generator,
) -> None:
    _, target = make_pair(rng, days=800)
    day = target["time"].dt.dayofyear
    values = 0.3 + 0.1 * np.sin(np.arange(1, 367) / 58.0)
    climatology = xr.DataArray(
        values.astype(np.float32), {"day_of_year": np.arange(1, 367)}, ["day_of_year"]
    )
    prediction = climatology.sel(day_of_year=day).drop_vars("day_of_year")
    prediction = prediction.broadcast_like(target).transpose("cell", "time")
    scored = score(prediction, target, climatology=climatology)
    assert (scored["deseasonalised_r"] == 0).all()
    assert (scored["pearson_r"] != 0).all()


def test_given_climatology_counts_days_by_the_calendar() -> None:
    # Two years from 1 January 2019: 1 March is day 60, in 2020 day 61. The prediction
    # is a climatology too rough for harmonics, read by the calendar.
    by_day = np.random.default_rng(2).random(366)
    climatology = xr.DataArray(
        by_day, {"day_of_year": np.arange(1, 367)}, ["day_of_year"]
    )
    time = pd.date_range("2019-01-01", periods=731)
    calendar = by_day[time.day_of_year.to_numpy() - 1]
    noise = np.random.default_rng(3).random(731)
    scored = score(
        make_series(np.stack([calendar, np.roll(calendar, 1)])),
        make_series(np.stack([noise, noise])),
        climatology=climatology,
        metrics=["deseasonalised_r"],
    )
    assert float(scored["deseasonalised_r"][0]) == 0.0
    assert float(scored["deseasonalised_r"][1]) != 0.0


def test_season_of_train_days_is_removed_from_both_series(
    rng: np.random.Generator,
) -> None:
    prediction, target = make_pair(rng, days=900)
    train = all_days(target) & (target["time"] < np.datetime64("2020-06-01"))
    scored = score(prediction, target, train=train, scored=~train)
    values = target.where(train).values.astype(float)
    day = count_leap_year_days(target["time"].values)
    own = seasonal_climatology(values, day)
    both = np.isfinite(target.values) & ~train.values
    series = [
        np.where(both, a.values.astype(float), np.nan) for a in (prediction, target)
    ]
    x, y = remove_season(series, day, own)
    for row in range(3):
        expected = np.corrcoef(x[row, both[row]], y[row, both[row]])[0, 1]
        ours = float(scored["deseasonalised_r"][row])
        assert ours == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("phase", [(365.25, 0), (366.0, 1), (365.0, 3), (365.2425, 9)])
@pytest.mark.parametrize("height", [0.01, 1.0])
def test_harmonic_of_the_year_scores_zero_by_whichever_calendar(
    rng: np.random.Generator, phase: tuple[float, float], height: float
) -> None:
    _, target = make_pair(rng, cells=4, days=549)
    season = np.cos(np.arange(549) * 2 * np.pi / 365.25)
    year, start = phase
    day = target["time"].dt.dayofyear.to_numpy()
    prediction = 0.3 + height * np.cos(2 * np.pi * day / year + start)
    scored = score(
        make_series(np.tile(prediction, (4, 1))),
        target + 0.05 * season,
        metrics=["deseasonalised_r"],
    )
    assert (scored["deseasonalised_r"] == 0).all()


def test_damped_target_is_perfect_beyond_the_season(rng: np.random.Generator) -> None:
    _, target = make_pair(rng, days=549)
    damped = (0.25 + 0.3 * (target.astype(float) - 0.25)).astype(np.float32)
    scored = score(damped, target, train=all_days(target))
    np.testing.assert_allclose(scored["deseasonalised_r"], 1.0, rtol=1e-9)


def test_season_of_a_short_record_is_not_known(rng: np.random.Generator) -> None:
    prediction, target = make_pair(rng, days=400)
    enough, short = (
        score(prediction, target.where(counted(target, n))) for n in (40, 39)
    )
    assert np.isfinite(enough["deseasonalised_r"]).all()
    assert np.isnan(short["deseasonalised_r"]).all()
    assert np.isfinite(short["pearson_r"]).all()
    assert short["deseasonalised_r"].attrs["undefined_count"] == 3


def counted(target: xr.DataArray, count: int) -> xr.DataArray:
    """Mark the first days with a value in each series."""
    return target.notnull().cumsum("time") <= count  # noqa: PD004


def test_only_scored_days_count(rng: np.random.Generator) -> None:
    prediction, target = make_pair(rng)
    test = all_days(target) & (target["time"].dt.year == 2020)
    masked = score(prediction, target, scored=test)
    xr.testing.assert_equal(masked, score(prediction, target.where(test)))
    assert (masked["pair_count"] < score(prediction, target)["pair_count"]).all()


def test_gap_of_target_hides_prediction_from_anomalies(
    rng: np.random.Generator,
) -> None:
    prediction, target = make_pair(rng)
    seen = score(prediction.where(np.isfinite(target)), target)
    xr.testing.assert_equal(score(prediction, target), seen)


def test_default_metrics_follow_from_what_is_given(rng: np.random.Generator) -> None:
    prediction, target = make_pair(rng)
    plain = set(score(prediction, target).data_vars)
    assert {"pearson_r", "pair_count"} <= plain
    assert not {"sedi_dry", "crps"} & plain
    trained = set(score(prediction, target, train=all_days(target)).data_vars)
    assert "sedi_dry" in trained
    assert "crps" not in trained
    both = xr.concat([prediction, prediction], "member")
    assert "crps" in score(both, target).data_vars


def test_ensemble_mean_gets_the_pair_metrics(rng: np.random.Generator) -> None:
    prediction, target = make_pair(rng)
    members = xr.concat([prediction - 0.1, prediction + 0.1], "member").astype(float)
    ours = score(members, target, metrics=["rmse"])["rmse"]
    np.testing.assert_allclose(ours, score(prediction, target)["rmse"], rtol=1e-6)


def test_input_is_untouched_and_dask_gives_the_same(rng: np.random.Generator) -> None:
    prediction, target = make_pair(rng)
    before = prediction.copy(deep=True), target.copy(deep=True)
    scored = score(prediction, target)
    xr.testing.assert_identical(prediction, before[0])
    xr.testing.assert_identical(target, before[1])
    lazy = score(prediction.chunk(cell=2), target.chunk(time=100))
    xr.testing.assert_identical(lazy, scored)


def test_single_name_is_one_metric(rng: np.random.Generator) -> None:
    scored = score(*make_pair(rng), metrics="pearson_r")
    assert set(scored.data_vars) == {"pearson_r", "pair_count"}


def test_unknown_metric_is_named_with_the_known_ones(rng: np.random.Generator) -> None:
    with pytest.raises(UnknownNameError, match=r"found: +rmsd\n.*pearson_r"):
        score(*make_pair(rng), metrics=["rmse", "rmsd"])


def test_extremes_without_train_days_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(UsageError, match="metrics sedi_dry"):
        score(*make_pair(rng), metrics=["rmse", "sedi_dry"])


def test_infinite_prediction_is_refused_with_its_count(
    rng: np.random.Generator,
) -> None:
    prediction, target = make_pair(rng)
    prediction[0, 3:5] = np.inf
    with pytest.raises(InputError, match="2 infinite values"):
        score(prediction, target)


def test_text_prediction_is_refused(rng: np.random.Generator) -> None:
    prediction, target = make_pair(rng)
    with pytest.raises(InputError, match="dtype <U"):
        score(prediction.astype(str), target)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a[:, 1:],
        lambda a: a[:2],
        lambda a: a[::-1],
        lambda a: a.assign_coords(time=a["time"] + np.timedelta64(1, "D")),
    ],
)
def test_other_coordinates_are_refused(
    rng: np.random.Generator, change: object
) -> None:
    prediction, target = make_pair(rng)
    with pytest.raises(InputError, match="coordinate (time|cell) of the prediction"):
        score(change(prediction), target)  # type: ignore[operator]


def test_other_dims_are_refused(rng: np.random.Generator) -> None:
    prediction, target = make_pair(rng)
    with pytest.raises(InputError, match=r"cell, time \(and member\)"):
        score(prediction.expand_dims(layer=[1]), target)


def test_time_axis_with_a_missing_day_is_refused(rng: np.random.Generator) -> None:
    kept = [0, 1, 2, 4, 5]
    prediction, target = (array[:, kept] for array in make_pair(rng))
    with pytest.raises(InputError, match=r"steps of \[1, 2\] days"):
        score(prediction, target)


def test_series_without_a_day_are_refused(rng: np.random.Generator) -> None:
    prediction, target = (array[:, :0] for array in make_pair(rng))
    with pytest.raises(InputError, match="no day"):
        score(prediction, target)


def test_mask_that_is_not_boolean_is_refused(rng: np.random.Generator) -> None:
    prediction, target = make_pair(rng)
    with pytest.raises(InputError, match="float32 over cell, time"):
        score(prediction, target, train=target)


def test_mask_with_other_days_is_refused(rng: np.random.Generator) -> None:
    prediction, target = make_pair(rng)
    with pytest.raises(InputError, match="mask of days"):
        score(prediction, target, scored=all_days(target)[1:])


def test_single_series_is_scored_to_a_number(rng: np.random.Generator) -> None:
    prediction, target = make_pair(rng, cells=1)
    single = score(prediction[0], target[0])
    assert single["rmse"].dims == ()
    assert float(single["rmse"]) == float(score(prediction, target)["rmse"][0])
