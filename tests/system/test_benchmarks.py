"""The benchmarks of hot paths: every race is set up, and none loses the others."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
pytestmark = pytest.mark.heavy


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Return the harness as its script imports it."""
    monkeypatch.syspath_prepend(FOLDER)
    before = {*sys.modules}
    import harness

    yield harness
    for name in {*sys.modules} - before:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_every_race_has_ours_first_and_bars_of_its_contestants(
    harness: ModuleType,
) -> None:
    races = harness.load_races(harness.MODULES)
    assert {module for module, _ in races} == {*harness.MODULES}
    for race in races.values():
        assert next(iter(race.contestants)) == harness.OURS
        assert {*race.bars} <= {*race.contestants}
    minutes = sum(race.seconds for race in races.values()) / 60
    assert minutes + len(harness.SCRIPTS) * harness.SCRIPT_SECONDS / 60 < 20


def test_a_contestant_that_fails_has_a_row_and_the_others_go_on(
    harness: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(*arguments: object) -> str:
        _, _, _, name, place = arguments
        if name == "broken":
            raise RuntimeError("no such library")
        value = 2.0 if name == "wrong" else 1.0
        np.savez(str(place), score=[value])
        seconds = 0.1 if name == "ours" else 0.5
        return f'{{"seconds": {seconds}, "busy": {seconds}, "gigabytes": 1}}'

    monkeypatch.setattr(harness, "call", call)
    names = ("ours", "wrong", "broken", "slow")
    race = harness.Race("work", lambda: 0, dict.fromkeys(names, dict), {"slow": 4})
    lines = [harness.describe_row(row) for row in harness.run_race("m", "k", race)]
    assert lines[0].startswith("| work | ours | 100 | 100 |")
    assert "failed: Not equal to tolerance" in lines[1]
    assert "failed: no such library" in lines[2]
    assert lines[3] == "| work | slow | 500 | 500 | 5.0 | 5.0 | 4 | 1.00 |"


@pytest.mark.parametrize(
    ("seconds", "aim"),
    [
        (0.05, "4"),  # 200 / 50 by the clock of two idle cores
        (0.06, "4, **not reached**"),
        (0.12, "4, **not shown**"),  # others kept the cores busy: by processor time
    ],
)
def test_an_aim_is_judged_by_the_lesser_of_clock_and_processor_time(
    harness: ModuleType, monkeypatch: pytest.MonkeyPatch, seconds: float, aim: str
) -> None:
    def call(*arguments: object) -> str:
        _, _, _, name, place = arguments
        np.savez(str(place), score=[1.0])
        own = {"seconds": seconds, "busy": 0.08}
        theirs = {"seconds": 0.9, "busy": 0.2}
        record = own if name == harness.OURS else theirs
        return json.dumps(record | {"gigabytes": 1})

    monkeypatch.setattr(harness, "call", call)
    work = dict.fromkeys((harness.OURS, "peer"), dict)
    race = harness.Race("work", lambda: 0, work, {"peer": 4})
    line = harness.describe_row(harness.run_race("m", "k", race)[1])
    assert line.endswith(f" | {aim} | 1.00 |")


def test_every_defect_of_a_list_has_a_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(FOLDER / "reliability")
    lists = importlib.import_module("defect_lists")
    names = [f"{one} | {it.name}" for one in lists.LISTS for it in lists.LISTS[one]()]
    assert len(names) == len({*names})
    assert {*lists.ORIGINS} == {*lists.LISTS} >= {*lists.FIRST_SIGHT}
    assert {*lists.WHY_MISSED} <= {*names}
    assert {f"second | {it}" for it in lists.CHANGING_NOTHING} <= {*names}
