"""Targets before and after scaling, and their agreement with the reanalysis.

Pure: one layer's arrays in, numbers for figures out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.report_statistics import (
    day_to_day,
    histogram,
    moments,
    row_blocks,
    row_correlations,
    summary,
)


def distributions(
    in_situ: NDArray[Any],
    scaled: NDArray[Any] | None,
    reference: NDArray[Any] | None,
) -> dict[str, Any]:
    """Describe the values of a layer before and after scaling, cell-days pooled.

    Parameters
    ----------
    in_situ : (cell, time)
        Unscaled target, m3 m-3.
    scaled : (cell, time), optional
        Target; None where the layer isn't scaled.
    reference : (cell, time), optional
        Reanalysis soil moisture; only days with a target count.

    Returns
    -------
    dict
        `in_situ`, and where given `scaled` and `reanalysis`: histogram (bins of 0.01)
        and moments.
    """
    found = {"in_situ": _described(in_situ)}
    if scaled is not None:
        found["scaled"] = _described(scaled)
    if reference is not None:
        valid = np.isfinite(in_situ if scaled is None else scaled)
        found["reanalysis"] = _described(np.where(valid, reference, np.nan))
    return found


def _described(values: NDArray[Any]) -> dict[str, Any]:
    return moments(values) | {"histogram": histogram(values)}


def agreement(
    target: NDArray[Any], reference: NDArray[Any], regions: Sequence[str]
) -> dict[str, Any]:
    """Correlate targets with the reanalysis, daily and by day-to-day differences.

    Parameters
    ----------
    target, reference : (cell, time), m3 m-3
    regions : of each cell

    Returns
    -------
    dict
        `all`, and `regions` by name: cells with a target, common `cell_days`, and
        summaries over cells of `daily` and `day_to_day` correlation. Cells with fewer
        than 90 common days, or differences, aren't in the summary concerned.
    """
    daily, pairs = row_correlations(target, reference)
    changes = np.full(len(target), np.nan)
    for rows in row_blocks(len(target)):
        changes[rows], _ = row_correlations(
            day_to_day(target[rows]), day_to_day(reference[rows])
        )
    cells = np.isfinite(target).any(axis=1)
    names = np.array(regions, dtype=object)

    def pooled(chosen: NDArray[np.bool_]) -> dict[str, Any]:
        return {
            "cells": int((cells & chosen).sum()),
            "cell_days": int(pairs[chosen].sum()),
            "daily": summary(daily[chosen]),
            "day_to_day": summary(changes[chosen]),
        }

    present = sorted(set(names[cells].tolist()))
    return {
        "all": pooled(np.ones(len(target), bool)),
        "regions": {name: pooled(names == name) for name in present},
    }
