"""Splits: kinds, thresholds, hash and audit, and the stage that writes them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import cell_ids, make_cells, make_forcing, make_sensors, make_targets
from somobench.catalog.archive import write_zarr_zip
from somobench.pipelines.splits import splits_of, write_splits
from somobench.schemas.errors import InputError, UsageError, ValidationError
from somobench.schemas.recipe import Recipe, SplitParams, load_recipe
from somobench.schemas.tables import SPLITS
from somobench.schemas.validate import validate_table
from somobench.schemas.variables import ROLES
from somobench.split_audit import audit_split
from somobench.split_by_blocks import block_of, split_spatial
from somobench.split_by_dates import split_temporal
from somobench.split_claims import claim_of
from somobench.split_parts import target_days
from somobench.split_sources import sources_of
from somobench.splits import (
    KINDS,
    QUESTIONS,
    Assignment,
    LeftOut,
    SplitData,
    build_splits,
    definition_of,
    spatial_fold,
    split_sha256,
    split_table,
)
from split_factory import (
    PERIOD,
    REGIMES,
    SIX_YEARS,
    SPATIAL,
    TEMPORAL,
    UNGAUGED,
    YEARS,
    everywhere,
    grid_cells,
    make_data,
    make_sources,
    range_row,
    roles_of,
    rows_of,
)


def test_temporal_split_divides_the_period_at_its_two_dates() -> None:
    # Each part before a date ends seven days, the lags, earlier.
    cells = grid_cells(1, 1)
    rows = rows_of(split_temporal(make_data(cells), TEMPORAL))
    found = [
        (f"{row.start:%Y-%m-%d}", f"{row.end:%Y-%m-%d}", row.role)
        for row in rows.itertuples()
    ]
    assert found == [
        ("2016-01-01", "2017-12-24", "train"),
        ("2018-01-01", "2018-12-24", "validation"),
        ("2019-01-01", "2019-12-31", "test"),
    ]


@pytest.mark.parametrize(
    ("train_days", "test_days", "roles"),
    [(90, 30, set(ROLES)), (89, 30, set()), (90, 29, {"train"})],
)
def test_cell_with_too_few_days_only_trains_or_takes_no_part(
    train_days: int, test_days: int, roles: set[str]
) -> None:
    cells = grid_cells(1, 2)
    available = everywhere(cells)
    # Cell 1: train days spread evenly over the 724 of the train part (731 less the
    # embargo), test days in a row.
    available[:, 1] = False
    spread = np.linspace(0, 723, train_days).round().astype(int)
    available[0, 1, spread] = True
    available[0, 1, 1096 : 1096 + test_days] = True
    outcome = split_temporal(make_data(cells, available), TEMPORAL)
    assert isinstance(outcome, Assignment)
    name = cells["cell_id"][1]
    assert set(outcome.rows.loc[outcome.rows["cell_id"] == name, "role"]) == roles
    reasons = {**outcome.without, **outcome.notes["cells_train_only"]}
    assert (name in outcome.without) is (not roles)
    assert (name in outcome.notes["cells_train_only"]) is (roles == {"train"})
    if roles != set(ROLES):
        assert f"{train_days} train days" in reasons[name]
        assert f"{test_days} test days" in reasons[name]


@pytest.mark.parametrize(("span", "taken"), [(364, False), (365, True)])
def test_train_days_must_span_the_least_number_of_years(span: int, taken: bool) -> None:
    # floor(1 * 365.25) = 365 days from the first to the last train day, both counted
    cells = grid_cells(1, 1)
    available = everywhere(cells)
    available[0, 0, span:731] = False
    outcome = split_temporal(make_data(cells, available), TEMPORAL)
    assert isinstance(outcome, Assignment) is taken


def test_days_of_different_layers_do_not_add_up() -> None:
    cells = grid_cells(1, 1)
    available = np.zeros((2, 1, len(PERIOD)), dtype=bool)
    available[0, 0, :731] = True  # train only
    available[1, 0, 1096:] = True  # test only
    outcome = split_temporal(make_data(cells, available), TEMPORAL)
    assert isinstance(outcome, LeftOut)
    assert "no cell has enough days" in outcome.reason


@pytest.mark.parametrize(
    "emptied", [slice(0, 731), slice(731, 1096), slice(1096, None)]
)
def test_temporal_split_is_left_out_where_a_role_has_no_target(emptied: slice) -> None:
    cells = grid_cells(1, 1)
    available = everywhere(cells)
    available[:, :, emptied] = False
    params = SplitParams(temporal=TEMPORAL)
    found = build_splits(params, make_data(cells, available))["temporal"]
    assert isinstance(found, LeftOut)


def test_temporal_split_outside_the_period_is_left_out_with_both_dates() -> None:
    late = TEMPORAL.model_copy(update={"test_start": dt.date(2020, 1, 1)})
    cells = grid_cells(1, 1)
    outcome = split_temporal(make_data(cells), late)
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
    rows = rows_of(split_spatial(make_data(cells), SPATIAL))
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
    rows = rows_of(split_spatial(make_data(cells), SPATIAL))
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
        rows = rows_of(split_spatial(make_data(cells), params))
        europe = rows[rows["cell_id"].isin(cells.loc[4:, "cell_id"])]
        assert set(europe["role"]) == set(ROLES)


def test_largest_block_is_not_always_in_one_role() -> None:
    cells = one_large_block()
    roles = set()
    for seed in range(16):
        params = SPATIAL.model_copy(update={"seed": seed})
        rows = rows_of(split_spatial(make_data(cells), params))
        roles |= set(rows.loc[rows["cell_id"] == cells["cell_id"][0], "role"])
    assert roles == set(ROLES)


def test_another_seed_gives_another_test_set() -> None:
    cells = grid_cells(8, 8)
    tests = set()
    for seed in range(8):
        params = SPATIAL.model_copy(update={"seed": seed})
        rows = rows_of(split_spatial(make_data(cells), params))
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
    outcome = split_spatial(make_data(cells), SPATIAL)
    assert isinstance(outcome, LeftOut)
    assert reason in outcome.reason


def test_folds_of_a_published_definition_test_every_cell_once() -> None:
    data = make_data(grid_cells(4, 6))
    outcome = split_spatial(data, SPATIAL)
    assert isinstance(outcome, Assignment)
    published = json.loads(json.dumps(definition_of("spatial", SPATIAL, outcome)))
    folds = [spatial_fold(data.cells, PERIOD, published, k) for k in range(4)]
    pd.testing.assert_frame_equal(folds[0], outcome.rows)
    roles = pd.concat([fold.set_index("cell_id")["role"] for fold in folds], axis=1)
    for role, times in {"test": 1, "validation": 1, "train": 2}.items():
        assert ((roles == role).sum(axis=1) == times).all()


def test_another_fold_of_the_recipe_is_that_of_the_definition() -> None:
    data = make_data(grid_cells(4, 6))
    first = split_spatial(data, SPATIAL)
    other = split_spatial(data, SPATIAL.model_copy(update={"fold": 2}))
    assert isinstance(first, Assignment)
    definition = definition_of("spatial", SPATIAL, first)
    again = spatial_fold(data.cells, PERIOD, definition, 2)
    pd.testing.assert_frame_equal(rows_of(other), again)
    assert not again.equals(first.rows)


def test_fold_that_does_not_exist_is_refused() -> None:
    data = make_data(grid_cells(4, 6))
    outcome = split_spatial(data, SPATIAL)
    assert isinstance(outcome, Assignment)
    definition = definition_of("spatial", SPATIAL, outcome)
    for fold in (4, -1):
        with pytest.raises(UsageError, match=f"{fold}\n.*from 0 to 3"):
            spatial_fold(data.cells, PERIOD, definition, fold)


def test_cells_that_the_definition_does_not_know_have_no_fold() -> None:
    data = make_data(grid_cells(4, 6))
    outcome = split_spatial(data, SPATIAL)
    assert isinstance(outcome, Assignment)
    definition = definition_of("spatial", SPATIAL, outcome)
    elsewhere = pd.concat([data.cells, grid_cells(1, 1, south=-20.125)])
    with pytest.raises(InputError, match=r"1 in blocks without a fold, -20.125_10.125"):
        spatial_fold(elsewhere, PERIOD, definition, 0)
    with pytest.raises(InputError, match="KeyError: 'blocks'"):
        spatial_fold(data.cells, PERIOD, {"parameters": definition["parameters"]}, 0)


def test_every_kind_says_what_it_asks_in_one_sentence() -> None:
    assert set(QUESTIONS) == set(KINDS)
    assert all(
        text.count("?") == 1 and text.endswith("?") for text in QUESTIONS.values()
    )


def test_blocks_that_share_a_station_share_a_role() -> None:
    # Cells 0 and 5 lie in the first and the last block of the southern row.
    cells = grid_cells(2, 10)
    sources = make_sources(cells)
    roles = set()
    for seed in range(12):
        params = SPATIAL.model_copy(update={"seed": seed})
        apart = roles_of(split_spatial(make_data(cells), params))
        roles.add(apart[cells["cell_id"][0]] == apart[cells["cell_id"][9]])
        first, last = sources["station_id"].iloc[[0, 9]]
        linked = sources.replace({"station_id": {last: first}})
        together = roles_of(split_spatial(make_data(cells, sources=linked), params))
        assert together[cells["cell_id"][0]] == together[cells["cell_id"][9]]
    assert False in roles  # without the station they are apart for some seed


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
        audit = audit_split(
            outcome.rows,
            data.cells,
            data.sources,
            target_days(outcome.rows, data),
            lags=data.lags,
            claim=claim_of(definition, replace(data, cells=with_regime)),
        )
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
    table, report = splits_of(data, recipe)
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
        splits_of(data, recipe)


def test_sources_name_primaries_and_fillers_of_gaps_with_their_stations() -> None:
    stations = make_sensors(count=3)
    first, second, third = stations["sensor_id"]
    rows = [
        {"layer": 1, "cell_id": "a", "primary": second, "gap-filling": [first]},
        {"layer": 2, "cell_id": "a", "primary": second, "gap-filling": []},
    ]
    found = sources_of({"sources": rows}, stations)
    assert found[["cell_id", "sensor_id"]].to_numpy().tolist() == [
        ["a", first],
        ["a", second],
    ]
    assert found["station_id"].tolist() == stations["station_id"].tolist()[:2]
    assert third not in set(found["sensor_id"])


def test_sensor_absent_from_the_stations_table_is_refused() -> None:
    rows = [{"layer": 1, "cell_id": "a", "primary": "N/S/5-5/x", "gap-filling": []}]
    with pytest.raises(InputError, match="N/S/5-5/x"):
        sources_of({"sources": rows}, make_sensors())


def write_inputs(folder: Path, *, cells: int = 2) -> None:
    write_zarr_zip(make_targets(length=1461), folder / "targets.zarr.zip")
    write_zarr_zip(make_forcing(length=1461), folder / "forcing.zarr.zip")
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
    write_zarr_zip(make_forcing(length=1460), tmp_path / "forcing.zarr.zip")
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
