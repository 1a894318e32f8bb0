"""Who may import whom: the floors of the house, and no circle between modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from factories.import_graph import (
    FOLDERS,
    circle,
    imported,
    modules,
    room_of,
    top_of,
)

ROOT = Path(__file__).resolve().parents[2]
MODULES = modules(ROOT)
TOPS = {
    "somobench.schemas": {"somobench.schemas"},
    "somobench.catalog": {"somobench.schemas", "somobench.catalog"},
    "somobench.releases": set(),
    "somobench": {"somobench", "somobench.schemas", "somobench.catalog"},
    "somobench.pipelines": set(FOLDERS),
}
# Rooms from the ground up; rooms of one floor don't import each other.
FLOORS = {
    "somobench": [
        {
            *("bound", "cite", "compiling", "model_function"),
            *("progress", "recognise"),
        },
        {"metrics", "parallel", "splits", "submissions", "ladder"},
        {
            *("pages", "probes", "statistics", "stored_grids"),
            *("uncertainty", "validate", "windows"),
        },
        {"folds"},
        {"scoring"},
        {"consistency"},
        {"check_files"},
        {"cards", "compare", "export", "open"},
        {"neural", "neuralhydrology"},
        {"experiments", "products"},
        {"building", ""},
        {"cli"},
    ],
    "somobench.pipelines": [
        {"adapters", "grid", "stage"},
        {"inputs"},
        {"stations"},
        {"raw"},
        {"ingest"},
        {"forcing"},
        {"targets"},
        {"splits"},
        {"features"},
        {"baselines"},
        {"scores"},
        {"release"},
        {"tools", ""},
    ],
    "somobench.catalog": [
        {"storage", "labels", ""},
        {"scaling", "recipes"},
        {"registry"},
        {"request", "fetching"},
        {"manifest_checksum", "view", "entries", "preparation"},
        {"resolve", "generate", "split_view"},
        {"release_files", "verify"},
        {"reader"},
        {"driver"},
    ],
}
# A result of `evaluate` writes itself, for its user's sake; nothing else looks up.
UPWARD = {("somobench.scoring.evaluate", "somobench.cards.write")}


def arrows() -> dict[str, frozenset[str]]:
    """Return what each module imports of ours, but for what may look up."""
    return {
        name: frozenset(
            other
            for other in imported(path, ROOT) - {name}
            if (name, other) not in UPWARD
        )
        for name, path in MODULES.items()
    }


def upward(top: str, floors: list[set[str]]) -> list[str]:
    """Return the arrows inside a top package that lead up, or along a floor."""
    height = {room: floor for floor, rooms in enumerate(floors) for room in rooms}
    return [
        f"{name} imports {other}"
        for name, others in arrows().items()
        for other in sorted(others)
        if top_of(name) == top_of(other) == top
        and room_of(name) != room_of(other)
        and height[room_of(name)] <= height[room_of(other)]
    ]


def test_top_packages_import_only_downwards() -> None:
    found = [
        f"{name} imports {other}"
        for name, others in arrows().items()
        for other in sorted(others)
        if top_of(other) not in TOPS[top_of(name)]
    ]
    assert found == []


@pytest.mark.parametrize("top", FLOORS)
def test_every_room_has_a_floor(top: str) -> None:
    rooms = {room_of(name) for name in MODULES if top_of(name) == top}
    assert set.union(*FLOORS[top]) == rooms


@pytest.mark.parametrize("top", FLOORS)
def test_rooms_import_only_from_floors_below(top: str) -> None:
    assert upward(top, FLOORS[top]) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(arrows()) == []


def test_only_named_arrows_may_look_up() -> None:
    assert {
        (name, other)
        for name, other in UPWARD
        if other in imported(MODULES[name], ROOT)
    } == UPWARD


def test_an_arrow_up_and_a_circle_are_found() -> None:
    floors = [{"uncertainty"}, {"metrics"}]
    everything = [rooms - set.union(*floors) for rooms in FLOORS["somobench"]]
    found = upward("somobench", [*floors, *everything])
    assert any("somobench.uncertainty" in arrow for arrow in found)
    assert circle({"a": frozenset({"b"}), "b": frozenset({"a"})})


def test_no_folder_holds_more_than_twenty_modules() -> None:
    folders = {path.parent for path in MODULES.values()}
    crowded = {
        folder.relative_to(ROOT).as_posix(): len(list(folder.glob("*.py")))
        for folder in folders
    }
    assert {folder: count for folder, count in crowded.items() if count > 20} == {}
