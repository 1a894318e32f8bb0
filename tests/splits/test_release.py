"""Rows of one's own audited against a release: what is found, and what is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from factories.splits import grid_cells, make_data, range_row
from somobench.catalog.resolve import resolve
from somobench.schemas.errors import (
    SomobenchError,
    UnknownNameError,
    ValidationError,
)
from somobench.splits import (
    SplitAudit,
    SplitData,
    audit_rows,
    open_split_data,
    spatial_fold,
    split_definition,
)
from somobench.splits.audit import audit_split
from somobench.splits.checks import CHECKS, check_named, list_checks

pytestmark = pytest.mark.heavy

RELEASE = "virtual-1.0.0"
SPLITS = (
    "dry_years",
    "energy_to_water",
    "spatial",
    "temporal",
    "ungauged",
    "water_to_energy",
    "wet_years",
)


@pytest.fixture(scope="module")
def published() -> SplitData:
    return open_split_data(RELEASE)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_parquet(resolve(RELEASE).get_path("splits.parquet"))


@pytest.mark.parametrize("split", SPLITS)
def test_audit_of_a_published_split_is_the_published_audit(
    published: SplitData, table: pd.DataFrame, split: str
) -> None:
    rows = table[table["split"] == split]
    found = audit_rows(rows, published, split_definition(RELEASE, split)).content()
    record = resolve(RELEASE).manifest.splits[split]
    # Releases before 2.0.0 say twice how many lagged days two roles share.
    published_audit = {**record.audit}
    published_audit["boundaries"] = [
        {
            **{key: item[key] for key in ("from", "to", "embargo_days")},
            "shared_days": item["shared_forcing_days"],
        }
        for item in record.audit["boundaries"]
    ]
    assert {key: found[key] for key in record.audit} == published_audit


def test_release_is_known_by_its_name(table: pd.DataFrame) -> None:
    rows = table[table["split"] == "temporal"].copy()
    definition = split_definition(RELEASE, "temporal")
    assert audit_rows(rows, RELEASE, definition).failures == ()
    first = rows["cell_id"].iloc[0]
    rows.loc[rows["cell_id"] == first, "role"] = "train"  # of the test period as well
    checks = {item.check for item in audit_rows(rows, RELEASE, definition).failures}
    assert "date_kept_apart" in checks


@pytest.mark.parametrize("fold", range(5))
def test_every_fold_of_the_published_spatial_split_passes(
    published: SplitData, fold: int
) -> None:
    definition = split_definition(RELEASE, "spatial")
    rows = spatial_fold(published.cells, published.days, definition, fold)
    audit = audit_rows(rows, published, definition)
    assert audit.failures == ()
    assert "block_kept_apart" in audit.checks


def test_unknown_names_are_refused_with_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match="virtual-1.0.0"):
        open_split_data("virtual")
    with pytest.raises(UnknownNameError, match="did you mean 'spatial'"):
        split_definition(RELEASE, "spacial")


def make_world() -> SplitData:
    """Return 2 cells half a degree apart, with a station each."""
    return make_data(grid_cells(1, 3).iloc[[0, 2]].reset_index(drop=True))


def make_rows(world: SplitData) -> pd.DataFrame:
    """Return rows without a leak: one cell trains and validates, one is tested."""
    one, other = world.names
    return pd.DataFrame(
        [
            range_row("2016-01-01", "2017-12-31", "train", one),
            range_row("2018-01-09", "2018-12-31", "validation", one),
            range_row("2016-01-01", "2019-12-31", "test", other),
        ]
    )


def changed(column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return what puts a value into the first row of a table."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        values = rows[column].tolist()
        return rows.assign(**{column: pd.Series([value, *values[1:]], rows.index)})

    return change


def both(rows: pd.DataFrame, data: SplitData) -> list[Callable[[], SplitAudit]]:
    """Return the two doors to an audit."""
    return [
        lambda: audit_rows(rows, data),
        lambda: audit_split(rows, data),
    ]


def test_rows_without_a_leak_raise_no_alarm() -> None:
    world = make_world()
    assert audit_rows(make_rows(world), world).failures == ()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows.iloc[:0], "rows: found no row"),
        (changed("role", "tain"), "such as tain, expected one of train"),
        (changed("role", None), "rows, role: found non-nullable series"),
        (
            changed("end", pd.Timestamp("2015-12-31")),
            "2015-12-31 00:00:00, …, expected start not after end",
        ),
        (changed("start", pd.NaT), "rows, start: found non-nullable series"),
        (changed("start", pd.Timestamp("2016-01-01 06:00")), "expected days at 00:00"),
        (changed("start", pd.Timestamp("2016-01-01", tz="UTC")), "datetime64[ns]"),
        (changed("start", "2016-01-01"), "rows, start: found dtype object"),
        (changed("end", pd.Timestamp("2261-01-01")), "1900 to 2199"),
        (changed("cell_id", None), "rows, cell_id: found non-nullable series"),
        (changed("cell_id", " "), "expected text that isn't blank"),
    ],
)
def test_malformed_rows_are_refused_with_what_was_found(
    spoil: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    world = make_world()
    for audit in both(spoil(make_rows(world)), world):
        with pytest.raises(ValidationError, match=re.escape(message)):
            audit()


def test_all_that_is_wrong_is_reported_at_once() -> None:
    world = make_world()
    rows = changed("role", "x")(make_rows(world))
    cells = changed("latitude", 91.0)(world.cells)
    with pytest.raises(ValidationError) as caught:
        audit_rows(rows, replace(world, cells=cells))
    assert [item.where for item in caught.value.failures] == [
        "rows, role",
        "cells, latitude",
    ]


@pytest.mark.parametrize("column", ["cell_id", "start", "end", "role"])
def test_rows_without_a_column_are_refused(column: str) -> None:
    world = make_world()
    for audit in both(make_rows(world).drop(columns=column), world):
        with pytest.raises(
            ValidationError, match=f"column '{column}' not in dataframe"
        ):
            audit()


def test_cell_that_is_listed_twice_is_refused() -> None:
    world = make_world()
    cells = pd.concat([world.cells, world.cells.iloc[[0]]], ignore_index=True)
    twice = replace(world, cells=cells, available=world.available[:, [0, 1, 0]])
    for audit in both(make_rows(world), twice):
        with pytest.raises(ValidationError, match=r"40.125_10.125 more than once"):
            audit()


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("cells", pd.DataFrame(columns=["cell_id", "latitude", "longitude"])),
        (
            "sources",
            pd.DataFrame(columns=["cell_id", "station_id", "latitude", "longitude"]),
        ),
    ],
)
def test_empty_table_of_places_is_refused(name: str, table: pd.DataFrame) -> None:
    world = make_world()
    with pytest.raises(ValidationError, match=f"{name}: found no row"):
        audit_rows(make_rows(world), replace(world, **{name: table}))


def test_place_that_is_not_known_is_refused() -> None:
    world = make_world()
    sources = changed("longitude", float("nan"))(world.sources)
    with pytest.raises(ValidationError, match="sources, longitude: found non-nullable"):
        audit_rows(make_rows(world), replace(world, sources=sources))


def test_other_things_than_tables_and_definitions_are_refused() -> None:
    world = make_world()
    rows = make_rows(world)
    not_a_table: Any = rows.to_dict("records")
    wrong_shape = replace(world, available=world.available[:, :1])
    attempts: list[Callable[[], SplitAudit]] = [
        lambda: audit_rows(not_a_table, world),
        lambda: audit_rows(rows, wrong_shape),
        lambda: audit_rows(rows, replace(world, lags=-1)),
        lambda: audit_rows(rows, world, {}),
        lambda: audit_rows(rows, world, {"kind": "random"}),
        lambda: audit_rows(rows, world, {"kind": "spatial", "parameters": {}}),
        lambda: audit_rows(rows, world, {"kind": "energy_to_water"}),
    ]
    for attempt in attempts:
        with pytest.raises(SomobenchError, match="expected:"):
            attempt()


def test_every_finding_is_one_of_the_checks_and_says_something(
    published: SplitData, table: pd.DataFrame
) -> None:
    for split in SPLITS:
        rows = table[table["split"] == split].drop(columns="split")
        leaky = pd.concat([rows, rows.assign(role="test")], ignore_index=True)
        audit = audit_rows(leaky, published, split_definition(RELEASE, split))
        assert audit.failures
        for item in audit.findings:
            assert item.check in audit.checks
            assert item.found
            assert item.severity == check_named(item.check).severity


def test_checks_name_the_promise_of_the_split_where_it_makes_one() -> None:
    assert list_checks(None) == tuple(CHECKS)
    named = set(list_checks("network")) - set(CHECKS)
    assert named == {"network_kept_apart"}
    assert "a network of two roles" in check_named("network_kept_apart").looks_for


def test_code_of_the_page_on_splits_runs() -> None:
    root = Path(__file__).resolve().parents[2]
    text = (root / "docs" / "splits.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 2
    code = "\n".join(blocks)
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
