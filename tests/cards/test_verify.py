"""Published scores: recomputed from files, and every change found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.cards import make_finding
from factories.programs import run
from factories.scoring import RELEASE, SPLIT, add_ladder_asset, copy_world, predicted
from somobench.cards.verify import compare_score, verify_score
from somobench.catalog.storage.atomic import write_parquet
from somobench.schemas.errors import (
    InputError,
    IntegrityError,
    SomobenchError,
    UsageError,
    ValidationError,
)
from somobench.scoring.evaluate import Evaluation, evaluate

pytestmark = pytest.mark.heavy


class Published(NamedTuple):
    """A folder with a release, a ladder, a submission and its score, and the score."""

    root: Path
    evaluation: Evaluation


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Return what was published."""
    root = tmp_path_factory.mktemp("published")
    copy_world(root)
    path = root / "mine.nc"
    predicted(0.8).to_dataset(name="soil_moisture").to_netcdf(path, engine="h5netcdf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOMOBENCH_RELEASES", str(root / "releases"))
        found = evaluate(path, release=RELEASE, split=SPLIT, ladder=_ladder(root))
        found.write(root / "score")
    return Published(root, found)


@pytest.fixture
def world(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Return a copy that may be changed."""
    root = Path(shutil.copytree(published.root, tmp_path / "world"))
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(root / "releases"))
    return root


def _ladder(root: Path) -> Path:
    return root / "data" / "predictions" / f"{SPLIT}.zarr.zip"


def test_score_is_recomputed_exactly(world: Path) -> None:
    found = verify_score(world / "score", ladder=_ladder(world))
    stored = pd.read_parquet(world / "score" / "scores.parquet")
    assert found.rows["scores"] == len(stored) > 100
    assert found.same_code
    assert found.model == "mine.nc"


def change_json(**changes: Any) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / "score" / "score.json"
        record = json.loads(path.read_text())
        for key, value in changes.items():
            inner = record
            *folders, last = key.split("__")
            for folder in folders:
                inner = inner[folder]
            inner[last] = value
        path.write_text(json.dumps(record))

    return change


def nudge_score(root: Path) -> None:
    path = root / "score" / "scores.parquet"
    table = pd.read_parquet(path)
    place = int(table["value"].notna().to_numpy().argmax())
    table.loc[place, "value"] += 1e-6
    write_parquet(table, path)


def drop_row(root: Path) -> None:
    path = root / "score" / "cell_scores.parquet"
    write_parquet(pd.read_parquet(path).iloc[1:], path)


def other_submission(root: Path) -> None:
    grid = predicted(0.1).to_dataset(name="soil_moisture")
    grid.to_netcdf(root / "mine.nc", engine="h5netcdf")


def other_ladder(root: Path) -> None:
    with _ladder(root).open("ab") as stream:
        stream.write(b"\0")


def damaged_table(root: Path) -> None:
    (root / "score" / "scores.parquet").write_bytes(b"PAR1")


def foreign_table(root: Path) -> None:
    shutil.copy(
        root / "score" / "scores.parquet", root / "score" / "lead_scores.parquet"
    )


def drop_entry(root: Path) -> None:
    path = root / "score" / "score.json"
    record = json.loads(path.read_text())
    del record["bootstrap"]["method"]
    path.write_text(json.dumps(record))


def forge_report(root: Path) -> None:
    path = root / "score" / "report.html"
    path.write_text(
        path.read_text("utf-8").replace("reanalysis", "Reanalysis"), "utf-8"
    )


def drop_report(root: Path) -> None:
    (root / "score" / "report.html").unlink()


CHANGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "one digit": (nudge_score, r"scores\.parquet row \d+ .*value .*, computed"),
    "a row less": (drop_row, r"cell_scores\.parquet: \d+ rows, computed"),
    "findings": (change_json(findings=[make_finding()]), r"score\.json: findings"),
    "coverage": (change_json(coverage__given=7), r"score\.json: coverage"),
    "split hash": (change_json(split_sha256="1" * 64), r"score\.json: split_sha256"),
    "title": (change_json(release_title="Best"), r'release_title "Best", computed'),
    "spread": (
        change_json(target_uncertainty__1__series=5),
        r"target_uncertainty\.1\.series 5",
    ),
    "bootstrap": (change_json(bootstrap__draws=9), r"bootstrap\.draws 9, computed 500"),
    "scaling": (change_json(scaling__full_record_series=0), "full_record_series 0"),
    "option": (change_json(options__allow_missing=True), "true, computed false"),
    "type": (change_json(options__allow_missing=1), r"options\.allow_missing: found 1"),
    "no entry": (change_json(bootstrap=None), "bootstrap: found None"),
    "lacking rung": (change_json(ladder__not_available={"x": "y"}), "not_available.x"),
    "whose ladder": (change_json(ladder__of_release=True), "of_release true, computed"),
    "members": (change_json(submission__members=5), r"submission\.members 5"),
    "size": (change_json(submission__file_size=5), r"submission\.file_size 5"),
    "further entry": (change_json(award="gold"), "award: found 'gold'"),
    "entry less": (drop_entry, r"bootstrap\.method nothing, computed"),
    "rung's mark": (change_json(ladder__observing=[]), "observing has to be True"),
    "report": (forge_report, r"report\.html: other than the page"),
    "no report": (drop_report, r"report\.html: missing"),
    "damaged table": (damaged_table, r"scores\.parquet: "),
    "foreign table": (foreign_table, r"lead_scores\.parquet: not expected"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_change_is_found(name: str, world: Path, published: Published) -> None:
    change, match = CHANGES[name]
    change(world)
    with pytest.raises((IntegrityError, ValidationError), match=match):
        compare_score(world / "score", published.evaluation)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (other_submission, "values of submission(.|\n)*as scored"),
        (other_ladder, "predictions of the ladder|sound"),
        (change_json(manifest_sha256="0" * 64), "manifest of release"),
    ],
)
def test_other_input_is_found_by_the_whole_run(
    world: Path, change: Callable[[Path], None], match: str
) -> None:
    change(world)
    with pytest.raises(IntegrityError, match=match):
        verify_score(world / "score", ladder=_ladder(world))


def test_difference_by_other_code_says_so(world: Path, published: Published) -> None:
    nudge_score(world)
    change_json(code__sha256="0" * 64, code__version="0.0.9")(world)
    with pytest.raises(IntegrityError, match="other code, somobench 0.0.9"):
        compare_score(world / "score", published.evaluation)


def test_submission_that_moved_is_asked_for(world: Path) -> None:
    (world / "mine.nc").rename(world / "moved.nc")
    with pytest.raises(InputError, match=r"--submission FOLDER/mine\.nc"):
        verify_score(world / "score", ladder=_ladder(world))


def test_name_of_the_submission_never_leads_out(world: Path) -> None:
    change_json(submission__name="../../secret")(world)
    with pytest.raises(InputError, match="a name without folders"):
        verify_score(world / "score")


def test_scores_of_predictions_in_memory_ask_for_a_file_with_their_values(
    world: Path, published: Published
) -> None:
    scored = published.evaluation
    no_file = {"file_sha256": None, "file_size": None, "name": "predictions"}
    submission = scored.record.submission.model_copy(update=no_file)
    record = scored.record.model_copy(update={"submission": submission})
    replace(scored, record=record).write(world / "memory")
    with pytest.raises(UsageError, match="--submission FILE"):
        verify_score(world / "memory", ladder=_ladder(world))
    given = world / "mine.nc"
    verified = verify_score(world / "memory", submission=given, ladder=_ladder(world))
    assert not verified.same_file
    other_submission(world)
    with pytest.raises(IntegrityError, match="values of submission"):
        verify_score(world / "memory", submission=given, ladder=_ladder(world))


def test_copy_in_another_format_is_the_same_submission(world: Path) -> None:
    copy = world / "copy.parquet"
    predicted(0.8).to_dataframe("soil_moisture").reset_index().rename(
        columns={"cell": "cell_id"}
    ).to_parquet(copy)
    found = verify_score(world / "score", submission=copy, ladder=_ladder(world))
    assert found.same_code
    assert not found.same_file


def test_score_without_a_ladder_is_the_same_where_there_is_one(
    world: Path, published: Published
) -> None:
    asset = add_ladder_asset(world)
    asset.rename(world / "away")
    found = evaluate(world / "mine.nc", release=RELEASE, split=SPLIT)
    found.write(world / "bare")
    (world / "away").rename(asset)
    assert verify_score(world / "bare").same_code
    with pytest.raises(IntegrityError, match="expected: none, as scored"):
        compare_score(world / "bare", published.evaluation)


def test_score_beside_the_release_s_own_ladder_is_recomputed(world: Path) -> None:
    asset = add_ladder_asset(world)
    found = evaluate(world / "mine.nc", release=RELEASE, split=SPLIT)
    found.write(world / "own")
    assert verify_score(world / "own").same_code
    asset.unlink()
    with pytest.raises(IntegrityError, match="none: predictions_temporal"):
        verify_score(world / "own")


def test_score_with_lead_times_is_recomputed_and_its_counts_are_compared(
    world: Path,
) -> None:
    forecast = xr.concat([predicted(0.3), predicted(0.8)], "lead_time")
    forecast = forecast.assign_coords(lead_time=[1, 3]).assign_attrs(units="m3 m-3")
    path = world / "leads.nc"
    forecast.to_dataset(name="soil_moisture").to_netcdf(path, engine="h5netcdf")
    again = evaluate(path, release=RELEASE, split=SPLIT)
    again.write(world / "leads")
    assert verify_score(world / "leads").rows["lead_scores"] > 0
    record = json.loads((world / "leads" / "score.json").read_text())
    record["lead_coverage"]["common"] += 1
    (world / "leads" / "score.json").write_text(json.dumps(record))
    # Of ten days, those 0, 1 and 3 after a gap lack a pair: 112 of 160 are common.
    with pytest.raises(IntegrityError, match="common 1233, computed 1232"):
        compare_score(world / "leads", again)


def test_optional_entry_that_other_code_did_not_write_is_no_difference(
    world: Path, published: Published
) -> None:
    drop_entry(world)
    forge_report(world)
    change_json(code__sha256="0" * 64)(world)
    assert not compare_score(world / "score", published.evaluation).same_code


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "what `somobench evaluate` writes"),
        ("[]", "what `somobench evaluate` writes"),
        ("{}", "schema version 2\n *try: .*score the submission again"),
        ('{"schema_version": "1"}', "found: *schema version 1\n *expected: *.* 2"),
        ('{"schema_version": "2"}', "split_sha256(.|\n)*Field required"),
    ],
)
def test_folder_without_a_score_is_refused(world: Path, text: str, match: str) -> None:
    (world / "score" / "score.json").write_text(text)
    with pytest.raises(SomobenchError, match=match):
        verify_score(world / "score")


def test_command_says_that_it_is_the_same(
    world: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["verify-score", str(world / "score"), "--ladder", str(_ladder(world))]
    assert run(monkeypatch, *command) == 0
    assert "the same" in capsys.readouterr().out
    nudge_score(world)
    assert run(monkeypatch, *command) == 4
    assert "computed" in capsys.readouterr().err


def test_scores_of_a_second_run_are_the_same_bytes(world: Path) -> None:
    again = evaluate(
        world / "mine.nc", release=RELEASE, split=SPLIT, ladder=_ladder(world)
    )
    again.write(world / "again")
    for file in (world / "score").iterdir():
        assert (world / "again" / file.name).read_bytes() == file.read_bytes()
    assert np.isfinite(again.scores["value"]).any()
