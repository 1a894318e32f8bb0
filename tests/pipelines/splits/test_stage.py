"""Splits of every kind audited, their hash, and the stage that writes them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from factories.days import (
    cell_ids,
    make_cells,
    make_forcing,
    make_sensors,
    make_targets,
)
from factories.splits import (
    PERIOD,
    REGIMES,
    SIX_YEARS,
    SPATIAL,
    TEMPORAL,
    UNGAUGED,
    YEARS,
    grid_cells,
    make_data,
    make_sources,
    range_row,
    rows_of,
)
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.pipelines.splits import build_recipe_splits, write_splits
from somobench.schemas.errors import InputError, ValidationError
from somobench.schemas.recipe import Recipe, SplitParams, load_recipe
from somobench.schemas.tables import SPLITS
from somobench.schemas.validate import validate_table
from somobench.splits import (
    KINDS,
    QUESTIONS,
    Assignment,
    LeftOut,
    SplitData,
    build_splits,
    definition_of,
    split_sha256,
    split_table,
)
from somobench.splits.audit import audit_split
from somobench.splits.data import list_sources

pytestmark = pytest.mark.heavy


@st.composite
def worlds(draw: st.DrawFn) -> SplitData:
    """Draw cells in two regions with networks, weather and gaps, on six years."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    cells = grid_cells(draw(st.integers(2, 5)), draw(st.integers(4, 6)))
    count = len(cells)
    cells = cells.assign(
        region=rng.choice(["europe", "asia"], count),
        dryness=rng.choice([0.5, 0.9, 1.0, 1.5, 3.0, np.nan], count),
    )
    available = rng.random((2, count, len(SIX_YEARS))) < rng.random((1, count, 1))
    available[:, :, : rng.integers(1, 400)] &= rng.random((1, count, 1)) < 0.5
    networks = rng.choice(["A", "B", "C", "D"], count)
    sources = make_sources(cells, networks.tolist())
    # Fillers of gaps: some from other networks, some known from another cell.
    filler = sources.sample(draw(st.integers(0, 3)), random_state=1)
    moved = filler.assign(cell_id=rng.choice(cells["cell_id"], len(filler)))
    return make_data(
        cells,
        available,
        period=SIX_YEARS,
        sources=pd.concat([sources, moved], ignore_index=True),
        forcing={
            "precipitation": rng.gamma(0.3, 8, (count, len(SIX_YEARS))),
            "net_radiation": rng.gamma(9, 1, (count, len(SIX_YEARS))),
        },
        lags=draw(st.sampled_from([0, 7, 30])),
    )


def every_kind(seed: int) -> SplitParams:
    return SplitParams(
        temporal=TEMPORAL,
        spatial=SPATIAL.model_copy(update={"folds": 3, "seed": seed}),
        ungauged=UNGAUGED.model_copy(update={"seed": seed}),
        dry_years=YEARS,
        wet_years=YEARS.model_copy(update={"first_month": 1 + seed % 2}),
        energy_to_water=REGIMES.model_copy(update={"seed": seed}),
        water_to_energy=REGIMES.model_copy(update={"seed": seed}),
    )


@given(worlds(), st.integers(0, 1000))
@settings(max_examples=12, deadline=None)
def test_splits_pass_their_audit_and_ignore_order(data: SplitData, seed: int) -> None:
    params = every_kind(seed)
    found = build_splits(params, data)
    assert set(found) == set(KINDS)
    order = np.random.default_rng(seed).permutation(len(data.cells))
    again = build_splits(params, data.chosen(order))
    for name, outcome in found.items():
        if isinstance(outcome, LeftOut):
            assert again[name] == outcome
            continue
        pd.testing.assert_frame_equal(rows_of(again[name]), outcome.rows)
        taken = set(outcome.rows["cell_id"])
        assert not taken & set(outcome.without)
        assert taken | set(outcome.without) <= set(data.cells["cell_id"])
        with_regime = data.cells.assign(regime=np.sign(data.cells["dryness"] - 1))
        definition = definition_of(name, getattr(params, name), outcome)
        whole = replace(data, cells=with_regime)
        audit = audit_split(outcome.rows, whole, definition)
        assert not audit.failures


