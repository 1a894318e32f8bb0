"""Daily weather of the virtual world as hourly fields, the way ERA5 stores them.

Accumulated quantities hold the hour ENDING at their time, so the value at 00:00 belongs
to the day before; a period of D days needs 24 D + 1 hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from somobench.pipelines.raw.world.weather import Floats, Weather

Hourly = Mapping[str, npt.NDArray[np.float32]]

HOURS = np.arange(24)
MANTISSA_BITS = 12  # kept of float32: a relative error below 1.3e-4
JOULE = 1e6  # J in a MJ
WARMEST_HOUR = 15.0  # local solar time of the air's maximum
WARMEST_SKIN_HOUR = 13.0  # and of the skin's excess over it
WARMTH_OF_SUN = 0.22  # K of diurnal amplitude a MJ m-2 d-1


@dataclass(frozen=True)
class Shares:
    """How a day's total spreads over the hours that end at 1 to 24, (day, 24)."""

    rain: Floats
    sun: Floats


def draw_rain_shares(rng: np.random.Generator, days: int) -> Floats:
    """Draw one storm a day: when it starts, how long it lasts, how hard each hour."""
    length = np.clip(rng.geometric(0.22, days), 3, 14)
    start = np.floor(rng.random(days) * (25 - length))[:, None]
    weight = 0.2 + rng.random((days, 24))
    inside = (start <= HOURS) & (start + length[:, None] > HOURS)
    weight = np.where(inside, weight, 0.0)
    shares: Floats = weight / weight.sum(axis=1, keepdims=True)
    return shares


def compute_sun_shares(
    latitude: float, longitude: float, day_of_year: Floats
) -> Floats:
    """Return the share of a day's sunshine in each hour, at the middle of the hour."""
    declination = 0.409 * np.sin(2.0 * np.pi * day_of_year / 365.0 - 1.39)[:, None]
    solar_hour = HOURS + 0.5 + longitude / 15.0
    angle = 2.0 * np.pi * (solar_hour - 12.0) / 24.0
    radians = np.deg2rad(latitude)
    height = np.sin(radians) * np.sin(declination)
    height = height + np.cos(radians) * np.cos(declination) * np.cos(angle)
    height = np.maximum(height, 0.0)
    shares: Floats = height / height.sum(axis=1, keepdims=True)
    return shares


def accumulate(daily: Floats, shares: Floats) -> Floats:
    """Spread D + 1 daily totals over 24 D + 1 hours, each ending at its time.

    Parameters
    ----------
    daily, shares : (D + 1, ...), (D + 1, 24)
        From the day BEFORE the period on: the first hour ends at its 00:00.
    """
    shape = shares.shape + (1,) * (daily.ndim - 1)
    spread = daily[:, None] * shares.reshape(shape)
    return spread.reshape(-1, *daily.shape[1:])[23:]


def interpolate(daily: Floats) -> Floats:
    """Join D + 2 daily means, from the day before on, to 24 D + 1 hours."""
    hours = np.arange(24 * (daily.shape[0] - 2) + 1) + 12
    before, part = hours // 24, (hours % 24) / 24.0
    part = part.reshape(-1, *(1,) * (daily.ndim - 1))
    joined: Floats = daily[before] * (1.0 - part) + daily[before + 1] * part
    return joined


def make_diurnal_cycle(daily: Floats, longitude: float, warmest: float) -> Floats:
    """Return a cosine of the hour, D + 1 daily amplitudes on 24 D + 1 hours."""
    hours = np.arange(24 * (daily.shape[0] - 1) + 1)
    solar_hour = hours % 24 + longitude / 15.0
    wave = np.cos(2.0 * np.pi * (solar_hour - warmest) / 24.0)
    swing: Floats = daily[hours // 24] * wave.reshape(-1, *(1,) * (daily.ndim - 1))
    return swing


def compute_progress(shares: Floats, wet: npt.NDArray[np.bool_]) -> Floats:
    """Return how far soil moisture is from the day's start to its end, (day, 24).

    At hours 00 to 23: with the rain on a wet day, evenly on a dry one.
    """
    fallen = np.cumsum(shares, axis=1)
    fallen = np.concatenate([np.zeros((len(shares), 1)), fallen[:, :-1]], axis=1)
    return np.where(wet[:, None], fallen, HOURS / 24.0)


def interpolate_states(ends: Floats, progressed: Floats) -> Floats:
    """Return hourly states from those at the end of each day.

    Parameters
    ----------
    ends : (D + 1, ...)
        At the end of the day before the period, and of each of its days.
    progressed : (D, 24)

    Returns
    -------
    (24 D + 1, ...)
    """
    shape = progressed.shape + (1,) * (ends.ndim - 1)
    change = (ends[1:] - ends[:-1])[:, None]
    inside = ends[:-1][:, None] + change * progressed.reshape(shape)
    return np.concatenate([inside.reshape(-1, *ends.shape[1:]), ends[-1:]])


def quantise(values: Floats, bits: int = MANTISSA_BITS) -> npt.NDArray[np.float32]:
    """Round to float32 with few mantissa bits, so that the archive stays small."""
    whole = np.ascontiguousarray(values, dtype="float32").view("uint32")
    dropped = np.uint32(23 - bits)
    half = np.uint32(1) << (dropped - np.uint32(1))
    rounded = (whole + half) >> dropped << dropped
    return rounded.view("float32") + np.float32(0.0)


def derive_hourly_meteorology(
    weather: Weather, shares: Shares, before: int, longitude: float
) -> dict[str, npt.NDArray[np.float32]]:
    """Return ERA5's hourly fields under ERA5's names and units.

    Parameters
    ----------
    weather : Weather
        `before` days, the D days of the period, and one day more.
    """
    totals, means = slice(before - 1, -1), slice(before - 1, None)
    sun = shares.sun[totals]
    down = weather.shortwave_down
    air = interpolate(weather.temperature[means])
    warmth = WARMTH_OF_SUN * down[before:]
    air = air + make_diurnal_cycle(warmth, longitude, WARMEST_HOUR)
    dew = np.minimum(interpolate(weather.dew_point[means]), air)
    even = np.full_like(sun, 1.0 / 24.0)
    fields = {
        "tp": accumulate(weather.rain[totals] / 1000.0, shares.rain[totals]),
        "t2m": air,
        "d2m": dew,
        "sp": interpolate(weather.pressure[means]),
        "ssrd": accumulate(down[totals] * JOULE, sun),
        "ssr": accumulate(weather.shortwave_net[totals] * JOULE, sun),
        "str": accumulate(weather.longwave_net[totals] * JOULE, even),
    }
    return {name: quantise(values) for name, values in fields.items()}


def average_by_day(hourly: npt.NDArray[np.float32]) -> Floats:
    """Average hours 00 to 23 of each day, (24 D + 1, ...) to (D, ...)."""
    days = hourly[:-1].reshape(-1, 24, *hourly.shape[1:])
    means: Floats = days.astype("float64").mean(axis=1)
    return means


def sum_by_day(hourly: npt.NDArray[np.float32]) -> Floats:
    """Sum the hours that end at 01 to 24 of each day, (24 D + 1, ...) to (D, ...)."""
    days = hourly[1:].reshape(-1, 24, *hourly.shape[1:])
    totals: Floats = days.astype("float64").sum(axis=1)
    return totals
