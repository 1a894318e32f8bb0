"""Splits by dates: the two dates, embargo, and the days that a cell needs."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from factories.splits import (
    PERIOD,
    TEMPORAL,
    everywhere,
    grid_cells,
    make_data,
    rows_of,
)
from somobench.schemas.recipe import SplitParams
from somobench.schemas.variables import ROLES
from somobench.splits import Assignment, LeftOut, build_splits
from somobench.splits.dates import split_temporal


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
