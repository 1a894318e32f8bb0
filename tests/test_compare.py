"""What `somobench diff` says of two releases, on toy releases changed by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from factories.programs import run
from factories.releases import make_release, make_targets, write_manifest
from somobench.catalog.resolve import resolve
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.atomic import write_parquet
from somobench.compare import compare_releases
from somobench.schemas.errors import UnknownNameError
from somobench.scoring.models import LEADING

pytestmark = pytest.mark.heavy

FIRST, SECOND = "toy-0.1.0", "toy-0.2.0"


def scores(**values: float) -> pd.DataFrame:
    """Return a score of each rung in one metric, each with interval 0.4 to 0.6."""
    rows = [
        {
            "split": "temporal",
            "model": rung,
            "layer": layer,
            "metric": "pearson_r",
            "pool_kind": "plain",
            "pool": "",
            "against": against,
            "value": value,
            "low": 0.4,
            "high": 0.6,
        }
        for rung, value in values.items()
        # Scores of a layer and differences from a rung are not what is compared.
        for layer, against in ((0, ""), (1, ""), (0, "climatology"))
    ]
    return pd.DataFrame(rows)


def sign(folder: Path, split_sha256: str, **fields: Any) -> None:
    """Write the manifest of a changed folder."""
    (folder / "MANIFEST.json").unlink()
    write_manifest(folder)
    content = json.loads((folder / "MANIFEST.json").read_text()) | fields
    content["splits"]["temporal"]["sha256"] = split_sha256
    (folder / "MANIFEST.json").write_text(json.dumps(content))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make two releases: the second has a cell and other days more."""
    root = tmp_path_factory.mktemp("releases")
    first = make_release(root, release=FIRST, count=2)
    second = make_release(root, release=SECOND, count=3)
    targets = make_targets(count=3)
    layer_1 = targets["soil_moisture"].to_numpy()[0]
    # The new cell comes first and takes the missing day 4 from the one behind it.
    layer_1[1, 0] += np.float32(0.01)  # changed
    layer_1[1, 1] = np.nan  # dropped
    write_zarr_zip(targets, second / "targets.zarr.zip")
    write_parquet(
        scores(climatology=0.5, ridge=0.5, gone=0.5), first / "scores.parquet"
    )
    write_parquet(scores(climatology=0.55, ridge=0.7), second / "scores.parquet")
    sign(first, "0" * 64)
    sign(second, "1" * 64, licence_spdx="CC-BY-4.0")
    return root


