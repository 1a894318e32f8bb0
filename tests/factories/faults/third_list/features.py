"""Features that are wrong: factors, climatologies, moments, flags of splits."""

from __future__ import annotations

import numpy as np

from factories.faults.third_list.following import METEOROLOGY
from factories.faults.third_list.opened import Opened

FACTORS = ("scale_slope", "scale_offset")


def full_record_factors_unflagged(release: Opened) -> None:
    """Factors of `temporal` are those of the full record: they know test days.

    40 cells, slopes off by up to a tenth, nothing flagged. Contradicted by train days
    worked out again, and by differing from neither target factor.
    """
    features, split = release.features, release.split("temporal")
    for name in FACTORS:
        features[name][split] = release.targets[name]


def factors_of_train_and_validation(release: Opened) -> None:
    """Factors of `temporal` in Oceania are fitted on validation days too.

    Contradicted by train days alone.
    """
    features, split = release.features, release.split("temporal")
    days = release.role_mask("temporal", "train", "validation")
    for layer in range(3):
        for cell in release.region("oceania"):
            line = _fit(release, layer, cell, days[cell])
            if line is not None:
                features["scale_slope"][split, layer, cell] = line[0]
                features["scale_offset"][split, layer, cell] = line[1]


def _fit(
    release: Opened, layer: int, cell: int, days: np.ndarray
) -> tuple[float, float] | None:
    values = release.targets["soil_moisture_in_situ"][layer, cell].astype(np.float64)
    filled = release.targets["is_gapfilled"][layer, cell] == 1
    used = np.isfinite(values) & ~filled & days
    if used.sum() < 90:
        return None
    reference = release.forcing["reanalysis_soil_moisture"][layer, cell]
    reference = reference[used].astype(np.float64)
    slope = reference.std(ddof=1) / values[used].std(ddof=1)
    return slope, reference.mean() - slope * values[used].mean()


def factors_by_regression(release: Opened) -> None:
    """Factors of `wet_years` in layer 2 are regressions, not matched moments.

    Slopes are too small by 5 to 30 per cent. Contradicted by train days.
    """
    features, split = release.features, release.split("wet_years")
    days = release.role_mask("wet_years", "train")
    for cell in range(len(release.cells)):
        if _fit(release, 1, cell, days[cell]) is None:
            continue
        values = release.targets["soil_moisture_in_situ"][1, cell].astype(np.float64)
        filled = release.targets["is_gapfilled"][1, cell] == 1
        used = np.isfinite(values) & ~filled & days[cell]
        reference = release.forcing["reanalysis_soil_moisture"][1, cell][used]
        slope, offset = np.polyfit(values[used], reference.astype(np.float64), 1)
        features["scale_slope"][split, 1, cell] = slope
        features["scale_offset"][split, 1, cell] = offset


def factors_of_two_splits_exchanged(release: Opened) -> None:
    """Factors of `dry_years` and `wet_years` are exchanged.

    Each is scaled by the years that it tests. Contradicted by train days.
    """
    _exchange_splits(release, FACTORS, "dry_years", "wet_years")


def _exchange_splits(
    release: Opened, names: tuple[str, ...], first: str, second: str
) -> None:
    one, two = release.split(first), release.split(second)
    for name in names:
        values = release.features[name]
        values[[one, two]] = values[[two, one]]


def factors_of_the_next_cell(release: Opened) -> None:
    """`spatial`'s factors in layer 1 are those of the next row, in one region.

    Contradicted by each cell's train days.
    """
    split = release.split("spatial")
    cells = release.region("namerica")
    for name in FACTORS:
        values = release.features[name]
        values[split, 0, cells] = np.roll(values[split, 0, cells], -1)


def flags_of_full_record_cleared(release: Opened) -> None:
    """`ungauged` flags no held-out cell: their factors pass as trained.

    41 series. Contradicted by cells without a train day, and by the stage's audit.
    """
    split = release.split("ungauged")
    release.features["scale_is_full_record"][split] = 0


def flags_of_full_record_inverted(release: Opened) -> None:
    """`spatial` flags the cells that train and clears those held out.

    Train values are left out where they exist. Contradicted by the splits' rows.
    """
    flags = release.features["scale_is_full_record"][release.split("spatial")]
    flags[:] = 1 - flags


def climatology_of_all_years(release: Opened) -> None:
    """`temporal`'s climatology of one region holds the test years, as `spatial`'s does.

    A baseline that knows the test. Contradicted by train days and by `spatial` having
    the same curves where cells train whole.
    """
    _take_climatology(release, "temporal", "spatial", "africa", train="spatial")


def climatology_of_held_out_cells_their_own(release: Opened) -> None:
    """`spatial`'s held-out cells have their own climatology, that of `temporal`.

    Leakage: the test's own means. Contradicted by the source flag and by curves that
    other cells give.
    """
    split, other = release.split("spatial"), release.split("temporal")
    tested = release.role_mask("spatial", "test").any(axis=1)
    curves = release.features["climatology"]
    curves[split][:, tested] = curves[other][:, tested]


