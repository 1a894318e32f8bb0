"""Targets whose factors, depths, names or counts are wrong."""

from __future__ import annotations

import numpy as np

from factories.faults.third_list.following import follow_scaled, follow_targets
from factories.faults.third_list.opened import Opened


def _pair(
    release: Opened, layer: int, cell: int, reference: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return measured values and a reference's on the primary's own days."""
    targets = release.targets
    values = targets["soil_moisture_in_situ"][layer, cell].astype(np.float64)
    used = np.isfinite(values) & (targets["is_gapfilled"][layer, cell] == 0)
    return values[used], reference.astype(np.float64)[used]


def _put_line(
    release: Opened, layer: int, cell: int, slope: float, offset: float
) -> None:
    release.targets["scale_slope"][layer, cell] = slope
    release.targets["scale_offset"][layer, cell] = offset


def matched_to_the_neighbours_reanalysis(release: Opened) -> None:
    """One cell's layer 1 has the moments of its neighbour's reanalysis.

    Its mean is off by 0.02 or more. Contradicted by the reanalysis of the cell itself.
    """
    cell, other = release.place("40.125_-105.125"), release.place("40.125_-105.875")
    reference = release.forcing["reanalysis_soil_moisture"][0, other]
    values, reference = _pair(release, 0, cell, reference)
    slope = reference.std(ddof=1) / values.std(ddof=1)
    _put_line(release, 0, cell, slope, reference.mean() - slope * values.mean())
    follow_scaled(release)


def matched_in_the_mean_alone(release: Opened) -> None:
    """North America's targets have the reanalysis's mean and their own variance.

    Slopes are 1 where they should be about 0.7. Contradicted by the reanalysis's
    standard deviation.
    """
    for layer, cell in np.ndindex(3, len(release.cells)):
        given = np.isfinite(release.targets["scale_slope"][layer, cell])
        if cell not in release.region("namerica") or not given:
            continue
        reference = release.forcing["reanalysis_soil_moisture"][layer, cell]
        values, reference = _pair(release, layer, cell, reference)
        _put_line(release, layer, cell, 1.0, reference.mean() - values.mean())
    follow_scaled(release)


def regressed_on_the_reanalysis(release: Opened) -> None:
    """Europe's layer 1 has the slope of a regression, r times the matched one.

    Variance is too small by a third. Contradicted by the reanalysis's standard
    deviation on the overlap.
    """
    for cell in release.region("europe"):
        reference = release.forcing["reanalysis_soil_moisture"][0, cell]
        values, reference = _pair(release, 0, cell, reference)
        slope = np.polyfit(values, reference, 1)[0]
        _put_line(release, 0, cell, slope, reference.mean() - slope * values.mean())
    follow_scaled(release)


def factors_of_three_years(release: Opened) -> None:
    """One cell's full-record factors are fitted on 2016 to 2018 alone.

    `overlap_days` still says the whole record. Contradicted by moments over it.
    """
    cell, early = (
        release.place("39.875_-105.125"),
        release.days("2016-01-01", "2018-12-31"),
    )
    reference = release.forcing["reanalysis_soil_moisture"][0, cell].astype(np.float64)
    values = release.targets["soil_moisture_in_situ"][0, cell].astype(np.float64)
    filled = release.targets["is_gapfilled"][0, cell] == 1
    used = np.isfinite(values) & ~filled
    used[early.stop :] = False
    slope = reference[used].std(ddof=1) / values[used].std(ddof=1)
    offset = reference[used].mean() - slope * values[used].mean()
    _put_line(release, 0, cell, slope, offset)
    follow_scaled(release)


def scaled_capped_at_porosity(release: Opened) -> None:
    """Scaled values above 0.3 are set to 0.3: an upper limit that the rule hasn't.

    Wet extremes of 900 days are gone. Contradicted by the line that joins measured and
    scaled values.
    """
    scaled = release.targets["soil_moisture"]
    scaled[scaled > 0.3] = 0.3
    follow_targets(release)


def slope_stored_inverted(release: Opened) -> None:
    """Stored slopes of layer 2 in Africa are those from scaled to measured.

    A reader who goes back to measured units is wrong by a factor of two. Contradicted
    by the two series beside them.
    """
    cells = release.region("africa")
    slopes = release.targets["scale_slope"]
    slopes[1, cells] = 1 / slopes[1, cells]


def overlap_with_filled_days(release: Opened) -> None:
    """`overlap_days` counts filled days too, in every cell that has them.

    Contradicted by days without a fill flag.
    """
    given = np.isfinite(release.targets["soil_moisture_in_situ"]).sum(axis=-1)
    release.targets["overlap_days"][:] = given


def depth_of_the_nominal_layer(release: Opened) -> None:
    """Layer 1 depths are 0 to 0.1 m everywhere, the layer's and not the sensor's.

    30 cells with a probe at 5 cm look like integrals. Contradicted by the primary's
    depths in the table of stations, and by the report's depths.
    """
    release.targets["depth_from"][0] = 0.0
    release.targets["depth_to"][0] = np.float32(0.1)


def primary_is_the_other_probe(release: Opened) -> None:
    """One cell names the probe that fills its gaps as its primary.

    Contradicted by valid days: the named probe has fewer than the target's own.
    """
    sensors = release.targets["primary_sensor"]
    cell = release.place("-33.375_148.375")
    name = str(sensors[0, cell])
    sensors[0, cell] = name[:-1] if name.endswith("2") else name + "2"


def station_count_without_the_primary(release: Opened) -> None:
    """`station_count` counts further sensors alone, one too few in each series.

    Contradicted by series whose count is 0, and by the candidates in the table.
    """
    counts = release.targets["station_count"]
    counts[counts > 0] -= 1


def used_are_all_accepted(release: Opened) -> None:
    """`used_count` says that every accepted sensor filled days.

    Nine sensors filled none. Contradicted by the report's roles, and by cells that use
    a sensor without any filled day.
    """
    release.targets["used_count"][:] = release.targets["accepted_count"]


def spread_by_population(release: Opened) -> None:
    """`station_spread` divides by n: 0.71 of what it is where two sensors stand.

    Contradicted by the array's own description (ddof 1) and by the report's quantiles.
    """
    accepted = release.targets["accepted_count"]
    n = accepted + 1.0
    factor = np.sqrt((n - 1) / n).astype(np.float32)
    release.targets["station_spread"][:] *= factor


DEFECTS = (
    matched_to_the_neighbours_reanalysis,
    matched_in_the_mean_alone,
    regressed_on_the_reanalysis,
    factors_of_three_years,
    scaled_capped_at_porosity,
    slope_stored_inverted,
    overlap_with_filled_days,
    depth_of_the_nominal_layer,
    primary_is_the_other_probe,
    station_count_without_the_primary,
    used_are_all_accepted,
    spread_by_population,
)
