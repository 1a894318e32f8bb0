"""Pandera schemas of the tables: sensors, observations, splits, cells.

These hold between stages; what is released holds more (`somobench.schemas.released`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pandera.pandas as pa

from somobench.schemas.checks import (
    NOT_EMPTY,
    cell_name,
    check_range,
    check_sorted_unique,
    check_whole,
)
from somobench.schemas.checks.places import CELL_IDS
from somobench.schemas.checks.tables import (
    DEPTHS_MATCH,
    DISJOINT_RANGES,
    DRYNESS_FITS,
    FRACTIONS,
    MAGNITUDE,
    REGIME_FITS,
    SATURATION_FITS,
    TRAIN_AND_TEST,
)
from somobench.schemas.variables import (
    REGIMES,
    ROLES,
    STATIC_ATTRIBUTES,
    STATIC_CLASSES,
    VARIABLES,
)

LARGEST_SUM = 1.05  # of sand, silt and clay; sources round each to whole per cent
SMALLEST_SUM = 0.95
_TEXTURE = ("sand_fraction", "silt_fraction", "clay_fraction")


def _find_unfit_attribute(frame: pd.DataFrame) -> str | None:
    for name in STATIC_ATTRIBUTES:
        if name not in frame:
            continue
        variable, values = VARIABLES[name], frame[name]
        if values.dtype != variable.dtype:
            return f"{name} as {values.dtype}"
        wrong = ~(values.between(variable.minimum, variable.maximum) | values.isna())
        if wrong.any():
            return f"{name} {values[wrong].iloc[0]} ({int(wrong.sum())} rows)"
    return None


ATTRIBUTES_FIT = check_whole(
    "static attributes as float64, from 0 to 1", _find_unfit_attribute
)


def _find_unfit_class(frame: pd.DataFrame) -> str | None:
    for name in STATIC_CLASSES:
        if name in frame and (frame[name].dtype != "str" or frame[name].isna().any()):
            return f"{name} as {frame[name].dtype}, {frame[name].isna().sum()} missing"
    return None


CLASSES_FIT = check_whole(
    "static classes as text, empty where unknown", _find_unfit_class
)


def _find_incomplete_texture(frame: pd.DataFrame) -> str | None:
    for suffix in ("", "_below_30_cm"):
        names = [name + suffix for name in _TEXTURE]
        if not set(names) <= set(frame.columns):
            continue
        total = frame[names].sum(axis=1, skipna=False)
        given = total.notna() & (total > 0)  # zero stands for rock, ice and water
        wrong = given & ~total.between(SMALLEST_SUM, LARGEST_SUM)
        if wrong.any():
            return f"{' + '.join(names)} = {total[wrong].iloc[0]:.3f}"
    return None


TEXTURE_FITS = check_whole(
    "sand, silt and clay that sum to 1", _find_incomplete_texture
)

STATIC_CHECKS = (ATTRIBUTES_FIT, CLASSES_FIT, TEXTURE_FITS)

STATICS = pa.DataFrameSchema(
    {
        "station_id": pa.Column("str"),
        **{name: pa.Column("float64", nullable=True) for name in STATIC_ATTRIBUTES},
        **{name: pa.Column("str") for name in STATIC_CLASSES},
    },
    checks=[check_sorted_unique("station_id"), *STATIC_CHECKS],
    strict=True,
    ordered=True,
    name="statics",
)
"""One row a station whose source describes it; may be empty."""

DAY_DEFINITIONS = ("UTC", "local_standard_time")
FIRST_DAY, LAST_DAY = pd.Timestamp("1900-01-01"), pd.Timestamp("2199-12-31")
NANOSECONDS_A_DAY = 86_400_000_000_000
MINUTES = 1440  # of a day; no sensor delivers more values


def _define_text(
    *further: pa.Check, allowed: tuple[str, ...] | None = None
) -> pa.Column:
    checks = [pa.Check(_mark_not_blank, error="text that isn't blank"), *further]
    if allowed is not None:
        checks.append(pa.Check.isin(allowed, error=f"one of {', '.join(allowed)}"))
    return pa.Column("str", checks)


def _number(
    dtype: str, low: float | None, high: float | None, *, nullable: bool = False
) -> pa.Column:
    text = f"from {low} to {high}" if high is not None else f"at least {low}"
    check = check_range(text, low, high)
    return pa.Column(dtype, check, nullable=nullable)


def _define_day() -> pa.Column:
    midnight = pa.Check(_is_midnight, error="days at 00:00 without zone")
    plausible = pa.Check.in_range(
        FIRST_DAY, LAST_DAY, error=f"days from {FIRST_DAY:%Y} to {LAST_DAY:%Y}"
    )
    return pa.Column("datetime64[ns]", [midnight, plausible])


def _define_physical(
    name: str, *, nullable: bool = False, dtype: str = "float64"
) -> pa.Column:
    variable = VARIABLES[name]
    return _number(dtype, variable.minimum, variable.maximum, nullable=nullable)


def _mark_not_blank(column: pd.Series) -> pd.Series:
    # Tables repeat few texts in many rows: look at each once.
    codes, texts = pd.factorize(column)
    blank = np.array([not str(text).strip() for text in texts], dtype=bool)
    return pd.Series(~np.append(blank, True)[codes], index=column.index)


def _is_midnight(column: pd.Series) -> pd.Series:
    nanoseconds = column.to_numpy().astype("datetime64[ns]").astype(np.int64)
    return pd.Series(nanoseconds % NANOSECONDS_A_DAY == 0, index=column.index)


def _compare_depths(frame: pd.DataFrame) -> pd.Series:
    return frame["depth_from"] <= frame["depth_to"]


def _compare_ends(frame: pd.DataFrame) -> pd.Series:
    return frame["start"] <= frame["end"]


def _compare_id_with_position(frame: pd.DataFrame) -> pd.Series:
    expected = [
        cell_name(latitude, longitude)
        for latitude, longitude in zip(
            frame["latitude"], frame["longitude"], strict=True
        )
    ]
    return frame["cell_id"] == pd.Series(expected, index=frame.index, dtype="str")


SENSORS = pa.DataFrameSchema(
    {
        "sensor_id": _define_text(),
        "station_id": _define_text(),
        "network": _define_text(),
        "station": _define_text(),
        "sensor": _define_text(),
        "latitude": _number("float64", -90, 90),
        "longitude": _number("float64", -180, 180),
        "elevation": _number("float64", -500, 9000, nullable=True),
        "depth_from": _number("float64", 0, 100),
        "depth_to": _number("float64", 0, 100),
        "depth_from_cm": _number("int16", 0, 10000),
        "depth_to_cm": _number("int16", 0, 10000),
        "layer": _number("int8", 0, 9),
        "cell_id": _define_text(CELL_IDS),
        "day_definition": _define_text(allowed=DAY_DEFINITIONS),
        "start": _define_day(),
        "end": _define_day(),
        "valid_days": _number("int32", 0, None),
        "value_count": _number("int32", 0, None),
        "source_file": _define_text(),
    },
    checks=[
        NOT_EMPTY,
        check_sorted_unique("sensor_id"),
        pa.Check(_compare_depths, error="depth_from not below depth_to"),
        pa.Check(_compare_ends, error="start not after end"),
        DEPTHS_MATCH,
    ],
    strict=True,
    ordered=True,
    name="stations",
)
"""One row a soil-moisture sensor."""

OBSERVATIONS = pa.DataFrameSchema(
    {
        "sensor_id": _define_text(),
        "time": _define_day(),
        "soil_moisture": _number("float64", 0, 1),
        "observation_count": _number("int16", 1, MINUTES),
    },
    checks=[NOT_EMPTY, check_sorted_unique("sensor_id", "time"), MAGNITUDE],
    strict=True,
    ordered=True,
    name="observations",
)
"""One row a sensor and day: the mean of the day's good values, in m3 m-3."""

