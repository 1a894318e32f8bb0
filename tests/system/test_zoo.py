"""The zoo: every broken submission is caught by the check that docs/zoo.md names."""

from __future__ import annotations

from pathlib import Path

import pytest

from factories.faults.broken_submissions import (
    ANIMALS,
    BEGIN,
    BEGIN_HELD_OUT,
    END,
    MODELS,
    Caught,
    Zoo,
    catch,
    open_zoo,
    probe_broken,
)
from factories.faults.held_out_submissions import HELD_OUT

pytestmark = pytest.mark.heavy

PAGE = Path(__file__).resolve().parents[2] / "docs" / "zoo.md"


def read_table(begin: str) -> dict[str, tuple[str, ...]]:
    """Return what the page says of each submission."""
    table = PAGE.read_text("utf-8").split(begin)[1].split(END)[0]
    rows = [
        [cell.strip() for cell in line.split(" | ")] for line in table.splitlines()[3:]
    ]
    return {
        row[0].strip("|` "): tuple(cell.strip("| ") for cell in row) for row in rows
    }


TABLE, TABLE_HELD_OUT = read_table(BEGIN), read_table(BEGIN_HELD_OUT)
EVERY = ANIMALS | HELD_OUT


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return open_zoo()


def test_page_has_every_submission_and_no_other() -> None:
    assert [*TABLE] == [*ANIMALS, *MODELS]
    assert [*TABLE_HELD_OUT] == [*HELD_OUT]


@pytest.mark.parametrize("name", EVERY)
def test_submission_is_caught_by_what_the_page_names(zoo: Zoo, name: str) -> None:
    animal = EVERY[name]
    found = catch(zoo, animal.make(zoo))
    _, what, by, said = (TABLE | TABLE_HELD_OUT)[name]
    assert what == animal.what
    assert (by, said) == (found if found.by else Caught("nothing", animal.why_not))
    assert said


@pytest.mark.parametrize("name", MODELS)
def test_broken_model_is_caught_by_its_probe_alone(name: str) -> None:
    what, probe = MODELS[name]
    found = probe_broken(name)
    assert found.by == f"probe {probe}"
    assert TABLE[name][1:] == (what, *found)
