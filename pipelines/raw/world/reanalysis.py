"""The virtual reanalysis: a good but biased model of the land, in ERA5's form.

It sees the weather that drives the truth, but not the local rain; its soil is too
smooth in space, drains in other layers, and its soil moisture varies too little.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from somobench.pipelines.raw.world.hourly import (
    JOULE,
    WARMEST_SKIN_HOUR,
    Hourly,
    Shares,
    accumulate,
    average_by_day,
    compute_progress,
    compute_sun_shares,
    derive_hourly_meteorology,
    draw_rain_shares,
    interpolate,
    interpolate_states,
    make_diurnal_cycle,
    quantise,
    sum_by_day,
)
from somobench.pipelines.raw.world.regions import Climate
from somobench.pipelines.raw.world.soil import (
    LATENT_HEAT,
    Balance,
    Drivers,
    make_soil,
    simulate_columns,
)
from somobench.pipelines.raw.world.weather import (
    Floats,
    Weather,
    draw_autoregressive,
    draw_correlated_fields,
    list_node_latitudes,
    list_node_longitudes,
    simulate_weather,
)

SPIN_UP = 730  # days before the period
LAYERS = (70.0, 210.0, 720.0, 1890.0)  # mm: ERA5's 0-7, 7-28, 28-100, 100-289 cm
DAMPING = 0.85  # of soil-moisture variability
SKIN_EXCESS = 0.3  # K a MJ m-2 d-1 of sensible heat
UNITS = {
    "tp": ("m", "Total precipitation"),
    "t2m": ("K", "2 metre temperature"),
    "d2m": ("K", "2 metre dewpoint temperature"),
    "sp": ("Pa", "Surface pressure"),
    "ssrd": ("J m**-2", "Surface short-wave (solar) radiation downwards"),
    "ssr": ("J m**-2", "Surface net short-wave (solar) radiation"),
    "str": ("J m**-2", "Surface net long-wave (thermal) radiation"),
    "skt": ("K", "Skin temperature"),
    "e": ("m of water equivalent", "Evaporation"),
    "swvl1": ("m**3 m**-3", "Volumetric soil water layer 1"),
    "swvl2": ("m**3 m**-3", "Volumetric soil water layer 2"),
    "swvl3": ("m**3 m**-3", "Volumetric soil water layer 3"),
    "swvl4": ("m**3 m**-3", "Volumetric soil water layer 4"),
}


@dataclass(frozen=True)
class Box:
    """The simulated weather and soil of a region at its nodes.

    `drivers` and `balance` are daily, (SPIN_UP + D, node) with nodes flattened row by
    row; `clay` is the true texture at the nodes, (node, node).
    """

    climate: Climate
    days: npt.NDArray[np.datetime64]
    latitude: Floats
    longitude: Floats
    shares: Shares
    clay: Floats
    hourly: Hourly
    drivers: Drivers
    balance: Balance


def simulate_box(
    climate: Climate,
    days: npt.NDArray[np.datetime64],
    nodes: int,
    resolution: float,
    seed: int,
) -> Box:
    """Simulate a region's weather and its reanalysis for the days of the period."""
    streams = [
        np.random.Generator(
            np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(climate.code, use)))
        )
        for use in (0, 1)
    ]
    latitude = list_node_latitudes(climate, nodes, resolution)
    longitude = list_node_longitudes(climate, nodes, resolution)
    spun = np.arange(days[0] - SPIN_UP, days[-1] + 2)
    weather = simulate_weather(climate, spun, nodes, resolution, streams[0])
    day_of_year = (spun - spun.astype("datetime64[Y]")).astype("float64") + 1.0
    shares = Shares(
        draw_rain_shares(streams[0], spun.size),
        compute_sun_shares(
            float(latitude.mean()), float(longitude.mean()), day_of_year
        ),
    )
    hourly = derive_hourly_meteorology(
        weather, shares, SPIN_UP, float(longitude.mean())
    )
    drivers = _read_drivers(weather.days(slice(SPIN_UP)), hourly)
    clay = _draw_node_clay(streams[1], nodes)
    balance = _simulate_biased_balance(clay, drivers, streams[1])
    hourly |= _simulate_land_fields(
        balance, drivers, hourly, shares, float(longitude.mean())
    )
    return Box(
        climate, days, latitude, longitude, shares, clay, hourly, drivers, balance
    )


