"""Look for leakage in a split: shared days, near neighbours, shared stations.

Numbers to judge a split by, published beside it. Only sets that overlap and roles
without a target make it unusable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.schemas.variables import ROLES

EARTH_RADIUS_KM = 6371.0088  # mean radius (IUGG)
DISTANCE_DECIMALS = 3
FULL_RECORD_NOTE = (
    "scaling 'full' and the choice of the primary sensor use the whole record, test "
    "days included; scaling 'train' fits the line on train days only"
)


def audit_split(
    rows: pd.DataFrame,
    cells: pd.DataFrame,
    stations: pd.DataFrame,
    target_days: Mapping[str, NDArray[np.int64]],
    lags: int,
) -> dict[str, Any]:
    """Measure what train and test of one split share.

    Parameters
    ----------
    rows : DataFrame
        cell_id, start, end (both inside), role of one split.
    cells : DataFrame
        cell_id, latitude, longitude.
    stations : DataFrame
        station_id, cell_id: every station whose sensors may stand behind a target.
    target_days : mapping of role to array, (layer,)
        Days with a target in the role, summed over cells.
    lags : int, days
        How far feature set `memory` looks back.

    Returns
    -------
    dict
        `days_in_two_roles` and `empty_roles` must be 0 and [] for a usable split.
    """
    members = {
        role: set(rows.loc[rows["role"] == role, "cell_id"].astype(str))
        for role in ROLES
    }
    return {
        "days_in_two_roles": days_in_two_roles(rows),
        "empty_roles": [role for role in ROLES if not target_days[role].sum()],
        "cells": {role: len(members[role]) for role in ROLES},
        "cell_days": {role: _cell_days(rows, role) for role in ROLES},
        "target_days_by_layer": {
            role: [int(count) for count in target_days[role]] for role in ROLES
        },
        "cells_in_train_and_test": len(members["train"] & members["test"]),
        "nearest_train_test_km": nearest_km(cells, members["train"], members["test"]),
        "stations_in_train_and_test": shared_stations(
            stations, members["train"], members["test"]
        ),
        "boundaries": boundaries(rows, lags),
        "full_record": FULL_RECORD_NOTE,
    }


def days_in_two_roles(rows: pd.DataFrame) -> int:
    """Count cell-days that more than one row covers."""
    count = 0
    for _, group in rows.sort_values(["cell_id", "start"]).groupby("cell_id"):
        covered = pd.Timestamp.min
        for start, end in zip(group["start"], group["end"], strict=True):
            if start <= covered:
                count += (min(end, covered) - start).days + 1
            covered = max(covered, end)
    return count


def nearest_km(cells: pd.DataFrame, first: set[str], second: set[str]) -> float | None:
    """Return the least great-circle distance between two sets of cells, in km.

    None where a set is empty, 0 where they share a cell.
    """
    names = cells["cell_id"].astype(str)
    positions = np.deg2rad(cells[["latitude", "longitude"]].to_numpy(float))
    one, two = (positions[names.isin(group).to_numpy()] for group in (first, second))
    if not len(one) or not len(two):
        return None
    nearest = min(float(_distance_km(here, two).min()) for here in one)
    return round(nearest, DISTANCE_DECIMALS)


def _distance_km(
    here: NDArray[np.float64], there: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Haversine distance from one position, (2,), to others, (N, 2), in radians."""
    half = np.sin((there - here) / 2) ** 2
    chord = half[:, 0] + np.cos(here[0]) * np.cos(there[:, 0]) * half[:, 1]
    distance: NDArray[np.float64] = (
        2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))
    )
    return distance


def shared_stations(
    stations: pd.DataFrame, first: set[str], second: set[str]
) -> dict[str, Any]:
    """Count stations with sensors in cells of both sets, and name the first of them."""
    cell, station = stations["cell_id"].astype(str), stations["station_id"].astype(str)
    shared = sorted(set(station[cell.isin(first)]) & set(station[cell.isin(second)]))
    return {"count": len(shared), "first": shared[:10]}


def boundaries(rows: pd.DataFrame, lags: int) -> list[dict[str, Any]]:
    """Measure the gap in days wherever a cell passes from one role to another.

    `shared_forcing_days` counts the forcing days before the boundary that lagged
    features of the later role still read; `shared_target_days` is 1 where the last
    observation before the boundary is what persistence starts from. The least gap of
    all cells counts.
    """
    gaps: dict[tuple[str, str], int] = {}
    for _, group in rows.sort_values(["cell_id", "start"]).groupby("cell_id"):
        ranges = list(zip(group["start"], group["end"], group["role"], strict=True))
        for place, (_, end, role) in enumerate(ranges):
            for start, _, later in ranges[place + 1 :]:
                pair = str(role), str(later)
                gap = (start - end).days - 1
                if role != later:
                    gaps[pair] = min(gap, gaps.get(pair, gap))
    return [
        {
            "from": earlier,
            "to": later,
            "embargo_days": gap,
            "shared_forcing_days": max(0, lags - gap),
            "shared_target_days": int(gap == 0),
        }
        for (earlier, later), gap in sorted(gaps.items())
    ]


def _cell_days(rows: pd.DataFrame, role: str) -> int:
    chosen = rows[rows["role"] == role]
    return int(((chosen["end"] - chosen["start"]).dt.days + 1).sum())
