"""The command `ladder`: where it writes, and in which order it shows rungs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from factories.programs import run
from somobench.scoring import fold_ladder
from somobench.scoring.fold_ladder import FoldLadder

RELEASE = "virtual-2.0.0"
RUNGS = ("climatology", "ridge_forcing", "ridge_memory", "gradient_boosting")
Capture = pytest.CaptureFixture[str]


def make_scores() -> pd.DataFrame:
    """Return scores in the order of the table, by name."""
    rows = [
        (rung, metric, 0.5, 0.4, 0.6, "", 0, "plain")
        for metric in ("rmse", "pearson_r")
        for rung in sorted(RUNGS)
    ]
    columns = ["model", "metric", "value", "low", "high", "against", "layer"]
    return pd.DataFrame(rows, columns=[*columns, "pool_kind"])


def test_rungs_are_shown_lowest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    done = FoldLadder(make_scores(), RUNGS, {})
    monkeypatch.setattr(fold_ladder, "write_fold_ladder", lambda *_, **__: done)
    out = str(tmp_path / "out")
    assert run(monkeypatch, "ladder", RELEASE, "--out", out) == 0
    shown = re.findall(r"^(\w+)\tpearson_r", capsys.readouterr().out, re.MULTILINE)
    assert shown == [*RUNGS]


@pytest.mark.parametrize("place", ["a file", "in a file", "of a long name"])
def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_trained(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def train(*_: Any, **__: Any) -> FoldLadder:
        pytest.fail("it was trained")

    monkeypatch.setattr(fold_ladder, "write_fold_ladder", train)
    file = tmp_path / "file"
    file.touch()
    out = {
        "a file": file,
        "in a file": file / "deep" / "out",
        "of a long name": tmp_path / ("x" * 300),
    }[place]
    assert run(monkeypatch, "ladder", RELEASE, "--out", str(out)) == 2
    assert "expected: " in capsys.readouterr().err
