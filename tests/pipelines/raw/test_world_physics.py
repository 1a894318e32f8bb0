"""The virtual world's physics, by hand: water, snow, and hours between days."""

from __future__ import annotations

import numpy as np
import pytest

from factories.raw.virtual_recipes import RECIPE
from somobench.pipelines.raw.world.hourly import (
    accumulate,
    compute_progress,
    interpolate,
    interpolate_states,
    quantise,
    sum_by_day,
)
from somobench.pipelines.raw.world.reanalysis import SPIN_UP, simulate_box
from somobench.pipelines.raw.world.regions import CLIMATES
from somobench.pipelines.raw.world.soil import (
    LATENT_HEAT,
    Drivers,
    Soil,
    make_soil,
    simulate_columns,
    split_rain_and_melt,
    step_soil_water,
)
from somobench.pipelines.raw.world.stations import average_node_corners
from somobench.schemas.recipe import load_recipe


def one_layer_soil() -> Soil:
    column = np.ones((1, 1))
    return Soil(
        thickness=100.0 * column,
        porosity=0.5 * column,
        field_capacity=0.3 * column,
        wilting_point=0.1 * column,
        roots=column,
        conductivity=10.0 * column,
        exchange=0.0 * column,
    )


def test_water_step_gives_hand_computed_fluxes() -> None:
    # The layer holds 50 mm at most and 25 mm now; 10 mm arrive, 2 mm are asked for.
    # Runoff 10 (25/50)^3 = 1.25, so 33.75 mm. Free water above 0.9 field capacity:
    # (33.75/50 - 0.54) / (1 - 0.54) = 0.135 / 0.46; drainage 10 (0.135/0.46)^2.
    # The soil is wet, so evaporation is 0.95 x 2 = 1.9.
    drained = 10.0 * (0.135 / 0.46) ** 2
    water, evaporation, runoff, drainage = step_soil_water(
        one_layer_soil(),
        np.array([[25.0]]),
        np.array([10.0]),
        np.array([2.0]),
        np.array([[0.0]]),
    )
    assert runoff[0] == pytest.approx(1.25)
    assert drainage[0] == pytest.approx(drained)
    assert evaporation[0] == pytest.approx(1.9)
    assert water[0, 0] == pytest.approx(25.0 + 10.0 - 1.25 - drained - 1.9)


def test_frozen_layer_neither_evaporates_nor_drains() -> None:
    # Of 10 mm on frozen ground 7 mm run off, more than the 1.25 mm of thawed soil.
    water, evaporation, runoff, drainage = step_soil_water(
        one_layer_soil(),
        np.array([[25.0]]),
        np.array([10.0]),
        np.array([2.0]),
        np.array([[1.0]]),
    )
    fluxes = (evaporation[0], drainage[0], runoff[0], water[0, 0])
    assert fluxes == pytest.approx((0.0, 0.0, 7.0, 28.0))


def test_dry_layer_keeps_its_water() -> None:
    # At half the wilting point nothing evaporates.
    _, evaporation, _, _ = step_soil_water(
        one_layer_soil(),
        np.array([[5.0]]),
        np.array([0.0]),
        np.array([5.0]),
        np.array([[0.0]]),
    )
    assert evaporation[0] == 0.0


def test_snow_waits_for_warmth_and_melts_by_degree_days() -> None:
    # 4 mm fall at -2 degrees; a day at +1 melts 2.5 mm of it, the next day the rest.
    rain, cold, warm = np.array([4.0]), np.array([271.15]), np.array([274.15])
    liquid, snow = split_rain_and_melt(rain, cold, np.zeros(1))
    assert (liquid[0], snow[0]) == (0.0, 4.0)
    liquid, snow = split_rain_and_melt(np.zeros(1), warm, snow)
    assert (liquid[0], snow[0]) == pytest.approx((2.5, 1.5))
    liquid, snow = split_rain_and_melt(np.array([1.0]), warm, snow)
    assert (liquid[0], snow[0]) == pytest.approx((2.5, 0.0))


