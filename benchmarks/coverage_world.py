"""Repeated simulations of the virtual world for `bench_coverage.py`: truth and models.

Weather, soil columns and the reanalysis' faults are those of the virtual recipe, day by
day, without hours, files and sensors. Every repetition has new weather and new cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from somobench.metrics.anomalies import seasonal_climatology
from somobench.pipelines.raw.world.reanalysis import DAMPING
from somobench.pipelines.raw.world.reanalysis import LAYERS as REANALYSIS_LAYERS
from somobench.pipelines.raw.world.regions import CLIMATES
from somobench.pipelines.raw.world.soil import Drivers, make_soil, simulate_columns
from somobench.pipelines.raw.world.stations import (
    LOCAL_RAIN_SPREAD,
    STATION_RAIN_SPREAD,
    TRUTH_LAYERS,
    average_node_corners,
)
from somobench.pipelines.raw.world.weather import draw_autoregressive, simulate_weather

Floats = npt.NDArray[np.float64]

NODES, RESOLUTION = 7, 0.25  # along each side of a region's box; degrees
SPIN_UP, TRAIN, TEST = 365, 730, 2000  # days
TEST_START = np.datetime64("2020-07-01")  # as in the virtual recipe
LAYERS = 3
SENSOR_NOISE, SENSOR_BIAS = 0.006, 0.02  # m3 m-3
GAPS = 0.1  # share of days lost, in runs of about ten days
MEMORIES = (1.0, 5.0, 20.0, 60.0)  # days of the regression's fading means
_BATCH = 5  # repetitions whose soils are simulated together
_MAP_SEED, _TRAIN_SEED = 20260601, 1


@dataclass(frozen=True)
class World:
    """One repetition: (layer, cell, day) of test days; NaN in target's gaps.

    `climatology` is (layer, cell, day of the year), of train days. `region` (cell,)
    names the regions that cells were drawn from.
    """

    target: Floats
    regression: Floats
    reanalysis: Floats
    climatology: Floats
    region: npt.NDArray[np.str_]


@dataclass(frozen=True)
class Columns:
    """What a repetition's cells are: forcing (day, cell) and textures (cell,).

    `sensor_bias` is (layer, cell, 1), a lasting error of the target.
    """

    regional: Drivers
    local_rain: Floats
    clay: Floats
    assumed_clay: Floats
    sensor_bias: Floats
    region: npt.NDArray[np.str_]


def days() -> npt.NDArray[np.datetime64]:
    first = TEST_START - SPIN_UP - TRAIN
    return np.arange(first, TEST_START + TEST)


def _soil_map(region: str) -> tuple[Floats, Floats]:
    """Return true and assumed texture of a region's candidate cells: never redrawn."""
    rng = np.random.default_rng([_MAP_SEED, CLIMATES[region].code])
    nodes = np.clip(0.42 + 0.16 * rng.standard_normal((NODES, NODES)), 0.05, 0.9)
    clay = average_node_corners(nodes)
    wrong = 0.06 * rng.standard_normal(clay.size)
    return clay, np.clip(0.5 * clay.mean() + 0.5 * clay + wrong, 0.05, 0.9)


def draw_columns(seed: list[int], cells: int, same_cells: bool) -> Columns:
    """Draw weather of every region, and cells anywhere in any region."""
    rng = np.random.default_rng([*seed, 0])
    ground = np.random.default_rng(_MAP_SEED if same_cells else [*seed, 1])
    names = np.array(sorted(CLIMATES))
    region = np.sort(names[ground.integers(0, names.size, cells)])
    parts, clay, assumed = [], [], []
    for name in names:
        weather = simulate_weather(CLIMATES[name], days(), NODES, RESOLUTION, rng)
        own = ground.integers(0, (NODES - 1) ** 2, int((region == name).sum()))
        net = weather.shortwave_net + weather.longwave_net
        fields = (weather.rain, weather.temperature, net)
        parts.append([average_node_corners(field)[:, own] for field in fields])
        true_clay, assumed_clay = _soil_map(name)
        varied = true_clay[own] + 0.1 * ground.standard_normal(own.size)
        clay.append(np.clip(varied, 0.03, 0.95))
        assumed.append(assumed_clay[own])
    bias = SENSOR_BIAS * ground.standard_normal((LAYERS, cells, 1))
    rain, temperature, net = (
        np.concatenate(p, axis=1) for p in zip(*parts, strict=True)
    )
    spread = float(np.hypot(LOCAL_RAIN_SPREAD, STATION_RAIN_SPREAD))
    factor = np.exp(spread * rng.standard_normal(rain.shape) - spread**2 / 2.0)
    return Columns(
        Drivers(rain, temperature, net),
        rain * factor,
        np.concatenate(clay),
        np.concatenate(assumed),
        bias,
        region,
    )


def _fading(values: Floats, memory: float) -> Floats:
    """Average the past of (day, column) with weights that fade in `memory` days."""
    result = np.empty_like(values)
    state = values[:30].mean(axis=0)
    for day in range(len(values)):
        state = state + (values[day] - state) / memory
        result[day] = state
    return result


