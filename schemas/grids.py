"""Pandera schemas of the grids: targets, forcing, features.

These hold between stages; what is released holds more (`somobench.schemas.released`).
"""

from __future__ import annotations

from collections.abc import Mapping

import pandera.xarray as px
import xarray as xr

from somobench.schemas.checks import (
    CELLS_IN_ORDER,
    DAILY,
    NONE_MISSING,
    POSITIONS_MATCH,
    SOME_FINITE,
    check_range,
)
from somobench.schemas.checks.grids import (
    BELOW_POROSITY,
    DAYS_OF_YEAR,
    LAYERS_IN_ORDER,
    SHORT_ATTRIBUTES,
    STATISTICS_FIT,
    UNPACKED,
)
from somobench.schemas.checks.magnitudes import magnitude_checks
from somobench.schemas.checks.places import ON_ITS_GRID
from somobench.schemas.variables import (
    AS_MEASURED,
    AVAILABILITY,
    COMPANIONS,
    DYNAMIC_FORCING,
    STATE_FORCING,
    VARIABLES,
    get_attrs,
)

"""Cells with a test day, from the first to the last test day of the split."""

SERIES = ("layer", "cell", "time")
DEEPEST = 5.0  # m; soil layers given in cm lie beyond it
STEEPEST = 100.0  # scale slope; a reference varies as much as the sensor, or less


def _make_range_check(low: float | None, high: float | None, units: str) -> px.Check:
    if low is None or high is None:
        bound = "finite" if low is None else f"at least {low}"
        return check_range(f"{bound} {units}".strip(), low, high)
    return check_range(f"{low} to {high} {units}".strip(), low, high)


def define_variable(
    name: str,
    dims: tuple[str, ...],
    *checks: px.Check,
    required: bool = True,
    dtype: str | None = None,
) -> px.DataVar:
    """Return the schema of a variable: dtype, dims, units and physical range."""
    variable = VARIABLES[name]
    physical_range = _make_range_check(
        variable.minimum, variable.maximum, variable.units
    )
    return px.DataVar(
        dtype=dtype or variable.dtype,
        dims=dims,
        checks=[physical_range, *checks],
        nullable=True,
        required=required,
        attrs={"units": get_attrs(name)["units"]},
    )


def define_count(
    dims: tuple[str, ...],
    dtype: str,
    low: float | None = 0,
    high: float | None = None,
) -> px.DataVar:
    """Return the schema of a plain number without unit."""
    return px.DataVar(
        dtype=dtype, dims=dims, checks=[_make_range_check(low, high, "")], nullable=True
    )


def _define_text(dims: tuple[str, ...]) -> px.DataVar:
    return px.DataVar(dims=dims)


TIME = px.Coordinate(dtype="datetime64[ns]", checks=DAILY)
CELL = px.Coordinate(checks=CELLS_IN_ORDER)
LATITUDE = px.Coordinate(
    dtype="float64", checks=_make_range_check(-90, 90, "degrees_north")
)
LONGITUDE = px.Coordinate(
    dtype="float64", checks=_make_range_check(-180, 180, "degrees_east")
)
LAYER = px.Coordinate(dtype="int8", checks=_make_range_check(1, 9, ""))
DEPTH = px.Coordinate(dtype="float64", checks=_make_range_check(0, DEEPEST, "m"))

_GRID_COORDS: Mapping[str, px.Coordinate] = {
    "cell": CELL,
    "latitude": LATITUDE,
    "longitude": LONGITUDE,
    "layer": LAYER,
    "layer_depth_from": DEPTH,
    "layer_depth_to": DEPTH,
    "time": TIME,
}

_WHOLE_GRID = (POSITIONS_MATCH, ON_ITS_GRID, SHORT_ATTRIBUTES, UNPACKED)