def test_water_balance_creates_and_loses_no_water(rng: np.random.Generator) -> None:
    days, columns, layers = 400, 5, (100.0, 200.0, 200.0, 500.0)
    soil = make_soil(np.linspace(0.05, 0.9, columns), layers)
    season = 278.0 + 10.0 * np.sin(np.arange(days) / 58.0)[:, None]
    drivers = Drivers(
        rain=rng.gamma(0.3, 12.0, (days, columns)),
        temperature=season + rng.normal(0.0, 4.0, (days, columns)),
        net_radiation=rng.uniform(-2.0, 15.0, (days, columns)),
    )
    result = simulate_columns(soil, drivers)
    stored = (result.soil_moisture[-1] * soil.thickness).sum(axis=0)
    begun = (0.9 * soil.field_capacity * soil.thickness).sum(axis=0)
    left = (result.evaporation + result.runoff + result.drainage).sum(axis=0)
    change = stored - begun + result.snow[-1]
    assert result.snow.max() > 10.0
    assert (result.soil_temperature < 273.15).any()
    np.testing.assert_allclose(change + left, drivers.rain.sum(axis=0), atol=1e-8)


def test_accumulation_ends_at_its_hour() -> None:
    # 24, 48 and 72 in three days, evenly: 1, 2 and 3 an hour. The period begins with
    # the second day; its 00:00 holds the last hour of the first day.
    hourly = accumulate(np.array([24.0, 48.0, 72.0]), np.full((3, 24), 1.0 / 24.0))
    assert hourly.tolist() == pytest.approx([1.0] + 24 * [2.0] + 24 * [3.0])
    assert sum_by_day(hourly.astype("float32")).tolist() == pytest.approx([48, 72])


def test_interpolation_meets_daily_values_at_noon() -> None:
    hourly = interpolate(np.array([0.0, 10.0, 30.0]))
    # One day: 00:00 is halfway between the noons of the day before and of the day.
    assert hourly[[0, 12, 24]].tolist() == pytest.approx([5.0, 10.0, 20.0])


def test_hourly_state_follows_the_rain() -> None:
    # Rain in the hours ending at 06 and 12, half each; moisture rises 0.2 to 0.3.
    shares = np.zeros((2, 24))
    shares[:, [5, 11]] = 0.5
    moved = compute_progress(shares, np.array([True, False]))
    hourly = interpolate_states(np.array([0.2, 0.3, 0.3]), moved)
    assert hourly[[0, 5, 6, 11, 12, 24]].tolist() == pytest.approx(
        [0.2, 0.2, 0.25, 0.25, 0.3, 0.3]
    )
    assert moved[1, 6] == pytest.approx(0.25)  # a dry day passes evenly


def test_quantised_values_keep_their_precision(rng: np.random.Generator) -> None:
    values = rng.normal(0.0, 300.0, 1000)
    rounded = quantise(values)
    assert np.abs(rounded / values - 1.0).max() <= 2.0**-13 + 1e-7
    assert (rounded.view("uint32") & np.uint32(0x7FF) == 0).all()


def test_corner_mean_averages_four_nodes() -> None:
    nodes = np.arange(9.0).reshape(3, 3)
    # The cell between nodes 0, 1, 3 and 4 has mean 2; the others are 3, 5 and 6.
    assert average_node_corners(nodes).tolist() == [2.0, 3.0, 5.0, 6.0]


def test_recipe_spans_energy_and_water_limitation() -> None:
    recipe = load_recipe(RECIPE)
    assert recipe.virtual is not None
    nodes, seed = recipe.virtual.box_nodes, recipe.virtual.seed
    days = np.arange(
        np.datetime64(recipe.period.start), np.datetime64(recipe.period.end) + 1
    )
    driest, wettest = [], []
    for climate in CLIMATES.values():
        box = simulate_box(climate, days, nodes, recipe.grid.resolution, seed)
        rain = box.drivers.rain[SPIN_UP:].mean(axis=0)
        energy = box.drivers.net_radiation[SPIN_UP:].mean(axis=0) / LATENT_HEAT
        dryness = average_node_corners((energy / rain).reshape(nodes, nodes))
        wettest.append(dryness.min())
        driest.append(dryness.max())
    assert max(wettest) < 1.0 < min(driest)  # both sides in every region
    assert min(wettest) < 0.6
    assert max(driest) > 3.0
