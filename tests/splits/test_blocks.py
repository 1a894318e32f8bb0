"""Splits by blocks: aligned, balanced, seeded, and their folds."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from factories.splits import (
    PERIOD,
    SPATIAL,
    grid_cells,
    make_data,
    make_sources,
    roles_of,
    rows_of,
)
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.variables import ROLES
from somobench.splits import Assignment, LeftOut, definition_of, spatial_fold
from somobench.splits.blocks import name_block, split_spatial


def test_blocks_are_aligned_to_the_south_west_corner_of_the_globe() -> None:
    cells = pd.DataFrame(
        {"latitude": [-89.875, 0.125, 41.875], "longitude": [-179.875, -0.125, 10.625]}
    )
    # (41.875 + 90) / 0.5 = 263.75, (10.625 + 180) / 0.5 = 381.25
    assert name_block(cells, 0.5).tolist() == ["0_0", "180_359", "263_381"]


def test_cells_of_a_block_share_its_role_for_the_whole_period() -> None:
    cells = grid_cells(4, 6)  # 2 x 3 blocks of four cells
    rows = rows_of(split_spatial(make_data(cells), SPATIAL))
    assert len(rows) == 24
    assert set(rows["start"]) == {PERIOD[0]}
    assert set(rows["end"]) == {PERIOD[-1]}
    roles = rows.set_index("cell_id")["role"]
    by_block = roles.groupby(
        name_block(cells, 0.5).set_axis(cells["cell_id"])
    ).nunique()
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
