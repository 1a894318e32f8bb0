"""What a release derives from itself, worked out again: one defect of every sort."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from factories.faults.held_out import HELD_OUT
from factories.faults.vouched import spoilt
from somobench.check_files import check_files
from somobench.recognise import RELEASE

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.heavy]

SEEN_AT = {
    "forcing: precipitation a day later": "normalisation_mean of precipitation",
    "targets: two cells swapped throughout": "soil_moisture",
    "targets: more accepted than candidates": "accepted_count",
    "targets: counts of 200 a day": "values",
    "targets: no day filled": "used_count",
    "features: scale factors of another split": "scale factors",
    "features: climatology, two cells swapped": "climatology",
    "splits: a test cell trains on other days": "splits.parquet ungauged",
    "cells: no nodes": "cells.parquet node_count",
    "cells: a region wrong": "cells.parquet region",
    "scores: a rung left out of a split": "scores.parquet model",
    "scores: more days than there are": "scores.parquet day_count",
    "manifest and documents: another array's shape": "soil_moisture shape",
    "manifest and documents: a lag of the next day": "feature_sets memory lags",
    "manifest and documents: no sources": "sources",
    "manifest and documents: croissant: a former hash": "croissant.json",
    "manifest and documents: citation: half a file": "CITATION.cff",
    "manifest and documents: readme of another release": "README.md",
    "manifest and documents: validation: NaN": "validation.json",
}


@pytest.fixture(scope="module")
def release(repository: Path) -> Path:
    folder = repository / "releases" / "virtual-2.0.0"
    if not folder.is_dir():
        pytest.skip("virtual-2.0.0 is not in this checkout")
    return folder


def spoil(release: Path, name: str) -> AbstractContextManager[Path]:
    kind, _, what = name.partition(": ")
    return spoilt(release, HELD_OUT[kind][1][what])


def list_places(folder: Path) -> list[str]:
    reports = check_files(folder, None, RELEASE)
    return [failure.where for report in reports for failure in report.failures]


@pytest.mark.parametrize("name", [each for each in SEEN_AT if each[:8] != "manifest"])
def test_contradiction_is_found_where_it_is(release: Path, name: str) -> None:
    with spoil(release, name) as folder:
        where = list_places(folder)
    assert any(SEEN_AT[name] in item for item in where), where


def test_each_contradiction_of_documents_is_found_beside_the_others(
    release: Path,
) -> None:
    names = [each for each in SEEN_AT if each.startswith("manifest and documents")]
    assert len(names) == 7
    with ExitStack() as stack:
        folder = release
        for name in names:
            folder = stack.enter_context(spoil(folder, name))
        where = list_places(folder)
    for name in names:
        assert any(SEEN_AT[name] in item for item in where), (name, where)
