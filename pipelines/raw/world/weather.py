"""Weather of the virtual world at the nodes of a reanalysis grid, daily and hourly.

One box of nodes a region, each with a climate gradient through it. All names and units
inside the hourly output are ERA5's; nothing here knows of soils or stations.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from somobench.pipelines.raw.world.regions import Climate
from somobench.schemas.checks.magnitudes import compute_extraterrestrial_radiation

Floats = npt.NDArray[np.float64]

YEAR = 365.25  # days
ALBEDO = 0.2  # of land without snow
STEFAN_BOLTZMANN = 4.903e-9  # MJ K-4 m-2 d-1, FAO-56 eq. 39
LAPSE_RATE = 0.0055  # K m-1
FREEZING = 273.15  # K
WET_PERSISTENCE = 0.35  # lag-1 correlation of wet and dry days
SMALLEST_RAIN = 0.1  # mm d-1; less counts as a dry day
SPELL_MEMORY = 0.985  # lag-1 correlation of wet and dry spells of weeks
SPELL_SPREAD = 0.6  # log standard deviation of their rain
LARGEST_RAIN = 300.0  # mm d-1, approached and never reached
RAIN_OF_YEARS = (1.28, 0.62, 1.05, 0.78, 1.36, 0.91)
"""Rain of a year over its long-term mean: every region has wet and dry years."""


@dataclass(frozen=True)
class Weather:
    """Daily weather on (day, latitude, longitude); energy in MJ m-2 d-1."""

    rain: Floats  # mm d-1
    temperature: Floats  # K
    dew_point: Floats  # K
    pressure: Floats  # Pa
    shortwave_down: Floats
    shortwave_net: Floats
    longwave_net: Floats

    def days(self, part: slice) -> Weather:
        """Return the weather of some of the days."""
        return Weather(*(getattr(self, field.name)[part] for field in fields(self)))


def list_node_latitudes(climate: Climate, nodes: int, resolution: float) -> Floats:
    """Return node latitudes, degrees, descending as in ERA5."""
    return climate.north - resolution * np.arange(nodes, dtype="float64")


def list_node_longitudes(climate: Climate, nodes: int, resolution: float) -> Floats:
    """Return node longitudes, degrees, 0..360 as in ERA5."""
    return climate.west + resolution * np.arange(nodes, dtype="float64")


def compute_wetness_gradient(climate: Climate, nodes: int) -> Floats:
    """Return 0 at the driest corner of the box to 1 at the wettest, (node, node)."""
    ramp = np.linspace(0.0, 1.0, nodes)
    main, across = 0.85 * ramp, 0.15 * ramp
    if climate.wet_side == "south":
        return main[:, None] + across[None, :]
    main = main if climate.wet_side == "east" else main[::-1]
    return across[:, None] + main[None, :]


def interpolate_between(ends: tuple[float, float], fraction: Floats) -> Floats:
    """Return values on the line between two ends."""
    return ends[0] + (ends[1] - ends[0]) * fraction


def draw_correlated_fields(rng: np.random.Generator, days: int, nodes: int) -> Floats:
    """Return standard normal fields (day, node, node), correlated in space only.

    The 3 x 3 sum of white noise over 3 is standard normal again; nothing here depends
    on the order of a long summation, so every machine draws the same bits.
    """
    noise = rng.standard_normal((days, nodes + 2, nodes + 2))
    total = np.zeros((days, nodes, nodes))
    for row in range(3):
        for column in range(3):
            total += noise[:, row : row + nodes, column : column + nodes]
    common = rng.standard_normal((days, 1, 1))
    return 0.6 * common + 0.8 * total / 3.0


def draw_autoregressive(
    rng: np.random.Generator, steps: int, width: int, memory: float
) -> Floats:
    """Return standard normal series (step, width) of lag-1 correlation `memory`."""
    series = rng.standard_normal((steps, width))
    fresh = float(np.sqrt(1.0 - memory**2))
    for step in range(1, steps):
        series[step] = memory * series[step - 1] + fresh * series[step]
    return series


def compute_net_longwave(
    temperature: Floats, dew_point: Floats, clearness: Floats
) -> Floats:
    """Return net longwave radiation, MJ m-2 d-1, negative where the land loses.

    Notes
    -----
    FAO-56, equation 39, with actual vapour pressure from the dew point (equation 14).
    """
    celsius = dew_point - FREEZING
    vapour = 0.6108 * np.exp(17.27 * celsius / (celsius + 237.3))
    emitted = STEFAN_BOLTZMANN * temperature**4
    return -emitted * (0.34 - 0.14 * np.sqrt(vapour)) * (1.35 * clearness - 0.35)


def draw_wet_days(
    rng: np.random.Generator, probability: Floats
) -> npt.NDArray[np.bool_]:
    """Draw a two-state Markov chain with the given wet probability of each day."""
    draws = rng.random(probability.size)
    wet = np.zeros(probability.size, dtype=bool)
    for day, chance in enumerate(probability.tolist()):
        before = WET_PERSISTENCE if day and wet[day - 1] else 0.0
        wet[day] = draws[day] < chance * (1.0 - WET_PERSISTENCE) + before
    return wet


def compute_season(day_of_year: Floats, peak: int) -> Floats:
    """Return the cosine of the season, 1 on the peak day of the year."""
    return np.cos(2.0 * np.pi * (day_of_year - peak) / YEAR)


def simulate_weather(
    climate: Climate,
    days: npt.NDArray[np.datetime64],
    nodes: int,
    resolution: float,
    rng: np.random.Generator,
) -> Weather:
    """Simulate weather of consecutive `days` in a box of `nodes` along each side."""
    years = days.astype("datetime64[Y]")
    day_of_year = (days - years.astype("datetime64[D]")).astype("float64") + 1.0
    wetness = _draw_wetness(years, rng)
    rain, wet = _draw_rain(climate, day_of_year, wetness, nodes, rng)
    synoptic = draw_autoregressive(rng, days.size, 2, 0.75)
    season = climate.amplitude * compute_season(day_of_year, climate.warmest_day)
    warmth = 1.5 * (1.0 - wetness) - 1.5 * wet + climate.synoptic * synoptic[:, 0]
    elevation = interpolate_between(
        climate.elevation, compute_wetness_gradient(climate, nodes)
    )
    local = 0.4 * draw_correlated_fields(rng, days.size, nodes)
    temperature = climate.temperature + (season + warmth)[:, None, None] + local
    temperature = temperature - LAPSE_RATE * (elevation - climate.elevation[0])
    dew_point = temperature - _draw_dew_depression(climate, wet, wetness)[:, None, None]
    clearness = _draw_clearness(wet, wetness, rng)[:, None, None]
    latitude = list_node_latitudes(climate, nodes, resolution)
    above = np.ascontiguousarray(
        compute_extraterrestrial_radiation(latitude, day_of_year).T
    )
    above = above[:, :, None]
    down = 0.76 * above * clearness * _draw_haze(rng, days.size, nodes)
    pressure = 101325.0 * np.exp(-elevation / 8400.0)
    return Weather(
        rain=rain,
        temperature=temperature,
        dew_point=dew_point,
        pressure=pressure * (1.0 + 0.006 * synoptic[:, 1])[:, None, None],
        shortwave_down=down,
        shortwave_net=(1.0 - ALBEDO) * down,
        longwave_net=compute_net_longwave(temperature, dew_point, clearness),
    )


def _draw_haze(rng: np.random.Generator, days: int, nodes: int) -> Floats:
    """Return what the air lets through from place to place, around 1."""
    return 1.0 + 0.02 * draw_correlated_fields(rng, days, nodes)


def _draw_dew_depression(
    climate: Climate, wet: npt.NDArray[np.bool_], wetness: Floats
) -> Floats:
    """Return air temperature over dew point, K: dry air over dry land."""
    dryness = (1.25 - _compute_recent_wetness(wet)) * np.where(wet, 0.5, 1.0)
    dryness = dryness * np.clip(1.3 - 0.3 * wetness, 0.5, 1.3)
    return np.maximum(climate.dew_depression * dryness, 0.8)


def _draw_clearness(
    wet: npt.NDArray[np.bool_], wetness: Floats, rng: np.random.Generator
) -> Floats:
    """Return sunshine over that of a cloudless day."""
    cloud = np.where(wet, 0.72, 0.18 + 0.25 * _compute_recent_wetness(wet))
    cloud = cloud - 0.1 * (1.0 - wetness) + 0.12 * rng.standard_normal(wet.size)
    clear: Floats = 1.0 - 0.7 * np.clip(cloud, 0.02, 1.0)
    return clear


def _draw_wetness(
    years: npt.NDArray[np.datetime64], rng: np.random.Generator
) -> Floats:
    """Return each day's rain over the season's mean: of its year and of its spell."""
    index = (years - years[0]).astype("int64")
    count = int(index[-1]) + 1
    rounds = -(-count // len(RAIN_OF_YEARS))
    order = [rng.permutation(np.asarray(RAIN_OF_YEARS)) for _ in range(rounds)]
    spells = draw_autoregressive(rng, years.size, 1, SPELL_MEMORY)[:, 0]
    factor = np.exp(SPELL_SPREAD * spells - SPELL_SPREAD**2 / 2.0)
    wetness: Floats = np.concatenate(order)[index] * np.clip(factor, 0.3, 2.5)
    return wetness


def _draw_rain(
    climate: Climate,
    day_of_year: Floats,
    wetness: Floats,
    nodes: int,
    rng: np.random.Generator,
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return rain (day, node, node) in mm d-1 and whether the box is wet at all."""
    season = 1.0 + climate.wet_amplitude * compute_season(
        day_of_year, climate.wettest_day
    )
    chance = climate.wet_fraction * season * np.sqrt(wetness)
    wet = draw_wet_days(rng, np.clip(chance, 0.01, 0.9))
    amount = rng.gamma(1.0, 1.0, wet.size) * np.sqrt(wetness) * season
    field = draw_correlated_fields(rng, wet.size, nodes)
    spread = np.exp(0.6 * field - 0.18)  # mean 1
    mean = interpolate_between(climate.rain, compute_wetness_gradient(climate, nodes))
    rain = np.where(wet, amount, 0.0)[:, None, None] * spread * mean
    rain = rain / climate.wet_fraction
    rain = rain / (1.0 + rain / LARGEST_RAIN)
    return np.where(rain < SMALLEST_RAIN, 0.0, rain), wet


def _compute_recent_wetness(wet: npt.NDArray[np.bool_]) -> Floats:
    """Return the fading memory of wet days, 0 to 1."""
    memory = np.zeros(wet.size)
    weeks = months = 0.3
    for day, is_wet in enumerate(wet.tolist()):
        weeks += 0.06 * (float(is_wet) - weeks)
        months += 0.02 * (float(is_wet) - months)
        memory[day] = 0.4 * weeks + 0.6 * months
    return np.sqrt(memory)
