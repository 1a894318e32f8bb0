"""Small GRIB files as ECMWF writes them, made with eccodes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# eccodes opens its PROJ to all libraries. Where pyproj comes later (oracles need it),
# both free the same objects as the process ends, which then crashes.
with contextlib.suppress(ImportError):
    import pyproj  # noqa: F401
import eccodes


class Message(NamedTuple):
    """A field: short name, start `YYYYMMDD` and hour, step range or None, values."""

    name: str
    date: int
    hour: int
    step: str | None
    values: np.ndarray | float


def write_grib(
    path: Path,
    messages: Iterable[Message],
    *,
    latitudes: Sequence[float] = (50.25, 50.0, 49.75),
    longitudes: Sequence[float] = (10.0, 10.25, 10.5),
    edition: int = 1,
    **keys: Any,
) -> Path:
    """Write fields on a regular grid; `keys` are set in every message."""
    grid = {
        "Ni": len(longitudes),
        "Nj": len(latitudes),
        "latitudeOfFirstGridPointInDegrees": latitudes[0],
        "latitudeOfLastGridPointInDegrees": latitudes[-1],
        "longitudeOfFirstGridPointInDegrees": longitudes[0],
        "longitudeOfLastGridPointInDegrees": longitudes[-1],
        "iDirectionIncrementInDegrees": 0.25,
        "jDirectionIncrementInDegrees": 0.25,
        "jScansPositively": int(latitudes[0] < latitudes[-1]),
    }
    shape = len(latitudes), len(longitudes)
    sample = f"regular_ll_sfc_grib{edition}"
    with path.open("wb") as file:
        for item in messages:
            message = eccodes.codes_grib_new_from_samples(sample)
            moment = {"date": item.date, "time": item.hour * 100, "centre": "ecmf"}
            span = {"stepType": "accum", "stepRange": item.step} if item.step else {}
            named = {"shortName": item.name}
            for key, content in (grid | moment | named | span | keys).items():
                eccodes.codes_set(message, key, content)
            _set_values(message, np.broadcast_to(item.values, shape).astype(float))
            eccodes.codes_write(message, file)
            eccodes.codes_release(message)
    return path


def _set_values(message: Any, values: np.ndarray) -> None:
    if np.isnan(values).any():
        eccodes.codes_set(message, "bitmapPresent", 1)
        eccodes.codes_set(message, "missingValue", -9999.0)
        values = np.where(np.isnan(values), -9999.0, values)
    eccodes.codes_set_values(message, values.ravel())
