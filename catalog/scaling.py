"""Targets in the scaling of a split: its factors, and what its train side may know."""

from __future__ import annotations

import xarray as xr

from somobench.schemas.variables import TEST

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
    scaled = rescale(
        targets["soil_moisture_in_situ"],
        factors["scale_slope"],
        factors["scale_offset"],
    )
    full_record = factors["scale_is_full_record"]
    if LEFT_OUT not in full_record.attrs:
        return scaled
    if role is None:
        message = "roles are needed for train scaling"
        raise ValueError(message)
    one_role = (role == role.isel(time=0)).all("time")
    knows_other_days = (targets["is_gapfilled"] == 1) | (full_record == 1)
    kept = scaled.where((role == TEST) | one_role | ~knows_other_days)
    return kept.transpose(*scaled.dims)


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
    scaled = offset + slope * in_situ.astype("float64")
    scaled = scaled.where(scaled >= 0).round(TARGET_DECIMALS)
    return scaled.astype("float32").transpose(*in_situ.dims)