def _predictors(drivers: Drivers) -> Floats:
    """Return the regression's predictors, (predictor, day, column)."""
    rain = [np.sqrt(_fading(drivers.rain, memory)) for memory in MEMORIES]
    warmth = _fading(drivers.temperature, 20.0) - 285.0
    radiation = _fading(drivers.net_radiation, 20.0)
    return np.stack([np.ones_like(warmth), *rain, warmth, radiation])


def joined(columns: list[Columns]) -> Drivers:
    """Place the columns of several repetitions side by side."""
    names = ("rain", "temperature", "net_radiation")
    return Drivers(
        *(np.concatenate([getattr(c.regional, n) for c in columns], 1) for n in names)
    )


def simulated_truth(columns: list[Columns], drivers: Drivers) -> Floats:
    """Simulate true soil moisture, (layer, column, day) without the spin-up."""
    local = np.concatenate([c.local_rain for c in columns], axis=1)
    soil = make_soil(np.concatenate([c.clay for c in columns]), TRUTH_LAYERS)
    wet = Drivers(local, drivers.temperature, drivers.net_radiation)
    return _kept(simulate_columns(soil, wet).soil_moisture)


def _kept(states: Floats) -> Floats:
    return np.moveaxis(states[SPIN_UP:, :LAYERS], 0, 2)


def _reanalysis(
    columns: list[Columns], drivers: Drivers, rng: np.random.Generator
) -> Floats:
    """Simulate the biased land model: other soil and layers, too smooth, with noise."""
    clay = np.concatenate([c.assumed_clay for c in columns])
    soil = make_soil(clay, REANALYSIS_LAYERS)
    middle = 0.5 * (soil.field_capacity + soil.wilting_point)[:LAYERS, :, None]
    states = _kept(simulate_columns(soil, drivers).soil_moisture)
    moisture = middle + 0.015 + DAMPING * (states - middle)
    for layer, size in enumerate((0.008, 0.005, 0.003)):
        noise = draw_autoregressive(rng, moisture.shape[2], clay.size, 0.9)
        moisture[layer] += size * noise.T
    return np.clip(moisture, 0.005, 0.75)


def observed(columns: list[Columns], truth: Floats, rng: np.random.Generator) -> Floats:
    """Add sensors' bias, noise and gaps to the truth."""
    noise = SENSOR_NOISE * rng.standard_normal(truth.shape)
    bias = np.concatenate([c.sensor_bias for c in columns], axis=1)
    target = truth + bias + noise
    for layer in range(LAYERS):
        lost = draw_autoregressive(rng, truth.shape[2], truth.shape[1], 0.95) < -1.28
        target[layer][lost.T] = np.nan  # 10 % of a standard normal law
    return target


def train_regression(cells: int = 200) -> Floats:
    """Fit the regression once, on a world of its own; (layer, predictor)."""
    columns = [draw_columns([_TRAIN_SEED], cells, same_cells=False)]
    drivers = joined(columns)
    truth = simulated_truth(columns, drivers)
    predictors = _predictors(drivers)[:, SPIN_UP:]
    design = np.moveaxis(predictors, 0, 2).reshape(-1, predictors.shape[0])
    answers = np.moveaxis(truth, 2, 1).reshape(LAYERS, -1)
    weights: Floats = np.linalg.lstsq(design, answers.T, rcond=None)[0].T
    return weights


def _climatology(target: Floats) -> Floats:
    """Return the climatology of train days, (layer, cell, day of the year)."""
    days = np.arange(TEST_START - TRAIN, TEST_START)
    first = days.astype("datetime64[Y]").astype("datetime64[D]")
    rows = target[:, :, :TRAIN].reshape(-1, TRAIN)
    yearly = seasonal_climatology(rows, (days - first).astype(np.int64) + 1)
    return yearly.reshape(*target.shape[:2], -1)


def simulate(
    repetitions: range, cells: int, seed: int, *, same_cells: bool = False
) -> Iterator[World]:
    """Simulate worlds with new weather and, unless `same_cells`, new cells.

    Numbers of repetitions decide what is drawn, if the first is a multiple of 5.
    """
    weights = train_regression()
    for start in repetitions[::_BATCH]:
        numbers = range(start, min(start + _BATCH, repetitions.stop))
        columns = [draw_columns([seed, n], cells, same_cells) for n in numbers]
        drivers = joined(columns)
        noise = np.random.default_rng([seed, start, 2])
        target = observed(columns, simulated_truth(columns, drivers), noise)
        reanalysis = _reanalysis(columns, drivers, noise)
        predictors = _predictors(drivers)[:, SPIN_UP:]
        regression = np.einsum("lp,ptc->lct", weights, predictors)
        for place, own in enumerate(columns):
            part = slice(place * cells, (place + 1) * cells)
            yield World(
                *(model[:, part, TRAIN:] for model in (target, regression, reanalysis)),
                _climatology(target[:, part]),
                own.region,
            )
