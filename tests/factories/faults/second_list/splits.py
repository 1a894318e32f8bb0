"""Defects of `splits.parquet`."""

from __future__ import annotations

import pandas as pd

from factories.faults.second_list.folder import Folder, defect

DAY = pd.Timedelta(days=1)


def splits(words: str, unknowable: str = ""):
    """Register a defect that edits the table of splits, or returns another."""

    def register(edit):
        def apply(folder: Folder) -> None:
            other = edit(folder.get_table("splits"))
            if other is not None:
                folder.set_table("splits", other.reset_index(drop=True))

        return defect("splits", words, unknowable)(apply)

    return register


def find(rows, split, role=None, cell=None):
    """Return which rows are of a split, and of a role or cell where given."""
    found = rows["split"] == split
    if role is not None:
        found &= rows["role"] == role
    if cell is not None:
        found &= rows["cell_id"] == cell
    return found


def exchange(rows, split, one, other) -> None:
    """Exchange two roles within a split."""
    where = rows["split"] == split
    rows.loc[where, "role"] = rows.loc[where, "role"].replace({one: other, other: one})


@splits("train and test of a split changed places")
def _(rows):
    exchange(rows, "spatial", "train", "test")


@splits("validation and test of a split changed places")
def _(rows):
    exchange(rows, "temporal", "validation", "test")


@splits("train and validation of a shift changed places")
def _(rows):
    exchange(rows, "energy_to_water", "train", "validation")


@splits("no embargo between train and validation")
def _(rows):
    rows.loc[find(rows, "temporal", "train"), "end"] += 7 * DAY


@splits("the embargo before a cell's test is three days")
def _(rows):
    rows.loc[find(rows, "temporal", "validation", "11.625_2.375"), "end"] += 4 * DAY


@splits("train and test of a cell share 30 days")
def _(rows):
    rows.loc[find(rows, "temporal", "test", "11.625_2.375"), "start"] -= 30 * DAY


@splits("a cell is left out of a split")
def _(rows):
    return rows[~find(rows, "spatial", cell="11.625_2.375")]


@splits("a cell with too few days is tested")
def _(rows):
    new = rows[find(rows, "temporal", "test")].head(1).assign(cell_id="47.125_10.125")
    return pd.concat([rows, new])


@splits("the test period ends a month early")
def _(rows):
    rows.loc[find(rows, "temporal", "test"), "end"] -= 30 * DAY


@splits("the test period of one cell starts two months late")
def _(rows):
    rows.loc[find(rows, "temporal", "test", "11.625_2.375"), "start"] += 60 * DAY


@splits("one range ends before it starts")
def _(rows):
    row = rows.index[find(rows, "temporal", "test")][3]
    rows.loc[row, ["start", "end"]] = rows.loc[row, ["end", "start"]].values


@splits("ends lie outside: one day later")
def _(rows):
    rows["end"] += DAY


@splits("starts are one day late")
def _(rows):
    rows["start"] += DAY


@splits("rows of a split are doubled")
def _(rows):
    return pd.concat([rows, rows[rows["split"] == "ungauged"]])


@splits("a cell of a test block is trained on")
def _(rows):
    row = rows.index[find(rows, "spatial", "test")][0]
    rows.loc[row, "role"] = "train"


@splits("spatial blocks were drawn by cell and not by block")
def _(rows):
    where = rows["split"] == "spatial"
    rows.loc[where, "role"] = (
        rows.loc[where, "role"].sample(frac=1, random_state=3).values
    )


@splits("two cells of the ungauged split changed roles")
def _(rows):
    where = rows.index[rows["split"] == "ungauged"][:2]
    rows.loc[where, "role"] = rows.loc[where[::-1], "role"].values


@splits("the dry split has the years of the wet one")
def _(rows):
    wet = rows[rows["split"] == "wet_years"].assign(split="dry_years")
    return pd.concat([rows[rows["split"] != "dry_years"], wet])


@splits("dry and wet years are labelled the wrong way round")
def _(rows):
    rows["split"] = rows["split"].replace(
        {"dry_years": "wet_years", "wet_years": "dry_years"}
    )


@splits("the two shifts of regime are labelled the wrong way round")
def _(rows):
    names = {"energy_to_water": "water_to_energy", "water_to_energy": "energy_to_water"}
    rows["split"] = rows["split"].replace(names)


@splits("two years of a cell changed roles")
def _(rows):
    where = rows.index[find(rows, "dry_years", cell="-33.125_148.125")]
    test, train = (
        where[rows.loc[where, "role"] == "test"],
        where[rows.loc[where, "role"] == "train"],
    )
    rows.loc[test[0], "role"], rows.loc[train[0], "role"] = "train", "test"


@splits("ranges start at noon")
def _(rows):
    rows["start"] += pd.Timedelta(hours=12)


@splits("cells are written with two decimals")
def _(rows):
    rows["cell_id"] = [
        "_".join(f"{float(v):.2f}" for v in name.split("_")) for name in rows["cell_id"]
    ]


@splits("one cell isn't of the release")
def _(rows):
    row = rows.index[find(rows, "spatial", "train")][0]
    rows.loc[row, "cell_id"] = "0.125_0.125"


@splits("validation is called val")
def _(rows):
    rows["role"] = rows["role"].replace("validation", "val")


@splits("roles are capitalised")
def _(rows):
    rows["role"] = rows["role"].str.capitalize()


@splits("a split has another name")
def _(rows):
    rows["split"] = rows["split"].replace("spatial", "random")


@splits("all of a split is train")
def _(rows):
    rows.loc[rows["split"] == "ungauged", "role"] = "train"


@splits("a split has no validation")
def _(rows):
    return rows[~find(rows, "water_to_energy", "validation")]


@splits("the split in time lies a year early")
def _(rows):
    where = rows["split"] == "temporal"
    rows.loc[where, ["start", "end"]] -= 365 * DAY


@splits("test cells are tested on two years alone")
def _(rows):
    rows.loc[find(rows, "spatial", "test"), "start"] = pd.Timestamp("2020-01-01")


@splits("a whole split is gone")
def _(rows):
    return rows[rows["split"] != "wet_years"]


@splits("days are texts")
def _(rows):
    for name in ("start", "end"):
        rows[name] = rows[name].dt.strftime("%Y-%m-%d").astype(object)


@splits("days carry a time zone, and lie a few hours off")
def _(rows):
    for name in ("start", "end"):
        rows[name] = rows[name].dt.tz_localize("America/New_York")


@splits("a cell of the target regime is trained on")
def _(rows):
    row = rows.index[find(rows, "water_to_energy", "test")][0]
    rows.loc[row, "role"] = "train"


@splits("a cell of the train regime is tested")
def _(rows):
    row = rows.index[find(rows, "energy_to_water", "train")][0]
    rows.loc[row, "role"] = "test"


@splits("a cell is trained on after its test")
def _(rows):
    test = rows[find(rows, "temporal", "test", "11.625_2.375")].index[0]
    middle = pd.Timestamp("2021-06-01")
    new = rows.loc[[test]].assign(start=middle + 8 * DAY, role="train")
    rows.loc[test, "end"] = middle
    return pd.concat([rows, new])


@splits("a year of one cell's train range is left out")
def _(rows):
    train = rows.index[find(rows, "temporal", "train", "11.625_2.375")][0]
    rows.loc[train, "start"] += 366 * DAY


@splits("the train period starts two years late in every cell")
def _(rows):
    rows.loc[find(rows, "temporal", "train"), "start"] = pd.Timestamp("2018-01-01")
