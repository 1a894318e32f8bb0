"""How far apart the roles of a split lie, and which weather and stations they share."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.schemas.variables import ROLES
from somobench.splits.data import Mask
from somobench.splits.sites import get_positions, measure_nearest_km


def count_days_in_two_roles(rows: pd.DataFrame) -> int:
    """Count cell-days that more than one row covers."""
    count = 0
    for _, group in rows.sort_values(["cell_id", "start"]).groupby("cell_id"):
        covered = pd.Timestamp.min
        for start, end in zip(group["start"], group["end"], strict=True):
            if start <= covered:
                count += (min(end, covered) - start).days + 1
            covered = max(covered, end)
    return count


def mark_days_within(mask: Mask, lags: int) -> Mask:
    """Return the days within `lags` days, before or after, of some true day.

    Along the last axis.
    """
    before, after = (
        _count_days_since(mask),
        _count_days_since(mask[..., ::-1])[..., ::-1],
    )
    near: Mask = np.minimum(before, after) <= lags
    return near


def measure_boundaries(masks: Mapping[str, Mask], lags: int) -> list[dict[str, Any]]:
    """Measure the least gap in days wherever a cell passes from one role to another.

    Parameters
    ----------
    masks : mapping of role to array, (cell, day), bool
    lags : int, days
        How far inputs of a day reach back.

    Returns
    -------
    list of dict
        By earlier and later role: `embargo_days` between them, and `shared_days`, how
        many days the lagged inputs of two samples share. A window of lagged forcing
        reaches from a day `lags` days back; one of lagged targets ends the day before,
        and a sample's own target is the day's: both share the same number.
    """
    found = []
    for earlier, later in permutations(ROLES, 2):
        since = _count_days_since(masks[earlier])
        least = int(np.min(since, where=masks[later], initial=since.shape[-1]))
        if least < since.shape[-1]:
            gap = least - 1
            found.append(
                {
                    "from": earlier,
                    "to": later,
                    "embargo_days": gap,
                    "shared_days": max(0, lags - gap),
                }
            )
    return sorted(found, key=lambda item: (str(item["from"]), str(item["to"])))


def _count_days_since(mask: Mask) -> NDArray[np.int64]:
    """Return the days since the last true day; more than there are if there is none.

    0 on a true day itself.
    """
    length = mask.shape[-1]
    places = np.where(mask, np.arange(length), -length)
    since: NDArray[np.int64] = np.arange(length) - np.maximum.accumulate(places, -1)
    return since


DISTANCE_DECIMALS = 3


def measure_distances(
    cells: pd.DataFrame, masks: Mapping[str, Mask], one: str, other: str
) -> dict[str, float] | None:
    """Return how far cells of a later role lie from those of an earlier one, in km.

    Nearest and median over the cells of `other`; 0 where they share a cell, None where
    a role has no cell.
    """
    first, second = (masks[role].any(axis=1) for role in (one, other))
    if not first.any() or not second.any():
        return None
    places = get_positions(cells)
    found = measure_nearest_km(places[second], places[first])
    return {
        "nearest": round(float(found.min()), DISTANCE_DECIMALS),
        "median": round(float(np.median(found)), DISTANCE_DECIMALS),
    }


def count_same_days(cells: pd.DataFrame, masks: Mapping[str, Mask]) -> dict[str, Any]:
    """Count test days of cells on which another cell trains, and the nearest such cell.

    Neighbours share weather, so that such a day isn't new to the model.
    """
    train, test = masks["train"], masks["test"]
    trained = train.sum(axis=0) - (train & test)
    shared = (train.astype(np.float32) @ test.T.astype(np.float32)) > 0
    np.fill_diagonal(shared, val=False)
    places = get_positions(cells)
    nearest = [
        float(measure_nearest_km(places[[cell]], places[others])[0])
        for cell, others in enumerate(shared.T)
        if others.any()
    ]
    least = round(min(nearest), DISTANCE_DECIMALS) if nearest else None
    return {"cell_days": int((test & (trained > 0)).sum()), "nearest_km": least}


def count_shared_stations(
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
