"""The section on what shifts cost: its numbers, order and marks."""

from __future__ import annotations

import pandas as pd

from factories.page_text import Reading
from somobench.pages.html import page
from somobench.pipelines.release.report.shifts import shift_sections
from somobench.schemas.scores import SHIFT_COSTS
from somobench.schemas.validate import validate_table


def make_costs(*changed: dict[str, object]) -> pd.DataFrame:
    """Return rows of costs, each with some columns changed."""
    row: dict[str, object] = {
        "split": "dry_years",
        "reference_split": "temporal",
        "model": "ridge_memory",
        "layer": 0,
        "metric": "pearson_r",
        "shifted": 0.691,
        "reference": 0.787,
        "cost": 0.0594,
        "low": 0.0191,
        "high": 0.1152,
        "cell_count": 23,
        "day_count": 6174,
    }
    names = list(SHIFT_COSTS.columns)
    frame = pd.DataFrame([row | other for other in changed], columns=names)
    types = {name: str(SHIFT_COSTS.columns[name].dtype) for name in names}
    return validate_table(frame.astype(types), SHIFT_COSTS, "costs")


def reading(*changed: dict[str, object]) -> Reading:
    """Return the section as a person reads it."""
    return Reading(page("Shifts", shift_sections(make_costs(*changed))))


def test_every_cost_is_shown_with_its_interval() -> None:
    other = {"split": "wet_years", "cost": 0.026, "low": -0.006, "high": 0.063}
    found = reading({}, other)
    minus = "\N{MINUS SIGN}0.006"
    # Once in the table by split, once beside both sides of the comparison.
    assert found.triples().count(("0.059", "0.019", "0.115")) == 2
    assert found.triples().count(("0.026", minus, "0.063")) == 2
    assert len(found.triples()) == 4
    for number in ("0.787", "0.691", "23", "temporal"):
        assert number in found.text


def test_rungs_stand_in_the_order_of_the_ladder_and_unknown_ones_last() -> None:
    found = reading(
        {"model": "climatology"}, {"model": "mine"}, {"model": "persistence"}
    )
    places = [found.text.index(name) for name in ("Climatology", "Persistence", "mine")]
    assert places == sorted(places)
    assert "reads observations" in found.text


def test_single_layers_stay_out_of_the_section() -> None:
    assert len(reading({}, {"layer": 1, "cost": 0.5}).triples()) == 2


def test_release_without_costs_has_no_section() -> None:
    assert shift_sections(make_costs()) == []
