"""Pandera schema of predictions: every rung that a split carries, on its test days."""

from __future__ import annotations

import pandera.xarray as px

from somobench.schemas.checks import POSITIONS_MATCH, SOME_FINITE
from somobench.schemas.grids import (
    CELL,
    DEPTH,
    LATITUDE,
    LAYER,
    LONGITUDE,
    TIME,
    counted,
    physical,
)

PREDICTIONS = px.DatasetSchema(
    data_vars={
        "soil_moisture": physical(
            "soil_moisture", ("rung", "layer", "cell", "time"), SOME_FINITE
        ),
        "needs_observations": counted(("rung",), "int8", 0, 1),
    },
    coords={
        "cell": CELL,
        "latitude": LATITUDE,
        "longitude": LONGITUDE,
        "layer": LAYER,
        "layer_depth_from": DEPTH,
        "layer_depth_to": DEPTH,
        "time": TIME,
    },
    checks=[POSITIONS_MATCH],
    strict=True,
    name="predictions",
)
"""Cells with a test day, from the first to the last test day of the split."""