def test_every_kind_is_a_parameter_of_the_recipe() -> None:
    assert set(KINDS) == set(SplitParams.model_fields)


def test_hash_is_that_of_the_sorted_lines() -> None:
    rows = pd.DataFrame(
        [
            range_row("2019-01-01", "2019-12-31", "test"),
            range_row("2016-01-01", "2018-12-31", "train"),
        ]
    ).assign(split="temporal")
    text = (
        "temporal,a,2016-01-01,2018-12-31,train\n"
        "temporal,a,2019-01-01,2019-12-31,test\n"
    )
    assert split_sha256(rows) == hashlib.sha256(text.encode()).hexdigest()
    assert split_sha256(rows.iloc[::-1]) == split_sha256(rows)
    moved = rows.assign(end=rows["end"] - pd.Timedelta(days=1))
    assert split_sha256(moved) != split_sha256(rows)


def test_table_of_no_split_at_all_holds_its_schema() -> None:
    table = split_table({})
    assert len(table) == 0
    validate_table(table, SPLITS, "splits.parquet")


@pytest.fixture
def recipe(repository: Path) -> Recipe:
    content = load_recipe(repository / "params.yaml").model_dump()
    content["splits"] = {
        "temporal": TEMPORAL.model_dump(),
        "spatial": SPATIAL.model_dump(),
        "dry_years": YEARS.model_dump(),
    }
    content["period"] = {"start": PERIOD[0].date(), "end": PERIOD[-1].date()}
    return Recipe.model_validate(content)


@pytest.fixture
def data() -> SplitData:
    cells = make_cells()
    available = np.ones((3, 2, len(PERIOD)), dtype=bool)
    return make_data(cells, available)


def test_report_holds_definition_hash_and_audit_of_each_split(
    data: SplitData, recipe: Recipe
) -> None:
    table, report = build_recipe_splits(data, recipe)
    validate_table(table, SPLITS, "splits.parquet")
    assert report["left_out"] == {
        "dry_years": "4 complete years in the period, 6 needed",
        "spatial": "2 cells with a target, 6 needed",
    }
    temporal = report["splits"]["temporal"]
    assert temporal["sha256"] == split_sha256(table)
    assert temporal["definition"]["parameters"]["test_start"] == "2019-01-01"
    assert temporal["definition"]["embargo_days"] == 7
    assert temporal["definition"]["cells"] == 2
    audit = temporal["audit"]
    # Two cells: 731 - 7 train, 365 - 7 validation and 365 test days, in three layers.
    assert audit["cell_days"] == {"train": 1448, "validation": 716, "test": 730}
    assert audit["target_days_by_layer"]["test"] == [730, 730, 730]
    assert audit["stations"] == {"train": 2, "test": 2, "both": 2}
    assert audit["distance_km"]["train to test"] == {"nearest": 0.0, "median": 0.0}
    assert {item["severity"] for item in audit["findings"]} == {"reported"}
    json.dumps(report, allow_nan=False)


