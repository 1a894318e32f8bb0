"""What does not change over time, of stations and of cells: soil, cover, climate."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from somobench.schemas.checks import sorted_unique, wide
from somobench.schemas.variables import STATIC_ATTRIBUTES, STATIC_CLASSES, VARIABLES

LARGEST_SUM = 1.05  # of sand, silt and clay; sources round each to whole per cent
SMALLEST_SUM = 0.95
_TEXTURE = ("sand_fraction", "silt_fraction", "clay_fraction")


def _unfit_attribute(frame: pd.DataFrame) -> str | None:
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


ATTRIBUTES_FIT = wide("static attributes as float64, from 0 to 1", _unfit_attribute)


def _unfit_class(frame: pd.DataFrame) -> str | None:
    for name in STATIC_CLASSES:
        if name in frame and (frame[name].dtype != "str" or frame[name].isna().any()):
            return f"{name} as {frame[name].dtype}, {frame[name].isna().sum()} missing"
    return None


CLASSES_FIT = wide("static classes as text, empty where unknown", _unfit_class)


def _torn_texture(frame: pd.DataFrame) -> str | None:
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


TEXTURE_FITS = wide("sand, silt and clay that sum to 1", _torn_texture)

STATIC_CHECKS = (ATTRIBUTES_FIT, CLASSES_FIT, TEXTURE_FITS)

STATICS = pa.DataFrameSchema(
    {
        "station_id": pa.Column("str"),
        **{name: pa.Column("float64", nullable=True) for name in STATIC_ATTRIBUTES},
        **{name: pa.Column("str") for name in STATIC_CLASSES},
    },
    checks=[sorted_unique("station_id"), *STATIC_CHECKS],
    strict=True,
    ordered=True,
    name="statics",
)
"""One row a station whose source describes it; may be empty."""
