"""Defects of what targets say of their lines, counts, depths and stations."""

from __future__ import annotations

import numpy as np

from factories.faults.fifth_list.carrying import Fitted, fit, network_places, refit
from factories.faults.third_list.following import follow_targets
from factories.faults.third_list.opened import Defect, Opened

LEVELS = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


def slope_is_a_ratio_of_variances(release: Opened) -> None:
    """VNET-COAST: lines take variances for standard deviations; means still fit."""

    def line(measured: np.ndarray, reference: np.ndarray) -> Fitted:
        found = fit(measured, reference)
        if found is None:
            return None
        shared = np.isfinite(measured)
        slope = found.slope**2
        offset = reference[shared].mean() - slope * measured[shared].mean()
        return slope, float(offset), found.overlap_days

    refit(release, network_places(release, "VNET-COAST"), line)


def lines_fitted_before_the_test_years(release: Opened) -> None:
    """Layer 2: full-record lines are those of days before 2019-07-01."""
    late = release.days("2019-07-01", "2021-12-31")

    def line(measured: np.ndarray, reference: np.ndarray) -> Fitted:
        early = measured.copy()
        early[late] = np.nan
        found = fit(early, reference)
        days = int((np.isfinite(measured) & np.isfinite(reference)).sum())
        return found and (found.slope, found.offset, days)

    places = [(1, cell) for cell in _given(release, 1)]
    refit(release, places, line)


def scaled_to_the_layer_above(release: Opened) -> None:
    """Layer 3 is scaled to the reanalysis of layer 2."""
    above = np.roll(release.forcing["reanalysis_soil_moisture"], 1, axis=0)
    refit(release, [(2, cell) for cell in _given(release, 2)], fit, above)


def least_squares_for_moments(release: Opened) -> None:
    """VNET-ALPS: lines are regressions on the reanalysis; variance shrinks by r."""

    def line(measured: np.ndarray, reference: np.ndarray) -> Fitted:
        shared = np.isfinite(measured)
        slope, offset = np.polyfit(measured[shared], reference[shared], 1)
        return float(slope), float(offset), int(shared.sum())

    refit(release, network_places(release, "VNET-ALPS"), line)


def in_situ_as_a_share_of_saturation(release: Opened) -> None:
    """One cell: in-situ values are divided by saturation, lines make up for it."""
    cell = release.place("-33.875_148.875")
    saturation = release.cells["saturation"][cell]
    targets = release.targets
    for layer in range(3):
        measured = targets["soil_moisture_in_situ"][layer, cell] / saturation
        targets["soil_moisture_in_situ"][layer, cell] = measured.round(7)
        slope = targets["scale_slope"][layer, cell] * saturation
        targets["scale_slope"][layer, cell] = float(f"{slope:.12g}")
    features = release.features["scale_slope"]
    features[:, :, cell] = np.round(features[:, :, cell] * saturation, 12)
    follow_targets(release)


def overlap_counts_filled_days(release: Opened) -> None:
    """Days of the line's overlap include those that other sensors filled."""
    filled = (release.targets["is_gapfilled"] == 1).sum(axis=2)
    release.targets["overlap_days"] += filled.astype(np.int32)


def marks_of_filling_one_day_late(release: Opened) -> None:
    """One series: `is_gapfilled` is joined a day late."""
    place = (1, release.place("47.375_10.875"))
    marks = release.targets["is_gapfilled"]
    given = np.isfinite(release.targets["soil_moisture"][place])
    marks[place] = np.where(given, np.roll(marks[place], 1), 0)
    follow_targets(release)


def counts_of_hours_for_three_hourly_values(release: Opened) -> None:
    """VNET-DALE: 3-hourly values are counted as 3 hours each."""
    for place in network_places(release, "VNET-DALE"):
        release.targets["observation_count"][place] *= 3


def accepted_count_with_the_primary(release: Opened) -> None:
    """Where sensors were accepted, the primary is counted as one of them."""
    counts = release.targets["accepted_count"]
    counts[counts > 0] += 1


def spread_with_another_divisor(release: Opened) -> None:
    """`station_spread` has ddof 0; the report follows."""
    targets = release.targets
    members = targets["accepted_count"].astype(float) + 1
    factor = np.sqrt((members - 1) / members)
    spread = (targets["station_spread"] * factor).astype(np.float32)
    targets["station_spread"] = spread
    for layer in range(3):
        sources = release.validation["report"]["layers"][str(layer + 1)]["sources"]
        values = spread[layer][np.isfinite(spread[layer])].astype(np.float64)
        summary = {name: np.quantile(values, it) for name, it in LEVELS.items()}
        summary |= {"minimum": values.min(), "maximum": values.max()}
        for name, value in summary.items():
            sources["spread"][name] = round(float(value), 6)


def primaries_named_one_cell_off(release: Opened) -> None:
    """Layer 3, North America: names of primaries stand one cell further."""
    cells = [it for it in _given(release, 2) if it in release.region("namerica")]
    for name in ("primary_network", "primary_station", "primary_sensor"):
        names = release.targets[name]
        names[2, cells] = np.roll(names[2, cells], 1)


def _given(release: Opened, layer: int) -> list[int]:
    slopes = release.targets["scale_slope"][layer]
    return [int(cell) for cell in np.flatnonzero(np.isfinite(slopes))]


DEFECTS: tuple[Defect, ...] = (
    slope_is_a_ratio_of_variances,
    lines_fitted_before_the_test_years,
    scaled_to_the_layer_above,
    least_squares_for_moments,
    in_situ_as_a_share_of_saturation,
    overlap_counts_filled_days,
    marks_of_filling_one_day_late,
    counts_of_hours_for_three_hourly_values,
    accepted_count_with_the_primary,
    spread_with_another_divisor,
    primaries_named_one_cell_off,
)
