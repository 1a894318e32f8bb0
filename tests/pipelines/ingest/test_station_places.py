"""Places that only make sense with latitude and longitude swapped."""

from __future__ import annotations

import numpy as np
import pytest

from somobench.pipelines.ingest import places
from somobench.pipelines.ingest.places import find_swapped_positions

HAMBURG = [(53.677, 10.025), (53.6, 9.936), (53.494, 10.003)]


def test_swapped_place_is_found_beside_its_network() -> None:
    # (10.025, 53.677) lies in the Indian Ocean, 50 degrees from the others.
    found = find_swapped_positions({"H": [*HAMBURG[1:], (10.025, 53.677)]})
    assert found == {("H", (10.025, 53.677)): (53.6, 9.936)}


def test_far_place_that_is_far_swapped_too_is_left() -> None:
    assert find_swapped_positions({"H": [*HAMBURG, (-33.0, 18.0)]}) == {}


def test_smaller_of_two_mirrored_groups_is_the_swapped_one() -> None:
    swapped = [(10.025, 53.677), (9.936, 53.6)]
    assert set(find_swapped_positions({"H": [*HAMBURG, *swapped]})) == {
        ("H", place) for place in swapped
    }


def test_two_mirrored_places_are_both_found() -> None:
    pair = [(53.677, 10.025), (10.025, 53.677)]
    assert set(find_swapped_positions({"H": pair})) == {("H", place) for place in pair}


def test_place_beyond_90_degrees_east_is_left() -> None:
    assert find_swapped_positions({"H": [(19.8, -155.3), (40.0, -105.0)]}) == {}


def test_one_place_and_other_networks_give_no_evidence() -> None:
    assert find_swapped_positions({"H": HAMBURG, "X": [(10.025, 53.677)]}) == {}


def test_places_of_all_kinds_are_found_as_by_looking_at_each_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    box = np.array([[10.0, 10.0], [35.0, 70.0]])
    points = rng.uniform(*box, size=(300, 2)).round(1)
    points[::7] = points[::7, ::-1]
    points[::50] += (0, 90)
    network = {"H": [(float(north), float(east)) for north, east in points]}
    found = find_swapped_positions(network)
    assert len(found) > 20

    def list_latitudes(some: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [place for place in some if abs(place[1]) <= 90]

    monkeypatch.setattr(places, "_list_inside_swapped", list_latitudes)
    assert find_swapped_positions(network) == found