def _read_drivers(spin_up: Weather, hourly: Hourly) -> Drivers:
    """Return what drives soils, read back from the stored hours as a user would."""
    radiation = sum_by_day(hourly["ssr"]) + sum_by_day(hourly["str"])
    kept = (sum_by_day(hourly["tp"]) * 1000.0, average_by_day(hourly["t2m"]))
    net = spin_up.shortwave_net + spin_up.longwave_net
    return Drivers(
        rain=_join(spin_up.rain, kept[0]),
        temperature=_join(spin_up.temperature, kept[1]),
        net_radiation=_join(net, radiation / JOULE),
    )


def _join(before: Floats, after: Floats) -> Floats:
    joined = np.concatenate([before, after])
    return joined.reshape(joined.shape[0], -1)


def _draw_node_clay(rng: np.random.Generator, nodes: int) -> Floats:
    field = draw_correlated_fields(rng, 1, nodes)[0]
    clay: Floats = np.clip(0.42 + 0.16 * field, 0.05, 0.9)
    return clay


def _simulate_biased_balance(
    clay: Floats, drivers: Drivers, rng: np.random.Generator
) -> Balance:
    """Simulate the reanalysis' soil, whose texture is too smooth and a little wrong."""
    mean = clay.sum() / clay.size
    wrong = 0.06 * rng.standard_normal() + 0.06 * rng.standard_normal(clay.size)
    assumed = np.clip(0.5 * mean + 0.5 * clay.ravel() + wrong, 0.05, 0.9)
    soil = make_soil(assumed, LAYERS)
    truth = simulate_columns(soil, drivers)
    middle = 0.5 * (soil.field_capacity + soil.wilting_point)
    offset = 0.015 * rng.standard_normal((len(LAYERS), 1))
    error = np.stack(
        [
            size * draw_autoregressive(rng, drivers.rain.shape[0], clay.size, 0.9)
            for size in (0.008, 0.005, 0.003, 0.001)
        ],
        axis=1,
    )
    moisture = middle + offset + DAMPING * (truth.soil_moisture - middle) + error
    return replace(truth, soil_moisture=np.clip(moisture, 0.005, 0.75))


def _simulate_land_fields(
    balance: Balance,
    drivers: Drivers,
    hourly: Hourly,
    shares: Shares,
    longitude: float,
) -> dict[str, npt.NDArray[np.float32]]:
    """Return hourly evaporation, skin temperature and soil water."""
    shape = hourly["tp"].shape[1:]
    kept = slice(SPIN_UP - 1, None)
    evaporation = balance.evaporation[kept].reshape(-1, *shape)
    sensible = drivers.net_radiation[kept].reshape(-1, *shape)
    sensible = sensible - LATENT_HEAT * evaporation
    excess = interpolate(SKIN_EXCESS * np.concatenate([sensible, sensible[-1:]]))
    noon = make_diurnal_cycle(
        0.8 * np.maximum(sensible, 0.0), longitude, WARMEST_SKIN_HOUR
    )
    sun = shares.sun[SPIN_UP - 1 : -1]
    wet = drivers.rain[SPIN_UP:].max(axis=1) > 0.0
    moved = compute_progress(shares.rain[SPIN_UP:-1], wet)
    fields = {
        "e": accumulate(-evaporation / 1000.0, sun),
        "skt": hourly["t2m"] + excess + noon,
    }
    ends = balance.soil_moisture[kept]
    for layer in range(len(LAYERS)):
        nodes = ends[:, layer].reshape(-1, *shape)
        fields[f"swvl{layer + 1}"] = interpolate_states(nodes, moved)
    return {name: quantise(values) for name, values in fields.items()}


def list_hourly_times(days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """Return 00:00 of the first day to 00:00 of the day after the last."""
    first = np.datetime64(days[0], "h")
    return np.arange(first, first + 24 * days.size + 1)


def make_era5_dataset(box: Box) -> xr.Dataset:
    """Return the box as an hourly dataset in ERA5's names, units and conventions."""
    dims = ("valid_time", "latitude", "longitude")
    variables = {
        name: (dims, box.hourly[name], {"units": units, "long_name": long_name})
        for name, (units, long_name) in UNITS.items()
    }
    degrees = {
        "latitude": {"units": "degrees_north", "standard_name": "latitude"},
        "longitude": {"units": "degrees_east", "standard_name": "longitude"},
    }
    times = list_hourly_times(box.days).astype("datetime64[ns]")
    return xr.Dataset(
        variables,
        coords={
            "valid_time": ("valid_time", times, {"standard_name": "time"}),
            "latitude": ("latitude", box.latitude, degrees["latitude"]),
            "longitude": ("longitude", box.longitude, degrees["longitude"]),
        },
        attrs={
            "title": "SoMoBench virtual reanalysis: simulated, not ERA5",
            "accumulation": "hour ending at valid_time",
        },
    )
