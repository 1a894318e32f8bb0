"""Scales: round ticks that hold the values, and places along them."""

from __future__ import annotations

import math

import pytest

from somobench.pages.scales import Scale, make_linear_scale, make_log_scale


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
def test_linear_scale_has_round_ticks_that_hold_the_values(
    values: list[float | None], ticks: tuple[float, ...]
) -> None:
    assert make_linear_scale(values).ticks == ticks


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.3, 3.0], (0.2, 0.5, 1.0, 2.0, 5.0)),
        # 1, 2, 5 of four decades are 12 ticks: powers of ten alone.
        ([0.01, 90.0], (0.01, 0.1, 1.0, 10.0, 100.0)),
        ([1.0, 1.0], ()),
    ],
)
def test_log_scale_has_ticks_that_hold_the_values(
    values: list[float], ticks: tuple[float, ...]
) -> None:
    scale = make_log_scale(values)
    assert scale.low <= min(values) <= max(values) <= scale.high
    assert scale.low < scale.high
    assert not ticks or scale.ticks == ticks


def test_places_are_shares_of_the_axis_with_3_percent_left_at_both_ends() -> None:
    # 0 -> 3, 1 -> 97; 0.25 -> 3 + 94 / 4 = 26.5, from the top 73.5.
    scale = Scale(0.0, 1.0, (0.0, 1.0))
    assert [scale.place(value) for value in (0, 0.25, 0.5, 1)] == [3, 26.5, 50, 97]
    assert scale.place_up(0.25) == 73.5
    # From 0.1 to 10, 1 is half way.
    assert Scale(0.1, 10.0, (), logarithmic=True).place(1.0) == 50


def test_ticks_carry_their_labels() -> None:
    assert Scale(-1.0, 1.0, (-1.0, 0.5)).labelled == [
        (-1.0, "\N{MINUS SIGN}1"),
        (0.5, "0.5"),
    ]
    assert Scale(0, 1, (0.0,), labels=("none",)).labelled == [(0.0, "none")]