def _take_climatology(
    release: Opened, into: str, source: str, region: str, train: str
) -> None:
    trained = release.role_mask(train, "train").any(axis=1)
    cells = [cell for cell in release.region(region) if trained[cell]]
    curves = release.features["climatology"]
    curves[release.split(into)][:, cells] = curves[release.split(source)][:, cells]


def climatology_a_month_late(release: Opened) -> None:
    """One cell's climatologies lie 30 days late: months counted from 0.

    Anomalies hold a season. Contradicted by train days of the cell.
    """
    curves = release.features["climatology"]
    cell = release.place("12.125_2.625")
    curves[:, :, cell] = np.roll(curves[:, :, cell], 30, axis=-1)


def climatology_of_the_other_hemisphere(release: Opened) -> None:
    """Oceania's climatology in `dry_years` is half a year off.

    Contradicted by train days.
    """
    curves = release.features["climatology"][release.split("dry_years")]
    cells = release.region("oceania")
    curves[:, cells] = np.roll(curves[:, cells], 183, axis=-1)


def climatology_early_after_february(release: Opened) -> None:
    """From day 60 on climatologies lie ten days early, in every split: a wrong table.

    Contradicted by train days.
    """
    curves = release.features["climatology"]
    curves[..., 59:] = np.roll(curves[..., 59:], -10, axis=-1)


def climatology_smoothed_twice(release: Opened) -> None:
    """`wet_years`' climatology is smoothed over a further 91 days.

    The season's amplitude falls by a sixth. Contradicted by train days and the window.
    """
    curves = release.features["climatology"][release.split("wet_years")]
    around = [np.roll(curves, shift, axis=-1) for shift in range(-45, 46)]
    curves[:] = np.mean(around, axis=0)


def climatology_as_measured(release: Opened) -> None:
    """One cell's climatologies are in the primary's own units.

    Off by 0.05 and more. Contradicted by train-scaled targets.
    """
    features, cell = release.features, release.place("40.125_-105.125")
    slope, offset = (features[name][:, :, cell, None] for name in FACTORS)
    curves = features["climatology"]
    curves[:, :, cell] = (curves[:, :, cell] - offset) / slope


def climatology_layers_exchanged(release: Opened) -> None:
    """Layers 2 and 3 of the climatology are exchanged in `temporal`.

    Contradicted by targets and by cells that have one of the layers alone.
    """
    curves = release.features["climatology"][release.split("temporal")]
    both = np.isfinite(curves[1:]).all(axis=(0, 2))
    curves[1:, both] = curves[:0:-1, both].copy()


def climatologies_of_regimes_exchanged(release: Opened) -> None:
    """Climatologies of the two splits by regime are exchanged.

    Held-out cells have their own means. Contradicted by the source flags.
    """
    _exchange_splits(release, ("climatology",), "energy_to_water", "water_to_energy")


def climatology_said_to_be_its_own(release: Opened) -> None:
    """`ungauged` says that held-out cells' climatologies are their own.

    Contradicted by cells without a train day.
    """
    sources = release.features["climatology_source"][release.split("ungauged")]
    sources[sources == 1] = 0


def moments_of_all_cells_and_days(release: Opened) -> None:
    """`ungauged`'s moments of meteorology are those of all cells and days.

    Networks that are tested shape the inputs. Contradicted by train cells' days.
    """
    _put_moments(release, "ungauged", np.ones((40, 2192), dtype=bool))


def moments_of_validation_days(release: Opened) -> None:
    """`temporal`'s moments of meteorology count validation days as well.

    Contradicted by train days alone.
    """
    days = release.role_mask("temporal", "train", "validation")
    _put_moments(release, "temporal", days)


def _put_moments(release: Opened, split: str, days: np.ndarray) -> None:
    features, number = release.features, release.split(split)
    for name in METEOROLOGY:
        place = number, [str(each) for each in features["variable"]].index(name)
        values = release.forcing[name].astype(np.float64)[days]
        features["normalisation_mean"][place] = values.mean()
        features["normalisation_std"][place] = values.std()


def variance_for_deviation(release: Opened) -> None:
    """`normalisation_std` of soil moisture is its variance, in every split.

    Targets are scaled 25 times too wide. Contradicted by train days.
    """
    release.features["normalisation_std"][:, 6:] **= 2


DEFECTS = (
    full_record_factors_unflagged,
    factors_of_train_and_validation,
    factors_by_regression,
    factors_of_two_splits_exchanged,
    factors_of_the_next_cell,
    flags_of_full_record_cleared,
    flags_of_full_record_inverted,
    climatology_of_all_years,
    climatology_of_held_out_cells_their_own,
    climatology_a_month_late,
    climatology_of_the_other_hemisphere,
    climatology_early_after_february,
    climatology_smoothed_twice,
    climatology_as_measured,
    climatology_layers_exchanged,
    climatologies_of_regimes_exchanged,
    climatology_said_to_be_its_own,
    moments_of_all_cells_and_days,
    moments_of_validation_days,
    variance_for_deviation,
)
