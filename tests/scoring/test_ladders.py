"""The ladder that a submission is compared with: the release's, if it can be had."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from factories.programs import run
from factories.scoring import (
    NOISE,
    RELEASE,
    SPLIT,
    add_ladder_asset,
    copy_world,
    make_case,
    open_predictions,
)
from somobench.catalog.resolve import Release, resolve
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.hashing import sha256_file
from somobench.schemas.errors import IntegrityError
from somobench.scoring import ladders, models
from somobench.scoring.case import ScoringCase
from somobench.scoring.ladders import choose_ladder, compare_with_rungs, open_ladder
from somobench.scoring.models import LEADING, ScoredModels, draw_common_days


@pytest.fixture(scope="module")
def case() -> ScoringCase:
    return make_case()


@pytest.fixture
def asset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the ladder of a release that lists it."""
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(copy_world(tmp_path)))
    return add_ladder_asset(tmp_path)


@pytest.fixture
def release(asset: Path) -> Release:
    return resolve(RELEASE)


def test_ladder_is_the_release_s_own_where_it_lists_one(
    release: Release, case: ScoringCase
) -> None:
    ladder, _ = choose_ladder(release, case, None)
    assert ladder is not None
    assert [rung.name for rung in ladder.rungs] == [*NOISE, "persistence"]


def test_many_predictions_stay_on_disk_and_are_the_same(
    asset: Path, case: ScoringCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = open_ladder(asset, case)
    asked: list[object] = []
    chunked = ladders.open_zarr_zip
    monkeypatch.setattr(
        ladders, "open_zarr_zip", lambda *args: asked.append(args) or chunked(*args)
    )
    monkeypatch.setattr(ladders, "READ_AT_ONCE", 0)
    from_disk = open_ladder(asset, case)
    assert asked == [(asset,), (asset, {})]
    for ours, theirs in zip(from_disk.rungs, at_once.rungs, strict=True):
        xr.testing.assert_identical(ours.load(), theirs.load())


def test_ladder_that_is_not_here_is_reported_with_the_next_step(
    release: Release, asset: Path, case: ScoringCase
) -> None:
    asset.unlink()
    ladder, reason = choose_ladder(release, case, None)
    assert ladder is None
    assert f"predictions_{SPLIT}.zarr.zip" in reason
    assert f" assets/{RELEASE}/ of the releases folder of a checkout" in reason
    assert "SOMOBENCH_RELEASES" in reason
    assert "`make release`" in reason
    assert "--ladder" in reason
    assert str(asset.parent) not in reason  # the same on every machine


def test_ladder_that_is_damaged_is_refused(
    release: Release, asset: Path, case: ScoringCase
) -> None:
    content = bytearray(asset.read_bytes())
    content[100] ^= 1
    asset.write_bytes(content)
    with pytest.raises(IntegrityError, match="found: *sha256"):
        choose_ladder(release, case, None)


def test_ladder_that_leads_nowhere_is_refused(
    release: Release, asset: Path, case: ScoringCase
) -> None:
    asset.unlink()
    asset.symlink_to(asset.parent / "nothing")
    with pytest.raises(IntegrityError):
        choose_ladder(release, case, None)


def test_given_ladder_that_is_no_zip_is_refused(
    release: Release, case: ScoringCase, tmp_path: Path
) -> None:
    (tmp_path / "ladder.zarr.zip").write_bytes(b"no zip")
    with pytest.raises(IntegrityError, match=r"ladder\.zarr\.zip\n *found: *BadZip"):
        choose_ladder(release, case, tmp_path / "ladder.zarr.zip")


def test_info_and_verify_tell_whether_assets_are_here(
    asset: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "info", RELEASE) == 0
    assert f"{asset.name}: " in (shown := capsys.readouterr().out)
    assert ", here" in shown
    assert run(monkeypatch, "verify", RELEASE) == 0
    assert f"{asset.name}\tintact\tasset" in capsys.readouterr().out
    asset.unlink()
    assert run(monkeypatch, "info", RELEASE) == 0
    assert ", not here" in capsys.readouterr().out
    assert run(monkeypatch, "verify", RELEASE) == 0
    shown = capsys.readouterr().out
    assert f"{asset.name}\tabsent\tasset" in shown
    assert f"looked for in assets/{RELEASE}/ of the releases folder" in shown


def test_verify_names_a_damaged_asset(
    asset: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with asset.open("ab") as stream:
        stream.write(b"\0")
    assert run(monkeypatch, "verify", RELEASE) == 4
    assert f"1 damaged: {asset.name}" in capsys.readouterr().err


def test_given_ladder_is_the_release_s_by_its_bytes_or_its_values(
    release: Release, asset: Path, case: ScoringCase, tmp_path: Path
) -> None:
    pinned = release.manifest.assets[asset.name].sha256
    chunked = tmp_path / "chunked.zarr.zip"
    write_zarr_zip(open_predictions(tmp_path), chunked, {"rung": 2})
    assert sha256_file(chunked) != pinned
    for given in (tmp_path / "data" / "predictions", chunked):
        ladder, _ = choose_ladder(release, case, given)
        assert ladder is not None
        assert ladder.of_release
        assert ladder.sha256 == pinned


def test_foreign_ladder_is_refused_where_the_release_lists_its_own(
    release: Release, asset: Path, case: ScoringCase, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign.zarr.zip"
    grid = open_predictions(tmp_path)
    grid["soil_moisture"][0] += 0.01
    write_zarr_zip(grid, foreign, {"rung": 1})
    pinned = release.manifest.assets[asset.name].sha256
    found = f"sha256 {sha256_file(foreign)}, other values in soil_moisture"
    with pytest.raises(
        IntegrityError, match=rf"found: *{found}\n *expected:.*{pinned}"
    ):
        choose_ladder(release, case, foreign)


def test_given_ladder_is_marked_where_the_release_lists_none(
    case: ScoringCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(copy_world(tmp_path)))
    given = tmp_path / "data" / "predictions"
    ladder, _ = choose_ladder(resolve(RELEASE), case, given)
    assert ladder is not None
    assert not ladder.of_release


def test_comparisons_are_those_of_models_scored_for_each_of_them(
    asset: Path, case: ScoringCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    rungs = open_ladder(asset, case).rungs
    *whole, reader = rungs  # the one that reads observations lacks days
    order = (whole[0], reader, *whole[1:])
    days = draw_common_days(case, order, draws=40)
    scored: list[xr.DataArray] = []
    score = models.score_model
    monkeypatch.setattr(
        models, "score_model", lambda *given: scored.append(given[1]) or score(*given)
    )
    together = ScoredModels(case, days, LEADING)
    pairs = [(each, order[:place]) for place, each in enumerate(order)]
    found = [list(compare_with_rungs(together, *pair)) for pair in pairs]
    count = len(scored)
    alone = [
        list(compare_with_rungs(ScoredModels(case, days, LEADING), *pair))
        for pair in pairs
    ]
    for ours, theirs in zip(found, alone, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            pd.testing.assert_frame_equal(one, other)
    assert len(scored) > 2 * count > 0
    monkeypatch.setattr(ScoredModels, "room", 0)
    beyond = list(compare_with_rungs(ScoredModels(case, days, LEADING), *pairs[-1]))
    pd.testing.assert_frame_equal(pd.concat(beyond), pd.concat(found[-1]))
