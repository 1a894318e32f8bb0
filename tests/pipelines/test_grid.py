"""Cells of the target grid: ties, poles, ids and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from somobench.pipelines.grid import cell_id, locate_cells
from somobench.schemas.errors import InputError


def test_cell_of_published_example_is_the_published_cell() -> None:
    latitude, longitude = locate_cells(41.87, -111.63, 0.25)
    assert cell_id(latitude, longitude) == "41.875_-111.625"


@pytest.mark.parametrize(
    ("position", "resolution", "expected"),
    [
        # On the edge between rows 41.875 and 41.625: the northern one.
        ((41.75, -111.6), 0.25, "41.875_-111.625"),
        # On the edge between columns -111.875 and -111.625: the western one.
        ((41.8, -111.75), 0.25, "41.875_-111.875"),
        # On a corner of four cells: north and west at once.
        ((0.0, 0.0), 0.25, "0.125_-0.125"),
        ((0.0, 0.0), 0.5, "0.25_-0.25"),
        ((53.5, 10.0), 0.5, "53.75_9.75"),
        ((53.50001, 10.00001), 0.5, "53.75_10.25"),
        # 53.7 is no binary fraction, yet an edge of a 0.1 degree grid.
        ((53.7, 9.96), 0.1, "53.75_9.95"),
        # Poles and the antimeridian stay inside the grid.
        ((90.0, 180.0), 0.25, "89.875_179.875"),
        ((-90.0, -180.0), 0.25, "-89.875_-179.875"),
    ],
)
def test_cell_of_edges_go_north_and_west(
    position: tuple[float, float], resolution: float, expected: str
) -> None:
    assert cell_id(*locate_cells(*position, resolution)) == expected


# Five decimals, as station files give them, so that ties do occur.
LATITUDES = st.integers(-9_000_000, 9_000_000).map(lambda value: value / 1e5)
LONGITUDES = st.integers(-18_000_000, 18_000_000).map(lambda value: value / 1e5)


@given(
    latitude=st.one_of(LATITUDES, st.integers(-720, 720).map(lambda k: k / 8)),
    longitude=st.one_of(LONGITUDES, st.integers(-1440, 1440).map(lambda k: k / 8)),
    resolution=st.sampled_from([0.25, 0.5]),
)
def test_cell_of_equals_first_nearest_centre(
    latitude: float, longitude: float, resolution: float
) -> None:
    rows = np.arange(90 - resolution / 2, -90, -resolution)
    columns = np.arange(-180 + resolution / 2, 180, resolution)
    expected = (
        rows[np.argmin(np.abs(rows - latitude))],
        columns[np.argmin(np.abs(columns - longitude))],
    )
    assert locate_cells(latitude, longitude, resolution) == expected


def test_cell_of_arrays_keep_shape_and_give_arrays_of_ids() -> None:
    latitude, longitude = locate_cells([41.87, -33.1], [-111.63, 18.4], 0.25)
    assert latitude.tolist() == [41.875, -33.125]
    assert longitude.tolist() == [-111.625, 18.375]
    assert cell_id(latitude, longitude).tolist() == [
        "41.875_-111.625",
        "-33.125_18.375",
    ]


@pytest.mark.parametrize(
    ("position", "found"),
    [((91.0, 0.0), "91"), ((0.0, 204.6), "204.6"), ((float("nan"), 0.0), "nan")],
)
def test_cell_of_refuses_impossible_coordinates(
    position: tuple[float, float], found: str
) -> None:
    with pytest.raises(InputError, match=found):
        locate_cells(*position, 0.25)


@pytest.mark.parametrize("resolution", [0.0, -0.25, 0.7, float("nan")])
def test_cell_of_refuses_resolution_that_does_not_tile_the_globe(
    resolution: float,
) -> None:
    with pytest.raises(InputError, match="grid resolution"):
        locate_cells(0.0, 0.0, resolution)
