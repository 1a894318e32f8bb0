"""What a score says of the targets that it was computed on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import xarray as xr

from somobench.scoring.case import ScoringCase
from somobench.scoring.record import target_uncertainty


def _case(layers: list[int], cells: list[str]) -> ScoringCase:
    target = xr.DataArray(
        np.zeros(len(cells)), dims="series", coords={"cell": ("series", cells)}
    )
    held: Any = SimpleNamespace(series_layers=np.array(layers, "int8"), target=target)
    return cast(ScoringCase, held)


def _targets() -> xr.Dataset:
    spread = np.array([[0.1, 0.3, np.nan], [np.nan, np.nan, np.nan]], "float32")
    return xr.Dataset(
        {"station_spread": (("layer", "cell"), spread)},
        coords={"layer": np.array([1, 2], "int8"), "cell": ["a", "b", "c"]},
    )


def test_spread_is_the_median_over_scored_series_with_several_sensors() -> None:
    # Layer 1 scores b, c and a: 0.3, none, 0.1. Layer 2 scores b: none.
    found = target_uncertainty(_targets(), _case([1, 1, 1, 2], ["b", "c", "a", "b"]))
    assert found["1"]["median_relative_spread"] == pytest.approx(0.2)
    assert (found["1"]["series"], found["1"]["with_several_sensors"]) == (3, 2)
    assert found["2"] == {
        "series": 1,
        "with_several_sensors": 0,
        "median_relative_spread": None,
    }


def test_series_that_are_not_scored_do_not_count() -> None:
    found = target_uncertainty(_targets(), _case([1], ["b"]))
    assert found["1"]["median_relative_spread"] == pytest.approx(0.3)
