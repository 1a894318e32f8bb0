"""Numbers of experiments: repeats, regimes, slopes and claims, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from somobench.catalog.resolve import resolve
from somobench.experiments.claims import (
    ABSENT,
    FAILS,
    HOLDS,
    MARGIN,
    UNDECIDED,
    decide,
    find_numbers,
    list_claims,
)
from somobench.experiments.compare import (
    CONTRAST,
    average_repeats,
    finish_rows,
    tabulate,
)
from somobench.experiments.robustness import fit_slopes
from somobench.experiments.run import EXPERIMENTS
from somobench.experiments.settings import Settings
from somobench.experiments.world import ENERGY, WATER, list_files
from somobench.metrics.days import resample_days
from somobench.metrics.registry import METRICS
from somobench.pipelines.stage import read_report
from somobench.pipelines.tools.findings import (
    join_verdicts,
    keep_experiment,
    list_kept_folder,
    read_kept,
    read_table,
    write_findings,
)
from somobench.schemas.errors import InputError, UnknownNameError
from somobench.uncertainty.bootstrap import BootstrappedScores

DRAWS = 200


def make_scores(values: np.ndarray, noise: float = 0.0) -> BootstrappedScores:
    """Return Pearson r of series, with replicates around them."""
    series = {
        "series": [f"1/{place}" for place in range(values.size)],
        "layer": ("series", np.ones(values.size, dtype=np.int8)),
        "cluster": ("series", np.arange(values.size)),
    }
    scores = xr.Dataset(
        {
            "pearson_r": ("series", values),
            "pair_count": ("series", np.full(values.size, 400, dtype=np.int32)),
        },
        series,
    )
    days = resample_days(np.ones(400, dtype=bool), length=91, draws=DRAWS)
    rng = np.random.default_rng(1)
    drawn = values + noise * rng.standard_normal((DRAWS, values.size))
    return BootstrappedScores(
        scores, (METRICS["pearson_r"],), {"pearson_r": drawn.astype("float32")}, days
    )


def test_repeats_are_averaged_and_their_scatter_is_kept() -> None:
    first, second = make_scores(np.array([0.2, 0.4])), make_scores(np.array([0.6, 0.4]))
    both = average_repeats([first, second], seed=1)
    assert both.scores["pearson_r"].to_numpy() == pytest.approx([0.4, 0.4])
    # the mean of two values 0.4 apart has a variance of 0.4**2 / 2 / 2
    drawn = both.replicates["pearson_r"]
    assert drawn[:, 0].var() == pytest.approx(0.04, rel=0.2)
    assert drawn[:, 1].var() == pytest.approx(0.0, abs=1e-12)


def test_regimes_have_their_medians_and_their_difference() -> None:
    values = np.array([*[0.8, 0.7, 0.6] * 2, *[0.5, 0.4, 0.3] * 2])
    regimes = np.array([ENERGY] * 6 + [WATER] * 6, dtype=object)
    rows = tabulate(make_scores(values), regimes, model="m", arm="a", against="")
    table = finish_rows([rows])
    found = table[table["layer"] == 0].set_index("tested")
    assert found.loc[ENERGY, "value"] == pytest.approx(0.7)
    assert found.loc[WATER, "value"] == pytest.approx(0.4)
    difference = found.loc[CONTRAST]
    assert difference["value"] == pytest.approx(0.3)
    assert difference["low"] < 0.3 < difference["high"]
    assert difference["low"] > 0


def test_slope_of_the_loss_is_that_of_a_line() -> None:
    distance = np.linspace(0, 1, 12)
    row = fit_slopes(make_scores(0.1 + 0.5 * distance, 0.02), distance).iloc[0]
    assert row["value"] == pytest.approx(0.5)
    assert 0.4 < row["low"] < 0.5 < row["high"] < 0.6


@pytest.mark.parametrize(
    ("low", "high", "wanted", "verdict"),
    [
        (0.001, 0.2, 1, HOLDS),
        (-0.1, MARGIN / 2, 1, FAILS),
        (-0.1, 0.1, 1, UNDECIDED),
        (-0.1, MARGIN / 2, 0, HOLDS),
        (0.001, 0.2, 0, FAILS),
        (-0.1, 0.1, 0, UNDECIDED),
        (-0.2, -0.001, -1, HOLDS),
        (-MARGIN / 2, 0.1, -1, FAILS),
    ],
)
def test_verdict_follows_from_where_the_interval_lies(
    low: float, high: float, wanted: int, verdict: str
) -> None:
    assert decide(low, high, wanted) == verdict


def test_number_above_zero_speaks_for_a_claim(repository: Path) -> None:
    folder = list_kept_folder(repository / "docs/findings.md")
    found = find_numbers(read_kept(folder / "fluxnet_fet-0.1.0"))
    decided = [item for item in found if item.verdict == HOLDS and item.claim.wanted]
    assert {item.claim.wanted for item in decided} == {1, -1}
    assert all(item.low is not None and item.low > 0 for item in decided)


def test_claim_without_its_experiment_is_not_available() -> None:
    assert {item.verdict for item in find_numbers({})} == {ABSENT}


def test_every_claim_asks_an_experiment_that_exists() -> None:
    assert {claim.experiment for claim in list_claims()} <= set(EXPERIMENTS)


def test_no_two_claims_ask_the_same(repository: Path) -> None:
    asked = [claim._replace(sentence="", wanted=0) for claim in list_claims()]
    assert len(asked) == len(set(asked))


def test_findings_are_what_their_tables_give(repository: Path) -> None:
    document = repository / "docs/findings.md"
    assert write_findings(document) == document.read_text(encoding="utf-8")


def test_stale_findings_are_seen(repository: Path, tmp_path: Path) -> None:
    source = repository / "docs/findings.md"
    document = tmp_path / "findings.md"
    document.write_text(source.read_text("utf-8"), "utf-8")
    kept = list_kept_folder(source) / "virtual-2.0.0"
    copy = list_kept_folder(document) / kept.name
    copy.mkdir(parents=True)
    for path in kept.iterdir():
        (copy / path.name).write_text(path.read_text("utf-8"), "utf-8")
    table = read_table(copy / "robustness.csv")
    for name in ("value", "low", "high"):
        table[name] += 0.5
    table.to_csv(copy / "robustness.csv", index=False)
    assert write_findings(document) != source.read_text("utf-8")


def list_records(repository: Path) -> list[dict[str, Any]]:
    folder = list_kept_folder(repository / "docs/findings.md")
    return [read_report(path, "release", "settings") for path in folder.rglob("*.json")]


def test_kept_experiments_have_the_published_size(repository: Path) -> None:
    for record in list_records(repository):
        size = Settings(seed=record["settings"]["seed"]).model_dump(mode="json")
        assert record["settings"] == size


def test_verdict_that_other_draws_turn_depends_on_the_draw() -> None:
    assert join_verdicts(HOLDS, HOLDS) == join_verdicts(HOLDS, ABSENT) == HOLDS
    assert join_verdicts(HOLDS, FAILS) == f"depends on the draw: {HOLDS}, {FAILS}"


def test_kept_experiments_are_of_the_releases_as_they_are(repository: Path) -> None:
    for record in list_records(repository):
        try:
            found = resolve(record["release"])
        except UnknownNameError:  # one that may not be in this checkout
            continue
        assert record["files"] == list_files(found), record["release"]


def test_folder_without_an_experiment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        keep_experiment(tmp_path, tmp_path / "findings.md")


def test_table_of_another_kind_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(InputError, match="what an experiment writes"):
        read_table(tmp_path / "table.csv")
