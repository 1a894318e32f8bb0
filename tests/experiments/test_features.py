"""Features, coupling and independence find what was built into small worlds."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from factories.experiments import SMALL, make_feature_set, make_world, take_row
from somobench.experiments import coupling, features, independence
from somobench.experiments.dry_down import STEP, find_steps, fit_decay, measure_dry_down
from somobench.experiments.world import ENERGY, WATER
from somobench.metrics.days import resample_days
from somobench.schemas.errors import UsageError

QUICK_ONE = SMALL.model_copy(update={"repeats": 1, "draws": 20})


def test_inputs_that_soil_answers_are_missed_and_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(features, "LEARNERS", {"ridge": "ridge_memory"})
    world = make_world(regime_effect=False)  # all soil answers rain, with memory
    table = features.run_features(world, QUICK_ONE, 1).table
    asked = {"model": "ridge", "tested": "all"}
    memory = take_row(table, **asked, arm="forcing", against="memory")
    rain = take_row(
        table, **asked, arm="memory without precipitation", against="memory"
    )
    warmth = take_row(
        table, **asked, arm="memory without air_temperature", against="memory"
    )
    assert memory["low"] > 0.1
    assert rain["low"] > 0.5
    assert abs(warmth["value"]) < 0.01
    share = take_row(
        table,
        model="ridge",
        tested="all",
        metric=features.CONSISTENT,
        arm="forcing",
        against="memory",
    )
    assert share["value"] == 1


def test_sets_lose_each_variable_in_turn_and_higher_sets_only_their_own() -> None:
    sets = {
        "forcing": make_feature_set(("a", "b"), (0,)),
        "memory": make_feature_set(("a", "b"), (0, 1)),
        "state": make_feature_set(("a", "b", "skin"), (0, 1), needs_observations=True),
    }
    inputs = dict(features.list_inputs(sets))
    assert list(inputs) == [
        "forcing",
        "memory",
        "memory without a",
        "memory without b",
        "state",
        "state without skin",
    ]
    assert not inputs["state without skin"].needs_observations
    assert ("forcing", "memory") in set(features.list_pairs(inputs))
    assert ("state without skin", "state") in set(features.list_pairs(inputs))


def test_surface_set_holds_what_is_known_on_target_days_alone() -> None:
    world = make_world()
    more = {**world.weather, "vegetation_index": world.weather["net_radiation"]}
    sets = features.list_sets(make_world(weather=more))
    assert sets[features.SURFACE].variables[-1] == "vegetation_index"


def test_coupling_has_the_sign_that_each_regime_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coupling, "MODELS", ("ridge_memory",))
    # evaporation rises with soil moisture in water-limited cells and falls in others
    table = coupling.run_coupling(make_world(), QUICK_ONE, 1).table
    asked = {"model": "observations", "against": "", "metric": "anomaly_r"}
    arm = coupling.WITH_EVAPORATION
    assert take_row(table, **asked, arm=arm, tested=WATER)["low"] > 0.9
    assert take_row(table, **asked, arm=arm, tested=ENERGY)["high"] < -0.9
    # radiation is noise here, so that only soil moisture counts
    arm = coupling.LIMITATION
    assert take_row(table, **asked, arm=arm, tested=WATER)["low"] > 0.8
    assert take_row(table, **asked, arm=arm, tested=ENERGY)["high"] < -0.8


def test_evaporation_that_follows_radiation_is_limited_by_energy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coupling, "MODELS", ("ridge_memory",))
    weather = make_world().weather
    driven = {**weather, "evaporation": weather["net_radiation"]}
    table = coupling.run_coupling(make_world(weather=driven), QUICK_ONE, 1).table
    row = take_row(
        table,
        model="observations",
        metric="anomaly_r",
        tested="all",
        arm=coupling.LIMITATION,
        against="",
    )
    # 1 for radiation, about 0 for soil moisture
    assert row["value"] == pytest.approx(-1, abs=0.05)


def test_release_without_evaporation_is_refused_by_the_name_of_what_it_lacks() -> None:
    weather = {k: v for k, v in make_world().weather.items() if k != "evaporation"}
    with pytest.raises(UsageError, match="no evaporation"):
        coupling.run_coupling(make_world(weather=weather), QUICK_ONE, 1)


def test_release_without_a_reanalysis_is_refused() -> None:
    with pytest.raises(UsageError, match="no soil moisture of a reanalysis"):
        independence.run_independence(make_world(), QUICK_ONE, 1)


def test_matched_targets_owe_the_reanalysis_their_nse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(independence, "MODELS", ())
    world = make_world()
    wrong = np.nan_to_num(world.measured, nan=0.25) * 2 + 0.3  # level and spread alone
    table = independence.run_independence(
        make_world(reanalysis=wrong), QUICK_ONE, 1
    ).table
    asked = {"model": "reanalysis", "tested": "all", "against": ""}
    assert take_row(table, **asked, arm="matched", metric="nse")["value"] > 0.95
    assert take_row(table, **asked, arm="as measured", metric="nse")["value"] < -10
    for arm in independence.SCALINGS:
        assert take_row(table, **asked, arm=arm)["value"] == pytest.approx(1)


def measure_days(limit: np.ndarray, scale: float) -> float:
    """Return the dry-down of soil that falls to a limit, wetted by rain at random."""
    rng = np.random.default_rng(0)
    rain = np.where(rng.random(limit.size) < 0.12, rng.exponential(10, limit.size), 0)
    soil = limit.copy()
    for day in range(1, limit.size):
        above = (soil[day - 1] - limit[day]) * np.exp(-1 / scale)
        soil[day] = limit[day] + above + 0.004 * rain[day]
    part = xr.DataArray(
        soil[None],
        {"series": ["1/a"], "time": np.datetime64("2006-01-01") + np.arange(soil.size)},
        ("series", "time"),
    )
    drawn = resample_days(np.ones(soil.size, dtype=bool), length=91, draws=2)
    found = measure_dry_down([part], rain[None].astype(np.float32), drawn)
    return float(found.scores["dry_down_days"].item())


def test_limit_that_changes_with_the_season_looks_like_slow_drying() -> None:
    season = np.cos(2 * np.pi * np.arange(3650) / 365)
    assert measure_days(0.15 + 0 * season, 10) == pytest.approx(10, rel=0.05)
    assert measure_days(0.15 + 0.06 * season, 10) > 18


def test_exponential_decay_has_its_own_time_scale() -> None:
    days = np.arange(400)
    # rain every 40th day lifts the soil by one; it falls by a factor e in 20 days
    rain = np.where(days % 40 == 0, 10.0, 0.0)[None].astype(np.float32)
    soil = np.zeros((1, 400))
    for day in days[1:]:
        soil[0, day] = soil[0, day - 1] * np.exp(-1 / 20) + (day % 40 == 0)
    part = xr.DataArray(
        soil,
        {"series": ["1/a"], "time": np.datetime64("2016-01-01") + days},
        ("series", "time"),
    )
    drawn = resample_days(np.ones(400, dtype=bool), length=91, draws=10)
    found = measure_dry_down([part], rain, drawn)
    assert found.scores["dry_down_days"].item() == pytest.approx(20, rel=1e-6)
    assert np.allclose(found.replicates["dry_down_days"], 20, rtol=1e-4)


def test_steps_cross_no_rain() -> None:
    rain = np.zeros((1, 12), dtype=np.float32)
    rain[0, 6] = 5.0
    _, later, known = find_steps(np.arange(12.0)[None], rain)
    # days 1 to 6 see the rain of day 6 within five days; 7 has no day 12
    assert np.flatnonzero(known[0]).tolist() == [0, 6]
    assert later[0, 0] == STEP


def test_nothing_that_rises_decays() -> None:
    one = np.array([10.0])
    # slope 2: soil moisture doubles
    assert np.isnan(fit_decay(one, one * 0, one * 0, one, 2 * one)).all()
