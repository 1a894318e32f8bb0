"""What `validate FOLDER` finds of defects that were there when a release was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from factories.faults.mutations import HARMLESS, MUTATIONS, Judge

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.heavy]


@pytest.fixture(scope="module")
def judge(repository: Path) -> Judge:
    folder = repository / "releases" / "virtual-2.0.0"
    if not folder.is_dir():
        pytest.skip("virtual-2.0.0 is not in this checkout")
    return Judge(folder)


@pytest.mark.parametrize("kind", MUTATIONS)
def test_every_harmful_defect_is_found(judge: Judge, kind: str) -> None:
    missed = [
        name
        for name, change in MUTATIONS[kind].items()
        if judge.find(kind, change) is None
    ]
    assert missed == []


@pytest.mark.parametrize("kind", HARMLESS)
def test_no_harmless_change_is_an_alarm(judge: Judge, kind: str) -> None:
    alarms = [name for name, it in HARMLESS[kind].items() if judge.find(kind, it)]
    assert alarms == []
