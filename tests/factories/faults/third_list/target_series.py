"""Targets whose daily values are wrong: days, places, layers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from factories.faults.third_list.following import follow_scaled, follow_targets
from factories.faults.third_list.opened import Opened

DAILY = (
    "soil_moisture",
    "soil_moisture_in_situ",
    "is_gapfilled",
    "observation_count",
)
EMPTY = {
    "soil_moisture": np.nan,
    "soil_moisture_in_situ": np.nan,
    "is_gapfilled": 0,
    "observation_count": 0,
}


def shift_days(values: np.ndarray, empty: float) -> np.ndarray:
    """Return a series one day late; the first day has nothing."""
    shifted = np.roll(values, 1, axis=-1)
    shifted[..., 0] = empty
    return shifted


def region_by_local_days(release: Opened) -> None:
    """Oceania's days are local days, booked a day late: every value, all layers.

    53 000 cell-days rest on the wrong day's weather. Contradicted by the reanalysis,
    whose day-to-day changes they no longer follow, and by the report's correlations.
    """
    for name in DAILY:
        values = release.targets[name]
        for cell in release.region("oceania"):
            values[:, cell] = shift_days(values[:, cell], EMPTY[name])
    follow_targets(release)


def one_series_a_day_late(release: Opened) -> None:
    """One cell's layer 1 is a day late, as a file of another time zone leaves it.

    Day-to-day correlation with the reanalysis falls from 0.5 to 0.2. Contradicted by
    the reanalysis of the cell and by the last day of its sensor.
    """
    cell = release.place("12.375_2.875")
    for name in DAILY:
        values = release.targets[name]
        values[0, cell] = shift_days(values[0, cell], EMPTY[name])
    follow_targets(release)


def leap_day_left_out(release: Opened) -> None:
    """A reader of 365 days a year: from 2020-02-29 on one cell's days are a day early.

    670 days in three layers. Contradicted by the reanalysis and by the last day, which
    has no value although the sensor ends there.
    """
    cell = release.place("-33.125_148.125")
    later = release.days("2020-02-29", "2021-12-31")
    for name in DAILY:
        values = release.targets[name]
        values[:, cell, later] = np.roll(values[:, cell, later], -1, axis=-1)
        values[:, cell, -1] = EMPTY[name]
    follow_targets(release)


def layer_copied_downwards(release: Opened) -> None:
    """Layer 2 of a cell holds the days of layer 1, matched to layer 2's moments.

    The layers correlate by 1. Contradicted by equal anomalies at two depths, by valid
    days of layer 2's sensor and by the report's example months.
    """
    targets, cell = release.targets, release.place("47.625_10.375")
    for name in ("soil_moisture_in_situ", "is_gapfilled", "observation_count"):
        targets[name][1, cell] = targets[name][0, cell]
    match_again(release, 1, cell)
    follow_scaled(release)


def match_again(release: Opened, layer: int, cell: int) -> None:
    """Fit a series' full-record line to the reanalysis, by the published rule."""
    targets = release.targets
    reference = release.forcing["reanalysis_soil_moisture"][layer, cell]
    values = targets["soil_moisture_in_situ"][layer, cell].astype(np.float64)
    used = np.isfinite(values) & (targets["is_gapfilled"][layer, cell] == 0)
    reference, values = reference[used].astype(np.float64), values[used]
    slope = reference.std(ddof=1) / values.std(ddof=1)
    targets["scale_slope"][layer, cell] = slope
    targets["scale_offset"][layer, cell] = reference.mean() - slope * values.mean()
    targets["overlap_days"][layer, cell] = used.sum()


def neighbours_layer_exchanged_and_matched(release: Opened) -> None:
    """As measured, two cells of one region exchange layer 3; matched to where they lie.

    Moments agree, weather doesn't. Contradicted by valid days of the named sensors and
    by the correlation with the reanalysis.
    """
    first, second = release.place("39.875_-105.125"), release.place("40.375_-105.875")
    for name in ("soil_moisture_in_situ", "is_gapfilled", "observation_count"):
        values = release.targets[name]
        values[2, [first, second]] = values[2, [second, first]]
    for cell in (first, second):
        match_again(release, 2, cell)
    follow_scaled(release)


def year_read_twice(release: Opened) -> None:
    """One cell's 2019 is its 2018 again: the same file read under two names.

    365 days of layer 1 are copies. Contradicted by equal values a year apart, by the
    reanalysis of 2019 and by the sensor's valid days.
    """
    targets, cell = release.targets, release.place("11.875_2.375")
    old = release.days("2018-01-01", "2018-12-31")
    new = release.days("2019-01-01", "2019-12-31")
    for name in DAILY:
        targets[name][0, cell, new] = targets[name][0, cell, old]
    follow_targets(release)


