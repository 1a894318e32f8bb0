"""Keyword-only builder of small tables of stations' static attributes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from somobench.schemas.variables import STATIC_ATTRIBUTES, STATIC_CLASSES


def make_statics(
    *, stations: Sequence[str], sand: Sequence[float] = (), cover: str = "10"
) -> pd.DataFrame:
    """Return a statics table: sand where given, a land cover, and nothing else."""
    columns = {"station_id": pd.Series(list(stations), dtype="str")}
    for name in STATIC_ATTRIBUTES:
        values = np.full(len(stations), np.nan)
        if name == "sand_fraction":
            values[: len(sand)] = sand
        columns[name] = pd.Series(values)
    for name in STATIC_CLASSES:
        text = cover if name == "land_cover" else ""
        columns[name] = pd.Series([text] * len(stations), dtype="str")
    return pd.DataFrame(columns)