def test_split_whose_audit_fails_is_refused_with_what_was_found(
    data: SplitData, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overlapping(*_: object) -> Assignment:
        rows = [
            range_row("2016-01-01", "2018-01-01", "train", cell_ids()[0]),
            range_row("2018-01-01", "2018-06-30", "validation", cell_ids()[0]),
            range_row("2018-07-08", "2019-12-31", "test", cell_ids()[0]),
        ]
        return Assignment(pd.DataFrame(rows), {}, {})

    monkeypatch.setattr("somobench.splits.KINDS", {**KINDS, "temporal": overlapping})
    with pytest.raises(ValidationError, match="1 days_in_two_roles"):
        build_recipe_splits(data, recipe)


def test_sources_name_primaries_and_fillers_of_gaps_with_their_stations() -> None:
    stations = make_sensors(count=3)
    first, second, third = stations["sensor_id"]
    rows = [
        {"layer": 1, "cell_id": "a", "primary": second, "gap-filling": [first]},
        {"layer": 2, "cell_id": "a", "primary": second, "gap-filling": []},
    ]
    found = list_sources({"sources": rows}, stations)
    assert found[["cell_id", "sensor_id"]].to_numpy().tolist() == [
        ["a", first],
        ["a", second],
    ]
    assert found["station_id"].tolist() == stations["station_id"].tolist()[:2]
    assert third not in set(found["sensor_id"])


def test_sensor_absent_from_the_stations_table_is_refused() -> None:
    rows = [{"layer": 1, "cell_id": "a", "primary": "N/S/5-5/x", "gap-filling": []}]
    with pytest.raises(InputError, match="N/S/5-5/x"):
        list_sources({"sources": rows}, make_sensors())


def yearly_forcing(length: int) -> xr.Dataset:
    """Return forcing with days of as much rain as any year has: 8 mm."""
    forcing = make_forcing(length=length)
    rain = forcing["precipitation"]
    return forcing.assign(precipitation=rain.copy(data=2 * rain.to_numpy()))


def write_inputs(folder: Path, *, cells: int = 2) -> None:
    write_zarr_zip(make_targets(length=1461), folder / "targets.zarr.zip")
    write_zarr_zip(yearly_forcing(1461), folder / "forcing.zarr.zip")
    make_cells(count=cells).to_parquet(folder / "cells.parquet")
    sensors = make_sensors()
    sensors.to_parquet(folder / "stations.parquet")
    sources = [
        {"layer": 1, "cell_id": cell, "primary": sensor, "gap-filling": []}
        for cell, sensor in zip(sensors["cell_id"], sensors["sensor_id"], strict=True)
    ]
    (folder / "targets.json").write_text(json.dumps({"sources": sources}))


def test_cell_absent_from_the_cells_table_is_refused(
    tmp_path: Path, recipe: Recipe
) -> None:
    write_inputs(tmp_path, cells=1)
    with pytest.raises(InputError, match=cell_ids()[1]):
        write_splits(recipe, tmp_path)


def test_forcing_of_other_days_than_the_targets_is_refused(
    tmp_path: Path, recipe: Recipe
) -> None:
    write_inputs(tmp_path)
    write_zarr_zip(yearly_forcing(1460), tmp_path / "forcing.zarr.zip")
    with pytest.raises(InputError, match="1460 days"):
        write_splits(recipe, tmp_path)


def test_stage_writes_the_same_bytes_twice(tmp_path: Path, recipe: Recipe) -> None:
    # The factory's days begin in 2018, two years after those of `recipe`.
    later = TEMPORAL.model_copy(
        update={
            "validation_start": dt.date(2020, 1, 1),
            "test_start": dt.date(2021, 1, 1),
        }
    )
    splits = recipe.splits.model_copy(update={"temporal": later})
    shifted = recipe.model_copy(update={"splits": splits})
    write_inputs(tmp_path)
    names = ("splits.parquet", "splits.json")
    runs = []
    for _ in range(2):
        write_splits(shifted, tmp_path)
        runs.append([(tmp_path / name).read_bytes() for name in names])
    assert runs[0] == runs[1]
    written = pd.read_parquet(tmp_path / "splits.parquet")
    report = json.loads(runs[0][1])
    assert split_sha256(written) == report["splits"]["temporal"]["sha256"]


def test_every_kind_says_what_it_asks_in_one_sentence() -> None:
    assert set(QUESTIONS) == set(KINDS)
    assert all(
        text.count("?") == 1 and text.endswith("?") for text in QUESTIONS.values()
    )
