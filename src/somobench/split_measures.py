"""How far apart the roles of a split lie, and which weather and stations they share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.split_parts import Mask
from somobench.split_sites import nearest_each_km, positions

DISTANCE_DECIMALS = 3


def distances(
    cells: pd.DataFrame, masks: Mapping[str, Mask], one: str, other: str
) -> dict[str, float] | None:
    """Return how far cells of a later role lie from those of an earlier one, in km.

    Nearest and median over the cells of `other`; 0 where they share a cell, None where
    a role has no cell.
    """
    first, second = (masks[role].any(axis=1) for role in (one, other))
    if not first.any() or not second.any():
        return None
    places = positions(cells)
    found = nearest_each_km(places[second], places[first])
    return {
        "nearest": round(float(found.min()), DISTANCE_DECIMALS),
        "median": round(float(np.median(found)), DISTANCE_DECIMALS),
    }


def same_days(cells: pd.DataFrame, masks: Mapping[str, Mask]) -> dict[str, Any]:
    """Count test days of cells on which another cell trains, and the nearest such cell.

    Neighbours share weather, so that such a day isn't new to the model.
    """
    train, test = masks["train"], masks["test"]
    trained = train.sum(axis=0) - (train & test)
    shared = (train.astype(np.float32) @ test.T.astype(np.float32)) > 0
    np.fill_diagonal(shared, val=False)
    places = positions(cells)
    nearest = [
        float(nearest_each_km(places[[cell]], places[others])[0])
        for cell, others in enumerate(shared.T)
        if others.any()
    ]
    least = round(min(nearest), DISTANCE_DECIMALS) if nearest else None
    return {"cell_days": int((test & (trained > 0)).sum()), "nearest_km": least}


def shared_stations(
    sources: pd.DataFrame, masks: Mapping[str, Mask], names: NDArray[np.str_]
) -> dict[str, Any]:
    """Count stations behind train and behind test targets, in one cell or in two."""
    members = {role: set(names[mask.any(axis=1)]) for role, mask in masks.items()}
    cell = sources["cell_id"].astype(str)
    station = sources["station_id"].astype(str)
    shared = set.intersection(
        *(set(station[cell.isin(members[role])]) for role in ("train", "test"))
    )
    return {
        "train": int(station[cell.isin(members["train"])].nunique()),
        "test": int(station[cell.isin(members["test"])].nunique()),
        "both": len(shared),
    }
