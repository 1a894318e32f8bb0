from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.nodes import (
    NodeSet,
    average_nodes,
    check_registration,
    find_exact_nodes,
    find_nearest_nodes,
    find_spacing,
    place_corners,
    share_positions,
)
from somobench.schemas.errors import InputError


def grid(latitudes: list[float], longitudes: list[float]) -> NodeSet:
    return NodeSet(np.array(latitudes), np.array(longitudes), is_grid=True)


def corners(nodes: NodeSet, latitude: float, longitude: float) -> list[int]:
    wanted = place_corners(np.array([latitude]), np.array([longitude]), 0.25)
    return [int(number) for number in find_exact_nodes(nodes, *wanted)[0]]


def one_cell(nodes: list[int]) -> NDArray[np.int64]:
    return np.array([nodes], np.int64)


def test_cell_is_the_mean_of_its_four_corners() -> None:
    # (1 + 2 + 3 + 6) / 4 = 3
    values = np.array([[1.0, 2.0, 3.0, 6.0]])
    mean, count = average_nodes(values, one_cell([0, 1, 2, 3]))
    assert mean.tolist() == [[3.0]]
    assert count.tolist() == [4]


def test_cell_is_the_mean_of_the_rest_where_a_node_has_no_data() -> None:
    # Node 3 is sea on all days: (1 + 2 + 3) / 3 = 2, (4 + 5 + 9) / 3 = 6
    values = np.array([[1.0, 2.0, 3.0, np.nan], [4.0, 5.0, 9.0, np.nan]])
    mean, count = average_nodes(values, one_cell([0, 1, 2, 3]))
    assert mean[:, 0].tolist() == [2.0, 6.0]
    assert count.tolist() == [3]


def test_cell_at_the_edge_of_the_box_uses_the_nodes_that_exist() -> None:
    values = np.array([[1.0, 5.0]])
    mean, count = average_nodes(values, one_cell([0, -1, 1, -1]))
    assert mean.tolist() == [[3.0]]
    assert count.tolist() == [2]


def test_day_is_missing_when_a_node_with_data_misses_it() -> None:
    values = np.array([[1.0, 3.0], [1.0, np.nan]])
    mean, count = average_nodes(values, one_cell([0, 1]))
    assert mean[0, 0] == 2.0
    assert np.isnan(mean[1, 0])
    assert count.tolist() == [2]


def test_cell_without_any_node_is_missing() -> None:
    mean, count = average_nodes(np.full((2, 1), np.nan), one_cell([0, -1]))
    assert np.isnan(mean).all()
    assert count.tolist() == [0]


def test_corners_are_found_whatever_the_order_of_latitudes() -> None:
    # Rows of two: north-west 0, north-east 1, south-west 2, south-east 3.
    assert corners(grid([50.25, 50.0], [10.0, 10.25]), 50.125, 10.125) == [0, 1, 2, 3]
    assert corners(grid([50.0, 50.25], [10.0, 10.25]), 50.125, 10.125) == [2, 3, 0, 1]


@pytest.mark.parametrize(
    ("longitudes", "longitude"),
    [
        ([359.75, 0.0], -0.125),
        ([-0.25, 360.0], -0.125),
        ([179.75, -180.0], 179.875),
        ([179.75, 180.0], 179.875),
        ([-180.0, -179.75], -179.875),
        ([180.0, 180.25], -179.875),
        ([254.25, 254.5], -105.625),
    ],
)
def test_corners_are_found_across_meridians(
    longitudes: list[float], longitude: float
) -> None:
    assert corners(grid([1.0, 0.75], longitudes), 0.875, longitude) == [0, 1, 2, 3]


def test_corners_reach_the_pole() -> None:
    assert corners(grid([90.0, 89.75], [0.0, 0.25]), 89.875, 0.125) == [0, 1, 2, 3]


def test_position_outside_the_box_has_no_node() -> None:
    assert corners(grid([50.25, 50.0], [10.0, 10.25]), 50.125, 10.375) == [1, -1, 3, -1]


def test_coordinates_stored_in_single_precision_are_found() -> None:
    axis = np.array([155.9, 156.0], np.float32).astype(np.float64)
    nodes = NodeSet(np.array([19.9, 19.8]), axis, is_grid=True)
    found = find_exact_nodes(nodes, np.array([19.9]), np.array([156.0]))
    assert found.tolist() == [1]


def test_nearest_node_of_a_centre_between_four_is_north_west() -> None:
    nodes = grid([50.0, 50.25], [10.25, 10.0])
    found = find_nearest_nodes(nodes, np.array([50.125]), np.array([10.125]), 0.25)
    assert found.tolist() == [3]  # row 1 is 50.25 N, column 1 is 10.0 E
    points = NodeSet(
        np.array([50.0, 50.25, 50.25]), np.array([10.0, 10.25, 10.0]), is_grid=False
    )
    found = find_nearest_nodes(points, np.array([50.125]), np.array([10.125]), 0.25)
    assert found.tolist() == [2]


