"""Plain arrays under labels, and without them, as arithmetic needs them.

xarray asks Dask about every array that its own arithmetic makes, and Dask takes a
third of a second to load. What is read into memory needs none of it; what is
Dask-backed goes the same way, and stays lazy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr


def make_variable(
    dims: str | Sequence[Any], values: Any, attrs: Mapping[str, Any] | None = None
) -> xr.Variable:
    """Return an array of numbers or texts as a variable, as it is."""
    return xr.Variable(dims, values, attrs, fastpath=True)


def spread(array: xr.DataArray, dims: Sequence[Any]) -> Any:
    """Return the values of an array over dims; of length 1 where it lacks one."""
    values = array.transpose(*(dim for dim in dims if dim in array.dims)).data
    return values[tuple(slice(None) if dim in array.dims else None for dim in dims)]
