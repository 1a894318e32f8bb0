"""The benchmarks of hot paths: every race is set up, and none loses the others."""

from __future__ import annotations

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
