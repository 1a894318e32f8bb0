"""Defects of target series: values, days, flags and counts."""

from __future__ import annotations

import numpy as np

from factories.faults.fourth_list.changes import (
    TARGET_SERIES,
    delay,
    move_series,
    reorder_days,
)
from factories.faults.fourth_list.deriving import follow_features, follow_matching
from factories.faults.third_list.following import follow_scaled, follow_targets
from factories.faults.third_list.opened import Opened

MEASURED = "soil_moisture_in_situ"


def filled_days_not_matched(release: Opened) -> None:
    """Filled days of layer 1 keep the filling sensor's own level, 0.05 m3 m-3 off.

    The series steps up where a filled day begins and down where it ends.
    """
    filled = release.targets["is_gapfilled"][0] == 1
    release.targets[MEASURED][0][filled] += np.float32(0.05)
    follow_scaled(release)
    follow_features(release)


def layer_a_day_late(release: Opened) -> None:
    """Layer 1 of a wet cell a day late: daily means stamped at the day's end.

    It gets wet on the day after rain, unlike its reference and its layer 2.
    """
    _move_days(release, 0, release.place("-33.625_148.625"), 1)


def networks_days_in_local_time(release: Opened) -> None:
    """Layer 1 of Oceania a day early: stamps of local time read as UTC.

    It gets wet on the day before rain in ten cells.
    """
    for cell in release.region("oceania"):
        _shift_series(release, 0, cell, -1)
    follow_matching(release)


def spikes_kept(release: Opened) -> None:
    """Forty single days of a cell's layer 2 are 0.15 m3 m-3 too wet: flags D ignored.

    Up and down within a day without rain.
    """
    cell = release.place("12.125_2.875")
    values = release.targets[MEASURED][1, cell]
    days = np.flatnonzero(np.isfinite(values))[20::45][:40]
    values[days] += np.float32(0.15)
    follow_matching(release)


def gaps_filled_forward(release: Opened) -> None:
    """Gaps of up to 10 days in Oceania's layer 1 repeat the last value.

    Days without an observation of any sensor have targets.
    """
    for cell in release.region("oceania"):
        for name in ("soil_moisture", MEASURED):
            _fill_forward(release.targets[name][0, cell], 10)
    follow_matching(release)


def sensor_in_percent(release: Opened) -> None:
    """A cell's layer 3 as measured is in percent, its lines 100 times flatter."""
    cell = release.place("40.125_-105.625")
    release.targets[MEASURED][2, cell] *= 100
    release.targets["scale_slope"][2, cell] /= 100
    release.features["scale_slope"][:, 2, cell] /= 100
    follow_targets(release)


def negative_day_clipped(release: Opened) -> None:
    """The day whose scaled value is negative is 0 instead of missing."""
    targets = release.targets
    given = np.isfinite(targets[MEASURED]) & np.isnan(targets["soil_moisture"])
    targets["soil_moisture"][given] = 0
    follow_targets(release)


def layer_of_the_layer_above(release: Opened) -> None:
    """A cell's layer 3 holds layer 2's measurements, matched to its own reference.

    Identical as measured, while the depths are 20 and 50 cm.
    """
    cell = release.place("47.375_10.875")
    cell = cell if np.isfinite(release.targets["scale_slope"][2, cell]) else 37
    for name in TARGET_SERIES:
        release.targets[name][2, cell] = release.targets[name][1, cell].copy()
    follow_matching(release)


def cells_swapped(release: Opened) -> None:
    """Two African cells hold each other's layer 2: same region, other rain.

    Stations of the table were there on other days; layers 1 and 3 fit other rain.
    """
    pair = np.array([release.place("11.625_2.875"), release.place("12.375_2.875")])
    move_series(release, 1, pair[::-1], pair)
    follow_matching(release)


def days_of_few_values_kept(release: Opened) -> None:
    """Two hundred days of a cell rest on 3 values, where 6 are the minimum."""
    cell = release.place("39.625_-105.875")
    days = np.flatnonzero(np.isfinite(release.targets["soil_moisture"][0, cell]))
    release.targets["observation_count"][0, cell, days[100:300]] = 3