TARGETS = px.DatasetSchema(
    data_vars={
        "soil_moisture": define_variable(
            "soil_moisture",
            SERIES,
            SOME_FINITE,
            BELOW_POROSITY,
            *magnitude_checks("soil_moisture"),
        ),
        "soil_moisture_in_situ": define_variable(
            "soil_moisture_in_situ",
            SERIES,
            SOME_FINITE,
            *magnitude_checks("soil_moisture_in_situ"),
        ),
        "is_gapfilled": define_count(SERIES, "int8", 0, 1),
        "observation_count": define_count(SERIES, "int16"),
        "scale_slope": define_count(SERIES[:2], "float64", 0, STEEPEST),
        "scale_offset": define_count(SERIES[:2], "float64", None),
        "overlap_days": define_count(SERIES[:2], "int32"),
        "station_count": define_count(SERIES[:2], "int16"),
        "accepted_count": define_count(SERIES[:2], "int16"),
        "used_count": define_count(SERIES[:2], "int16"),
        "station_spread": define_count(SERIES[:2], "float32"),
        "primary_network": _define_text(SERIES[:2]),
        "primary_station": _define_text(SERIES[:2]),
        "primary_sensor": _define_text(SERIES[:2]),
        "depth_from": define_count(SERIES[:2], "float32", 0, DEEPEST),
        "depth_to": define_count(SERIES[:2], "float32", 0, DEEPEST),
    },
    coords=dict(_GRID_COORDS),
    checks=[*_WHOLE_GRID, LAYERS_IN_ORDER],
    strict=True,
    name="targets",
)

FORCING = px.DatasetSchema(
    data_vars={
        **{
            name: define_variable(
                name, SERIES[1:], NONE_MISSING, *magnitude_checks(name), required=False
            )
            for name in (*DYNAMIC_FORCING, *STATE_FORCING, *COMPANIONS)
        },
        "reanalysis_soil_moisture": define_variable(
            "reanalysis_soil_moisture",
            SERIES,
            SOME_FINITE,
            *magnitude_checks("reanalysis_soil_moisture"),
            required=False,
        ),
    },
    coords=dict(_GRID_COORDS),
    checks=[*_WHOLE_GRID, LAYERS_IN_ORDER],
    strict=True,
    name="forcing",
)


def list_complete(forcing: xr.Dataset) -> list[str]:
    """List the forcing variables that have every day of the record of every cell."""
    return [
        str(name)
        for name, array in forcing.data_vars.items()
        if array.attrs.get(AVAILABILITY) != AS_MEASURED
    ]


BY_SPLIT = ("split", "layer", "cell")

FEATURES = px.DatasetSchema(
    data_vars={
        "scale_slope": define_count(BY_SPLIT, "float64", 0, STEEPEST),
        "scale_offset": define_count(BY_SPLIT, "float64", None),
        "scale_is_full_record": define_count(BY_SPLIT, "int8", 0, 1),
        "climatology": define_variable("climatology", (*BY_SPLIT, "day_of_year")),
        "climatology_source": define_count(BY_SPLIT, "int8", 0, 3),
        "normalisation_mean": define_count(("split", "variable"), "float64", None),
        "normalisation_std": define_count(("split", "variable"), "float64"),
    },
    coords={
        "cell": CELL,
        "latitude": LATITUDE,
        "longitude": LONGITUDE,
        "layer": LAYER,
        "day_of_year": px.Coordinate(dtype="int16", checks=DAYS_OF_YEAR),
    },
    checks=[*_WHOLE_GRID, STATISTICS_FIT],
    strict=True,
    name="features",
)

PREDICTIONS = px.DatasetSchema(
    data_vars={
        "soil_moisture": define_variable(
            "soil_moisture", ("rung", "layer", "cell", "time"), SOME_FINITE
        ),
        "needs_observations": define_count(("rung",), "int8", 0, 1),
    },
    coords=dict(_GRID_COORDS),
    checks=[POSITIONS_MATCH],
    strict=True,
    name="predictions",
)
