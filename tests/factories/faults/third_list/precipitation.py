"""Precipitation that is wrong: its days, its amounts, its place.

What the pipeline derives from it follows: cells' means, dryness, regime, moments of
splits, statistics of the report.
"""

from __future__ import annotations

import numpy as np

from factories.faults.third_list.following import follow_forcing, store
from factories.faults.third_list.opened import Opened


def rain_a_day_late_in_a_region(release: Opened) -> None:
    """Europe's rain is summed over the hours before its stamps: a day late.

    Soil moisture rises before it rains. Contradicted by the reanalysis, whose layer 1
    rises on the day itself.
    """
    rain, cells = release.forcing["precipitation"], release.region("europe")
    rain[cells] = np.roll(rain[cells], 1, axis=1)
    follow_forcing(release)


def rain_a_day_early_everywhere(release: Opened) -> None:
    """Rain of every cell is a day early: time zone taken off twice.

    Lags of the feature sets know tomorrow's rain no more. Contradicted by the
    reanalysis's own rises.
    """
    rain = release.forcing["precipitation"]
    rain[:] = np.roll(rain, -1, axis=1)
    follow_forcing(release)


def rain_of_the_neighbour(release: Opened) -> None:
    """One cell has its neighbour's rain, a third more than its own.

    Contradicted by its reanalysis, which doesn't rise on those days' amounts, and by
    the water that its evaporation leaves.
    """
    rain = release.forcing["precipitation"]
    rain[release.place("40.125_-105.625")] = rain[release.place("40.125_-105.875")]
    follow_forcing(release)


def undercatch_corrected_twice(release: Opened) -> None:
    """Africa's rain is a fifth too high; dryness falls by a sixth.

    Contradicted by the balance of rain, evaporation and storage, and by regimes that
    the splits' roles rest on.
    """
    rain = release.forcing["precipitation"].copy()
    rain[release.region("africa")] *= 1.2
    store(release, "precipitation", rain)
    follow_forcing(release)


def drizzle_set_to_zero(release: Opened) -> None:
    """Days below 1 mm have no rain.

    A third of wet days is dry. Contradicted by a gap between 0 and 1 mm that no
    reanalysis has.
    """
    rain = release.forcing["precipitation"]
    rain[rain < 1] = 0
    follow_forcing(release)


def one_year_summed_twice(release: Opened) -> None:
    """One cell's rain of 2019 is doubled: hourly files read under two names.

    1.6 mm a day more in that year. Contradicted by other years, and by soil moisture
    that didn't rise.
    """
    cell, year = (
        release.place("-33.875_148.875"),
        release.days("2019-01-01", "2019-12-31"),
    )
    release.forcing["precipitation"][cell, year] *= 2
    follow_forcing(release)


def snowfall_lost(release: Opened) -> None:
    """Days below freezing have no precipitation: rain was taken for the total.

    A tenth of North America's water is gone. Contradicted by reanalysis soil moisture
    after winter, and by wet days that end at 273.15 K.
    """
    frozen = release.forcing["air_temperature"] < 273.15
    release.forcing["precipitation"][frozen] = 0
    follow_forcing(release)


DEFECTS = (
    rain_a_day_late_in_a_region,
    rain_a_day_early_everywhere,
    rain_of_the_neighbour,
    undercatch_corrected_twice,
    drizzle_set_to_zero,
    one_year_summed_twice,
    snowfall_lost,
)
