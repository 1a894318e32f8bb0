"""What a score says of the targets that it was computed on, and of names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from factories.scoring import make_case
from somobench.scoring.describe import describe_spread


def test_spread_is_the_median_over_scored_series_with_several_sensors() -> None:
    case = make_case()
    # Layer 1 scores six cells: 0.1, 0.3 and four with one sensor. Layer 2 scores five.
    spread = np.full(11, np.nan)
    spread[:2] = 0.1, 0.3
    found = describe_spread(replace(case, sensor_spread=spread))
    assert found["1"].median_relative_spread == pytest.approx(0.2)
    assert (found["1"].series, found["1"].with_several_sensors) == (6, 2)
    assert found["2"].model_dump() == {
        "series": 5,
        "with_several_sensors": 0,
        "median_relative_spread": None,
    }
