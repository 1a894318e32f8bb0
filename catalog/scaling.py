"""Targets in the scaling of a split: its factors, and what its train side may know."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from somobench.catalog.labels import make_variable, spread
from somobench.schemas.variables import TEST, get_attrs

TARGET_DECIMALS = 5  # of published targets; rescaled ones are rounded alike
LEFT_OUT = "left_out_of_train_values"
KNOWS_OTHER_DAYS = "gap_filled full_record_factors"
"""Attribute of `scale_is_full_record`, and its value, in releases that leave out of
train and validation days what other days of the cell had a part in."""


def scale_by_train_days(
    targets: xr.Dataset, factors: xr.Dataset, role: xr.DataArray | None
) -> xr.DataArray:
    """Return targets in the scaling of a split, no train value knowing other days.

    A value filled from another sensor, or scaled by factors of the full record, rests
    on all days of its cell. It stays on test days, and where the cell keeps one role
    for the whole period; elsewhere it is missing. Releases without attribute
    `LEFT_OUT` keep it everywhere, as they were published.

    Parameters
    ----------
    targets : Dataset, (layer, cell, time), m3 m-3
    factors : Dataset, (layer, cell)
        Those of one split.
    role : DataArray, (cell, time)
        0 none, 1 train, 2 validation, 3 test.

    Returns
    -------
    DataArray, (layer, cell, time), m3 m-3, float32
    """
    full_record = factors["scale_is_full_record"]
    scaled = rescale(
        targets["soil_moisture_in_situ"],
        factors["scale_slope"],
        factors["scale_offset"],
    )
    if LEFT_OUT not in full_record.attrs:
        return scaled
    if role is None:
        message = "roles are needed for train scaling"
        raise ValueError(message)
    aligned = xr.align(scaled, targets["is_gapfilled"], full_record, role, copy=False)
    values, filled, of_full, days = (spread(part, scaled.dims) for part in aligned)
    time = scaled.dims.index("time")
    first = days[(*(slice(None),) * time, slice(0, 1))]
    one_role = (days == first).all(axis=time, keepdims=True)
    kept = (days == TEST) | one_role | ~((filled == 1) | (of_full == 1))
    return _label(np.where(kept, values, np.float32("nan")), aligned[0])


def rescale(
    in_situ: xr.DataArray, slope: xr.DataArray, offset: xr.DataArray
) -> xr.DataArray:
    """Apply scale factors as targets are published: no negatives, five decimals.

    Parameters
    ----------
    in_situ : DataArray, (layer, cell, time), m3 m-3
    slope, offset : DataArray, (layer, cell), 1 and m3 m-3

    Returns
    -------
    DataArray, (layer, cell, time), m3 m-3, float32
    """
    aligned = xr.align(in_situ, slope, offset, copy=False)
    measured, slopes, offsets = (spread(part, in_situ.dims) for part in aligned)
    scaled = offsets + slopes * measured.astype("float64")
    scaled = np.where(scaled >= 0, scaled, np.nan).round(TARGET_DECIMALS)
    return _label(scaled.astype("float32"), aligned[0])


def _label(values: Any, like: xr.DataArray) -> xr.DataArray:
    variable = make_variable(like.dims, values, get_attrs("soil_moisture"))
    return xr.DataArray(variable, like.coords)
