"""Defects of temperature and humidity, and of all weather at once."""

from __future__ import annotations

import numpy as np

from factories.faults.fourth_list.changes import WEATHER, change_weather, delay
from factories.faults.third_list.following import follow_forcing, store
from factories.faults.third_list.opened import Opened

FREEZING = 273.15  # K


def skin_temperature_late_after_leap_day(release: Opened) -> None:
    """Europe's skin temperature one day late from 29 February 2016 to the year's end.

    Air temperature of the same day fits it less than that of the day before.
    """
    cells, days = release.region("europe"), release.days("2016-02-29", "2016-12-31")
    values = delay(release.forcing["skin_temperature"][cells, days], 1)
    change_weather(release, "skin_temperature", values, cells, days)


def lapse_rate_applied_twice(release: Opened) -> None:
    """Air of a mountain cell colder by 10.5 K: corrected for 1905 m once more.

    Its humidity is above saturation, its skin 11 K warmer than its air, and its
    neighbours are warmer by as much.
    """
    cell = release.place("40.125_-105.625")
    values = release.forcing["air_temperature"][cell] - 10.5
    change_weather(release, "air_temperature", values, cell)


def humidity_without_molar_ratio(release: Opened) -> None:
    """Africa's humidity is vapour over air pressure, 1.61 times too high.

    Above saturation on most wet days.
    """
    cells = release.region("africa")
    values = release.forcing["specific_humidity"][cells].astype(np.float64) / 0.622
    change_weather(release, "specific_humidity", values, cells)


def humidity_in_whole_grams(release: Opened) -> None:
    """Humidity rounded to whole g kg-1, up to half of it in cold air.

    Thirty values in six years of forty cells, where the step is 0.0000076.
    """
    values = release.forcing["specific_humidity"].astype(np.float64).round(3)
    change_weather(release, "specific_humidity", values)


def temperature_in_whole_kelvin(release: Opened) -> None:
    """Oceania's air temperature of 2020 and 2021 cut to whole kelvin: 0.5 K too cold.

    Fractions of a kelvin end with 2019; skin over air rises by half a kelvin.
    """
    cells = release.region("oceania")
    days = release.days("2020-01-01", "2021-12-31")
    values = np.floor(release.forcing["air_temperature"][cells, days])
    change_weather(release, "air_temperature", values, cells, days)


def heat_clipped(release: Opened) -> None:
    """Air temperature not above 303.15 K in Africa: up to 4 K too cold.

    Hundreds of days at exactly the limit, while skin temperature goes on rising.
    """
    cells = release.region("africa")
    values = np.minimum(release.forcing["air_temperature"][cells], 303.15)
    change_weather(release, "air_temperature", values, cells)


def frost_without_its_sign(release: Opened) -> None:
    """Degrees Celsius of Europe's air lost their minus: frost days are mild.

    No air below freezing while skin is at 260 K, and humidity of frozen air.
    """
    cells = release.region("europe")
    celsius = release.forcing["air_temperature"][cells].astype(np.float64) - FREEZING
    change_weather(release, "air_temperature", FREEZING + np.abs(celsius), cells)


def air_of_another_region(release: Opened) -> None:
    """A European and a North American cell hold each other's air temperature.

    Neither fits its skin temperature, its humidity or its neighbours.
    """
    one, other = release.place("47.875_10.875"), release.place("39.625_-105.125")
    values = release.forcing["air_temperature"][[other, one]]
    change_weather(release, "air_temperature", values, np.array([one, other]))


def air_temperature_of_local_days(release: Opened) -> None:
    """North America's air temperature of days that begin 7 hours late, mixed with the
    day after; smoother than skin temperature, which stays in UTC days.
    """
    cells = release.region("namerica")
    values = release.forcing["air_temperature"][cells].astype(np.float64)
    mixed = (17 * values + 7 * delay(values, -1)) / 24
    change_weather(release, "air_temperature", mixed, cells)


def skin_filled_by_air(release: Opened) -> None:
    """Skin temperature of June 2018 is air temperature, 1 to 4 K too cold.

    Equal to the last bit in every cell for a month and never else.
    """
    days = release.days("2018-06-01", "2018-06-30")
    values = release.forcing["air_temperature"][:, days]
    change_weather(release, "skin_temperature", values, slice(None), days)


def august_of_the_year_before(release: Opened) -> None:
    """Europe's weather of August 2019 is that of August 2018, from an old file.

    Repeated to the last bit; the reanalysis's soil doesn't see its rain.
    """
    cells = release.region("europe")
    old, new = (release.days(f"{year}-08-01", f"{year}-08-31") for year in (2018, 2019))
    _copy_weather(release, cells, old, new)


def weather_of_a_month_reversed(release: Opened) -> None:
    """North America's weather of February 2020 in descending order of days.

    Rain comes where the reanalysis's soil dries; the month joins its neighbours badly.
    """
    cells = release.region("namerica")
    days = release.days("2020-02-01", "2020-02-29")
    for name in WEATHER:
        values = release.forcing[name].astype(np.float64)
        values[cells, days] = values[cells, days][:, ::-1]
        store(release, name, values)
    follow_forcing(release)


def weather_early_after_leap_day(release: Opened) -> None:
    """Africa's weather a day early from 29 February 2020 on: the leap day was dropped.

    The reanalysis's soil gets wet a day after rain instead of on its day.
    """
    cells = release.region("africa")
    days = release.days("2020-02-29", "2021-12-31")
    for name in WEATHER:
        values = release.forcing[name].astype(np.float64)
        values[cells, days] = delay(values[cells, days], -1)
        store(release, name, values)
    follow_forcing(release)


def two_cells_of_one_weather(release: Opened) -> None:
    """A cell holds its eastern neighbour's weather: joined by a rounded longitude.

    Two series equal to the last bit; its reanalysis soil moisture has other rain.
    """
    one, other = release.place("12.125_2.125"), release.place("12.125_2.625")
    for name in WEATHER:
        values = release.forcing[name].astype(np.float64)
        values[one] = values[other]
        store(release, name, values)
    follow_forcing(release)


def humidity_of_the_coldest_hour(release: Opened) -> None:
    """A cell's humidity times 1.25 from July 2020: another hour's dew point.

    Near or above saturation on wet days, and no neighbour changes.
    """
    cell, days = (
        release.place("47.375_10.875"),
        release.days("2020-07-01", "2021-12-31"),
    )
    values = release.forcing["specific_humidity"][cell, days] * 1.25
    change_weather(release, "specific_humidity", values, cell, days)


def _copy_weather(
    release: Opened, cells: np.ndarray, source: slice, days: slice
) -> None:
    for name in WEATHER:
        values = release.forcing[name].astype(np.float64)
        values[cells, days] = values[cells, source]
        store(release, name, values)
    follow_forcing(release)


DEFECTS = (
    skin_temperature_late_after_leap_day,
    lapse_rate_applied_twice,
    humidity_without_molar_ratio,
    humidity_in_whole_grams,
    temperature_in_whole_kelvin,
    heat_clipped,
    frost_without_its_sign,
    air_of_another_region,
    air_temperature_of_local_days,
    skin_filled_by_air,
    august_of_the_year_before,
    weather_of_a_month_reversed,
    weather_early_after_leap_day,
    two_cells_of_one_weather,
    humidity_of_the_coldest_hour,
)