_PERIOD_ORDERED = pa.Check(_compare_ends, error="start not after end")
_RANGE = {
    "start": _define_day(),
    "end": _define_day(),
    "role": _define_text(allowed=ROLES),
}
_PLACE = {
    "latitude": _number("float64", -90, 90),
    "longitude": _number("float64", -180, 180),
}


def _find_repeated_cells(frame: pd.DataFrame) -> str | None:
    repeated = frame["cell_id"][frame["cell_id"].duplicated()].unique()
    return (
        f"{', '.join(map(str, repeated[:5]))} more than once" if len(repeated) else None
    )


EACH_CELL_ONCE = check_whole("each cell once", _find_repeated_cells, needs=("cell_id",))

SPLIT_ROWS = pa.DataFrameSchema(
    {"cell_id": _define_text(), **_RANGE},
    checks=[NOT_EMPTY, _PERIOD_ORDERED],
    name="rows",
)
"""Rows to audit: one split, of cells of any name; further columns may follow."""

CELL_PLACES = pa.DataFrameSchema(
    {"cell_id": _define_text(), **_PLACE},
    checks=[NOT_EMPTY, EACH_CELL_ONCE],
    name="cells",
)
"""Where cells lie, of any name; further columns may follow."""

SOURCE_PLACES = pa.DataFrameSchema(
    {"cell_id": _define_text(), "station_id": _define_text(), **_PLACE},
    checks=[NOT_EMPTY],
    name="sources",
)
"""Where the stations behind the targets of cells stand."""

SPLITS = pa.DataFrameSchema(
    {"split": _define_text(), "cell_id": _define_text(CELL_IDS), **_RANGE},
    checks=[
        check_sorted_unique("split", "cell_id", "start"),
        _PERIOD_ORDERED,
        DISJOINT_RANGES,
        TRAIN_AND_TEST,
    ],
    strict=True,
    ordered=True,
    name="splits",
)
"""One row a range of days, both ends inside; may be empty where no split is carried."""

CELLS = pa.DataFrameSchema(
    {
        "cell_id": _define_text(CELL_IDS),
        "latitude": _number("float64", -90, 90),
        "longitude": _number("float64", -180, 180),
        "region": _define_text(),
        "mean_air_temperature": _define_physical("air_temperature", nullable=True),
        "mean_precipitation": _define_physical("precipitation", nullable=True),
        "mean_net_radiation": _define_physical("net_radiation", nullable=True),
        "dryness": _define_physical("dryness", nullable=True),
        "regime": _define_text(allowed=REGIMES),
        "node_count": _number("int8", 0, 4),
    },
    checks=[
        NOT_EMPTY,
        check_sorted_unique("cell_id"),
        pa.Check(_compare_id_with_position, error='cell_id "{latitude}_{longitude}"'),
        DRYNESS_FITS,
        REGIME_FITS,
        FRACTIONS,
        SATURATION_FITS,
        *STATIC_CHECKS,
    ],
    strict=False,
    ordered=False,
    name="cells",
)
"""One row a cell; static attributes may follow as further columns."""
