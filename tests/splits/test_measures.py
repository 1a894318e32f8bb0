"""What the audit of splits measures: days, distances, boundaries, sites, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from factories.splits import grid_cells, make_sources, range_row
from somobench.splits.data import role_masks
from somobench.splits.measures import (
    count_days_in_two_roles,
    count_same_days,
    mark_days_within,
    measure_boundaries,
    measure_distances,
)
from somobench.splits.sites import links_between, measure_nearest_km


def test_audit_counts_days_that_two_rows_share() -> None:
    rows = pd.DataFrame(
        [
            range_row("2018-01-01", "2018-01-10", "train"),
            range_row("2018-01-08", "2018-01-12", "test"),  # shares 8, 9, 10
            range_row("2018-01-09", "2018-01-09", "validation"),  # and 9 once more
            range_row("2018-01-01", "2018-01-31", "test", cell="b"),
        ]
    )
    assert count_days_in_two_roles(rows) == 4


def test_nearest_distance_is_the_great_circle() -> None:
    here = np.array([[0.0, 1.0], [60.0, 0.0]])
    # One degree of a great circle: 6371.0088 km * pi / 180 = 111.195078 km;
    # sixty are 6671.705.
    found = measure_nearest_km(here, np.array([[0.0, 0.0]]))
    assert found == pytest.approx([111.195, 6671.705], abs=1e-3)


def masks_of(*rows: dict[str, Any], names: str = "ab") -> dict[str, Any]:
    period = pd.date_range("2018-01-01", "2018-01-31", unit="ns")
    return role_masks(pd.DataFrame(list(rows)), list(names), period)


def test_distances_are_those_of_the_later_role_from_the_earlier() -> None:
    cells = pd.DataFrame(
        {"cell_id": list("abc"), "latitude": 0.0, "longitude": [0.0, 1.0, 3.0]}
    )
    masks = masks_of(
        range_row("2018-01-01", "2018-01-31", "train", cell="a"),
        range_row("2018-01-01", "2018-01-31", "test", cell="b"),
        range_row("2018-01-01", "2018-01-31", "test", cell="c"),
        names="abc",
    )
    # b lies one degree from a, c three: the median is two.
    assert measure_distances(cells, masks, "train", "test") == pytest.approx(
        {"nearest": 111.195, "median": 222.39}, abs=1e-3
    )
    assert measure_distances(cells, masks, "train", "validation") is None


def test_test_days_that_another_cell_trains_on_are_counted() -> None:
    cells = pd.DataFrame(
        {"cell_id": list("ab"), "latitude": 0.0, "longitude": [0.0, 1.0]}
    )
    masks = masks_of(
        range_row("2018-01-01", "2018-01-10", "train", cell="a"),
        range_row("2018-01-20", "2018-01-31", "test", cell="a"),
        range_row("2018-01-08", "2018-01-12", "test", cell="b"),  # shares 8, 9, 10
    )
    found = count_same_days(cells, masks)
    assert found == {"cell_days": 3, "nearest_km": 111.195}
    alone = masks_of(range_row("2018-01-08", "2018-01-12", "test", cell="b"))
    assert count_same_days(cells, alone) == {"cell_days": 0, "nearest_km": None}


def test_boundaries_report_embargo_and_the_days_that_lags_share() -> None:
    masks = masks_of(
        range_row("2018-01-01", "2018-01-10", "train"),
        range_row("2018-01-11", "2018-01-13", "validation"),
        range_row("2018-01-14", "2018-01-31", "test"),
    )
    found = {(item["from"], item["to"]): item for item in measure_boundaries(masks, 7)}
    assert found["train", "validation"] == {
        "from": "train",
        "to": "validation",
        "embargo_days": 0,
        "shared_days": 7,
    }
    # Three days of validation lie between train and test: 7 - 3 = 4 are shared.
    assert found["train", "test"]["embargo_days"] == 3
    assert found["train", "test"]["shared_days"] == 4
    assert set(found) == {
        ("train", "validation"),
        ("train", "test"),
        ("validation", "test"),
    }


@pytest.mark.parametrize("lags", [0, 1, 2])
def test_reach_goes_both_ways(lags: int) -> None:
    mask = np.array([[False, False, True, False, False, False], [False] * 6])
    expected = [abs(place - 2) <= lags for place in range(6)]
    assert mark_days_within(mask, lags).tolist() == [expected, [False] * 6]


@pytest.mark.parametrize(("apart", "linked"), [(0.0089, True), (0.0091, False)])
def test_sites_less_than_a_kilometre_apart_are_one(apart: float, linked: bool) -> None:
    # 1 km is 1 / 111.195 = 0.00899 degrees of latitude.
    cells = grid_cells(2, 1)
    sources = make_sources(cells)
    sources.loc[0, "latitude"] = 40.25 - apart / 2
    sources.loc[1, "latitude"] = 40.25 + apart / 2
    found = links_between(cells, sources)
    assert [link.kind for link in found] == ["site"] * linked
