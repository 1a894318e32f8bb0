"""Places of sensors that can't be where they are said to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Position = tuple[float, float]

FAR = 20.0  # degrees of arc between a place and where its network lies
NEAR = 2.0  # degrees of arc from a place of the network, with the coordinates swapped


def find_swapped_positions(
    positions: Mapping[str, Sequence[Position]],
) -> dict[tuple[str, Position], Position]:
    """Find positions far from their network that lie inside it when swapped.

    Where two groups of one network mirror each other, the smaller is the swapped
    one; of equal ones both are found, because one of them is wrong.

    Parameters
    ----------
    positions : mapping of network to (latitude, longitude) in degrees, one a file

    Returns
    -------
    dict
        By network and position, the place of the network that the swapped position
        lies nearest to.

    Notes
    -----
    One station alone, or a whole network swapped, looks like a true place.
    """
    found: dict[tuple[str, Position], Position] = {}
    for network, places in positions.items():
        everywhere = np.array(places)
        for place in _list_inside_swapped(sorted(set(places))):
            mirrored = (place[1], place[0])
            around, there = (
                _measure_arc(everywhere, place),
                _measure_arc(everywhere, mirrored),
            )
            apart = around[there.argmin()] > FAR and there.min() < NEAR
            if apart and (around <= FAR).sum() <= (there <= FAR).sum():
                nearest = everywhere[there.argmin()]
                found[network, place] = (float(nearest[0]), float(nearest[1]))
    return found


def _list_inside_swapped(places: Sequence[Position]) -> Iterator[Position]:
    """Give the sorted places that lie near one of them with coordinates swapped.

    The arc between two places is never shorter than the difference of their latitudes.
    """
    everywhere = np.array(places)
    latitudes, swapped = everywhere[:, 0], everywhere[:, 1]
    first = np.searchsorted(latitudes, swapped - NEAR)
    stop = np.searchsorted(latitudes, swapped + NEAR, side="right")
    for number in np.flatnonzero(first < stop).tolist():
        place, around = places[number], everywhere[first[number] : stop[number]]
        mirrored = (place[1], place[0])
        is_latitude = abs(place[1]) <= 90  # noqa: PLR2004 (degrees)
        if is_latitude and _measure_arc(around, mirrored).min() < NEAR:
            yield place


def _measure_arc(places: NDArray[np.float64], place: Position) -> NDArray[np.float64]:
    """Great-circle distance in degrees from a place to (N, 2) places."""
    latitude, longitude = np.radians(places).T
    north, east = np.radians(place)
    haversine = (
        np.sin((latitude - north) / 2) ** 2
        + np.cos(latitude) * np.cos(north) * np.sin((longitude - east) / 2) ** 2
    )
    arc: NDArray[np.float64] = np.arcsin(np.sqrt(np.clip(haversine, 0, 1)))
    return np.degrees(2 * arc)
