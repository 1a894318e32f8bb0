"""Numbers and tables of the report's page, derived again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from somobench.consistency.page.numbers import correlate_rows
from somobench.consistency.page.tables import find_other_tables
from somobench.schemas.manifest import Manifest


def test_rows_are_correlated_over_days_of_both() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(2, 3, 200))
    one[0, :50], other[0, 150:] = np.nan, np.nan
    found, count = correlate_rows(one, other)
    assert count.tolist() == [100, 200, 200]
    assert found[0] == pytest.approx(
        np.corrcoef(one[0, 50:150], other[0, 50:150])[0, 1]
    )
    assert found[1] == pytest.approx(np.corrcoef(one[1], other[1])[0, 1])


def test_constant_rows_and_few_days_have_no_correlation() -> None:
    one = np.vstack([np.full(100, 0.1), np.arange(100.0)])
    other = np.tile(np.arange(100.0), (2, 1))
    other[1, 89:] = np.nan
    found, count = correlate_rows(one, other)
    assert count.tolist() == [100, 89]
    assert np.isnan(found).all()


ROW = (
    '<tr><th scope="row">layer 1 (0 to 10 cm)</th><td>3</td><td>64\N{NO-BREAK SPACE}259'
    "</td><td>1.7 %</td><td>2</td><td>{}</td><td>0.55</td></tr></table>"
)
LAYER = {
    "depths": {"cells": 3},
    "days": 64259,
    "sources": {"cells_with_several": 2},
    "reanalysis": {"all": {"daily": {"median": 0.842}, "day_to_day": {"median": 0.55}}},
}


def find(page: str, folder: Path, layer: dict[str, object]) -> list[str]:
    (folder / "report.html").write_text(page, encoding="utf-8")
    manifest = Manifest.model_construct(package_version="2.0.0", splits={})
    reports = {"report": {"layers": {"1": layer}}}
    found = find_other_tables(folder, manifest, reports, {"scores": pd.DataFrame()})
    return [f"{it.found} for {it.expected[:4]}" for it in found]


@pytest.mark.parametrize(
    ("shown", "faults"), [("0.84", []), ("0.85", ["0.85 for 0.84"])]
)
def test_page_shows_the_numbers_of_a_layer(
    tmp_path: Path, shown: str, faults: list[str]
) -> None:
    assert find(ROW.format(shown), tmp_path, LAYER) == faults


def test_page_of_another_layout_is_not_judged(tmp_path: Path) -> None:
    assert find("<p>layer 1</p>", tmp_path, LAYER) == []
    assert find(ROW.replace("<td>2</td>", "").format("0.85"), tmp_path, LAYER) == []


def test_report_that_lacks_what_the_page_shows_is_no_crash(tmp_path: Path) -> None:
    layer = {"reanalysis": {"all": {}}}
    assert find(ROW.format("0.84"), tmp_path, layer) == ["no 'depths' for what"]
