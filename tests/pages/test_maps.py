"""Maps: cells and coasts stand where they lie, and none hides another."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from itertools import accumulate

import pytest

from somobench.pages.frame import render_page
from somobench.pages.maps import (
    CellMap,
    Place,
    locate_cell,
    make_map_panels,
    place_marks,
)
from somobench.pages.windows import Window, draw_land, fit_window, read_land
from somobench.pipelines.tools.make_land import make_land


def fit(places: list[Place]) -> Window:
    """Return the window that holds places."""
    return fit_window(
        [place.longitude for place in places], [place.latitude for place in places]
    )


@pytest.mark.parametrize(
    ("name", "position"),
    [
        ("41.875_-111.625", (41.875, -111.625)),
        ("-33.375_148.125", (-33.375, 148.125)),
        ("95_10", None),
        ("10_190", None),
        ("<b>_10", None),
        ("10_10\n", None),
    ],
)
def test_position_is_that_of_the_cell_name(
    name: str, position: tuple[float, float] | None
) -> None:
    place = locate_cell(name, 0.5)
    assert (place and (place.latitude, place.longitude)) == position


def test_panels_are_named_by_their_group_and_stand_from_west_to_east() -> None:
    places = [
        Place("a", 47.0, 10.0, 0.5, "Europe"),
        Place("b", 40.0, -100.0, -0.2, "North America"),
        Place("c", 48.0, 11.0, None, "Europe"),
    ]
    panels = make_map_panels(places)
    assert [panel.title for panel in panels] == [
        "North America: 1 cell",
        "Europe: 2 cells",
    ]
    west, east = (panel.__html__() for panel in panels)
    assert "b: \N{MINUS SIGN}0.200" in west
    assert "#diamond" in west
    assert "c: no score" in east


def test_map_goes_on_across_the_date_line() -> None:
    places = [Place("a", 66.0, 179.0, 0.5), Place("b", 66.0, -179.0, None)]
    drawn = CellMap(places=places).__html__()
    # 179 and 181 degrees are 2 degrees apart, not 358: labels are around the line.
    assert ">180\N{DEGREE SIGN}</text>" in drawn
    assert ">0\N{DEGREE SIGN}</text>" not in drawn


def test_window_holds_all_places_with_true_proportions() -> None:
    places = [Place("a", 59.0, 10.0), Place("b", 61.0, 12.0)]
    window = fit(places)
    x = [window.across(place.longitude) for place in places]
    y = [window.down(place.latitude) for place in places]
    assert 0 < x[0] < x[1] < 480
    assert 0 < y[1] < y[0]
    # At 60 degrees a degree of longitude is half as long as one of latitude.
    assert (x[1] - x[0]) / (y[0] - y[1]) == pytest.approx(0.5, abs=0.01)


def test_cells_far_apart_are_on_a_map_of_the_world() -> None:
    window = fit([Place("a", 40.0, -120.0), Place("b", -30.0, 150.0)])
    assert (window.west, window.east) == (-180, 180)
    assert (window.south, window.north) == (-60, 84)


def test_cells_that_would_hide_each_other_share_a_mark_with_their_count() -> None:
    # On a map of the world a quarter of a degree is 0.3 pixels.
    near = [
        Place(f"n{i}", 40.0, -120 + i / 4, value)
        for i, value in enumerate((0.1, 0.5, 0.7))
    ]
    far = Place("far", -30.0, 150.0, None)
    window = fit([*near, far])
    marks = {mark.cells: mark for mark in place_marks([*near, far], window)}
    # Their median, 0.5, is in the class from 0.4.
    assert marks[3].look == "m2"
    assert marks[3].tip == "n0: 0.100\nn1: 0.500\nn2: 0.700"
    assert (marks[1].symbol, marks[1].look) == ("cross", "m-none")
    drawn = CellMap(places=[*near, far]).__html__()
    assert drawn.count('class="tick count"') == 1
    assert ">3</text>" in drawn


def test_every_cell_of_a_dense_map_is_counted_once() -> None:
    places = [Place(f"{i}", 30 + i % 37 / 2, -120 + i // 37, 0.5) for i in range(1400)]
    marks = place_marks(places, fit(places))
    assert sum(mark.cells for mark in marks) == 1400
    spots = {(round(mark.x), round(mark.y)) for mark in marks}
    assert len(spots) == len(marks)


def test_groups_have_their_own_symbols_and_never_share_a_mark() -> None:
    places = [Place("a", 0.0, 0.0, group="dry"), Place("b", 0.0, 0.0, group="wet")]
    looks = {"dry": ("square", "c3"), "wet": ("plus", "c2")}
    marks = place_marks(places, fit(places), looks)
    assert {(mark.symbol, mark.look, mark.tip) for mark in marks} == {
        ("square", "c3", "a: dry"),
        ("plus", "c2", "b: wet"),
    }


def test_land_of_a_window_is_its_part_of_the_drawing() -> None:
    # The drawing of land is in tenths of a degree, southwards: 10 E, 20 N is 100, -200.
    window = fit([Place("a", 20.0, 10.0)])
    west, south, wide, high = map(float, window.land_box.split())
    assert west + wide / 2 == pytest.approx(100, abs=0.01)
    assert south + high / 2 == pytest.approx(-200, abs=0.01)
    assert wide == pytest.approx(10 * (window.east - window.west), abs=0.01)
    assert high == pytest.approx(10 * (window.north - window.south), abs=0.01)


def test_page_draws_land_once_and_only_for_maps() -> None:
    places = [Place("a", 0.0, 10.0)]
    maps = [CellMap(places=places), CellMap(places=places)]
    assert render_page("Title", opening=maps).count('<path class="land"') == 1
    assert "#land" not in render_page("Title", opening=["#land"]).partition("<main>")[0]
    assert '<path class="land"' not in render_page("Title", opening=["#land"])


def test_drawing_of_land_has_the_places_of_its_outlines() -> None:
    first = read_land()[0]
    start, steps = first[:2], first[2:]
    path = draw_land().split("z")[0]
    place, _, rest = path.removeprefix("M").partition("l")
    numbers = [int(each) for each in re.findall("-?[0-9]+", place)]
    assert numbers == [start[0], -start[1]]
    moves = [int(each) for each in re.findall("-?[0-9]+", rest)]
    assert moves[::2] == list(steps[::2])
    assert moves[1::2] == [-step for step in steps[1::2]]


def is_land(longitude: float, latitude: float) -> bool:
    """Count the edges west of a point: odd on land. Rings may go on beyond 180."""
    crossed = 0
    for steps in read_land():
        ring = [
            (x / 10, y / 10)
            for x, y in zip(
                accumulate(steps[::2]), accumulate(steps[1::2]), strict=True
            )
        ]
        for (x1, y1), (x2, y2) in zip(ring, (*ring[1:], ring[0]), strict=True):
            if (y1 > latitude) != (y2 > latitude):
                x = x1 + (latitude - y1) / (y2 - y1) * (x2 - x1)
                crossed += sum(x < longitude + turn for turn in (-360, 0, 360))
    return crossed % 2 == 1


@pytest.mark.parametrize(
    ("longitude", "latitude", "expected"),
    [
        (10.0, 53.5, True),  # Hamburg
        (-105.0, 40.0, True),  # Boulder
        (134.0, -24.0, True),  # Alice Springs
        (179.0, 67.0, True),  # Chukotka, west of the date line
        (-40.0, 40.0, False),  # Atlantic
        (50.5, 42.0, False),  # Caspian Sea, a hole
        (-150.0, 0.0, False),  # Pacific
    ],
)
def test_packaged_land_is_where_land_is(
    longitude: float, latitude: float, expected: bool
) -> None:
    assert is_land(longitude, latitude) == expected


def test_packaged_land_is_small_and_says_where_it_is_from() -> None:
    path = files("somobench.pages") / "templates" / "land.json"
    text = path.read_text("utf-8")
    assert len(text) < 40_000
    assert "Natural Earth" in json.loads(text)["about"]


def test_land_is_made_of_arcs_that_go_on_across_the_date_line() -> None:
    # A triangle from 179.5 over 180 to -179.5; the second arc is used backwards.
    topology = {
        "transform": {"scale": [0.1, 0.1], "translate": [-180.0, -90.0]},
        "arcs": [[[3595, 900], [-3590, 0]], [[3595, 900], [-3590, 10], [0, -10]]],
        "objects": {"land": {"geometries": [{"arcs": [[[0, -2]]]}]}},
    }
    rings = make_land(topology)["rings"]
    # 179.5 E, then 1 degree eastwards, 1 degree north, and back.
    assert rings == [[1795, 0, 10, 0, 0, 10, -10, -10]]


def test_map_says_whether_every_cell_has_its_own_mark() -> None:
    apart = [Place("a", 40.0, -120.0), Place("b", 30.0, -90.0)]
    assert CellMap(places=apart).shows_each
    assert not CellMap(places=[*apart, Place("c", 30.0, -90.1)]).shows_each