def test_nearest_node_is_none_beyond_half_a_spacing() -> None:
    nodes = grid([50.25, 50.0], [10.0, 10.25])
    found = find_nearest_nodes(
        nodes, np.array([50.0, 50.0]), np.array([10.37, 10.38]), 0.25
    )
    assert found.tolist() == [3, -1]


def test_nearest_point_is_none_beyond_the_resolution() -> None:
    points = NodeSet(np.array([50.0]), np.array([10.0]), is_grid=False)
    found = find_nearest_nodes(
        points, np.array([50.2, 50.3]), np.array([10.0, 10.0]), 0.25
    )
    assert found.tolist() == [0, -1]


def test_registration_is_accepted_where_it_holds() -> None:
    check_registration(grid([50.25, 50.0], [10.0, 10.25]), "node", 0.25, "a.nc")
    check_registration(grid([55.25, 54.75], [8.25, 8.75]), "cell", 0.5, "a.nc")
    check_registration(
        NodeSet(np.array([1.2]), np.array([3.4]), is_grid=False), "points", 0.25, "a.nc"
    )


def test_registration_refuses_a_half_cell_shift() -> None:
    shifted = grid([50.125, 49.875], [10.0, 10.25])
    with pytest.raises(InputError, match=r"(?s)latitude.*50\.125.*multiples of 0\.25"):
        check_registration(shifted, "node", 0.25, "a.nc")
    nodes = grid([50.125, 49.875], [10.0, 10.25])
    with pytest.raises(InputError, match=r"(?s)longitude.*10 with.*odd multiples of"):
        check_registration(nodes, "cell", 0.25, "a.nc")


def test_registration_refuses_points_for_a_grid() -> None:
    points = NodeSet(np.array([50.0]), np.array([10.0]), is_grid=False)
    with pytest.raises(InputError, match="time series at points"):
        check_registration(points, "node", 0.25, "a.nc")


def single(axis: np.ndarray) -> NDArray[np.float64]:
    return axis.astype(np.float32).astype(np.float64)


@pytest.mark.parametrize(
    ("step", "registration", "shift"),
    [
        (0.1, "node", 0.0),
        (0.1, "cell", 0.05),
        (0.25, "node", 0.0),
        (1 / 3, "node", 0.0),
        (0.28125, "node", 0.0),
        (1.5, "node", 0.0),
    ],
)
@pytest.mark.parametrize("rows", [3, 60])
def test_grid_in_single_precision_lies_where_it_does_in_double(
    step: float, registration: str, shift: float, rows: int
) -> None:
    # At 175 degrees single precision is off by up to 7.6e-6 degrees.
    latitude = (np.arange(rows)[::-1] - rows // 2) * step + shift
    longitude = (np.arange(rows) + round(170 / step) - rows) * step + shift
    nodes = NodeSet(single(latitude), single(longitude), is_grid=True)
    check_registration(nodes, registration, step, "a.nc")
    assert find_spacing(nodes.longitude, 0.0) == pytest.approx(step, abs=1e-9)
    assert share_positions(nodes, NodeSet(latitude, longitude, is_grid=True))


def test_spacing_of_an_axis_with_absent_rows_is_that_between_neighbours() -> None:
    axis = single(np.array([50.0, 49.9, 49.8, 49.4, 49.3]))
    assert find_spacing(axis, 0.0) == pytest.approx(0.1, abs=1e-12)


@pytest.mark.parametrize(
    "axis", [[0.0, 0.25, -0.25], [-180.0, -179.75, 179.75], [50.0, 49.75, 49.25]]
)
def test_spacing_of_three_positions_is_the_smaller_of_their_steps(
    axis: list[float],
) -> None:
    # Sorted from 0 to 360 or from -180 to 180, three columns across 0 or 180 degrees
    # have steps of 0.25 and 0.5.
    assert find_spacing(np.array(axis), 0.0) == pytest.approx(0.25, abs=1e-12)


def test_half_cell_shift_is_refused_in_single_precision_too() -> None:
    axis = single(np.array([175.05, 175.15, 175.25]))
    nodes = NodeSet(np.array([10.0, 9.9]), axis, is_grid=True)
    with pytest.raises(InputError, match=r"(?s)longitude.*175\.05.*multiples of 0\.1"):
        check_registration(nodes, "node", 0.1, "a.nc")


def test_equally_near_nodes_tie_in_single_precision_as_in_double() -> None:
    # 50.25 is halfway between 50.2 and 50.3, 150.25 between 150.2 and 150.3.
    latitude, longitude = np.array([50.2, 50.3]), np.array([150.3, 150.2])
    for kind in (np.asarray, single):
        nodes = NodeSet(kind(latitude), kind(longitude), is_grid=True)
        found = find_nearest_nodes(nodes, np.array([50.25]), np.array([150.25]), 0.1)
        assert found.tolist() == [3]  # north, then west
