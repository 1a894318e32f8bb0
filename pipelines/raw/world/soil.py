"""Water and heat of a layered soil column, day by day: the virtual world's truth.

A simple water balance in the manner of SWBM (Orth, Koster and Seneviratne 2013): runoff
and evaporation are simple functions of soil moisture, here by layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LATENT_HEAT = 2.45  # MJ kg-1, FAO-56
FREEZING = 273.15  # K
MELT = 2.5  # mm d-1 K-1
TEMPERATURE_MEMORY = 4.0  # days for the air's warmth to reach 10 cm
SNOW_INSULATION = 15.0  # mm w.e. that halve the exchange of heat with the air


@dataclass(frozen=True)
class Soil:
    """Soil columns; arrays are (layer, column), fractions of volume.

    `thickness` is (layer, 1) in mm, `roots` are shares that sum to 1 over layers,
    `conductivity` is the percolation of saturated soil in mm d-1 and `exchange` moves
    water between layers down their difference in wetness, mm d-1.
    """

    thickness: Floats
    porosity: Floats
    field_capacity: Floats
    wilting_point: Floats
    roots: Floats
    conductivity: Floats
    exchange: Floats
    runoff_exponent: float = 3.0
    percolation_exponent: float = 2.0
    evaporation_ratio: float = 0.95


@dataclass(frozen=True)
class Drivers:
    """What drives a column: (day, column) rain mm d-1, air K, net radiation MJ."""

    rain: Floats
    temperature: Floats
    net_radiation: Floats


@dataclass(frozen=True)
class Balance:
    """A simulation; states are those at the end of the day, fluxes mm d-1."""

    soil_moisture: Floats  # (day, layer, column)
    soil_temperature: Floats  # (day, layer, column), K
    evaporation: Floats  # (day, column)
    runoff: Floats
    drainage: Floats
    snow: Floats  # mm w.e.


def make_soil(clay: Floats, thickness: tuple[float, ...]) -> Soil:
    """Return columns whose properties follow from one texture number each.

    Parameters
    ----------
    clay : (column,), 0 (sand) to 1 (clay)
    thickness : mm, by layer
    """
    layers = np.asarray(thickness)[:, None]
    flat = np.ones_like(layers)
    depth = np.cumsum(layers, axis=0) - layers / 2.0
    roots = layers * np.exp(-depth / 250.0)
    return Soil(
        thickness=layers,
        porosity=flat * (0.38 + 0.13 * clay),
        field_capacity=flat * (0.20 + 0.20 * clay),
        wilting_point=flat * (0.04 + 0.15 * clay),
        roots=roots / roots.sum(axis=0) * np.ones_like(clay),
        conductivity=flat * (120.0 - 80.0 * clay),
        exchange=flat * 600.0 / layers * np.ones_like(clay),
    )


def split_rain_and_melt(
    rain: Floats, temperature: Floats, snow: Floats
) -> tuple[Floats, Floats]:
    """Return liquid water of the day and the snow left, both mm."""
    snow = snow + np.where(temperature <= FREEZING, rain, 0.0)
    melt = np.minimum(snow, MELT * np.maximum(temperature - FREEZING, 0.0))
    return np.where(temperature <= FREEZING, 0.0, rain) + melt, snow - melt


def step_soil_temperature(before: Floats, air: Floats, snow: Floats) -> Floats:
    """Return soil temperature (layer, column) a day later: slower with depth."""
    above = np.concatenate([air[None], before[:-1]])
    rate = np.full(before.shape, 1.0 / TEMPERATURE_MEMORY)
    rate[0] = rate[0] / (1.0 + snow / SNOW_INSULATION)
    rate[1:] = rate[1:] / np.arange(1, before.shape[0])[:, None]
    return before + rate * (above - before)


def step_soil_water(
    soil: Soil, water: Floats, liquid: Floats, demand: Floats, frozen: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Advance soil water by a day; nothing is created nor lost.

    Parameters
    ----------
    water : (layer, column), mm
    liquid, demand : (column,), mm: water reaching the ground, evaporation asked for
    frozen : (layer, column), 1 where the layer is frozen, else 0

    Returns
    -------
    water, evaporation, runoff, drainage : mm
    """
    capacity = soil.porosity * soil.thickness
    runoff = liquid * (water[0] / capacity[0]) ** soil.runoff_exponent
    runoff = np.maximum(runoff, 0.7 * liquid * frozen[0])
    water = water.copy()
    water[0] += liquid - runoff
    drainage = _percolate(soil, water, capacity, frozen)
    excess = np.maximum(water - capacity, 0.0)
    water -= excess
    evaporation = _compute_evaporation(soil, water, demand, frozen)
    water -= evaporation
    return water, evaporation.sum(axis=0), runoff + excess.sum(axis=0), drainage


def _percolate(soil: Soil, water: Floats, capacity: Floats, frozen: Floats) -> Floats:
    """Move water downward in place; return what leaves the column, mm."""
    layers = water.shape[0]
    for layer in range(layers):
        wetness = np.minimum(water[layer] / capacity[layer], 1.0)
        held = 0.9 * soil.field_capacity[layer] / soil.porosity[layer]
        free = np.maximum(wetness - held, 0.0) / (1.0 - held)
        flow: Floats = soil.conductivity[layer] * free**soil.percolation_exponent
        flow = np.minimum(flow, 0.5 * water[layer]) * (1.0 - frozen[layer])
        if layer + 1 == layers:
            water[layer] -= flow
            return flow
        below = water[layer + 1]
        flow += soil.exchange[layer] * (wetness - below / capacity[layer + 1])
        flow = np.minimum(flow, np.maximum(capacity[layer + 1] - below, 0.0))
        water[layer] -= flow
        water[layer + 1] += flow
    raise AssertionError  # a column has at least one layer


def _compute_evaporation(
    soil: Soil, water: Floats, demand: Floats, frozen: Floats
) -> Floats:
    """Return evaporation by layer, mm: less where the layer is dry or frozen."""
    moisture = water / soil.thickness
    span = soil.field_capacity - soil.wilting_point
    stress = np.clip((moisture - soil.wilting_point) / (0.8 * span), 0.0, 1.0)
    asked = soil.evaporation_ratio * demand * soil.roots * stress * (1.0 - frozen)
    available = np.maximum(water - 0.6 * soil.wilting_point * soil.thickness, 0.0)
    return np.minimum(asked, available)


def simulate_columns(soil: Soil, drivers: Drivers) -> Balance:
    """Simulate columns from field capacity on, one step a day."""
    days, columns = drivers.rain.shape
    layers = soil.porosity.shape[0]
    states = np.empty((2, days, layers, columns))
    fluxes = np.empty((4, days, columns))
    water = 0.9 * soil.field_capacity * soil.thickness
    warmth = np.repeat(drivers.temperature[:30].mean(axis=0)[None], layers, axis=0)
    snow = np.zeros(columns)
    demand = np.maximum(drivers.net_radiation, 0.0) / LATENT_HEAT
    for day in range(days):
        air = drivers.temperature[day]
        liquid, snow = split_rain_and_melt(drivers.rain[day], air, snow)
        warmth = step_soil_temperature(warmth, air, snow)
        frozen = (warmth < FREEZING).astype("float64")
        water, *out = step_soil_water(soil, water, liquid, demand[day], frozen)
        states[0, day], states[1, day] = water / soil.thickness, warmth
        fluxes[:, day] = (*out, snow)
    return Balance(states[0], states[1], fluxes[0], fluxes[1], fluxes[2], fluxes[3])
