"""A small world, built by all stages: `validate` derives its numbers again."""

from __future__ import annotations

from pathlib import Path

import pytest

from factories.good.worlds import build_world
from somobench.check_files import check_files
from somobench.recognise import RELEASE

pytestmark = [pytest.mark.heavy, pytest.mark.slow]
SEED = 452


def test_release_of_another_recipe_contradicts_nothing(tmp_path: Path) -> None:
    release = build_world(SEED, tmp_path)
    reports = check_files(release, None, RELEASE)
    assert len(reports) > 1
    assert [failure for report in reports for failure in report.failures] == []
