"""Series of a forcing grid as rows, and how failures of cells are told."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import Failure

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def read_rows(forcing: xr.Dataset, *names: str) -> list[Floats] | None:
    """Return variables, (cell, time), or nothing where one is missing."""
    if not {*names} <= {*map(str, forcing.data_vars)}:
        return None
    return [
        forcing[name].transpose("cell", "time").to_numpy().astype("float64")
        for name in names
    ]


def fail_cells(
    forcing: xr.Dataset, name: str, wrong: Mask, found: str, expected: str
) -> Iterator[Failure]:
    """Give one failure that counts wrong cells and names the first."""
    if wrong.any():
        cell = forcing["cell"].to_numpy()[int(wrong.argmax())]
        where = f"forcing.zarr.zip {name}"
        yield Failure(
            where, f"{found} in {int(wrong.sum())} cells such as {cell}", expected
        )


def any_day(wrong: Mask) -> Mask:
    """Tell for each cell whether it is wrong on any day, or in any part."""
    found: Mask = np.asarray(wrong.any(axis=1), dtype=bool)
    return found


def is_averaged(forcing: xr.Dataset) -> bool:
    """Tell whether cells are means of four nodes of a model's grid.

    So no cell has another's weather, no gauge its resolution, no sensor its failures.
    """
    registration = forcing.attrs.get("grid_registration")
    remapping = forcing.attrs.get("remapping")  # of stations: that of the reference
    return bool(registration == "node" and remapping == "corner_mean")


def correlate_rows(one: Floats, other: Floats, fewest: int) -> Floats:
    """Correlate along the last axis; NaN where constant or of fewer common days."""
    known = np.isfinite(one) & np.isfinite(other)
    count = known.sum(axis=-1)
    centred = []
    for values in (one, other):
        kept = np.where(known, values, 0.0)
        mean = kept.sum(axis=-1) / np.maximum(count, 1)
        centred.append(np.where(known, values - mean[..., None], 0.0))
    first, second = centred
    power = (first**2).sum(axis=-1) * (second**2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = (first * second).sum(axis=-1) / np.sqrt(power)
    found[(count < fewest) | ~(power > 0)] = np.nan
    return found
