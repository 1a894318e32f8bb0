"""Figures: marks stand where their numbers say, and names stay text."""

from __future__ import annotations

import math
from typing import Any

import pytest

from factories.cards import HOSTILE
from somobench.pages.figures import (
    Axis,
    Bar,
    Box,
    Chart,
    Dot,
    Figure,
    Point,
    Row,
    RowPlot,
    Series,
    TileGrid,
    find_step,
)
from somobench.pages.scales import Scale

UNIT = Scale(0.0, 1.0, (0.0, 1.0))  # 0 -> 3 %, 0.25 -> 26.5, 0.5 -> 50, 1 -> 97


def draw_rows(*marks: Dot | Bar | Box, **settings: Any) -> str:
    rows = [Row("a", marks, "label", "shown on hover")]
    return RowPlot(rows=rows, axis="score", scale=UNIT, **settings).__html__()


def draw_chart(*series: Series, guide: float | None = None) -> str:
    return Chart(
        series=series, x=Axis(UNIT, "across", guide), y=Axis(UNIT, "up")
    ).__html__()


def test_dot_and_interval_stand_where_the_scale_says() -> None:
    drawn = draw_rows(Dot(0.5, 0.25, 1.0, filled=False))
    assert '<circle cx="50.0%" cy="50.0%"' in drawn
    assert 'fill="var(--surface)"' in drawn
    assert '<line x1="26.5%" y1="50.0%" x2="97.0%" y2="50.0%"' in drawn
    assert 'data-tip="shown on hover"' in drawn


def test_dot_without_interval_or_value_draws_what_there_is() -> None:
    no_interval = draw_rows(Dot(0.5, math.nan, None))
    assert "<circle" in no_interval
    assert 'stroke-width="3"' not in no_interval
    assert "<circle" not in draw_rows(Dot(math.nan))
    assert "<circle" not in draw_rows(Dot(None))


def test_several_marks_of_a_row_stand_below_each_other() -> None:
    # Two marks: their middles are at a quarter and three quarters.
    drawn = draw_rows(Dot(0.5), Dot(1.0))
    assert 'cx="50.0%" cy="25.0%"' in drawn
    assert 'cx="97.0%" cy="75.0%"' in drawn


def test_bar_starts_at_zero_and_box_spans_its_quarters() -> None:
    assert '<svg x="3.0%" y="50.0%" width="47.0%"' in draw_rows(Bar(0.5))
    drawn = draw_rows(Box(0.0, 0.25, 0.5, 1.0, 1.0))
    assert '<line x1="3.0%" y1="50.0%" x2="97.0%"' in drawn
    assert '<svg x="26.5%" y="50.0%" width="70.5%"' in drawn
    assert '<svg x="50.0%" y="50.0%" width="1"' in drawn
    values = draw_rows(Box(values=(0.25, 1.0)))
    assert values.count("<circle") == 2


def test_scale_of_rows_holds_every_mark() -> None:
    rows = [Row("a", (Dot(0.2, -0.3, 0.4),)), "heading", Row("b", (Bar(0.75),))]
    drawn = RowPlot(rows=rows, axis="score").__html__()
    # From -0.3 to 0.75 in five steps at most: -0.5 to 1 in steps of 0.5.
    assert ">\N{MINUS SIGN}0.5</text>" in drawn
    assert ">1</text>" in drawn
    assert '<p class="group">heading</p>' in drawn


def test_zero_is_drawn_as_a_line_where_it_is_asked_for() -> None:
    line = 'stroke="var(--muted)" stroke-width="2"'
    assert line in draw_rows(Dot(0.5), zero=True)
    assert line not in draw_rows(Dot(0.5))


def test_line_breaks_where_a_value_is_missing() -> None:
    points = [Point(0, 0), Point(0.25, 1), Point(0.5, None), Point(1, math.nan)]
    drawn = draw_chart(Series("a", [*points, Point(1, 0)], line="none"))
    assert drawn.count("<polyline") == 2
    # y runs downwards: 0 -> 97, 1 -> 3.
    assert 'points="3.0,97.0 26.5,3.0 "' in drawn
    assert drawn.count("<use") == 3


def test_point_has_its_symbol_interval_and_text() -> None:
    drawn = draw_chart(
        Series("a", [Point(0.5, 0.25, "0.25 there", 0.0, 0.5)], "c3", "square"),
        Series("b", [], hollow=True),
        guide=0.5,
    )
    assert '<use href="#square" x="50.0%" y="73.5%"><title>0.25 there</title>' in drawn
    assert '<line x1="50.0%" y1="97.0%" x2="50.0%" y2="50.0%"' in drawn
    assert '<line x1="50.0%" y1="0" x2="50.0%" y2="100%" stroke="var(--muted)"' in drawn
    assert ">b</li>" in drawn


@pytest.mark.parametrize(
    ("share", "step"),
    [(None, None), (0, 0), (0.001, 1), (0.1, 1), (0.11, 2), (0.9, 9), (1.0, 10)],
)
def test_share_has_the_colour_of_its_tenth(
    share: float | None, step: int | None
) -> None:
    assert find_step(share) == step


def test_tiles_are_coloured_by_share_and_blank_without_one() -> None:
    drawn = TileGrid(
        title="Days",
        columns=("J", "F"),
        rows=("2020",),
        shares=((0.45, None),),
        tips=(("45 %", "none"),),
    ).__html__()
    assert '<td data-tip="45 %" style="background:var(--s5)"></td>' in drawn
    assert '<td data-tip="none"></td>' in drawn


def test_hostile_texts_of_a_figure_stay_text() -> None:
    row = Row(HOSTILE, (Dot(0.5),), HOSTILE, HOSTILE)
    plot = RowPlot(
        rows=[row, HOSTILE], axis=HOSTILE, label=HOSTILE, key={"c1": HOSTILE}
    )
    series = Series(HOSTILE, [Point(0.5, 0.5, HOSTILE)])
    chart = Chart(
        series=[series, series],
        x=Axis(UNIT, HOSTILE),
        y=Axis(UNIT, HOSTILE),
        label=HOSTILE,
        title=HOSTILE,
    )
    tiles = TileGrid(
        title=HOSTILE, columns=[HOSTILE], rows=[HOSTILE], shares=[[1]], tips=[[HOSTILE]]
    )
    figure = Figure(name="f", panels=[plot, chart, tiles, HOSTILE], caption=HOSTILE)
    drawn = figure.__html__()
    assert "<img" not in drawn
    assert "<script" not in drawn
    assert 'onerror="' not in drawn
    assert drawn.count("&lt;img src=x onerror=&#34;console") > 15


def test_many_points_are_drawn_through_each_other() -> None:
    few = draw_chart(Series("a", [Point(0.5, 0.5)] * 300))
    assert 'fill-opacity="1.0"' in few
    assert 'fill-opacity="0.4"' in draw_chart(Series("a", [Point(0.5, 0.5)] * 301))
