"""Splits: kinds, thresholds, hash and audit, and the stage that writes them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import (
    cell_ids,
    days,
    grid_coords,
    make_cells,
    make_sensors,
    make_targets,
)
from somobench.catalog.archive import write_zarr_zip
from somobench.pipelines.splits import splits_of, write_splits
from somobench.schemas.errors import InputError, ValidationError
from somobench.schemas.recipe import (
    Recipe,
    SpatialSplitParams,
    SplitParams,
    TemporalSplitParams,
    load_recipe,
)
from somobench.schemas.tables import SPLITS
from somobench.schemas.validate import validate_table
from somobench.schemas.variables import ROLES
from somobench.split_audit import (
    audit_split,
    boundaries,
    days_in_two_roles,
    nearest_km,
)
from somobench.splits import (
    KINDS,
    Assignment,
    LeftOut,
    block_of,
    build_splits,
    split_sha256,
    split_spatial,
    split_table,
    split_temporal,
)

PERIOD = days(1461, "2016-01-01")  # to 2019-12-31, four years
TEMPORAL = TemporalSplitParams(
    validation_start=dt.date(2018, 1, 1),
    test_start=dt.date(2019, 1, 1),
    minimum_train_years=1.0,
)
SPATIAL = SpatialSplitParams(block_degrees=0.5, folds=4, seed=1, minimum_cells=6)


def grid_cells(rows: int, columns: int, *, south: float = 40.125) -> pd.DataFrame:
    """Return a lattice of quarter-degree cells east of 10 degrees."""
    places = [
        (south + row / 4, 10.125 + column / 4)
        for row in range(rows)
        for column in range(columns)
    ]
    frame = pd.DataFrame(places, columns=["latitude", "longitude"])
    names = [f"{latitude}_{longitude}" for latitude, longitude in places]
    return frame.assign(cell_id=names, region="europe")


def everywhere(cells: pd.DataFrame, period: pd.DatetimeIndex = PERIOD) -> Any:
    return np.ones((1, len(cells), len(period)), dtype=bool)


def rows_of(outcome: Assignment | LeftOut) -> pd.DataFrame:
    assert isinstance(outcome, Assignment), outcome
    return outcome.rows


def range_row(start: str, end: str, role: str, cell: str = "a") -> dict[str, Any]:
    return {
        "cell_id": cell,
        "start": pd.Timestamp(start),
        "end": pd.Timestamp(end),
        "role": role,
    }


def test_temporal_split_divides_the_period_at_its_two_dates() -> None:
    cells = grid_cells(1, 1)
    rows = rows_of(split_temporal(cells, PERIOD, everywhere(cells), TEMPORAL))
    found = [
        (f"{row.start:%Y-%m-%d}", f"{row.end:%Y-%m-%d}", row.role)
        for row in rows.itertuples()
    ]
    assert found == [
        ("2016-01-01", "2017-12-31", "train"),
        ("2018-01-01", "2018-12-31", "validation"),
        ("2019-01-01", "2019-12-31", "test"),
    ]


@pytest.mark.parametrize(
    ("train_days", "test_days", "taken"),
    [(90, 30, True), (89, 30, False), (90, 29, False)],
)
def test_cell_with_too_few_days_takes_no_part(
    train_days: int, test_days: int, taken: bool
) -> None:
    cells = grid_cells(1, 2)
    available = everywhere(cells)
    # Cell 1: train days spread evenly over the two train years, test days in a row.
    available[:, 1] = False
    spread = np.linspace(0, 730, train_days).round().astype(int)
    available[0, 1, spread] = True
    available[0, 1, 1096 : 1096 + test_days] = True
    outcome = split_temporal(cells, PERIOD, available, TEMPORAL)
    assert isinstance(outcome, Assignment)
    assert set(outcome.rows["cell_id"]) == set(cells["cell_id"][: 1 + taken])
    if not taken:
        reason = outcome.without[cells["cell_id"][1]]
        assert f"{train_days} train days" in reason
        assert f"{test_days} test days" in reason


@pytest.mark.parametrize(("span", "taken"), [(364, False), (365, True)])
def test_train_days_must_span_the_least_number_of_years(span: int, taken: bool) -> None:
    # floor(1 * 365.25) = 365 days from the first to the last train day, both counted
    cells = grid_cells(1, 1)
    available = everywhere(cells)
    available[0, 0, span:731] = False
    outcome = split_temporal(cells, PERIOD, available, TEMPORAL)
    assert isinstance(outcome, Assignment) is taken


def test_days_of_different_layers_do_not_add_up() -> None:
    cells = grid_cells(1, 1)
    available = np.zeros((2, 1, len(PERIOD)), dtype=bool)
    available[0, 0, :731] = True  # train only
    available[1, 0, 1096:] = True  # test only
    outcome = split_temporal(cells, PERIOD, available, TEMPORAL)
    assert isinstance(outcome, LeftOut)
    assert "no cell has enough days" in outcome.reason


@pytest.mark.parametrize(
    "emptied", [slice(0, 731), slice(731, 1096), slice(1096, None)]
)
def test_temporal_split_is_left_out_where_a_role_has_no_target(emptied: slice) -> None:
    cells = grid_cells(1, 1)
    available = everywhere(cells)
    available[:, :, emptied] = False
    assert isinstance(split_temporal(cells, PERIOD, available, TEMPORAL), LeftOut)


def test_temporal_split_outside_the_period_is_left_out_with_both_dates() -> None:
    late = TEMPORAL.model_copy(update={"test_start": dt.date(2020, 1, 1)})
    cells = grid_cells(1, 1)
    outcome = split_temporal(cells, PERIOD, everywhere(cells), late)
    assert isinstance(outcome, LeftOut)
    assert "2020-01-01" in outcome.reason
    assert "2019-12-31" in outcome.reason


def test_blocks_are_aligned_to_the_south_west_corner_of_the_globe() -> None:
    cells = pd.DataFrame(
        {"latitude": [-89.875, 0.125, 41.875], "longitude": [-179.875, -0.125, 10.625]}
    )
    # (41.875 + 90) / 0.5 = 263.75, (10.625 + 180) / 0.5 = 381.25
    assert block_of(cells, 0.5).tolist() == ["0_0", "180_359", "263_381"]


def test_cells_of_a_block_share_its_role_for_the_whole_period() -> None:
    cells = grid_cells(4, 6)  # 2 x 3 blocks of four cells
    rows = rows_of(split_spatial(cells, PERIOD, everywhere(cells), SPATIAL))
    assert len(rows) == 24
    assert set(rows["start"]) == {PERIOD[0]}
    assert set(rows["end"]) == {PERIOD[-1]}
    roles = rows.set_index("cell_id")["role"]
    by_block = roles.groupby(block_of(cells, 0.5).set_axis(cells["cell_id"])).nunique()
    assert by_block.tolist() == [1] * 6
    assert set(roles) == set(ROLES)


def test_folds_are_balanced_by_cells_and_by_region() -> None:
    # Eight equal blocks, four in each of two regions: every fold has one of each.
    cells = pd.concat(
        [
            grid_cells(4, 4),
            grid_cells(4, 4, south=-30.125 - 0.75).assign(region="oceania"),
        ],
        ignore_index=True,
    )
    rows = rows_of(split_spatial(cells, PERIOD, everywhere(cells), SPATIAL))
    roles = rows.merge(cells, on="cell_id").groupby(["region", "role"]).size()
    for region in ("europe", "oceania"):
        assert roles[region].to_dict() == {"test": 4, "validation": 4, "train": 8}


def one_large_block() -> pd.DataFrame:
    """Return one block of four cells in asia, four of one cell each in europe."""
    large = grid_cells(2, 2).assign(region="asia")
    small = grid_cells(1, 8, south=50.125).iloc[::2]
    return pd.concat([large, small], ignore_index=True)


def test_every_role_has_cells_of_a_region_with_enough_blocks() -> None:
    # Balancing all cells alone would keep europe out of the fold of the large block.
    cells = one_large_block()
    for seed in range(8):
        params = SPATIAL.model_copy(update={"seed": seed})
        rows = rows_of(split_spatial(cells, PERIOD, everywhere(cells), params))
        europe = rows[rows["cell_id"].isin(cells.loc[4:, "cell_id"])]
        assert set(europe["role"]) == set(ROLES)


def test_largest_block_is_not_always_in_one_role() -> None:
    cells = one_large_block()
    roles = set()
    for seed in range(16):
        params = SPATIAL.model_copy(update={"seed": seed})
        rows = rows_of(split_spatial(cells, PERIOD, everywhere(cells), params))
        roles |= set(rows.loc[rows["cell_id"] == cells["cell_id"][0], "role"])
    assert roles == set(ROLES)


def test_another_seed_gives_another_test_set() -> None:
    cells = grid_cells(8, 8)
    tests = set()
    for seed in range(8):
        params = SPATIAL.model_copy(update={"seed": seed})
        rows = rows_of(split_spatial(cells, PERIOD, everywhere(cells), params))
        tests.add(tuple(rows.loc[rows["role"] == "test", "cell_id"]))
    assert len(tests) > 4


@pytest.mark.parametrize(
    ("rows", "columns", "reason"),
    [
        (1, 5, "5 cells with a target, 6 needed"),
        (2, 6, "3 blocks of 0.5 degrees for 4"),
    ],
)
def test_spatial_split_is_left_out_with_too_few_cells_or_blocks(
    rows: int, columns: int, reason: str
) -> None:
    cells = grid_cells(rows, columns)
    outcome = split_spatial(cells, PERIOD, everywhere(cells), SPATIAL)
    assert isinstance(outcome, LeftOut)
    assert reason in outcome.reason


@given(
    st.integers(0, 1000), st.integers(2, 6), st.integers(4, 7), st.integers(0, 10_000)
)
@settings(max_examples=25, deadline=None)
def test_splits_are_disjoint_cover_their_cells_and_ignore_order(
    seed: int, rows: int, columns: int, noise: int
) -> None:
    rng = np.random.default_rng(noise)
    cells = grid_cells(rows, columns).assign(
        region=rng.choice(["europe", "asia"], rows * columns)
    )
    available = rng.random((2, len(cells), len(PERIOD))) < rng.random(
        (1, len(cells), 1)
    )
    params = SplitParams(
        temporal=TEMPORAL,
        spatial=SpatialSplitParams(
            block_degrees=0.5, folds=3, seed=seed, minimum_cells=6
        ),
    )
    found = build_splits(params, cells, PERIOD, available)
    assert set(found) == {"temporal", "spatial"}
    order = rng.permutation(len(cells))
    again = build_splits(params, cells.iloc[order], PERIOD, available[:, order])
    for name, outcome in found.items():
        if isinstance(outcome, LeftOut):
            assert isinstance(again[name], LeftOut)
            continue
        pd.testing.assert_frame_equal(rows_of(again[name]), outcome.rows)
        assert days_in_two_roles(outcome.rows) == 0
        lengths = (outcome.rows["end"] - outcome.rows["start"]).dt.days + 1
        covered = lengths.groupby(outcome.rows["cell_id"]).sum()
        assert (covered == len(PERIOD)).all()
        assert not set(covered.index) & set(outcome.without)


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


def test_audit_counts_days_that_two_rows_share() -> None:
    rows = pd.DataFrame(
        [
            range_row("2018-01-01", "2018-01-10", "train"),
            range_row("2018-01-08", "2018-01-12", "test"),  # shares 8, 9, 10
            range_row("2018-01-09", "2018-01-09", "validation"),  # and 9 once more
            range_row("2018-01-01", "2018-01-31", "test", cell="b"),
        ]
    )
    assert days_in_two_roles(rows) == 4


def test_nearest_distance_is_the_great_circle() -> None:
    cells = pd.DataFrame(
        {
            "cell_id": ["a", "b", "c"],
            "latitude": [0.0, 0.0, 60.0],
            "longitude": [0.0, 1.0, 0.0],
        }
    )
    # One degree of the equator: 6371.0088 km * pi / 180 = 111.195 km
    assert nearest_km(cells, {"a"}, {"b", "c"}) == pytest.approx(111.195, abs=1e-3)
    assert nearest_km(cells, {"a"}, {"a", "b"}) == 0
    assert nearest_km(cells, {"a"}, set()) is None


def test_boundaries_report_embargo_and_the_days_that_lags_share() -> None:
    rows = pd.DataFrame(
        [
            range_row("2018-01-01", "2018-01-10", "train"),
            range_row("2018-01-11", "2018-01-13", "validation"),
            range_row("2018-01-14", "2018-01-31", "test"),
        ]
    )
    found = {(item["from"], item["to"]): item for item in boundaries(rows, 7)}
    assert found["train", "validation"] == {
        "from": "train",
        "to": "validation",
        "embargo_days": 0,
        "shared_forcing_days": 7,
        "shared_target_days": 1,
    }
    # Three days of validation lie between train and test: 7 - 3 = 4 are shared.
    assert found["train", "test"]["embargo_days"] == 3
    assert found["train", "test"]["shared_forcing_days"] == 4
    assert found["train", "test"]["shared_target_days"] == 0


def test_audit_names_stations_on_both_sides_of_a_spatial_split() -> None:
    rows = pd.DataFrame(
        [
            range_row("2018-01-01", "2018-01-10", "train", cell="a"),
            range_row("2018-01-01", "2018-01-10", "test", cell="b"),
        ]
    )
    cells = pd.DataFrame(
        {"cell_id": ["a", "b"], "latitude": [0.0, 0.0], "longitude": [0.0, 1.0]}
    )
    stations = pd.DataFrame(
        {"station_id": ["N/moved", "N/moved", "N/here"], "cell_id": ["a", "b", "a"]}
    )
    some, none = np.array([5]), np.array([0])
    audit = audit_split(
        rows, cells, stations, {"train": some, "validation": none, "test": some}, 7
    )
    assert audit["stations_in_train_and_test"] == {"count": 1, "first": ["N/moved"]}
    assert audit["empty_roles"] == ["validation"]
    assert audit["cells_in_train_and_test"] == 0
    assert audit["nearest_train_test_km"] == pytest.approx(111.195, abs=1e-3)


@pytest.fixture
def recipe(repository: Path) -> Recipe:
    content = load_recipe(repository / "params.yaml").model_dump()
    content["splits"]["temporal"] = TEMPORAL.model_dump()
    content["period"] = {"start": PERIOD[0].date(), "end": PERIOD[-1].date()}
    return Recipe.model_validate(content)


@pytest.fixture
def available() -> xr.DataArray:
    grid = xr.Dataset(coords=grid_coords()).drop_vars("time")
    grid = grid.assign_coords(time=PERIOD)
    shape = (3, 2, len(PERIOD))
    grid["available"] = (("layer", "cell", "time"), np.ones(shape, dtype=bool))
    return grid["available"]


def test_report_holds_definition_hash_and_audit_of_each_split(
    available: xr.DataArray, recipe: Recipe
) -> None:
    table, report = splits_of(available, make_cells(), make_sensors(), recipe)
    validate_table(table, SPLITS, "splits.parquet")
    assert report["left_out"] == {"spatial": "2 cells with a target, 10 needed"}
    temporal = report["splits"]["temporal"]
    assert temporal["sha256"] == split_sha256(table)
    assert temporal["definition"]["parameters"]["test_start"] == "2019-01-01"
    assert temporal["definition"]["cells"] == 2
    audit = temporal["audit"]
    # Two cells: 731 train, 365 validation and 365 test days each, in three layers.
    assert audit["cell_days"] == {"train": 1462, "validation": 730, "test": 730}
    assert audit["target_days_by_layer"]["test"] == [730, 730, 730]
    assert audit["stations_in_train_and_test"]["count"] == 2
    assert audit["nearest_train_test_km"] == 0
    json.dumps(report, allow_nan=False)


def test_split_with_a_day_in_two_roles_is_refused(
    available: xr.DataArray, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overlapping(*_: object) -> Assignment:
        rows = [
            range_row("2016-01-01", "2018-01-01", "train", cell_ids()[0]),
            range_row("2018-01-01", "2018-06-30", "validation", cell_ids()[0]),
            range_row("2018-07-01", "2019-12-31", "test", cell_ids()[0]),
        ]
        return Assignment(pd.DataFrame(rows), {}, {})

    monkeypatch.setattr("somobench.splits.KINDS", {**KINDS, "temporal": overlapping})
    with pytest.raises(ValidationError, match="1 days_in_two_roles"):
        splits_of(available, make_cells(), make_sensors(), recipe)


def test_cell_absent_from_the_cells_table_is_refused(
    available: xr.DataArray, recipe: Recipe
) -> None:
    with pytest.raises(InputError, match=cell_ids()[1]):
        splits_of(available, make_cells(count=1), make_sensors(), recipe)


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
    write_zarr_zip(make_targets(length=1461), tmp_path / "targets.zarr.zip")
    make_cells().to_parquet(tmp_path / "cells.parquet")
    make_sensors().to_parquet(tmp_path / "stations.parquet")
    names = ("splits.parquet", "splits.json")
    runs = []
    for _ in range(2):
        write_splits(shifted, tmp_path)
        runs.append([(tmp_path / name).read_bytes() for name in names])
    assert runs[0] == runs[1]
    written = pd.read_parquet(tmp_path / "splits.parquet")
    report = json.loads(runs[0][1])
    assert split_sha256(written) == report["splits"]["temporal"]["sha256"]