def counts_of_hours(release: Opened) -> None:
    """Counts of VNET-SAHEL's layer 1 are of 24 hours, its sensors give 8 values a day.

    The table of sensors has 8 values a valid day.
    """
    mine = release.targets["primary_network"][0] == "VNET-SAHEL"
    release.targets["observation_count"][0, mine] *= 3


def filling_flag_inverted(release: Opened) -> None:
    """A cell's layer 1 says filled where the primary measured, and the reverse."""
    cell = release.place("12.375_2.125")
    given = np.isfinite(release.targets["soil_moisture"][0, cell])
    flags = release.targets["is_gapfilled"][0, cell]
    flags[given] = 1 - flags[given]
    follow_targets(release)


def filling_flag_lost(release: Opened) -> None:
    """No day of layer 2 is flagged as filled: a thousand filled days look measured.

    Other sensors than the primary were used in the same cells.
    """
    release.targets["is_gapfilled"][1] = 0
    follow_targets(release)
    follow_features(release)


def deep_layer_rounded(release: Opened) -> None:
    """Layer 3 scaled has 2 decimals instead of 5, up to 0.005 off its own line."""
    values = release.targets["soil_moisture"]
    values[2] = values[2].round(2)
    follow_targets(release)


def days_sorted_as_text(release: Opened) -> None:
    """October 2018 of a cell's layer 1 in the order 1, 10, 11, ..., 2, 20, ...

    It jumps where the order breaks and gets wet without rain.
    """
    cell, days = (
        release.place("-33.375_148.375"),
        release.days("2018-10-01", "2018-10-31"),
    )
    order = np.array(sorted(range(1, 32), key=str)) - 1
    reorder_days(release, 0, cell, days, order)
    follow_matching(release)


def march_repeated(release: Opened) -> None:
    """A cell's layer 2 of March 2019 is that of March 2018: joined by day and month.

    Equal to the last digit as measured; rain was another.
    """
    cell = release.place("-33.125_148.125")
    old, new = (release.days(f"{year}-03-01", f"{year}-03-31") for year in (2018, 2019))
    for name in TARGET_SERIES:
        values = release.targets[name][1, cell]
        values[new] = values[old]
    follow_matching(release)


def record_cut_off(release: Opened) -> None:
    """A cell's layer 1 ends in June 2021, its sensor in December: a stale file.

    The sensor's valid days are more than the target's.
    """
    cell = release.place("40.375_-105.875")
    days = release.days("2021-07-01", "2021-12-31")
    _drop_days(release, 0, cell, days)
    follow_matching(release)


def _shift_series(release: Opened, layer: int, cell: int, days: int) -> None:
    for name in TARGET_SERIES:
        values = release.targets[name][layer, cell]
        release.targets[name][layer, cell] = delay(values, days)


def _move_days(release: Opened, layer: int, cell: int, days: int) -> None:
    _shift_series(release, layer, cell, days)
    follow_matching(release)


def _drop_days(release: Opened, layer: int, cell: int, days: slice) -> None:
    for name in TARGET_SERIES:
        values = release.targets[name][layer, cell]
        values[days] = np.nan if values.dtype.kind == "f" else 0


def _fill_forward(values: np.ndarray, longest: int) -> None:
    """Repeat the last value in gaps up to a length, in place."""
    since = longest + 1
    for day in range(1, values.size):
        since = 0 if np.isfinite(values[day]) else since + 1
        if 0 < since <= longest:
            values[day] = values[day - 1]


DEFECTS = (
    filled_days_not_matched,
    layer_a_day_late,
    networks_days_in_local_time,
    spikes_kept,
    gaps_filled_forward,
    sensor_in_percent,
    negative_day_clipped,
    layer_of_the_layer_above,
    cells_swapped,
    days_of_few_values_kept,
    counts_of_hours,
    filling_flag_inverted,
    filling_flag_lost,
    deep_layer_rounded,
    days_sorted_as_text,
    march_repeated,
    record_cut_off,
)
