"""The section on splits and their audit: every number of splits.json, in its place."""

from __future__ import annotations

from typing import Any

import pytest

from factories.splits import SPATIAL, TEMPORAL, UNGAUGED, YEARS, grid_cells, make_data
from factories.web.page_text import Reading
from somobench.pages.frame import THOUSANDS, render_page
from somobench.pipelines.release.report.splits import find_embargo, make_split_sections
from somobench.pipelines.splits import build_recipe_splits
from somobench.schemas.recipe import Recipe, SplitParams
from somobench.splits import QUESTIONS

HOSTILE = "<b>2 cells</b>"


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """Return splits.json of 24 cells of one network and four years."""
    params = SplitParams(
        temporal=TEMPORAL, spatial=SPATIAL, ungauged=UNGAUGED, dry_years=YEARS
    )
    recipe = Recipe.model_construct(splits=params)
    found = build_recipe_splits(make_data(grid_cells(4, 6)), recipe)[1]
    assert set(found["splits"]) == {"temporal", "spatial"}
    return found | {"left_out": found["left_out"] | {"ungauged": HOSTILE}}


@pytest.fixture(scope="module")
def text(report: dict[str, Any]) -> str:
    return render_page("Splits", make_split_sections(report))


def test_split_shows_cells_days_embargo_and_distance(
    report: dict[str, Any], text: str
) -> None:
    keys = [key for _, key in Reading(text).keys]
    for name, record in report["splits"].items():
        audit = record["audit"]
        place = keys.index(name)
        apart = audit["distance_km"]["train to test"]
        gap = find_embargo(audit)
        wanted = [
            *audit["cells"].values(),
            *audit["cell_days"].values(),
            "" if gap is None else gap,
            apart["nearest"],
            apart["median"],
            len(audit["checks"]),
            0,
        ]
        assert keys[place + 1 : place + 1 + len(wanted)] == [str(n) for n in wanted]
    # 24 cells of 365 test days.
    assert f"8{THOUSANDS}760" in text


def test_embargo_is_the_least_gap_between_two_roles(report: dict[str, Any]) -> None:
    # Seven days before validation and before test; a year lies between train and test.
    assert find_embargo(report["splits"]["temporal"]["audit"]) == 7
    assert find_embargo(report["splits"]["spatial"]["audit"]) is None


def test_every_split_says_what_it_asks(report: dict[str, Any], text: str) -> None:
    for name in report["splits"]:
        assert f"{QUESTIONS[name]}" in Reading(text).text
    assert QUESTIONS["ungauged"] not in text


def test_every_check_stands_beside_what_it_found(
    report: dict[str, Any], text: str
) -> None:
    part = text.partition("<summary>Audit of <code>spatial</code>")[2]
    part = Reading(part.partition("</details>")[0].partition("</summary>")[2]).text
    findings = report["splits"]["spatial"]["audit"]["findings"]
    for item in findings:
        assert item["found"] in part
    assert part.count("nothing") == 11 - len(findings)
    assert "a block of two roles that the split promises to keep apart" in part


def test_failure_is_counted(report: dict[str, Any]) -> None:
    audit = dict(report["splits"]["spatial"]["audit"])
    leak = {"check": "shared_site", "severity": "failure", "number": 1, "found": "S"}
    audit["findings"] = [*audit["findings"], leak]
    spoilt = {"spatial": report["splits"]["spatial"] | {"audit": audit}}
    text = render_page(
        "Splits", make_split_sections({"splits": spoilt, "left_out": {}})
    )
    assert "11 checks, 1 failure<" in text
    assert "No split of the recipe is left out." in text


def test_split_that_is_left_out_has_its_reason_as_text(text: str) -> None:
    found = Reading(text)
    assert "4 complete years in the period, 6 needed" in found.text
    assert HOSTILE in found.text
    assert "b" not in found.tags


def test_release_without_a_split_says_so() -> None:
    sections = make_split_sections({"splits": {}, "left_out": {"spatial": "2 cells"}})
    assert "The release has no split." in render_page("Splits", sections)
