"""The water balance in PyTorch against the one of the ladder."""

from __future__ import annotations

import numpy as np
import pytest

from somobench.ladder.swbm import FREEZING, Parameters, Weather, simulate_wetness
from somobench.schemas.baseline_params import WaterBalanceParams

torch = pytest.importorskip("torch")

from somobench.neural.hybrid import (  # noqa: E402 - it needs torch
    HybridWaterBalance,
    drive_stores,
    simulate_stores,
)

CELLS, DAYS, SPIN_UP = 3, 400, 100


def make_weather(rng: np.random.Generator) -> Weather:
    season = np.sin(2 * np.pi * np.arange(DAYS) / 365)
    shape = (CELLS, DAYS)
    return Weather(
        rng.gamma(0.4, 8, shape),
        3 + 2 * season + rng.normal(0, 1, shape),
        FREEZING + 5 + 12 * season + rng.normal(0, 3, shape),
    )


def run_torch(parameters: Parameters, weather: Weather) -> np.ndarray:
    """Run one layer of every cell, the spin-up before the record."""
    padded = [np.concatenate([x[:, :SPIN_UP], x], axis=1).T for x in weather]
    rain, radiation, warmth = (torch.from_numpy(x) for x in padded)
    given = Parameters(*(torch.from_numpy(x.reshape(CELLS, 1)) for x in parameters))
    store = drive_stores(given, rain, radiation, warmth - FREEZING)
    return simulate_stores(given, store, SPIN_UP)[SPIN_UP:, :, 0].T.numpy()


def test_stores_are_those_of_the_ladder_for_fixed_parameters(
    rng: np.random.Generator,
) -> None:
    parameters = Parameters(
        capacity=np.array([[150.0, 400.0, 60.0]]),
        runoff_shape=np.array([[2.0, 6.0, 1.5]]),
        evaporation_shape=np.array([[0.5, 0.3, 1.5]]),
        evaporation_maximum=np.array([[0.8, 0.6, 0.9]]),
        melt_rate=np.array([[2.0, 1.0, 4.0]]),
    )
    weather = make_weather(rng)
    assert (weather.temperature < FREEZING).any()
    expected = simulate_wetness(parameters, weather, SPIN_UP)[0]
    found = run_torch(parameters, weather)
    assert expected.std() > 0.02
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("has_radiation", [True, False])
def test_every_parameter_of_the_network_gets_a_finite_slope(
    rng: np.random.Generator, has_radiation: bool
) -> None:
    network = HybridWaterBalance(
        2,
        4,
        2,
        spin_up=10,
        has_radiation=has_radiation,
        bounds=WaterBalanceParams(),
    )
    rain, radiation, temperature = (torch.from_numpy(x.T) for x in make_weather(rng))
    raw = torch.stack([rain, radiation, temperature - FREEZING], dim=2).float()
    weather = torch.cat([raw, torch.randn(DAYS, CELLS, 2)], dim=2)
    values = network(weather, torch.randn(CELLS, 4))
    assert values.shape == (DAYS, CELLS, 2)
    values[10:].pow(2).mean().backward()
    slopes = [part.grad for part in network.parameters()]
    assert all(bool(torch.isfinite(slope).all()) for slope in slopes)
    assert all(float(slope.abs().max()) > 0 for slope in slopes)


def test_parameters_lie_within_the_bounds_of_the_ladder() -> None:
    bounds = WaterBalanceParams()
    network = HybridWaterBalance(1, 3, 2, spin_up=0, has_radiation=True, bounds=bounds)
    parameters, _ = network.read_parameters(torch.randn(50, 3) * 100)
    for name, values in parameters._asdict().items():
        low, high = getattr(bounds, name)
        least, most = (float(x) for x in values.detach().aminmax())
        assert low * 0.999 <= least < most <= high * 1.001
