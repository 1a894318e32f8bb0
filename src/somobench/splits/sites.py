"""Cells that share a measuring place, and how far cells lie apart.

A station whose coordinates are delivered twice, a probe known under two names, or a
cell under two ids carries what it measured from train to test, however far apart the
roles look. Links are found here, for the splits to avoid and for the audit to look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.schemas.variables import ROLES

EARTH_RADIUS_KM = 6371.0088  # mean radius (IUGG)
SAME_SITE_KM = 1.0  # what one name's coordinates differ by between archives
SAME_STATION = "station"
SAME_SITE = "site"
SAME_POSITION = "position"


class Link(NamedTuple):
    """Two cells with a measuring place in common; `first` comes before `second`."""

    first: str
    second: str
    kind: str
    what: str


def links_between(cells: pd.DataFrame, sources: pd.DataFrame) -> list[Link]:
    """Find pairs of cells that share a station, a site or their own position.

    Parameters
    ----------
    cells : DataFrame
        cell_id, latitude, longitude.
    sources : DataFrame
        cell_id, station_id, latitude, longitude of the sensors behind targets.

    Returns
    -------
    list of Link
        `station`: one station stands behind targets of both. `site`: stations of two
        names less than 1 km apart. `position`: centres less than 1 km apart.
    """
    stations = sources[["cell_id", "station_id", "latitude", "longitude"]]
    stations = stations.drop_duplicates().sort_values(["cell_id", "station_id"])
    found = {
        _make_link(first, second, SAME_STATION, str(station))
        for station, group in stations.groupby("station_id")
        for first, second in combinations(sorted(set(group["cell_id"])), 2)
    }
    names = stations[["cell_id", "station_id"]].to_numpy().astype(str)
    for here, there in _find_near_pairs(stations):
        (first, one), (second, other) = names[here], names[there]
        if first != second and one != other:
            text = " and ".join(sorted((one, other)))
            found.add(_make_link(first, second, SAME_SITE, text))
    ids = cells["cell_id"].to_numpy().astype(str)
    for here, there in _find_near_pairs(cells):
        if ids[here] != ids[there]:
            found.add(_make_link(ids[here], ids[there], SAME_POSITION, "cell centre"))
    return sorted(found)


def drop_linked(
    rows: pd.DataFrame, links: Sequence[Link], lags: int
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Take one of two linked cells out where their roles meet within `lags` days.

    The cell that is tested stays, then the one in validation, then the smaller id.

    Returns
    -------
    tuple of DataFrame and dict
        The rows that are left, and a reason for each cell taken out.
    """
    ranks = rows["role"].map({role: rank for rank, role in enumerate(ROLES)})
    highest = ranks.groupby(rows["cell_id"].astype(str)).max()
    rank = {str(cell): int(value) for cell, value in highest.items()}
    without: dict[str, str] = {}
    for link in sorted(links, key=lambda link: _rank_link(link, rank)):
        if {link.first, link.second} & set(without):
            continue
        if not has_meeting(rows, link, lags):
            continue
        second_stays = rank[link.second] > rank[link.first]
        gone, kept = (
            (link.first, link.second) if second_stays else (link.second, link.first)
        )
        without[gone] = f"{link.kind} {link.what} is shared with {kept}"
    return rows[~rows["cell_id"].isin(list(without))].reset_index(drop=True), without


def _rank_link(link: Link, rank: dict[str, int]) -> tuple[int, Link]:
    return -max(rank.get(link.first, -1), rank.get(link.second, -1)), link


def has_meeting(rows: pd.DataFrame, link: Link, lags: int) -> bool:
    """Say whether two linked cells have different roles within `lags` days."""
    one, other = (
        rows[rows["cell_id"] == name][["start", "end", "role"]].to_dict("records")
        for name in (link.first, link.second)
    )
    return any(
        here["role"] != there["role"]
        and max(here["start"], there["start"]) - min(here["end"], there["end"])
        <= pd.Timedelta(days=lags)
        for here, there in product(one, other)
    )


def measure_nearest_km(
    here: NDArray[np.float64], there: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far each of (N, 2) positions lies from the nearest of (M, 2), in km.

    Latitude and longitude in degrees; great circles. M must not be 0.
    """
    origin, other = np.deg2rad(here), np.deg2rad(there)
    return np.array([_measure_distance_km(place, other).min() for place in origin])


def get_positions(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return latitude and longitude, (N, 2), degrees."""
    return frame[["latitude", "longitude"]].to_numpy(float)


def _make_link(first: str, second: str, kind: str, what: str) -> Link:
    low, high = sorted((str(first), str(second)))
    return Link(low, high, kind, what)


def _find_near_pairs(frame: pd.DataFrame) -> Iterable[tuple[int, int]]:
    """Yield the places of rows less than `SAME_SITE_KM` apart, each pair once."""
    radians = np.deg2rad(get_positions(frame))
    for here, place in enumerate(radians[:-1]):
        distance = _measure_distance_km(place, radians[here + 1 :])
        for offset in np.flatnonzero(distance < SAME_SITE_KM):
            yield here, here + 1 + int(offset)


def _measure_distance_km(
    here: NDArray[np.float64], there: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Haversine distance from one position, (2,), to others, (N, 2), in radians."""
    half = np.sin((there - here) / 2) ** 2
    chord = half[:, 0] + np.cos(here[0]) * np.cos(there[:, 0]) * half[:, 1]
    distance: NDArray[np.float64] = (
        2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))
    )
    return distance
