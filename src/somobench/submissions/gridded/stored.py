"""Variables of a file as numbers: unpacked, with what the file calls missing as NaN."""

from __future__ import annotations

from typing import Any

import xarray as xr

from somobench.submissions.units import decode_attribute


def unpack_variable(dataset: xr.Dataset, name: str) -> xr.Variable:
    """Return a variable by its packing, scale and marks of missing values, lazily.

    Times stay numbers.
    """
    one: Any = xr.decode_cf(
        xr.Dataset({name: dataset.variables[name]}),
        decode_times=False,
        decode_coords=False,
    )
    return one.variables[name]


def find_bounds(dataset: xr.Dataset, name: str) -> str | None:
    """Return the variable that holds the bounds of a coordinate, if there is one.

    xarray keeps its name among the encoding where bounds were made coordinates.
    """
    variable = dataset.variables[name]
    said = variable.attrs.get("bounds", variable.encoding.get("bounds"))
    bounds = decode_attribute(said)
    return bounds if bounds in dataset.variables else None
