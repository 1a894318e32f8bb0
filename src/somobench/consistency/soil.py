"""Soil of cells: pores against texture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from somobench.schemas.errors import Failure

DEPTHS = ("", "_below_30_cm")
LEAST_CLAY = 0.01  # the regression's smallest
FEWEST_PORES = 0.11
"""m3 m-3 below the regression of Saxton and others (1986,
doi:10.2136/sssaj1986.03615995005000040039x). Sites of ISMN lie 0.07 below it at most;
organic soils lie above."""


def find_other_soils(cells: pd.DataFrame) -> list[Failure]:
    """Return saturations that leave a cell fewer pores than sand and clay have."""
    return [it for depth in DEPTHS for it in _compare_pores(cells, depth)]


def _compare_pores(cells: pd.DataFrame, depth: str) -> Iterator[Failure]:
    names = [f"{it}{depth}" for it in ("saturation", "sand_fraction", "clay_fraction")]
    if not {*names} <= {*cells.columns}:
        return
    given, sand, clay = (cells[name].to_numpy("float64") for name in names)
    # A cell of rock, ice or water has no texture.
    judged = (clay >= LEAST_CLAY) & (sand + clay > LEAST_CLAY) & np.isfinite(given)
    expected = (
        0.332 - 0.07251 * sand + 0.1276 * np.log10(100 * np.maximum(clay, LEAST_CLAY))
    )
    wrong = judged & (given < expected - FEWEST_PORES)
    if wrong.any():
        row = int(wrong.argmax())
        cell = cells["cell_id"].iloc[row]
        found = f"{given[row]} in {int(wrong.sum())} cells such as {cell}"
        due = f"about {expected[row]:.2f}, by sand and clay"
        yield Failure(f"cells.parquet {names[0]}", found, due)