@pytest.fixture
def releases(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a copy of the two releases on this machine."""
    root = shutil.copytree(made, tmp_path / "releases")
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(root))
    monkeypatch.chdir(tmp_path)
    return root


@pytest.fixture
def found(releases: Path) -> dict[str, Any]:
    assert releases.is_dir()
    return compare_releases(resolve(FIRST), resolve(SECOND))


def test_release_beside_itself_shows_nothing(releases: Path) -> None:
    assert releases.is_dir()
    same = compare_releases(resolve(FIRST), resolve(FIRST))
    assert same["facts"] == {}
    assert same["schema"]["other_values"] == []
    assert same["cells"]["added"] == same["cells"]["dropped"] == []
    assert same["cells"]["changed"] == {}
    for variables in same["days"].values():
        for item in variables.values():
            assert (item["added"], item["dropped"], item["changed"]) == (0, 0, 0)
    assert same["splits"]["same"] == ["temporal"]
    assert {item["shift"] for item in same["scores"]} == {0.0}


def test_cells_are_compared_by_id(found: dict[str, Any]) -> None:
    cells = found["cells"]
    assert (len(cells["added"]), cells["dropped"], cells["common"]) == (1, [], 2)


def test_days_added_dropped_and_changed_are_counted(found: dict[str, Any]) -> None:
    item = found["days"]["1"]["soil_moisture"]
    # Nine days of the new cell, and day 4 of the next one; 2 x 10 days less that and
    # the dropped one are in both.
    assert (item["added"], item["dropped"], item["common"]) == (10, 1, 18)
    assert (item["changed"], item["cells_changed"]) == (1, 1)
    assert item["largest_change"] == pytest.approx(0.01, abs=1e-7)
    untouched = found["days"]["2"]["soil_moisture"]
    assert (untouched["added"], untouched["dropped"], untouched["changed"]) == (
        10,
        0,
        0,
    )


def test_split_of_another_hash_is_counted_in_days(found: dict[str, Any]) -> None:
    assert found["splits"]["changed"] == {
        "temporal": {"cell_days_of_another_role": 10}  # those of the new cell
    }


def test_scores_beyond_the_first_interval_are_marked(found: dict[str, Any]) -> None:
    marked = {
        item["rung"]: (item["shift"], item["beyond_interval"])
        for item in found["scores"]
    }
    assert marked == {
        "climatology": (0.05, False),
        "ridge": (0.2, True),
        "gone": (None, None),
    }


def test_facts_and_schema_come_from_the_manifests(found: dict[str, Any]) -> None:
    assert found["facts"] == {
        "licence_spdx": {"first": "CC0-1.0", "second": "CC-BY-4.0"}
    }
    schema = found["schema"]
    assert schema["redefined"] == {}
    assert "targets.zarr.zip/soil_moisture" in schema["other_values"]
    assert "targets.zarr.zip/time" not in schema["other_values"]


def test_array_of_another_type_is_redefined(releases: Path) -> None:
    targets = make_targets(count=3)
    targets["is_gapfilled"] = targets["is_gapfilled"].astype("int16")
    write_zarr_zip(targets, releases / SECOND / "targets.zarr.zip")
    sign(releases / SECOND, "1" * 64)
    schema = compare_releases(resolve(FIRST), resolve(SECOND))["schema"]
    (name,) = schema["redefined"]
    assert name == "targets.zarr.zip/is_gapfilled"
    assert schema["redefined"][name]["second"]["dtype"] == "int16"


def test_release_without_scores_is_compared_in_the_rest(releases: Path) -> None:
    (releases / FIRST / "scores.parquet").unlink()
    sign(releases / FIRST, "0" * 64)
    found = compare_releases(resolve(FIRST), resolve(SECOND))
    assert {item["first"] for item in found["scores"]} == {None}
    assert found["schema"]["files"]["added"] == ["scores.parquet"]


def test_command_answers_as_text_and_in_json(
    releases: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert releases.is_dir()
    assert run(monkeypatch, "diff", FIRST, SECOND) == 0
    shown = capsys.readouterr().out
    assert f"{FIRST} -> {SECOND}" in shown
    assert "1 added, 0 dropped, 2 in both" in shown
    assert "layer 1 soil_moisture: 10 added, 1 dropped, 1 of 18 changed" in shown
    assert "temporal ridge pearson_r: 0.5000 -> 0.7000 *" in shown
    assert run(monkeypatch, "diff", FIRST, SECOND, "--out", "page.html") == 0
    assert capsys.readouterr().out == f"{shown}written to page.html\n"
    page = Path("page.html").read_text("utf-8")
    assert "1 cells added, 0 dropped" in page
    assert ">0.500<" in page
    assert ">0.700<" in page
    assert "largest change" in page
    assert run(monkeypatch, "diff", FIRST, SECOND, "--out", "page.html") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run(monkeypatch, "diff", FIRST, SECOND, "--metric", "ubrmse") == 0
    assert "0 in both, 0 in one alone" in capsys.readouterr().out
    assert run(monkeypatch, "diff", FIRST, SECOND, "--metric", "all", "--json") == 0
    assert json.loads(capsys.readouterr().out)["second"] == SECOND


def test_command_refuses_an_unknown_release(
    releases: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert releases.is_dir()
    assert run(monkeypatch, "diff", FIRST, "toy-0.3.0") == 2
    assert SECOND in capsys.readouterr().err


def test_a_metric_that_no_release_has_is_refused_with_those_there_are() -> None:
    release = resolve("virtual-1.1.0")
    with pytest.raises(UnknownNameError, match=r"nonsense(.|\n)*pearson_r"):
        compare_releases(release, release, ["nonsense"])


def test_what_moved_beyond_its_interval_is_listed_whatever_the_metric() -> None:
    # 1.1.0 computed other intervals and scores of extremes than 1.0.0.
    found = compare_releases(resolve("virtual-1.0.0"), resolve("virtual-1.1.0"))
    moved = {item["metric"] for item in found["scores"] if item["beyond_interval"]}
    assert moved - set(LEADING)
