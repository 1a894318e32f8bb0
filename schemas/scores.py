"""Pandera schemas of the score tables: pooled scores, scores of cells, lead times."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd
import pandera.pandas as pa

from somobench.schemas.checks import NOT_EMPTY, check_sorted_unique, check_whole
from somobench.schemas.submission_names import LONGEST_LEAD

MOMENTS_NOTE = "reference_moments"
"""Note of a metric that scores agreement with the reference's mean or variance."""

POOL_KINDS = (
    "plain",
    "region_balanced",
    "region",
    "regime",
    "dryness",
    "network",
    "record_length",
    "station_count",
    "fold",
)
ALL_LAYERS = 0
SCORE_KEY = ("split", "model", "against", "layer", "metric", "pool_kind", "pool")
CELL_KEY = ("split", "model", "layer", "cell_id", "metric")
SHIFT_KEY = ("split", "reference_split", "model", "layer", "metric")
LEAD_KEY = ("lead_time", "model", "against", "layer", "metric")


def _find_crossed_bounds(frame: pd.DataFrame) -> str | None:
    crossed = frame["low"] > frame["high"]
    if not crossed.any():
        return None
    return (
        f"{int(crossed.sum())} rows, the first row {int(crossed.to_numpy().argmax())}"
    )


BOUNDS_ORDERED = check_whole(
    "low not above high", _find_crossed_bounds, needs=("low", "high")
)

_LAYER = pa.Column("int8", pa.Check.in_range(ALL_LAYERS, 9, error="layer 0 to 9"))
_COUNT = pa.Column("int32", pa.Check.ge(0, error="at least 0"))
_TEXT = pa.Column("str")
_NUMBER = pa.Column("float64", nullable=True)
_NOTE = pa.Column(
    "str", pa.Check.isin(("", MOMENTS_NOTE), error="empty or reference_moments")
)
_POOL_KIND = pa.Column(
    "str", pa.Check.isin(POOL_KINDS, error=f"one of {', '.join(POOL_KINDS)}")
)

SCORES = pa.DataFrameSchema(
    {
        "split": _TEXT,
        "model": _TEXT,
        "layer": _LAYER,
        "metric": _TEXT,
        "pool_kind": _POOL_KIND,
        "pool": _TEXT,
        "against": _TEXT,
        "value": _NUMBER,
        "low": _NUMBER,
        "high": _NUMBER,
        "cell_count": _COUNT,
        "day_count": _COUNT,
        "note": _NOTE,
    },
    checks=[check_sorted_unique(*SCORE_KEY), BOUNDS_ORDERED],
    strict=True,
    ordered=True,
    name="scores",
)
"""One row a pooled score; with `against` the difference to the score of that rung.

`layer` 0 pools the series of all layers. `low` and `high` bound the 90 % interval and
are NaN where it can't be estimated. `cell_count` counts series (a cell's layer) with a
value, `day_count` their pairs of prediction and target.
"""

CELL_SCORES = pa.DataFrameSchema(
    {
        "split": _TEXT,
        "model": _TEXT,
        "layer": _LAYER,
        "cell_id": _TEXT,
        "metric": _TEXT,
        "value": _NUMBER,
        "pair_count": _COUNT,
    },
    checks=[check_sorted_unique(*CELL_KEY)],
    strict=True,
    ordered=True,
    name="scores of cells",
)
"""One row a score of one series; NaN where it has too few pairs or isn't defined."""

LEAD_SCORES = pa.DataFrameSchema(
    {
        "lead_time": pa.Column(
            "int8", pa.Check.in_range(1, LONGEST_LEAD, error="1 to 10 days")
        ),
        "model": _TEXT,
        "layer": _LAYER,
        "metric": _TEXT,
        "against": _TEXT,
        "value": _NUMBER,
        "low": _NUMBER,
        "high": _NUMBER,
        "cell_count": _COUNT,
        "day_count": _COUNT,
        "note": _NOTE,
    },
    checks=[NOT_EMPTY, check_sorted_unique(*LEAD_KEY), BOUNDS_ORDERED],
    strict=True,
    ordered=True,
    name="scores by lead time",
)
"""One row a pooled score at a lead time, on the cell-days that all three models
predict at every lead time."""

SHIFT_COSTS = pa.DataFrameSchema(
    {
        "split": _TEXT,
        "reference_split": _TEXT,
        "model": _TEXT,
        "layer": _LAYER,
        "metric": _TEXT,
        "shifted": _NUMBER,
        "reference": _NUMBER,
        "cost": _NUMBER,
        "low": _NUMBER,
        "high": _NUMBER,
        "cell_count": _COUNT,
        "day_count": _COUNT,
    },
    checks=[check_sorted_unique(*SHIFT_KEY), BOUNDS_ORDERED],
    strict=True,
    ordered=True,
    name="shift costs",
)
"""One row what a model loses on a split against `reference_split`, on series and days
that both test; no row where a release has no such split.

`shifted` and `reference` are its median scores there. `cost` is the median of what each
series loses, `reference` minus `shifted`: above 0 skill was lost. `low` and `high`
bound its 90 % interval.
"""

SCORE_TABLES: Mapping[str, tuple[pa.DataFrameSchema, tuple[str, ...]]] = (
    MappingProxyType(
        {
            "scores": (SCORES, SCORE_KEY),
            "cell_scores": (CELL_SCORES, CELL_KEY),
            "shift_costs": (SHIFT_COSTS, SHIFT_KEY),
        }
    )
)
"""Tables of a release's ladder, with their schema and order."""
