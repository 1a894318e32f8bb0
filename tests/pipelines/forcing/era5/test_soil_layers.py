from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from somobench.pipelines.forcing.era5.levels import weigh_levels
from somobench.schemas.errors import InputError, UsageError


@pytest.mark.parametrize(
    ("depths", "expected"),
    [
        ((0, 10), {"swvl1": 0.7, "swvl2": 0.3}),  # 7 of 10 cm, 3 of 10 cm
        ((10, 30), {"swvl2": 0.9, "swvl3": 0.1}),  # 18 of 20 cm, 2 of 20 cm
        ((30, 50), {"swvl3": 1.0}),
        # 7, 21, 72 of 100 cm
        ((0, 100), {"swvl1": 0.07, "swvl2": 0.21, "swvl3": 0.72}),
        # 10 of 100 cm above 100 cm, 90 below
        ((90, 190), {"swvl3": 0.1, "swvl4": 0.9}),
    ],
)
def test_weights_are_shares_of_thickness(
    depths: tuple[float, float], expected: dict[str, float]
) -> None:
    found = weigh_levels(*depths)
    assert found.weights == pytest.approx(expected)
    assert found.missing == ()


def test_present_levels_carry_the_share_of_a_missing_one() -> None:
    found = weigh_levels(0, 10, frozenset({"swvl1"}))
    assert found.weights == {"swvl1": 1.0}
    assert found.missing == ("swvl2",)
    # 7 and 72 of the remaining 79 cm
    deep = weigh_levels(0, 100, frozenset({"swvl1", "swvl3"}))
    assert deep.weights == pytest.approx({"swvl1": 7 / 79, "swvl3": 72 / 79})


def test_layer_without_any_level_is_refused() -> None:
    with pytest.raises(InputError, match=r"(?s)30 to 50 cm.*swvl1.*swvl3"):
        weigh_levels(30, 50, frozenset({"swvl1"}))


@pytest.mark.parametrize("depths", [(10, 10), (30, 10), (-5, 5), (200, 300)])
def test_depths_that_are_no_layer_are_refused(depths: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="within 0 to 289 cm"):
        weigh_levels(*depths)


@given(st.integers(0, 288), st.integers(1, 289))
def test_weights_sum_to_one(depth_from: int, thickness: int) -> None:
    depth_to = min(depth_from + thickness, 289)
    weights = weigh_levels(depth_from, depth_to).weights
    assert sum(weights.values()) == pytest.approx(1.0)
    assert all(share > 0 for share in weights.values())
