"""Pandera schema of the table that every experiment writes."""

from __future__ import annotations

import pandera.pandas as pa

from somobench.schemas.checks import NOT_EMPTY, check_sorted_unique
from somobench.schemas.scores import ALL_LAYERS, BOUNDS_ORDERED

EXPERIMENT_KEY = ("model", "metric", "layer", "tested", "arm", "against")

EXPERIMENT = pa.DataFrameSchema(
    {
        "model": pa.Column("str"),
        "metric": pa.Column("str"),
        "layer": pa.Column(
            "int8", pa.Check.in_range(ALL_LAYERS, 9, error="layer 0 to 9")
        ),
        "tested": pa.Column("str"),
        "arm": pa.Column("str"),
        "against": pa.Column("str"),
        "value": pa.Column("float64", nullable=True),
        "low": pa.Column("float64", nullable=True),
        "high": pa.Column("float64", nullable=True),
        "cell_count": pa.Column("int32", pa.Check.ge(0, error="at least 0")),
        "day_count": pa.Column("int32", pa.Check.ge(0, error="at least 0")),
    },
    checks=[NOT_EMPTY, check_sorted_unique(*EXPERIMENT_KEY), BOUNDS_ORDERED],
    strict=True,
    ordered=True,
    name="an experiment",
)
"""One row a number of an experiment.

`tested` is the regime of the series that are scored, or `all`; `arm` what differed.
With `against`, `value` is the median over series of what each has less in `arm` than in
`against` (above 0 skill was lost), else the median score. `layer` 0 pools all layers.
`low` and `high` bound the 90 % interval and are NaN where there is none. `cell_count`
counts series (a cell's layer) with a value, `day_count` their scored days.
"""
