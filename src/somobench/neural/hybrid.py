"""The water balance of the ladder in PyTorch, its parameters given by a network.

The arithmetic is that of `somobench.ladder.swbm`, for every cell and layer a store of
its own, so that errors of soil moisture reach the network that gives the parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from somobench.ladder.simulation import read_weather
from somobench.ladder.swbm import FIRST_WETNESS, FREEZING, Parameters
from somobench.schemas.baseline_params import WaterBalanceParams

RADIATION = "net_radiation"
RAW = 3  # columns of weather before the standardised inputs
DRIEST = 1e-4  # wetness below which a power of it has no slope that could be followed
HIDDEN = 16
LINE = 2  # intercept and slope from wetness to soil moisture


class Store(NamedTuple):
    """Daily input of stores, (day, cell, layer), mm d-1.

    Attributes
    ----------
    water : rain on days above freezing
    snow : precipitation of the other days
    melt : that could melt
    demand : that could evaporate from a full store
    """

    water: Tensor
    snow: Tensor
    melt: Tensor
    demand: Tensor


def drive_stores(
    parameters: Parameters, rain: Tensor, radiation: Tensor, warmth: Tensor
) -> Store:
    """Return what drives the stores of every cell and layer.

    Parameters
    ----------
    parameters : Parameters, (cell, layer)
    rain : precipitation, (day, cell), mm d-1
    radiation : net radiation as water, (day, cell), mm d-1
    warmth : temperature above 273.15 K, (day, cell), K
    """
    frozen = (warmth <= 0)[..., None]
    fallen = rain[..., None].expand(*rain.shape, parameters.capacity.shape[-1])
    return Store(
        torch.where(frozen, 0.0, fallen),
        torch.where(frozen, fallen, 0.0),
        parameters.melt_rate * warmth.clamp(min=0)[..., None],
        parameters.evaporation_maximum * radiation.clamp(min=0)[..., None],
    )


def simulate_stores(parameters: Parameters, store: Store, spin_up: int) -> Tensor:
    """Simulate the daily mean filling of every store, (day, cell, layer), 0 to 1.

    As `somobench.ladder.swbm.simulate_wetness`; no slopes are kept of the first
    `spin_up` days.
    """
    wetness = torch.full_like(store.water[0], FIRST_WETNESS)
    snow = torch.zeros_like(wetness)
    result = []
    days = zip(*(part.unbind(0) for part in store), strict=True)
    for day, (water, fallen, melt, demand) in enumerate(days):
        with torch.set_grad_enabled(torch.is_grad_enabled() and day >= spin_up):
            melted = torch.minimum(snow, melt)
            snow = snow + fallen - melted
            gained = water + melted
            power = wetness.clamp(min=DRIEST).log()
            runoff = gained * torch.exp(parameters.runoff_shape * power)
            evaporation = demand * torch.exp(parameters.evaporation_shape * power)
            gain = (gained - runoff - evaporation) / parameters.capacity
            filled = (wetness + gain).clamp(0, 1)
            result.append((wetness + filled) / 2)
            wetness = filled
    return torch.stack(result)


class HybridWaterBalance(nn.Module):
    """A water balance for all cells, whose parameters a network reads from attributes.

    Differentiable parameter learning: Tsai et al. 2021,
    doi:10.1038/s41467-021-26107-z. Weather has three columns before the standardised
    inputs: precipitation and net radiation as water, mm d-1, and temperature above
    273.15 K. Without net radiation a second network reads what could evaporate from
    the day's inputs.

    Parameters
    ----------
    weather, statics, layers : int
        Columns and layers; those of weather without the first three.
    spin_up : int
        Days before those that count.
    has_radiation : bool
    bounds : WaterBalanceParams
        Within which the parameters lie.
    """

    def __init__(
        self,
        weather: int,
        statics: int,
        layers: int,
        *,
        spin_up: int,
        has_radiation: bool,
        bounds: WaterBalanceParams,
    ) -> None:
        super().__init__()
        self.layers, self.spin_up = layers, spin_up
        names = Parameters._fields
        ranges = np.log([getattr(bounds, name) for name in names])
        self.register_buffer("low", torch.tensor(ranges[:, 0], dtype=torch.float32))
        self.register_buffer("high", torch.tensor(ranges[:, 1], dtype=torch.float32))
        self.given = _make_reader(statics, (len(names) + LINE) * layers)
        self.demand = None if has_radiation else _make_reader(weather, 1)

    def read_parameters(self, statics: Tensor) -> tuple[Parameters, Tensor]:
        """Return parameters, (cell, layer), and the line to soil moisture."""
        read = self.given(statics).unflatten(1, (-1, self.layers))
        share = torch.sigmoid(read[:, :-LINE])
        width = (self.high - self.low)[:, None]
        values = torch.exp(self.low[:, None] + share * width)
        return Parameters(*values.unbind(1)), read[:, -LINE:]

    def forward(self, weather: Tensor, statics: Tensor) -> Tensor:
        """Return standardised soil moisture, (day, cell, layer)."""
        parameters, line = self.read_parameters(statics)
        radiation = weather[..., 1]
        if self.demand is not None:
            radiation = nn.functional.softplus(self.demand(weather[..., RAW:])[..., 0])
        store = drive_stores(parameters, weather[..., 0], radiation, weather[..., 2])
        wetness = simulate_stores(parameters, store, self.spin_up)
        slope = nn.functional.softplus(line[:, 1]) * 4  # wetness varies less than 1
        result: Tensor = line[:, 0] + slope * (wetness - 0.5)
        return result


def _make_reader(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, outputs)
    )


def gather_forcing(
    forcing: Mapping[str, NDArray[np.float32]], latent_heat: float, spin_up: int
) -> NDArray[np.float32]:
    """Return the three columns that drive stores, (spin_up + day, cell, column).

    The first days of the record come twice, as in the ladder, all of them as often as
    it takes; a cell's days before its record are the record over and over.

    Parameters
    ----------
    forcing : by variable, (cell, day)
    latent_heat : MJ kg-1
    spin_up : days
    """
    radiation = np.zeros_like(forcing["precipitation"])
    weather = read_weather({RADIATION: radiation, **forcing}, latent_heat)
    columns = [
        weather.precipitation,
        weather.radiation,
        weather.temperature - FREEZING,
    ]
    filled = np.stack(columns, axis=-1)
    before = np.resize(np.arange(filled.shape[1]), spin_up)
    whole = np.concatenate([filled[:, before], filled], axis=1)
    return np.asarray(whole.transpose(1, 0, 2), dtype=np.float32)
