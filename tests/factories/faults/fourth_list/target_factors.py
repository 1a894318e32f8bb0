"""Defects of what targets are made with: lines, depths, counts of sensors."""

from __future__ import annotations

import numpy as np

from factories.faults.fourth_list.deriving import follow_features
from factories.faults.third_list.following import follow_scaled, follow_targets
from factories.faults.third_list.opened import Opened

MEASURED = "soil_moisture_in_situ"


def scaled_twice(release: Opened) -> None:
    """A cell's layer 2 went through its line twice: off by up to 0.1 m3 m-3."""
    targets, place = release.targets, (1, release.place("47.625_10.375"))
    line = targets["scale_offset"][place], targets["scale_slope"][place]
    values = line[0] + line[1] * targets["soil_moisture"][place].astype(np.float64)
    targets["soil_moisture"][place] = values.round(5)
    follow_targets(release)


def offset_of_wrong_sign(release: Opened) -> None:
    """Offsets of layer 3 negated: as if subtracted; the line gives other targets."""
    release.targets["scale_offset"][2] *= -1


def first_of_the_list_named_primary(release: Opened) -> None:
    """A cell names the sensor that fills its gaps as its primary.

    It has fewer days than the target, and the report names the other one.
    """
    release.targets["primary_station"][0, release.place("-33.125_148.125")] = "Creek02"


def depth_from_inches(release: Opened) -> None:
    """Depths of VNET-PLAINS's primaries 2.54 times too large: taken for inches."""
    for layer in range(3):
        mine = release.targets["primary_network"][layer] == "VNET-PLAINS"
        for name in ("depth_from", "depth_to"):
            release.targets[name][layer, mine] *= np.float32(2.54)


def spread_in_percent(release: Opened) -> None:
    """Spread of stations in percent: 20 instead of 0.2; the report keeps fractions."""
    release.targets["station_spread"] *= 100


def all_sensors_of_the_cell_counted(release: Opened) -> None:
    """Candidates of layer 1 counted over all depths of a cell, up to three times more.

    The table has fewer sensors at the depth of the primary.
    """
    counts = release.targets["station_count"]
    counts[0] = counts.sum(axis=0)


def overlap_with_filled_days(release: Opened) -> None:
    """Days of overlap include filled ones: up to 417 more than the line rests on."""
    filled = (release.targets["is_gapfilled"] == 1).sum(axis=2)
    release.targets["overlap_days"] += filled.astype(np.int32)


def slope_with_another_deviation(release: Opened) -> None:
    """Slopes of layer 1 from deviations of all days of the reference, not the shared.

    The scaled deviation isn't the reference's on common days, by up to a fifth.
    """
    targets = release.targets
    reference = release.forcing["reanalysis_soil_moisture"][0].astype(np.float64)
    for cell in range(reference.shape[0]):
        values = targets[MEASURED][0, cell].astype(np.float64)
        shared = np.isfinite(values)
        slope = reference[cell].std(ddof=1) / values[shared].std(ddof=1)
        mean = reference[cell][shared].mean() - slope * values[shared].mean()
        targets["scale_slope"][0, cell] = float(f"{slope:.12g}")
        targets["scale_offset"][0, cell] = float(f"{mean:.12g}")
    follow_scaled(release)
    follow_features(release)


def mean_of_the_year_matched(release: Opened) -> None:
    """Targets of layer 2 in Africa have the mean of all days of the reference.

    In cells that lack dry seasons they are up to 0.01 too dry on common days.
    """
    targets = release.targets
    reference = release.forcing["reanalysis_soil_moisture"][1].astype(np.float64)
    for cell in release.region("africa"):
        shared = np.isfinite(targets["soil_moisture"][1, cell])
        if shared.any():
            shift = reference[cell].mean() - reference[cell][shared].mean()
            targets["scale_offset"][1, cell] += shift
    follow_scaled(release)


DEFECTS = (
    scaled_twice,
    offset_of_wrong_sign,
    first_of_the_list_named_primary,
    depth_from_inches,
    spread_in_percent,
    all_sensors_of_the_cell_counted,
    overlap_with_filled_days,
    slope_with_another_deviation,
    mean_of_the_year_matched,
)
