"""Which splits are judged by rules that other splits of a release show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from somobench.consistency import statistics
from somobench.schemas.manifest import Manifest

SAME, OTHER = np.zeros(4), np.full(4, 0.02)
Depends = Mapping[str, set[str]]
"""Parameters that a split's climatologies depend on."""


def list_untold(
    monkeypatch: pytest.MonkeyPatch, off: statistics.Wrong, depends: Depends
) -> list[str]:
    def look_up(split: str, *given: Any) -> bool:
        return not depends[split].isdisjoint(given[-1])

    monkeypatch.setattr(statistics, "_depends", look_up)
    return statistics._list_untold(off, Manifest.model_construct(), {}, {})


SHRINKAGE, DAYS = "climatology_shrinkage_years", "climatology_minimum_days"


@pytest.mark.parametrize(
    ("temporal", "ungauged", "untold"),
    [
        # Only the other split tells of shrinkage: the recipe may have another.
        (set(), {SHRINKAGE}, ["ungauged"]),
        # Both would: the split is otherwise for another reason.
        ({SHRINKAGE}, {SHRINKAGE}, []),
        # Nothing that a recipe has would make it otherwise.
        (set(), set(), []),
        ({SHRINKAGE}, {DAYS}, ["ungauged"]),
    ],
)
def test_split_is_left_aside_where_others_tell_nothing_of_its_rules(
    monkeypatch: pytest.MonkeyPatch,
    temporal: set[str],
    ungauged: set[str],
    untold: list[str],
) -> None:
    off = {"temporal": SAME, "ungauged": OTHER}
    depends = {"temporal": temporal, "ungauged": ungauged}
    assert list_untold(monkeypatch, off, depends) == untold


def test_split_with_few_other_series_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    # One series of four is otherwise, as damage is: rules differ in all of them.
    off = {"temporal": SAME, "ungauged": np.array([0, 0, 0, 0.02])}
    depends = {"temporal": set(), "ungauged": {SHRINKAGE}}
    assert list_untold(monkeypatch, off, depends) == []


@pytest.mark.parametrize("off", [np.full(4, 0.02), np.full(4, 5e-4)])
def test_release_whose_splits_are_all_otherwise_is_judged(
    monkeypatch: pytest.MonkeyPatch, off: np.ndarray
) -> None:
    depends = {"temporal": {SHRINKAGE}}
    assert list_untold(monkeypatch, {"temporal": off}, depends) == []
