"""Defects of splits: dates, embargoes, roles, and cells that change sides."""

from __future__ import annotations

import pandas as pd

from factories.faults.third_list.following import follow_split
from factories.faults.third_list.opened import Opened


def earlier_test_in_a_region(release: Opened) -> None:
    """Europe's test days begin on 1 January 2020, half a year before the definition."""
    rows = release.table("splits")
    mine = (rows["split"] == "temporal") & rows["cell_id"].isin(
        _name(release, "europe")
    )
    tests = mine & (rows["role"] == "test")
    rows.loc[tests, "start"] = pd.Timestamp("2020-01-01")
    validation = mine & (rows["role"] == "validation")
    rows.loc[validation, "end"] = pd.Timestamp("2019-12-24")
    follow_split(release, "temporal")


def embargo_lost(release: Opened) -> None:
    """Train days of `temporal` last until validation begins: an embargo of 0 days."""
    rows = release.table("splits")
    mine = (rows["split"] == "temporal") & (rows["role"] == "train")
    rows.loc[mine & (rows["end"] == "2019-06-23"), "end"] = pd.Timestamp("2019-06-30")
    follow_split(release, "temporal")


def dry_and_wet_swapped(release: Opened) -> None:
    """`dry_years` tests the wettest years and `wet_years` the driest."""
    rows = release.table("splits")
    other = {"dry_years": "wet_years", "wet_years": "dry_years"}
    rows["split"] = rows["split"].replace(other)
    ordered = rows.sort_values(["split", "cell_id", "start"], ignore_index=True)
    release.tables["splits"] = ordered
    for name in other:
        follow_split(release, name)


def test_cell_trains(release: Opened) -> None:
    """A test cell of `spatial` trains: its block is of the test fold."""
    _move_cell(release, "spatial", "47.375_10.375", "train")


def water_limited_cell_trains(release: Opened) -> None:
    """A cell of dryness 1.15 trains in `energy_to_water`."""
    _move_cell(release, "energy_to_water", "-33.375_148.375", "train")


def gauged_cell_tested(release: Opened) -> None:
    """A cell of a train network is tested in `ungauged`."""
    _move_cell(release, "ungauged", "12.375_2.375", "test")


def cell_lost(release: Opened) -> None:
    """A cell is missing from `temporal`, and named nowhere as left out."""
    rows = release.table("splits")
    lost = (rows["split"] == "temporal") & (rows["cell_id"] == "12.125_2.625")
    release.tables["splits"] = rows[~lost].reset_index(drop=True)
    follow_split(release, "temporal")


def ranges_a_day_late(release: Opened) -> None:
    """Ranges of `dry_years` begin and end a day late: read in local time."""
    rows = release.table("splits")
    mine, day = rows["split"] == "dry_years", pd.Timedelta(days=1)
    last = pd.Timestamp("2021-12-31")
    for name in ("start", "end"):
        rows.loc[mine, name] = (rows.loc[mine, name] + day).clip(upper=last)
    follow_split(release, "dry_years")


def end_excluded(release: Opened) -> None:
    """Ranges of `spatial` end a day early: the last day was taken as excluded."""
    rows = release.table("splits")
    rows.loc[rows["split"] == "spatial", "end"] -= pd.Timedelta(days=1)
    follow_split(release, "spatial")


def validation_and_test_swapped(release: Opened) -> None:
    """A cell of `temporal` is validated on its last days and tested on the middle."""
    rows = release.table("splits")
    mine = (rows["split"] == "temporal") & (rows["cell_id"] == "12.125_2.125")
    swapped = {"validation": "test", "test": "validation"}
    rows.loc[mine, "role"] = rows.loc[mine, "role"].replace(swapped)
    follow_split(release, "temporal")


def wet_year_among_the_dry(release: Opened) -> None:
    """A cell of `dry_years` swaps a test year for one that trains: 2018 and 2017."""
    _swap_years(release, "12.125_2.625", "dry_years")


def rows_twice(release: Opened) -> None:
    """A cell's test days of `ungauged` are train days as well: a merge kept both."""
    rows = release.table("splits")
    mine = (rows["split"] == "ungauged") & (rows["cell_id"] == "47.875_10.125")
    again = rows[mine].assign(role="train")
    both = pd.concat([rows, again]).sort_values(["split", "cell_id", "start", "role"])
    release.tables["splits"] = both.reset_index(drop=True)
    follow_split(release, "ungauged")


def _name(release: Opened, region: str) -> list[str]:
    cells = release.cells
    return list(cells.loc[cells["region"] == region, "cell_id"])


def _move_cell(release: Opened, split: str, cell: str, role: str) -> None:
    rows = release.table("splits")
    rows.loc[(rows["split"] == split) & (rows["cell_id"] == cell), "role"] = role
    follow_split(release, split)


def _swap_years(release: Opened, cell: str, split: str) -> None:
    """Swap the roles of a test year and a train year of a cell."""
    rows = release.table("splits")
    mine = rows[(rows["split"] == split) & (rows["cell_id"] == cell)]
    test = mine.index[mine["role"] == "test"][0]
    train = mine.index[mine["role"] == "train"][-1]
    rows.loc[[test, train], "role"] = ["train", "test"]
    follow_split(release, split)


DEFECTS = (
    earlier_test_in_a_region,
    embargo_lost,
    dry_and_wet_swapped,
    test_cell_trains,
    water_limited_cell_trains,
    gauged_cell_tested,
    cell_lost,
    ranges_a_day_late,
    end_excluded,
    validation_and_test_swapped,
    wet_year_among_the_dry,
    rows_twice,
)
