"""What a split asks of a model: thresholds of tested and of held-out cells."""

from __future__ import annotations

import numpy as np
import pytest

from factories.scoring import (
    CELLS,
    TRAIN_DAYS,
    make_case,
    make_splits,
)
from somobench.scoring.case import ScoringCase

HELD_OUT = CELLS[2]


@pytest.fixture(scope="module")
def case() -> ScoringCase:
    """Return a split that tests one cell on all days, and the others on later ones."""
    splits = make_splits()
    splits.loc[splits["cell_id"] == HELD_OUT, "role"] = "test"
    return make_case(splits=splits)


def test_thresholds_are_those_of_train_days(case: ScoringCase) -> None:
    place = int(np.flatnonzero(case.series_cells == CELLS[3])[0])
    trained = case.observed.to_numpy()[place, :TRAIN_DAYS]
    for side, level in (("dry", 10), ("wet", 90)):
        expected = np.nanpercentile(trained, level)
        assert case.thresholds[side][place] == pytest.approx(expected, abs=1e-6)


def test_held_out_cell_has_thresholds_of_its_whole_record(case: ScoringCase) -> None:
    places = np.flatnonzero(case.series_cells == HELD_OUT)
    assert places.size == 2
    for place in places:
        whole = case.observed.to_numpy()[place]
        for side, level in (("dry", 10), ("wet", 90)):
            expected = np.nanpercentile(whole, level)
            assert case.thresholds[side][place] == pytest.approx(expected, abs=1e-6)
