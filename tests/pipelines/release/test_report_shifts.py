"""The section on what shifts cost: its numbers, order and marks."""

from __future__ import annotations

from factories.reports import make_costs
from factories.web.page_text import Reading
from somobench.pages.frame import render_page
from somobench.pipelines.release.report.shifts import make_shift_sections


def reading(*changed: dict[str, object]) -> Reading:
    """Return the section as a person reads it."""
    return Reading(render_page("Shifts", make_shift_sections(make_costs(*changed))))


def test_every_cost_is_shown_with_its_interval() -> None:
    other = {"split": "wet_years", "cost": 0.026, "low": -0.006, "high": 0.063}
    found = reading({}, other)
    minus = "\N{MINUS SIGN}0.006"
    assert found.triples().count(("0.059", "0.019", "0.115")) == 1
    assert found.triples().count(("0.026", minus, "0.063")) == 1
    assert len(found.triples()) == 2
    assert "0.787, 0.691 23 series, 6\u202f174 cell-days" in found.text
    assert "Pearson r trained for temporal" in found.text


def test_rungs_stand_in_the_order_of_the_ladder_and_unknown_ones_last() -> None:
    found = reading(
        {"model": "climatology"}, {"model": "mine"}, {"model": "persistence"}
    )
    places = [found.text.index(name) for name in ("Climatology", "Persistence", "mine")]
    assert places == sorted(places)
    assert "reads observations" in found.text


def test_single_layers_stay_out_of_the_section() -> None:
    assert len(reading({}, {"layer": 1, "cost": 0.5}).triples()) == 1


def test_release_without_costs_has_no_section() -> None:
    assert make_shift_sections(make_costs()) == []
