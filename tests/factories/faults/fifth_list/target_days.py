"""Defects of the daily values of targets."""

from __future__ import annotations

import numpy as np
import pandas as pd

from factories.faults.fifth_list.carrying import (
    ARRAYS,
    carry_targets,
    change_measured,
    clear_missing,
    move_days,
    network_places,
    shift,
    time_of,
)
from factories.faults.fourth_list.deriving import follow_matching
from factories.faults.third_list.following import follow_targets
from factories.faults.third_list.opened import Defect, Opened


def days_of_a_network_named_by_their_end(release: Opened) -> None:
    """VNET-PLAINS: the day from 00 to 24 UTC bears the date at which it ends."""
    days = shift(np.arange(len(time_of(release))), 1)
    move_days(release, network_places(release, "VNET-PLAINS"), days)


def leap_days_skipped_in_a_calendar(release: Opened) -> None:
    """One cell: values are laid on dates without 29 February, then read by number."""
    time = time_of(release)
    leap = (time.month == 2) & (time.day == 29)
    days = np.clip(np.arange(len(time)) + np.cumsum(leap), 0, len(time) - 1)
    cell = release.place("12.375_2.875")
    move_days(release, [(layer, cell) for layer in range(3)], days)


def local_days_of_the_antipodes(release: Opened) -> None:
    """Oceania: days begin 10 hours early, at local midnight."""
    cells = release.region("oceania")
    places = [
        (layer, int(cell))
        for layer in range(3)
        for cell in cells
        if np.isfinite(release.targets["scale_slope"][layer, cell])
    ]
    change_measured(release, places, _local)


def _local(values: np.ndarray) -> np.ndarray:
    before = shift(values, 1)
    earlier = np.where(np.isfinite(before), before, values)
    return (14 * values + 10 * earlier) / 24


def spikes_cut_by_a_median_of_seven_days(release: Opened) -> None:
    """VNET-SAVANNA, layer 1: a running median of 7 days takes wet peaks for spikes."""
    places = [it for it in network_places(release, "VNET-SAVANNA") if it[0] == 0]

    def smooth(values: np.ndarray) -> np.ndarray:
        median = pd.Series(values).rolling(7, center=True, min_periods=1).median()
        return np.where(np.isfinite(values), median, np.nan)

    change_measured(release, places, smooth)


def short_gaps_interpolated(release: Opened) -> None:
    """Africa, layer 2: gaps of up to 10 days are filled by straight lines."""
    targets = release.targets
    for cell in release.region("africa"):
        for name in ARRAYS:
            series = pd.Series(targets[name][1, cell].astype(np.float64))
            if series.notna().any():
                filled = series.interpolate(limit=10, limit_area="inside")
                targets[name][1, cell] = filled.round(5)
        given = np.isfinite(targets["soil_moisture_in_situ"][1, cell])
        counts = targets["observation_count"][1, cell]
        counts[given & (counts == 0)] = 6
    carry_targets(release)


def days_of_frost_left_out_twice(release: Opened) -> None:
    """Europe: days of air below 274.15 K are dropped although flags said good."""
    frost = release.forcing["air_temperature"] < 274.15
    targets = release.targets
    for cell in release.region("europe"):
        for name in ARRAYS:
            targets[name][:, cell, frost[cell]] = np.nan
    clear_missing(release)
    follow_matching(release)


def wet_values_held_by_a_quality_limit(release: Opened) -> None:
    """One series: in-situ values above its 90th percentile are set to it."""
    place = (1, release.place("47.625_10.375"))
    change_measured(
        release, [place], lambda x: np.minimum(x, np.nanquantile(x, 0.9).round(4))
    )


def fills_left_in_scaled_units(release: Opened) -> None:
    """Layer 1: in-situ values of filled days are the scaled ones."""
    targets = release.targets
    filled = targets["is_gapfilled"][0] == 1
    targets["soil_moisture_in_situ"][0][filled] = targets["soil_moisture"][0][filled]
    follow_targets(release)


def a_year_read_from_the_file_before(release: Opened) -> None:
    """One cell, layer 1: 2018 holds the days of 2017."""
    days = np.arange(len(time_of(release)))
    year = release.days("2018-01-01", "2018-12-31")
    days[year] -= 365
    move_days(release, [(0, release.place("-33.625_148.625"))], days)


def last_delivery_of_a_network_missing(release: Opened) -> None:
    """VNET-RANGE: nothing after 2021-06-30; the last half-year's file wasn't read."""
    targets = release.targets
    late = release.days("2021-07-01", "2021-12-31")
    for place in network_places(release, "VNET-RANGE"):
        for name in ARRAYS:
            targets[name][place][late] = np.nan
    clear_missing(release)
    follow_matching(release)


def depths_exchanged_at_one_station(release: Opened) -> None:
    """One cell: the cables of layers 2 and 3 are exchanged; lines fit again."""
    cell = release.place("40.125_-105.125")
    targets = release.targets
    for name in (*ARRAYS, "observation_count", "is_gapfilled"):
        targets[name][1:, cell] = targets[name][:0:-1, cell].copy()
    follow_matching(release)


def a_drift_taken_out(release: Opened) -> None:
    """One series: its linear trend is removed as if it were the sensor's."""
    place = (2, release.place("-33.375_148.125"))

    def detrend(values: np.ndarray) -> np.ndarray:
        given = np.isfinite(values)
        number = np.arange(len(values))
        trend = np.polyfit(number[given], values[given], 1)
        return values - np.polyval(trend, number) + values[given].mean()

    change_measured(release, [place], detrend)


def negative_day_kept_as_zero(release: Opened) -> None:
    """Layer 3: the day that scaling makes negative is stored as 0."""
    targets = release.targets
    lost = np.isfinite(targets["soil_moisture_in_situ"]) & ~np.isfinite(
        targets["soil_moisture"]
    )
    targets["soil_moisture"][lost] = 0
    carry_targets(release)


DEFECTS: tuple[Defect, ...] = (
    days_of_a_network_named_by_their_end,
    leap_days_skipped_in_a_calendar,
    local_days_of_the_antipodes,
    spikes_cut_by_a_median_of_seven_days,
    short_gaps_interpolated,
    days_of_frost_left_out_twice,
    wet_values_held_by_a_quality_limit,
    fills_left_in_scaled_units,
    a_year_read_from_the_file_before,
    last_delivery_of_a_network_missing,
    depths_exchanged_at_one_station,
    a_drift_taken_out,
    negative_day_kept_as_zero,
)