def year_lost_in_a_region(release: Opened) -> None:
    """Africa's layer 3 has no 2020: a file that failed to download.

    About 3 000 days. Contradicted by the sensors' valid days, by `overlap_days` and by
    the days that the splits' audits count.
    """
    lost = release.days("2020-01-01", "2020-12-31")
    for name in DAILY:
        for cell in release.region("africa"):
            release.targets[name][2, cell, lost] = EMPTY[name]
    follow_targets(release)


def short_gaps_interpolated(release: Opened) -> None:
    """Gaps of up to five days are bridged by straight lines, marked as measured.

    Days that nobody measured, in every series. Contradicted by the sensors' valid days
    and values, and by `overlap_days`.
    """
    targets = release.targets
    for layer, cell in np.ndindex(targets["scale_slope"].shape):
        values = targets["soil_moisture_in_situ"][layer, cell]
        given = np.flatnonzero(np.isfinite(values))
        for left, right in pairwise(given):
            if 1 < right - left <= 6:
                between = np.arange(left + 1, right)
                values[between] = np.interp(
                    between, [left, right], values[[left, right]]
                )
                targets["observation_count"][layer, cell, between] = 24
    follow_scaled(release)


def last_value_carried_forward(release: Opened) -> None:
    """After its sensor failed, one cell's last value stands for 120 days.

    A flat line marked as measured, 24 values a day. Contradicted by the sensor's end
    and valid days, by equal values and by the moving reanalysis.
    """
    targets, cell = release.targets, release.place("-33.875_148.125")
    values = targets["soil_moisture_in_situ"][0, cell]
    last = int(np.flatnonzero(np.isfinite(values))[-1])
    values[last + 1 : last + 121] = values[last]
    targets["observation_count"][0, cell, last + 1 : last + 121] = 24
    follow_scaled(release)


def smoothed_over_three_days(release: Opened) -> None:
    """Europe's layer 1 is a mean of three days, then matched again.

    Peaks after rain halve; persistence looks better. Contradicted by the report's
    day-to-day correlations and by scores of persistence.
    """
    targets = release.targets
    for cell in release.region("europe"):
        values = targets["soil_moisture_in_situ"][0, cell].astype(np.float64)
        around = np.array([np.roll(values, 1), values, np.roll(values, -1)])
        given = np.isfinite(values)
        targets["soil_moisture_in_situ"][0, cell, given] = np.nanmean(
            around[:, given], axis=0
        )
        match_again(release, 0, cell)
    follow_scaled(release)


def drift_of_a_sensor(release: Opened) -> None:
    """One sensor drifts by 0.06 over six years, uncorrected, and is matched after it.

    A trend of 0.01 a year in layer 2. Contradicted by the reanalysis, which has none,
    and by the report's correlations.
    """
    targets, cell = release.targets, release.place("12.375_2.375")
    days = targets["soil_moisture_in_situ"].shape[-1]
    targets["soil_moisture_in_situ"][1, cell] += np.linspace(0, 0.06, days)
    match_again(release, 1, cell)
    follow_scaled(release)


def anomalies_upside_down(release: Opened) -> None:
    """One cell's layer 2 is mirrored at its mean: a sensor read as a tension.

    Wet is dry; mean and standard deviation stay. Contradicted by a negative
    correlation with the reanalysis and with the layer above.
    """
    targets, cell = release.targets, release.place("47.875_10.125")
    values = targets["soil_moisture_in_situ"][1, cell]
    values[:] = 2 * np.nanmean(values) - values
    match_again(release, 1, cell)
    follow_scaled(release)


def rounded_to_per_cent(release: Opened) -> None:
    """A network's values as measured are whole per cents, scaled ones follow.

    Differences between days vanish below 0.01. Contradicted by values of other
    networks, and by means of 24 readings that fall on whole per cents alone.
    """
    targets = release.targets
    of_network = targets["primary_network"] == "VNET-SAHEL"
    values = targets["soil_moisture_in_situ"]
    values[of_network] = values[of_network].round(2)
    follow_scaled(release)


DEFECTS = (
    region_by_local_days,
    one_series_a_day_late,
    leap_day_left_out,
    layer_copied_downwards,
    neighbours_layer_exchanged_and_matched,
    year_read_twice,
    year_lost_in_a_region,
    short_gaps_interpolated,
    last_value_carried_forward,
    smoothed_over_three_days,
    drift_of_a_sensor,
    anomalies_upside_down,
    rounded_to_per_cent,
)
