"""Whole centimetres and the layer of a sensor."""

from __future__ import annotations

import pytest

from somobench.pipelines.ingest.sensor_days import (
    Rounding,
    find_layer,
    round_to_centimetres,
)
from somobench.schemas.recipe import LayerParams

LAYERS = (
    LayerParams(layer=1, depth_from_cm=0, depth_to_cm=10, midpoint_cm=5),
    LayerParams(layer=2, depth_from_cm=10, depth_to_cm=30, midpoint_cm=20),
    LayerParams(layer=3, depth_from_cm=30, depth_to_cm=50, midpoint_cm=40),
)


@pytest.mark.parametrize(
    ("depth", "nearest", "down", "up"),
    [
        (0.0508, 5, 5, 6),
        (0.1016, 10, 10, 11),
        (0.2032, 20, 20, 21),
        (0.3048, 30, 30, 31),
        (0.508, 51, 50, 51),
        (0.025, 3, 2, 3),
        (0.285, 29, 28, 29),  # 28.499999999999996 in binary
        (0.07, 7, 7, 7),  # 7.000000000000001 in binary
        (0.29, 29, 29, 29),  # 28.999999999999996 in binary
        (0.0, 0, 0, 0),
    ],
)
def test_depth_is_rounded_to_whole_centimetres(
    depth: float, nearest: int, down: int, up: int
) -> None:
    expected: dict[Rounding, int] = {"nearest": nearest, "down": down, "up": up}
    assert {
        rounding: round_to_centimetres(depth, rounding) for rounding in expected
    } == expected


@pytest.mark.parametrize(
    ("interval", "layer"),
    [
        ((0, 0), 1),
        ((5, 5), 1),
        ((0, 10), 1),
        ((10, 10), 1),  # a point on the edge belongs to the layer above
        ((10, 11), 2),
        ((10, 30), 2),
        ((20, 20), 2),
        ((30, 30), 2),
        ((30, 31), 3),
        ((50, 50), 3),
        ((5, 15), 0),
        ((0, 19), 0),
        ((0, 11), 0),
        ((20, 40), 0),
        ((51, 51), 0),
        ((30, 51), 0),
    ],
)
def test_layer_holds_the_whole_interval(interval: tuple[int, int], layer: int) -> None:
    assert find_layer(*interval, LAYERS) == layer
