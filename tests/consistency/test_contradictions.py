"""What a release derives from itself, worked out again: defects of every sort."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from factories.faults.held_out import HELD_OUT
from factories.faults.vouched import spoilt
from somobench.check_files import check_files
from somobench.recognise import RELEASE

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.heavy]

SEEN_AT = {
    "weather, a test cell, nodes and a rung": {
        "forcing: precipitation a day later": "of precipitation, split dry_years",
        "splits: a test cell trains on other days": "splits.parquet ungauged",
        "cells: no nodes": "cells.parquet node_count",
        "scores: a rung left out of a split": "scores.parquet model",
        "targets: more accepted than candidates": "accepted_count",
    },
    "scale factors, a region, days and those filled": {
        "features: scale factors of another split": "scale factors",
        "cells: a region wrong": "cells.parquet region",
        "scores: more days than there are": "scores.parquet day_count",
        "targets: no day filled": "used_count",
    },
    "counts and climatology": {
        "targets: counts of 200 a day": "values",
        "features: climatology, two cells swapped": "climatology",
    },
    "cells": {"targets: two cells swapped throughout": "targets.* soil_moisture$"},
    "documents": {
        "manifest and documents: another array's shape": "soil_moisture shape",
        "manifest and documents: a lag of the next day": "feature_sets memory lags",
        "manifest and documents: no sources": "sources",
        "manifest and documents: croissant: a former hash": "croissant.json",
        "manifest and documents: citation: half a file": "CITATION.cff",
        "manifest and documents: readme of another release": "README.md",
        "manifest and documents: validation: NaN": "validation.json$",
    },
}
"""A pattern of where each defect is seen; no other of its group is seen there."""


def spoil(release: Path, name: str) -> AbstractContextManager[Path]:
    kind, _, what = name.partition(": ")
    return spoilt(release, HELD_OUT[kind][1][what])


def list_places(folder: Path) -> list[str]:
    reports = check_files(folder, None, RELEASE)
    return [failure.where for report in reports for failure in report.failures]


@pytest.mark.parametrize("seen_at", SEEN_AT.values(), ids=SEEN_AT)
def test_each_contradiction_is_found_where_it_is(
    release: Path, seen_at: dict[str, str]
) -> None:
    with ExitStack() as stack:
        folder = release
        for name in seen_at:
            folder = stack.enter_context(spoil(folder, name))
        where = list_places(folder)
    missed = {
        name: place
        for name, place in seen_at.items()
        if not any(re.search(place, item) for item in where)
    }
    assert not missed, where
