"""Targets whose filled days, or counts of values, are wrong."""

from __future__ import annotations

import numpy as np

from factories.faults.third_list.following import follow_scaled, follow_targets
from factories.faults.third_list.opened import Opened
from factories.faults.third_list.target_series import shift_days


def filled_days_unmatched(release: Opened) -> None:
    """Filled days keep the second sensor's own level, 0.05 above the primary's.

    2 560 days jump. Contradicted by the reanalysis's level on the same days.
    """
    targets = release.targets
    filled = targets["is_gapfilled"] == 1
    targets["soil_moisture_in_situ"][filled] += 0.05
    follow_scaled(release)


def filled_days_from_the_day_before(release: Opened) -> None:
    """Every run of filled days is shifted by a day against its flags.

    Filled values are those of the next day. Contradicted by the reanalysis's changes
    on filled days.
    """
    targets = release.targets
    filled = targets["is_gapfilled"] == 1
    values = targets["soil_moisture_in_situ"]
    later = np.roll(values, -1, axis=-1)
    taken = filled & np.isfinite(later)
    values[taken] = later[taken]
    follow_scaled(release)


def fill_flags_lost_in_a_cell(release: Opened) -> None:
    """One cell's filled days are marked as the primary's own, in all layers.

    Up to 300 filled days pass as measured. Contradicted by `used_count`, by
    `overlap_days` and by the primary's valid days.
    """
    cell = release.place("40.125_-105.125")
    release.targets["is_gapfilled"][:, cell] = 0
    follow_targets(release)


def fill_flags_a_day_late(release: Opened) -> None:
    """Fill flags lie a day late: the first filled day looks measured, a primary's not.

    Contradicted by days flagged that have no value, or by the primary's valid days.
    """
    flags = release.targets["is_gapfilled"]
    late = shift_days(flags, 0)
    late[~np.isfinite(release.targets["soil_moisture_in_situ"])] = 0
    flags[:] = late
    follow_targets(release)


def counts_as_if_hourly(release: Opened) -> None:
    """Sensors that report every three hours have counts three times too high.

    63 000 days say 24 values where 8 were read. Contradicted by `value_count` of the
    sensors over their valid days.
    """
    counts = release.targets["observation_count"]
    of_network = release.targets["primary_network"] == "VNET-COAST"
    counts[of_network] = np.minimum(counts[of_network] * 3, 24)


DEFECTS = (
    filled_days_unmatched,
    filled_days_from_the_day_before,
    fill_flags_lost_in_a_cell,
    fill_flags_a_day_late,
    counts_as_if_hourly,
)
