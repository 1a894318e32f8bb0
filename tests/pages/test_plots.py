"""Dots, scales and maps: things stand where their numbers say."""

from __future__ import annotations

import math

import pytest

from somobench.pages.maps import Place, map_panels, neighbourhoods, place_of
from somobench.pages.plots import Dot, Scale, dot_plot, linear_scale
from somobench.pages.scatter import dryness_scatter


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        # Five steps at most: (0.71 - 0.12) / 5 = 0.118, so steps of 0.2.
        ([0.12, 0.71], (0.0, 0.2, 0.4, 0.6, 0.8)),
        # 0.4 / 5 = 0.08, so steps of 0.1.
        ([-0.2, 0.2], (-0.2, -0.1, 0.0, 0.1, 0.2)),
        ([math.nan, None], (-0.1, -0.05, 0.0, 0.05, 0.1)),
    ],
)
def test_scale_has_round_ticks_that_hold_the_values(
    values: list[float | None], ticks: tuple[float, ...]
) -> None:
    assert linear_scale(values).ticks == ticks


def test_dot_and_interval_stand_where_the_scale_says() -> None:
    # 3 % are left free at both ends: 0 -> 3, 0.5 -> 50, 1 -> 97; 0.25 -> 26.5.
    scale = Scale(0.0, 1.0, (0.0, 1.0))
    drawn = dot_plot([Dot("a", 0.5, 0.25, 1.0, filled=False)], "score", scale=scale)
    assert '<circle cx="50.0%" cy="50%" r="5.5" fill="var(--surface)"' in drawn
    assert '<line x1="26.5%" y1="50%" x2="97.0%" y2="50%"' in drawn
    assert "0.500" in drawn
    assert "(0.250 to 1.000)" in drawn


def test_row_without_a_value_has_no_dot_and_says_so() -> None:
    drawn = dot_plot([Dot("a", None, None, None, absent="not estimable")], "score")
    assert "<circle" not in drawn
    assert "not estimable" in drawn


def test_dryness_axis_is_logarithmic_with_a_line_at_one() -> None:
    # From 0.1 to 10: 1 stands in the middle.
    drawn = dryness_scatter({"a": [(0.1, 0.5, ""), (10.0, 0.5, "")]}, "score")
    assert '<line x1="50.0%" y1="6" x2="50.0%"' in drawn
    assert 'stroke="var(--muted)"' in drawn


@pytest.mark.parametrize(
    ("name", "found"),
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
    name: str, found: tuple[float, float] | None
) -> None:
    place = place_of(name, 0.5)
    assert (place and (place.latitude, place.longitude)) == found


def test_neighbouring_cells_share_a_panel_across_the_date_line() -> None:
    places = [
        Place("a", 0.0, 179.0, 0.5),
        Place("b", 0.0, -179.0, None),
        Place("c", 40.0, 10.0, -0.2),
    ]
    groups = [sorted(item.cell_id for item in each) for each in neighbourhoods(places)]
    assert groups == [["a", "b"], ["c"]]
    panels, left = map_panels(places)
    assert left == 0
    across = next(panel for panel in panels if "a: 0.500" in panel)
    assert "b: no score" in across
    # 179 and 181 degrees are 2 degrees apart, not 358: labels are around the line.
    assert "180°" in across
    assert "0°" not in across.replace("180°", "").replace(">0°", "")


def test_score_below_zero_is_drawn_hollow() -> None:
    panels, _ = map_panels([Place("c", 40.0, 10.0, -0.2)])
    assert "<polygon" in panels[0]
    assert "<circle" not in panels[0]
