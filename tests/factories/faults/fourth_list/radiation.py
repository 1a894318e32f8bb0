"""Defects of radiation: wrong sums, signs, days and hemispheres."""

from __future__ import annotations

import numpy as np

from factories.faults.fourth_list.changes import (
    change_weather,
    delay,
    scale_weather,
)
from factories.faults.third_list.opened import Opened

ALBEDO = 0.2


def net_shortwave_taken_for_downward(release: Opened) -> None:
    """20 % less shortwave in North America from 2019: surface net was read.

    The clearest days of a month no longer reach what they reached before 2019, and net
    radiation is a larger part of shortwave than before.
    """
    cells, days = release.region("namerica"), release.days("2019-01-01", "2021-12-31")
    scale_weather(release, "shortwave_radiation", 1 - ALBEDO, cells, days)


def shortwave_a_day_late(release: Opened) -> None:
    """Africa's shortwave one day late: hour-ending sums given to the next day.

    Net radiation, rain and skin temperature follow the day before's shortwave.
    """
    cells = release.region("africa")
    values = delay(release.forcing["shortwave_radiation"][cells], 1)
    change_weather(release, "shortwave_radiation", values, cells)


def longwave_forgotten(release: Opened) -> None:
    """Europe's net radiation of 2018 without longwave: up by about 3 MJ m-2 d-1.

    It is a fixed part of shortwave in that year, and higher than in any other year.
    """
    cells, days = release.region("europe"), release.days("2018-01-01", "2018-12-31")
    values = (1 - ALBEDO) * release.forcing["shortwave_radiation"][cells, days]
    change_weather(release, "net_radiation", values, cells, days)


def longwave_of_wrong_sign(release: Opened) -> None:
    """Longwave added instead of lost: net radiation doubles in most cells.

    Net radiation is above absorbed shortwave on nearly every day.
    """
    short = (1 - ALBEDO) * release.forcing["shortwave_radiation"].astype(np.float64)
    change_weather(
        release, "net_radiation", 2 * short - release.forcing["net_radiation"]
    )


def three_hourly_sums_read_as_hourly(release: Opened) -> None:
    """North America's shortwave of December 2021 times 3: above the sun's own."""
    cells = release.region("namerica")
    days = release.days("2021-12-01", "2021-12-31")
    scale_weather(release, "shortwave_radiation", 3.0, cells, days)


def radiation_of_the_other_hemisphere(release: Opened) -> None:
    """A southern cell's radiation moved by half a year: summer sun in July.

    It is above the sun's own in winter, and opposite to the cell's temperature.
    """
    cell = release.place("-33.625_148.625")
    for name in ("shortwave_radiation", "net_radiation"):
        values = np.roll(release.forcing[name][cell], 182)
        change_weather(release, name, values, cell)


def net_radiation_of_local_days(release: Opened) -> None:
    """Oceania's net radiation of days that begin 10 hours early: mixed with the day
    before; shortwave stays in UTC days and no longer explains it.
    """
    cells = release.region("oceania")
    values = release.forcing["net_radiation"][cells].astype(np.float64)
    mixed = (14 * values + 10 * delay(values, 1)) / 24
    change_weather(release, "net_radiation", mixed, cells)


def net_radiation_averaged_not_summed(release: Opened) -> None:
    """A cell's net radiation is the mean of 24 hours, not their sum: 24 times less.

    Its dryness is 0.1 beside neighbours at 1.5; evaporation takes more energy than
    there is.
    """
    scale_weather(release, "net_radiation", 1 / 24, release.place("12.125_2.875"))


def first_of_january_summed_twice(release: Opened) -> None:
    """Shortwave of 1 January doubled in every cell, 2017 to 2021: yearly files overlap.

    Twice the days around it; above the sun's own in many cells.
    """
    for year in range(2017, 2022):
        days = release.days(f"{year}-01-01", f"{year}-01-01")
        scale_weather(release, "shortwave_radiation", 2.0, slice(None), days)


def last_day_without_sun(release: Opened) -> None:
    """Sums of 31 December 2021 are 0 in Africa: the next day's file was missing.

    No sun in the tropics, and air and skin as warm as the day before.
    """
    cells = release.region("africa")
    days = release.days("2021-12-31", "2021-12-31")
    for name in ("shortwave_radiation", "net_radiation", "evaporation"):
        scale_weather(release, name, 0.0, cells, days)


def shortwave_of_a_neighbouring_climate(release: Opened) -> None:
    """A European and a North American cell hold each other's shortwave.

    Neighbours 20 km away had other weather on every day; net radiation doesn't fit.
    """
    one, other = release.place("47.625_10.125"), release.place("39.875_-105.625")
    values = release.forcing["shortwave_radiation"][[other, one]]
    change_weather(release, "shortwave_radiation", values, np.array([one, other]))


def net_radiation_clipped_at_zero(release: Opened) -> None:
    """Net radiation below 0 set to 0 in Europe's and North America's winter.

    Dozens of days at exactly 0 and none below it, up to 1.7 MJ m-2 d-1 too much.
    """
    values = np.maximum(release.forcing["net_radiation"].astype(np.float64), 0)
    change_weather(release, "net_radiation", values)


DEFECTS = (
    net_shortwave_taken_for_downward,
    shortwave_a_day_late,
    longwave_forgotten,
    longwave_of_wrong_sign,
    three_hourly_sums_read_as_hourly,
    radiation_of_the_other_hemisphere,
    net_radiation_of_local_days,
    net_radiation_averaged_not_summed,
    first_of_january_summed_twice,
    last_day_without_sun,
    shortwave_of_a_neighbouring_climate,
    net_radiation_clipped_at_zero,
)
