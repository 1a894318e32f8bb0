"""Schemas of what is released or handed to `somobench validate`: tables and grids.

They add to the schemas between stages what only a finished file can promise: that its
variables agree, and that no series stands still or steps. A sensor that stands still is
no reason to stop `ingest`: the target rule refuses it and counts it. In a release it is
one: nobody should learn from it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType

import pandera.pandas as pa
from pandera.api.checks import Check
from pandera.xarray import DatasetSchema

from somobench.schemas.checks.grids import (
    COUNTED_WHERE_MEASURED,
    DEPTH_IN_LAYER,
    DEVIATIONS_ABOVE_ZERO,
    EVERY_CELL_HAS_TARGET,
    FACTORS_WHERE_CLIMATOLOGY,
    FILLED_WHERE_PRESENT,
    ONLY_WHERE_MEASURED,
    SCALED_AS_STATED,
    SOURCE_TELLS,
    USED_ARE_ACCEPTED,
)
from somobench.schemas.checks.magnitudes import CLEAR_SKY
from somobench.schemas.checks.places import NOT_SWAPPED, ONE_PLACE, STATION_IN_CELL
from somobench.schemas.checks.series import (
    NO_STEP_OF_A_SENSOR,
    NO_STEP_OF_A_SERIES,
    NO_STUCK_SENSOR,
    check_stuck_series,
)
from somobench.schemas.checks.tables import (
    DAYS_FIT,
    IDS_MATCH,
    NO_DAYS_TO_COME,
    ONE_LAYER,
)
from somobench.schemas.grids import FEATURES, FORCING, TARGETS
from somobench.schemas.scores import SCORES, SHIFT_COSTS
from somobench.schemas.tables import CELLS, OBSERVATIONS, SENSORS, SPLITS
from somobench.schemas.variables import COMPANIONS, DYNAMIC_FORCING, STATE_FORCING

MAY_REST_AT_ZERO = ("precipitation", "evaporation", "shortwave_radiation")
FOLLOWS_NO_DAY = ("vegetation_index", "absorbed_radiation_fraction")
"""Composites of 8 or 16 days, constant through a season of dormancy."""
MAY_REST_FULL = tuple(name for name in COMPANIONS if name.startswith("modelled_"))
"""Stores of models stay full, or empty, for a season."""


def _extend_table(schema: pa.DataFrameSchema, *further: Check) -> pa.DataFrameSchema:
    extended = copy.deepcopy(schema)
    extended.checks = [*schema.checks, *further]
    extended.ordered = False  # readers find columns by name, and leave others aside
    extended.strict = False
    return extended


def _extend_grid(schema: DatasetSchema, *further: Check) -> DatasetSchema:
    extended = copy.deepcopy(schema)
    extended.checks = [*schema.checks, *further]
    return extended


_STUCK_FORCING = tuple(
    check_stuck_series(name, may_rest_at_zero=name in MAY_REST_AT_ZERO)
    for name in (
        *DYNAMIC_FORCING,
        *STATE_FORCING,
        *COMPANIONS,
        "reanalysis_soil_moisture",
    )
    if name not in FOLLOWS_NO_DAY + MAY_REST_FULL
)

RELEASED_TABLES: Mapping[str, pa.DataFrameSchema] = MappingProxyType(
    {
        "stations": _extend_table(
            SENSORS,
            IDS_MATCH,
            ONE_LAYER,
            DAYS_FIT,
            STATION_IN_CELL,
            ONE_PLACE,
            NOT_SWAPPED,
            NO_DAYS_TO_COME,
        ),
        "observations": _extend_table(
            OBSERVATIONS, NO_STUCK_SENSOR, NO_STEP_OF_A_SENSOR
        ),
        "cells": CELLS,
        "splits": _extend_table(SPLITS, NO_DAYS_TO_COME),
        "scores": _extend_table(SCORES),
        "shift_costs": _extend_table(SHIFT_COSTS),
    }
)
RELEASED_GRIDS: Mapping[str, DatasetSchema] = MappingProxyType(
    {
        "targets": _extend_grid(
            TARGETS,
            SCALED_AS_STATED,
            COUNTED_WHERE_MEASURED,
            FILLED_WHERE_PRESENT,
            USED_ARE_ACCEPTED,
            ONLY_WHERE_MEASURED,
            EVERY_CELL_HAS_TARGET,
            DEPTH_IN_LAYER,
            check_stuck_series("soil_moisture"),
            check_stuck_series("soil_moisture_in_situ"),
            NO_STEP_OF_A_SERIES,
        ),
        "forcing": _extend_grid(FORCING, CLEAR_SKY, *_STUCK_FORCING),
        "features": _extend_grid(
            FEATURES, SOURCE_TELLS, FACTORS_WHERE_CLIMATOLOGY, DEVIATIONS_ABOVE_ZERO
        ),
    }
)
