"""Weather that a cell can't have, and weather that one can."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from somobench.consistency.weather import find_impossible_weather

DAYS = 400
ONE_DAY = np.timedelta64(1, "D")


def make_forcing(**arrays: object) -> xr.Dataset:
    """Return a year of one cell: 20 mm every fifth day, and a soil that it wets."""
    wet = np.arange(DAYS) % 5 == 0
    given: dict[str, object] = {
        "precipitation": np.where(wet, 20.0, 0.0),
        "evaporation": 2.0,
        "net_radiation": 10.0,
        "air_temperature": 290.0 + wet,
        "skin_temperature": 292.0,
        "specific_humidity": 0.008,
        **arrays,
    }
    series = {
        name: (("cell", "time"), np.broadcast_to(np.asarray(it, float), (1, DAYS)))
        for name, it in given.items()
    }
    soil = np.where(wet, 0.3, 0.2)[None, None]
    return xr.Dataset(
        {**series, "reanalysis_soil_moisture": (("layer", "cell", "time"), soil)},
        {
            "cell": ["0.125_0.125"],
            "latitude": ("cell", [0.125]),
            "longitude": ("cell", [0.125]),
            "time": np.datetime64("2020-01-01", "ns") + np.arange(DAYS) * ONE_DAY,
            "layer": [1],
        },
    )


def find(forcing: xr.Dataset) -> list[str]:
    return [failure.where.split()[-1] for failure in find_impossible_weather(forcing)]


def test_plausible_weather_has_no_fault() -> None:
    assert find(make_forcing()) == []


@pytest.mark.parametrize(
    ("days", "faults"), [(-1, []), (1, ["precipitation"]), (2, ["precipitation"])]
)
def test_rain_may_come_before_its_water_and_not_after(
    days: int, faults: list[str]
) -> None:
    rain = np.roll(make_forcing()["precipitation"].to_numpy()[0], days)
    assert find(make_forcing(precipitation=rain)) == faults


def test_soil_that_other_rain_wets_is_not_compared(rng: np.random.Generator) -> None:
    cells = []
    for number in range(100):  # by chance some rise before this rain
        cell = make_forcing(precipitation=np.maximum(rng.normal(0, 20, DAYS), 0))
        soil = rng.uniform(0.1, 0.4, (1, 1, DAYS))
        cell["reanalysis_soil_moisture"] = ("layer", "cell", "time"), soil
        cells.append(cell.assign_coords(cell=[f"0.125_{number}.125"]))
    assert find(xr.concat(cells, "cell")) == []


def test_days_of_another_definition_are_not_compared() -> None:
    rain = np.roll(make_forcing()["precipitation"].to_numpy()[0], 1)
    forcing = make_forcing(precipitation=rain)
    forcing.attrs["day_definition"] = "local_standard_time"
    assert find(forcing) == []


# Net radiation of 10 MJ evaporates 10 / 2.45 = 4.08 mm; rain is 4 mm a day.
@pytest.mark.parametrize(
    ("evaporation", "faults"),
    [(4.0, []), (4.5, ["evaporation"]), (-0.05, []), (-0.2, ["evaporation"])],
)
def test_evaporation_is_paid_by_energy_or_water_and_goes_upward(
    evaporation: float, faults: list[str]
) -> None:
    assert find(make_forcing(evaporation=evaporation)) == faults


def test_wet_land_below_warm_air_may_evaporate_more_than_radiation_gives() -> None:
    assert find(make_forcing(evaporation=4.2, net_radiation=9.0)) == []


def test_skin_that_is_the_air_is_found() -> None:
    air = make_forcing()["air_temperature"].to_numpy()[0]
    assert find(make_forcing(skin_temperature=air)) == ["skin_temperature"]


# Saturated air of 290 K (1920 Pa) holds 0.622 x 1920 / (50000 - 0.378 x 1920) = 0.0242
# at 500 hPa.
@pytest.mark.parametrize(
    ("humidity", "faults"), [(0.024, []), (0.028, ["specific_humidity"])]
)
def test_air_holds_no_more_water_than_when_saturated(
    humidity: float, faults: list[str]
) -> None:
    assert find(make_forcing(specific_humidity=humidity)) == faults


def test_less_than_a_year_is_not_judged() -> None:
    short = make_forcing(evaporation=-1.0).isel(time=slice(0, 364))
    assert find(short) == []


# A station at 300 m: 1800 m above the sea the air has 101325 Pa x exp(-1800 / 7000)
# x 0.95 = 74.4 kPa, and saturated at 290 K 0.622 x 1920 / (74430 - 726) = 0.0162.
@pytest.mark.parametrize(("humidity", "faults"), [(0.0165, []), (0.0185, ["humid"])])
def test_stations_say_how_thin_the_air_may_be(
    humidity: float, faults: list[str]
) -> None:
    stations = pd.DataFrame({"cell_id": ["0.125_0.125"], "elevation": [300.0]})
    forcing = make_forcing(specific_humidity=humidity)
    found = find_impossible_weather(forcing, stations)
    assert len(found) == len(faults)
    assert find(forcing) == []
