"""The pools that every score card shows: which cell belongs to which group."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import xarray as xr

DAYS_PER_YEAR = 365.25
# Classes of record length in years of valid days; half of all records are below four.
RECORD_CLASSES: Mapping[str, tuple[float, float]] = {
    "below 1 year": (0.0, 1.0),
    "1 to 3 years": (1.0, 3.0),
    "3 to 6 years": (3.0, 6.0),
    "6 to 10 years": (6.0, 10.0),
    "10 years and more": (10.0, np.inf),
}
STATION_CLASSES: Mapping[str, tuple[float, float]] = {
    "1 station": (1.0, 2.0),
    "2 stations": (2.0, 3.0),
    "3 stations and more": (3.0, np.inf),
}
NO_GROUP = ""


def _classify_numbers(
    numbers: xr.DataArray, classes: Mapping[str, tuple[float, float]]
) -> xr.DataArray:
    labels = np.full(numbers.shape, NO_GROUP, dtype=object)
    values = numbers.to_numpy()
    for name, (low, high) in classes.items():
        labels[(values >= low) & (values < high)] = name
    return numbers.copy(data=labels)


def label_standard_pools(
    scores: xr.Dataset,
    *,
    region: xr.DataArray | None = None,
    regime: xr.DataArray | None = None,
    network: xr.DataArray | None = None,
    valid_days: xr.DataArray | None = None,
    station_count: xr.DataArray | None = None,
) -> dict[str, xr.DataArray]:
    """Label every series with its group in each pool.

    Parameters
    ----------
    scores : Dataset
        Of `somobench.metrics.score`; a dim `layer` gives the pool "layer".
    region, regime, network : DataArray of str, dims among the scores', optional
        An empty text belongs to no group.
    valid_days : DataArray, optional
        Valid days of the target, for the pool "record_length".
    station_count : DataArray, optional
        Stations behind the target, for the pool "station_count".

    Returns
    -------
    dict of DataArray of str
        "all", and a pool for each argument given.
    """
    template = scores["pair_count"]
    pools = {"all": template.copy(data=np.full(template.shape, "all", dtype=object))}
    if "layer" in template.dims:
        layers = template["layer"].astype(str).astype(object)
        pools["layer"], _ = xr.broadcast(layers, template)
    given: dict[str, xr.DataArray | None] = {
        "region": region,
        "regime": regime,
        "network": network,
        "record_length": None
        if valid_days is None
        else _classify_numbers(valid_days / DAYS_PER_YEAR, RECORD_CLASSES),
        "station_count": None
        if station_count is None
        else _classify_numbers(station_count, STATION_CLASSES),
    }
    return pools | {
        name: labels for name, labels in given.items() if labels is not None
    }


def flatten_labels(labels: xr.DataArray, template: xr.DataArray) -> list[Hashable]:
    """Broadcast labels over the series of `template`, in the order of its rows."""
    if labels.dims == template.dims and _share_indexes(labels, template):
        return list(labels.to_numpy().ravel())
    aligned, like = xr.align(labels, template, join="exact")
    full, _ = xr.broadcast(aligned, like)
    return list(full.transpose(*template.dims).to_numpy().ravel())


def _share_indexes(labels: xr.DataArray, template: xr.DataArray) -> bool:
    """Tell whether both have the same sizes and the same labels on every dim."""
    own, others = labels.indexes, template.indexes
    return labels.shape == template.shape and all(
        dim in own and dim in others and own[dim].equals(others[dim])
        for dim in labels.dims
    )
