"""Defects of who is train, validation and test; audits follow."""

from __future__ import annotations

import pandas as pd

from factories.faults.third_list.following import follow_moments, follow_split
from factories.faults.third_list.opened import Defect, Opened

ONE_DAY = pd.Timedelta(days=1)


def _rows(release: Opened, split: str) -> pd.Series:
    return release.table("splits")["split"] == split


def _put(release: Opened, table: pd.DataFrame, split: str) -> None:
    """Keep a changed table in its order, and carry it along."""
    order = ["split", "cell_id", "start"]
    release.tables["splits"] = _sort(table, order, list(release.cells["cell_id"]))
    follow_split(release, split)
    follow_moments(release)


def _sort(table: pd.DataFrame, order: list[str], cells: list[str]) -> pd.DataFrame:
    places = {name: place for place, name in enumerate(cells)}
    numbers = table.assign(cell_id=table["cell_id"].map(places))
    return table.loc[numbers.sort_values(order).index].reset_index(drop=True)


def train_up_to_the_validation_days(release: Opened) -> None:
    """Temporal: train ends on 2019-06-30, without the 7 days of embargo."""
    table = release.table("splits").copy()
    train = _rows(release, "temporal") & (table["role"] == "train")
    table.loc[train, "end"] = pd.Timestamp("2019-06-30")
    _put(release, table, "temporal")


def ends_taken_for_excluded(release: Opened) -> None:
    """Energy to water: the last day of every range is left out."""
    table = release.table("splits").copy()
    table.loc[_rows(release, "energy_to_water"), "end"] -= ONE_DAY
    _put(release, table, "energy_to_water")


def boundary_of_another_recipe(release: Opened) -> None:
    """Temporal: test starts on 2020-10-01, as in a recipe with water years."""
    table = release.table("splits").copy()
    test = _rows(release, "temporal") & (table["role"] == "test")
    table.loc[test, "start"] = pd.Timestamp("2020-10-01")
    _put(release, table, "temporal")


def block_divided_between_roles(release: Opened) -> None:
    """Spatial: one cell of a test block of 0.5 degrees trains."""
    table = release.table("splits").copy()
    cell = table["cell_id"] == "47.375_10.375"
    table.loc[_rows(release, "spatial") & cell, "role"] = "train"
    _put(release, table, "spatial")


def regimes_of_another_latent_heat(release: Opened) -> None:
    """Energy to water: with 2.26 MJ/kg, 3 energy-limited train cells test."""
    table, cells = release.table("splits").copy(), release.cells
    dry = cells[cells["dryness"] * 2.45 / 2.26 > 1]["cell_id"]
    rows = _rows(release, "energy_to_water") & table["cell_id"].isin(dry)
    table.loc[rows, "role"] = "test"
    _put(release, table, "energy_to_water")


def years_of_a_neighbour(release: Opened) -> None:
    """Dry years: one cell of Europe has the years of the region's other cells."""
    table = release.table("splits").copy()
    rows = _rows(release, "dry_years")
    cell = rows & (table["cell_id"] == "47.375_10.375")
    other = table[rows & (table["cell_id"] == "47.625_10.375")]
    parts = [table[~cell], other.assign(cell_id="47.375_10.375")]
    _put(release, pd.concat(parts, ignore_index=True), "dry_years")


def test_and_validation_years_exchanged(release: Opened) -> None:
    """Wet years, Africa: the wettest years validate, the middle ones test."""
    table = release.table("splits").copy()
    africa = release.cells.loc[release.region("africa"), "cell_id"]
    rows = _rows(release, "wet_years") & table["cell_id"].isin(africa)
    roles = {"test": "validation", "validation": "test"}
    table.loc[rows, "role"] = table.loc[rows, "role"].replace(roles)
    _put(release, table, "wet_years")


def cells_without_test_days_tested(release: Opened) -> None:
    """Temporal: the 9 cells that only train have ranges of the other roles too."""
    table = release.table("splits").copy()
    rows = table[_rows(release, "temporal")]
    model = rows[(rows["cell_id"] == "11.625_2.375") & (rows["role"] != "train")]
    tested = set(rows.loc[rows["role"] == "test", "cell_id"])
    lacking = [it for it in rows["cell_id"].unique() if it not in tested]
    added = [model.assign(cell_id=cell) for cell in lacking]
    _put(release, pd.concat([table, *added], ignore_index=True), "temporal")


def last_year_left_out_of_two_cells(release: Opened) -> None:
    """Ungauged: two test cells end with 2020."""
    table = release.table("splits").copy()
    cells = table["cell_id"].isin(["47.375_10.375", "47.625_10.375"])
    rows = _rows(release, "ungauged") & cells
    table.loc[rows, "end"] = pd.Timestamp("2020-12-31")
    _put(release, table, "ungauged")


def validation_cells_train_as_well(release: Opened) -> None:
    """Water to energy: a merge keeps the validation cells, and as train cells too."""
    table = release.table("splits").copy()
    rows = table[_rows(release, "water_to_energy") & (table["role"] == "validation")]
    merged = pd.concat([table, rows.assign(role="train")], ignore_index=True)
    _put(release, merged, "water_to_energy")


DEFECTS: tuple[Defect, ...] = (
    train_up_to_the_validation_days,
    ends_taken_for_excluded,
    boundary_of_another_recipe,
    block_divided_between_roles,
    regimes_of_another_latent_heat,
    years_of_a_neighbour,
    test_and_validation_years_exchanged,
    cells_without_test_days_tested,
    last_year_left_out_of_two_cells,
    validation_cells_train_as_well,
)
