"""Weather of single days: what sun, pairs of variables and limits allow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from somobench.consistency.weather import find_impossible_weather
from somobench.schemas.checks.magnitudes import compute_extraterrestrial_radiation

DAYS = 3 * 365
ONE_DAY = np.timedelta64(1, "D")
Change = Callable[[dict[str, np.ndarray]], None]


def make_weather(
    change: Change, *, latitude: float = 45.0, registration: str = "node"
) -> xr.Dataset:
    """Return three years of a cell: sun with clouds, and what follows it each day."""
    rng = np.random.default_rng(1)
    time = np.datetime64("2019-01-01", "ns") + np.arange(DAYS) * ONE_DAY
    above = compute_extraterrestrial_radiation(
        np.array([latitude]), 1 + np.arange(DAYS) % 365
    )[0]
    clear = rng.uniform(0.2, 0.75, DAYS)
    sun = above * clear
    air = 283.0 + 0.4 * (above - above.mean()) + rng.normal(0, 3, DAYS)
    series = {
        "shortwave_radiation": sun,
        "net_radiation": 0.8 * sun - 2 - 3 * clear,
        "air_temperature": air,
        "skin_temperature": air + 0.1 * sun + rng.normal(0, 0.3, DAYS),
        "precipitation": np.where(clear < 0.35, rng.gamma(1, 12, DAYS), 0.0),
    }
    series["evaporation"] = np.maximum(series["net_radiation"], 0) / 4
    change(series)
    arrays = {
        name: (("cell", "time"), values.astype("float32")[None])
        for name, values in series.items()
    }
    centre = {name: ("cell", [latitude]) for name in ("latitude", "longitude")}
    coords = {"cell": ["45.0_45.0"], "time": time, **centre}
    attrs = {
        "grid_registration": registration,
        "grid_resolution": 0.25,
        "remapping": "corner_mean",
    }
    return xr.Dataset(arrays, coords, attrs)


def find(change: Change, **options: object) -> list[str]:
    forcing = make_weather(change, **options)  # type: ignore[arg-type]
    found = find_impossible_weather(forcing)
    return sorted({failure.where.split()[-1] for failure in found})


def keep(_: dict[str, np.ndarray]) -> None:
    """Change nothing."""


@pytest.mark.parametrize("latitude", [-75.0, -30.0, 0.0, 45.0, 75.0])
def test_weather_of_any_latitude_has_no_fault(latitude: float) -> None:
    assert find(keep, latitude=latitude) == []


def put(name: str, days: slice, value: float) -> Change:
    def change(series: dict[str, np.ndarray]) -> None:
        series[name][days] = value

    return change


def roll(name: str, days: int, part: slice = slice(None)) -> Change:
    def change(series: dict[str, np.ndarray]) -> None:
        series[name][part] = np.roll(series[name][part], days)

    return change


def apply(name: str, function: Callable[[np.ndarray], np.ndarray]) -> Change:
    def change(series: dict[str, np.ndarray]) -> None:
        series[name] = function(series[name])

    return change


AIR, SKIN = "air_temperature", "skin_temperature"
SUN, NET = "shortwave_radiation", "net_radiation"


# At 45 degrees north 42 MJ m-2 d-1 come in at midsummer and 11 in midwinter.
@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (put(SUN, slice(0, 4), 20.0), SUN),
        (put(SUN, slice(200, 201), 0.0), SUN),
        (apply(SUN, lambda it: np.where(np.arange(DAYS) < 365, 0.8 * it, it)), SUN),
        (apply(NET, lambda it: 2.0 * it + 8), NET),
        (apply(NET, lambda it: it / 24), NET),
        (roll(NET, 1), NET),
        (roll(SKIN, 1, slice(0, 200)), SKIN),
        (apply(AIR, lambda it: np.minimum(it, 288.0)), AIR),
        (apply(NET, lambda it: np.maximum(it, 0.0)), NET),
        (put("evaporation", slice(600, 620), 2.0), "evaporation"),
        (roll("evaporation", 365), "evaporation"),
        (apply(AIR, np.floor), AIR),
        (apply(AIR, lambda it: np.r_[it[:700], it[335:365], it[730:]]), AIR),
    ],
)
def test_day_that_cannot_be_is_found(change: Change, fault: str) -> None:
    assert fault in find(change)


def test_net_radiation_without_longwave_is_found() -> None:
    def forget(series: dict[str, np.ndarray]) -> None:
        series[NET] = 0.8 * series[SUN]

    assert find(forget) == [NET]


def test_skin_of_a_fortnight_that_is_the_air_is_found() -> None:
    def fill(series: dict[str, np.ndarray]) -> None:
        series[SKIN][100:114] = series[AIR][100:114]

    assert find(fill) == [SKIN]


def test_cold_without_snow_is_found_where_it_rains_just_above() -> None:
    def drop(series: dict[str, np.ndarray]) -> None:
        for name in (AIR, SKIN):
            series[name] -= 8
        series["precipitation"][series[AIR] < 273.15] = 0

    assert find(drop, latitude=60.0) == ["precipitation"]
    assert find(drop, latitude=60.0, registration="points") == []


@pytest.mark.parametrize(
    "change",
    [
        put(SKIN, slice(0, 40), 273.15),
        apply(AIR, np.floor),
        apply(AIR, lambda it: np.minimum(it, 288.0)),
        put(SUN, slice(200, 201), 0.0),
    ],
)
def test_sensors_of_stations_may_stand_still_and_be_coarse(change: Change) -> None:
    assert find(change, registration="points") == []


def test_melting_snow_and_polar_night_are_not_refused() -> None:
    def melt(series: dict[str, np.ndarray]) -> None:
        series[SKIN] = np.minimum(series[SKIN], 273.15 + 0.01 * series[SUN])

    assert SUN not in find(melt, latitude=80.0)
