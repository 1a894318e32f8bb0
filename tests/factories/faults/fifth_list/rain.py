"""Defects of precipitation, of evaporation and of the reanalysis."""

from __future__ import annotations

import numpy as np

from factories.faults.fifth_list.carrying import (
    EVERYWHERE,
    change_weather,
    shift,
    time_of,
)
from factories.faults.fourth_list.deriving import follow_matching
from factories.faults.third_list.following import follow_forcing, store
from factories.faults.third_list.opened import Defect, Opened


def rain_of_local_days(release: Opened) -> None:
    """Oceania: rain of days that begin at local midnight, 10 hours early."""
    change_weather(
        release,
        "precipitation",
        release.region("oceania"),
        lambda x: (14 * x + 10 * shift(x, 1)) / 24,
    )


def rain_of_the_hour_beginning(release: Opened) -> None:
    """The hour that ends at 00 UTC is counted to the day that begins then."""
    change_weather(
        release, "precipitation", EVERYWHERE, lambda x: (23 * x + shift(x, 1)) / 24
    )


def drizzle_set_to_zero(release: Opened) -> None:
    """Days below 2 mm are dry ones."""
    change_weather(
        release, "precipitation", EVERYWHERE, lambda x: np.where(x < 2, 0, x)
    )


def six_hours_a_day_missing_for_a_month(release: Opened) -> None:
    """June 2017: one file of four is missing, its hours count as dry ones."""
    _scale_rain(release, release.days("2017-06-01", "2017-06-30"), 0.75)


def both_streams_of_the_last_months_summed(release: Opened) -> None:
    """October to December 2021: preliminary and final rain are added up."""
    _scale_rain(release, release.days("2021-10-01", "2021-12-31"), 2.0)


def _scale_rain(release: Opened, days: slice, factor: float) -> None:
    def scale(values: np.ndarray) -> np.ndarray:
        values[:, days] *= factor
        return values

    change_weather(release, "precipitation", EVERYWHERE, scale)


def rain_smeared_over_neighbours(release: Opened) -> None:
    """Africa: a smooth remapping gives each cell half its own and half the mean."""
    change_weather(
        release,
        "precipitation",
        release.region("africa"),
        lambda x: (x + x.mean(axis=0)) / 2,
    )


def evaporation_without_bare_soil(release: Opened) -> None:
    """Oceania: one of the parts of evaporation, 30 %, isn't added."""
    change_weather(release, "evaporation", release.region("oceania"), lambda x: 0.7 * x)


def evaporation_one_day_late(release: Opened) -> None:
    """Evaporation sums are filed under the date at which they end."""
    change_weather(release, "evaporation", EVERYWHERE, lambda x: shift(x, 1))


def layer_weights_exchanged(release: Opened) -> None:
    """Layer 1 is 0.3 of the first level and 0.7 of the second; targets follow."""
    layers = release.forcing["reanalysis_soil_moisture"].astype(np.float64)
    second = (layers[1] - 0.1 * layers[2]) / 0.9
    first = (layers[0] - 0.3 * second) / 0.7
    layers[0] = 0.3 * first + 0.7 * second
    store(release, "reanalysis_soil_moisture", layers)
    follow_forcing(release)
    follow_matching(release)


def reanalysis_at_midnight(release: Opened) -> None:
    """Reanalysis soil moisture of 00 UTC stands for the day's mean; targets follow."""
    layers = release.forcing["reanalysis_soil_moisture"].astype(np.float64)
    store(release, "reanalysis_soil_moisture", (layers + shift(layers, 1)) / 2)
    follow_forcing(release)
    follow_matching(release)


def leap_day_is_the_day_before(release: Opened) -> None:
    """29 February of every variable is 28 February, of a calendar without it."""
    time = time_of(release)
    leap = np.flatnonzero((time.month == 2) & (time.day == 29))
    for name in release.validation["stages"]["forcing"]["statistics"]:
        values = release.forcing[name]
        values[..., leap] = values[..., leap - 1]
    follow_forcing(release)


DEFECTS: tuple[Defect, ...] = (
    rain_of_local_days,
    rain_of_the_hour_beginning,
    drizzle_set_to_zero,
    six_hours_a_day_missing_for_a_month,
    both_streams_of_the_last_months_summed,
    rain_smeared_over_neighbours,
    evaporation_without_bare_soil,
    evaporation_one_day_late,
    layer_weights_exchanged,
    reanalysis_at_midnight,
    leap_day_is_the_day_before,
)
