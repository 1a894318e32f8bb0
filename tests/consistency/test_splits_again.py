"""What splits and audits are made from, and when they can be made again."""

from __future__ import annotations

import pytest

from somobench.consistency.splits import _is_same, find_lags
from somobench.schemas.manifest import FeatureSetRecord, Manifest, SplitRecord


def make_manifest(lags: tuple[int, ...], embargo: int) -> Manifest:
    return Manifest.model_construct(
        feature_sets={"memory": FeatureSetRecord.model_construct(lags=lags)},
        splits={
            "temporal": SplitRecord.model_construct(
                definition={"embargo_days": embargo} if embargo else {}
            )
        },
    )


@pytest.mark.parametrize(
    ("lags", "embargo", "expected"),
    [((0, 1, 7), 0, 7), ((0,), 5, 5), ((0,), 0, None)],
)
def test_lags_are_those_of_inputs_or_of_an_embargo(
    lags: tuple[int, ...], embargo: int, expected: int | None
) -> None:
    assert find_lags(make_manifest(lags, embargo)) == expected


@pytest.mark.parametrize(
    ("found", "published", "same"),
    [
        ({"km": 27.799}, {"km": 27.8}, True),
        ({"km": 27.799}, {"km": 277.99}, False),
        ([1, (2,)], [1, [2]], True),
        ([1, 2], [1], False),
        ({"a": None}, {"b": None}, False),
    ],
)
def test_contents_are_the_same_but_for_a_last_digit(
    found: object, published: object, same: bool
) -> None:
    assert _is_same(found, published) is same
