"""Splits whose rows are wrong; audits count the wrong rows' cells and days.

The sha256 of a split's rows is that of the wrong rows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from factories.faults.third_list.following import follow_split
from factories.faults.third_list.opened import Opened


def _where(
    release: Opened, split: str, role: str | None = None, cells: object = None
) -> pd.Series:
    rows = release.table("splits")
    mask = rows["split"] == split
    if role is not None:
        mask &= rows["role"] == role
    if cells is not None:
        mask &= rows["cell_id"].isin(cells)  # type: ignore[arg-type]
    return mask


def _region_ids(release: Opened, region: str) -> list[str]:
    return list(release.cells["cell_id"].to_numpy()[release.region(region)])


def _set_role(release: Opened, split: str, cells: list[str], role: str) -> None:
    rows = release.table("splits")
    rows.loc[_where(release, split, cells=cells), "role"] = role
    follow_split(release, split)


def embargo_lost(release: Opened) -> None:
    """`temporal` trains to the day before validation: no week between them.

    Lagged inputs of validation days are train days. Contradicted by the definition's
    `embargo_days`.
    """
    rows = release.table("splits")
    rows.loc[_where(release, "temporal", "train"), "end"] = pd.Timestamp("2019-06-30")
    follow_split(release, "temporal")


def testing_begins_in_the_embargo(release: Opened) -> None:
    """`temporal`'s test starts a week early in Europe, where the embargo ends.

    Contradicted by `test_start` of the definition and by other cells.
    """
    rows = release.table("splits")
    mask = _where(release, "temporal", "test", _region_ids(release, "europe"))
    rows.loc[mask, "start"] = pd.Timestamp("2020-06-24")
    follow_split(release, "temporal")


def testing_ends_a_year_early(release: Opened) -> None:
    """`temporal`'s test ends with 2020 in one region.

    365 days of nine cells aren't scored. Contradicted by the period and by the days
    that scores count.
    """
    rows = release.table("splits")
    mask = _where(release, "temporal", "test", _region_ids(release, "africa"))
    rows.loc[mask, "end"] = pd.Timestamp("2020-12-31")
    follow_split(release, "temporal")


def train_starts_a_year_late(release: Opened) -> None:
    """One cell trains from 2017 in `temporal`.

    Contradicted by factors that rest on 2016, and by the rule of one period for all.
    """
    rows = release.table("splits")
    mask = _where(release, "temporal", "train", ["-33.125_148.125"])
    rows.loc[mask, "start"] = pd.Timestamp("2017-01-01")
    follow_split(release, "temporal")


def train_only_cells_tested(release: Opened) -> None:
    """Cells without a test day have test ranges in `temporal` nevertheless.

    Contradicted by `cells_train_only` and by targets, which end before.
    """
    rows = release.table("splits")
    definition = release.manifest["splits"]["temporal"]["definition"]
    added = pd.DataFrame(
        {
            "split": "temporal",
            "cell_id": list(definition["cells_train_only"]),
            "start": pd.Timestamp("2020-07-01"),
            "end": pd.Timestamp("2021-12-31"),
            "role": "test",
        }
    ).astype(rows.dtypes.to_dict())
    both = pd.concat([rows, added])
    release.tables["splits"] = both.sort_values(
        ["split", "cell_id", "start"], ignore_index=True
    )
    follow_split(release, "temporal")


def held_out_cells_in_training(release: Opened) -> None:
    """Two cells of `spatial`'s held-out blocks train.

    Neighbours of test cells, 28 km away. Contradicted by blocks of the definition.
    """
    _set_role(release, "spatial", ["-33.625_148.625", "47.125_10.375"], "train")


def validation_and_test_exchanged(release: Opened) -> None:
    """In Oceania `spatial`'s validation and test cells are exchanged.

    Settings are chosen on test cells. Contradicted by blocks, folds and scores.
    """
    rows = release.table("splits")
    mask = _where(release, "spatial", cells=_region_ids(release, "oceania"))
    swapped = rows.loc[mask, "role"].map(
        {"train": "train", "validation": "test", "test": "validation"}
    )
    rows.loc[mask, "role"] = swapped.astype(rows["role"].dtype)
    follow_split(release, "spatial")


def cell_of_the_other_regime_tested(release: Opened) -> None:
    """`energy_to_water` tests a cell of dryness 0.996, an energy-limited one.

    Contradicted by its regime and the definition's boundary.
    """
    _set_role(release, "energy_to_water", ["47.625_10.125"], "test")


def validation_cells_train(release: Opened) -> None:
    """`water_to_energy`'s validation cells of Africa train as well as Europe's.

    Contradicted by `validation_fraction` and by the moments of its train cells.
    """
    cells = ["11.875_2.375", "12.375_2.125"]
    _set_role(release, "water_to_energy", cells, "train")


def cell_left_out(release: Opened) -> None:
    """One test cell of `energy_to_water` has no row.

    Contradicted by `cells_left_out`, which is empty, and by the cells scored.
    """
    rows = release.table("splits")
    mask = _where(release, "energy_to_water", cells=["12.375_2.875"])
    release.tables["splits"] = rows[~mask].reset_index(drop=True)
    follow_split(release, "energy_to_water")


def network_in_two_roles(release: Opened) -> None:
    """A cell of a network that `ungauged` holds out trains.

    Contradicted by the definition's groups and by scores of the network.
    """
    _set_role(release, "ungauged", ["-33.375_148.625"], "train")


def cell_of_two_networks_kept(release: Opened) -> None:
    """`ungauged` trains on the cell that stations of two roles stand in.

    Contradicted by `cells_left_out` and by stations behind both roles.
    """
    rows = release.table("splits")
    added = rows[_where(release, "ungauged", "train")].head(1).copy()
    added["cell_id"] = "47.125_10.125"
    both = pd.concat([rows, added])
    release.tables["splits"] = both.sort_values(
        ["split", "cell_id", "start"], ignore_index=True
    )
    follow_split(release, "ungauged")


def years_exchanged_in_a_cell(release: Opened) -> None:
    """One cell trains on its driest years and tests its wettest in `dry_years`.

    Contradicted by its rain and radiation.
    """
    rows = release.table("splits")
    mask = _where(release, "dry_years", cells=["12.375_2.375"])
    roles = {"train": "test", "test": "train", "validation": "validation"}
    rows.loc[mask, "role"] = (
        rows.loc[mask, "role"].map(roles).astype(rows["role"].dtype)
    )
    follow_split(release, "dry_years")


def wet_years_copied_from_dry(release: Opened) -> None:
    """North America's rows of `wet_years` are those of `dry_years`.

    The shift has the other sign. Contradicted by precipitation of test and train years.
    """
    rows = release.table("splits")
    ids = _region_ids(release, "namerica")
    copied = rows[_where(release, "dry_years", cells=ids)].copy()
    copied["split"] = copied["split"].str.replace("dry_years", "wet_years")
    kept = rows[~_where(release, "wet_years", cells=ids)]
    both = pd.concat([kept, copied.astype(rows.dtypes.to_dict())])
    release.tables["splits"] = both.sort_values(
        ["split", "cell_id", "start"], ignore_index=True
    )
    follow_split(release, "wet_years")


def leap_year_ends_a_day_early(release: Opened) -> None:
    """Years of `dry_years` have 365 days, so 2016 and 2020 end on December 30.

    A day of each cell has no role, and the embargo before it moves. Contradicted by
    the other years' ends.
    """
    rows = release.table("splits")
    mask = _where(release, "dry_years") & rows["end"].dt.year.isin([2016, 2020])
    rows.loc[mask, "end"] -= np.timedelta64(1, "D")
    follow_split(release, "dry_years")


DEFECTS = (
    embargo_lost,
    testing_begins_in_the_embargo,
    testing_ends_a_year_early,
    train_starts_a_year_late,
    train_only_cells_tested,
    held_out_cells_in_training,
    validation_and_test_exchanged,
    cell_of_the_other_regime_tested,
    validation_cells_train,
    cell_left_out,
    network_in_two_roles,
    cell_of_two_networks_kept,
    years_exchanged_in_a_cell,
    wet_years_copied_from_dry,
    leap_year_ends_a_day_early,
)
