"""A manifest that vouches for damage or disagrees with its files is refused."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import somobench
from factories.faults import damages
from factories.faults.hostile_releases import list_defects, revouch
from factories.releases import RELEASE as TOY
from factories.releases import write_manifest
from factories.scoring import RELEASE as SKILL
from factories.scoring import SPLIT, copy_world, predicted
from somobench.catalog import resolve
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.schemas.errors import IntegrityError, SomobenchError

pytestmark = pytest.mark.heavy

MANIFEST = "MANIFEST.json"
Change = Callable[[dict[str, Any]], object]


def definition(**changes: object) -> Change:
    return lambda content: content["feature_sets"]["memory"].update(changes)


DISAGREEING: dict[str, Change] = {
    "variable": definition(variables=["nonsense"]),
    "layer": definition(layers=[9]),
    "no layer": definition(layers=[]),
    "layer twice": definition(layers=[1, 1]),
    "lag before": definition(lags=[-1]),
    "lag twice": definition(lags=[0, 0]),
    "lag of ages": definition(lags=[10**9]),
    "size": lambda content: content["files"]["targets.zarr.zip"].update(size=10**30),
    "no targets": lambda content: content["files"].pop("targets.zarr.zip"),
    "other file": lambda content: content["files"].update(
        {"targets.zarr.zip": content["files"]["forcing.zarr.zip"]}
    ),
    "infinite schema": lambda content: content.update(schema_version=float("inf")),
    "schema nil": lambda content: content.update(schema_version="0"),
    "negative schema": lambda content: content.update(schema_version="-1"),
    "schema in other digits": lambda content: content.update(schema_version="\u0661"),
    "schema as a number": lambda content: content.update(schema_version=1),
}


@pytest.mark.parametrize("case", DISAGREEING)
def test_a_manifest_that_disagrees_with_its_files_is_refused(
    toy: Path, case: str
) -> None:
    path = toy / MANIFEST
    content = json.loads(path.read_text())
    DISAGREEING[case](content)
    path.write_text(json.dumps(content))
    with pytest.raises(SomobenchError, match="expected:"):
        somobench.open_dataset("memory", release=TOY)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"schema_version":' * 50_000])
def test_a_manifest_of_endless_depth_is_refused(toy: Path, text: str) -> None:
    (toy / MANIFEST).write_text(text)
    with pytest.raises(IntegrityError, match="a JSON manifest"):
        resolve.resolve(TOY)


def zarr_json(toy: Path, change: Change) -> None:
    """Change what an array declares, and vouch for the new file in the manifest."""
    path = toy / "targets.zarr.zip"
    members = damages._members(path)
    content = json.loads(members["soil_moisture/zarr.json"])
    change(content)
    members["soil_moisture/zarr.json"] = json.dumps(content).encode()
    damages._write([*members.items()], path)
    revouch(toy)


def four_terabytes(content: dict[str, Any]) -> None:
    content["shape"][-1] = 10**12


def four_terabytes_in_a_chunk(content: dict[str, Any]) -> None:
    four_terabytes(content)
    content["chunk_grid"]["configuration"]["chunk_shape"][-1] = 10**12


HOSTILE_ARRAYS: dict[str, Change] = {
    "4 TB": four_terabytes,
    "4 TB in a chunk": four_terabytes_in_a_chunk,
    "pickle codec": lambda content: content.update(
        codecs=[{"name": "numcodecs.pickle"}]
    ),
    "unknown codec": lambda content: content.update(codecs=[{"name": "evil"}]),
    "object type": lambda content: content.update(data_type="object"),
    "no shape": lambda content: content.pop("shape"),
    "negative shape": lambda content: content.update(shape=[-1, -1, -1]),
    "other chunks": lambda content: content["chunk_grid"]["configuration"].update(
        chunk_shape=[1, 1, 5]
    ),
    "version 2": lambda content: content.update(zarr_format=2),
    "text scale": lambda content: content["attributes"].update(scale_factor="x"),
}


@pytest.mark.parametrize("case", HOSTILE_ARRAYS)
def test_an_array_that_no_release_declares_is_refused_quickly(
    toy: Path, case: str
) -> None:
    zarr_json(toy, HOSTILE_ARRAYS[case])
    start = time.monotonic()
    with pytest.raises(IntegrityError, match="targets|toy"):
        somobench.open_dataset("forcing", release=TOY)
    assert time.monotonic() - start < 5


VOUCHED = ("chunk gone", "member twice")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("damage", VOUCHED)
def test_a_grid_that_reads_as_missing_is_refused_even_if_vouched_for(
    toy: Path, damage: str, rng: np.random.Generator
) -> None:
    path = toy / "targets.zarr.zip"
    damages.ZIPPED_GRID[damage](path, rng)
    with open_zarr_zip(path) as grid:  # zarr itself sees nothing
        assert grid["soil_moisture"].load().sizes["time"] == 10
    revouch(toy)
    for lazy in (False, True):
        with pytest.raises(IntegrityError, match="chunk|twice"):
            somobench.open_dataset("forcing", release=TOY, lazy=lazy)


def test_a_compressed_or_encrypted_member_is_refused(toy: Path) -> None:
    path = toy / "targets.zarr.zip"
    members = damages._members(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    revouch(toy)
    with pytest.raises(IntegrityError, match="compressed or encrypted"):
        somobench.open_dataset("forcing", release=TOY)


@pytest.mark.parametrize("name", ["cells.parquet", "splits.parquet"])
@pytest.mark.parametrize("content", [b"", b"PAR1PAR1", b"PAR1" + bytes(99) + b"PAR1"])
def test_a_table_that_is_none_is_refused_even_if_vouched_for(
    toy: Path, name: str, content: bytes
) -> None:
    (toy / name).write_bytes(content)
    revouch(toy)
    with pytest.raises(SomobenchError, match=name):
        somobench.open_dataset("forcing", release=TOY, split="temporal")


def test_an_older_manifest_is_read(toy: Path) -> None:
    # rungs and assets came later than the first release, without another schema
    content = json.loads((toy / MANIFEST).read_text())
    for later in ("rungs", "assets"):
        content.pop(later, None)
    (toy / MANIFEST).write_text(json.dumps(content))
    assert resolve.resolve(TOY).manifest.assets == {}


def test_the_hash_of_the_manifest_names_the_content(toy: Path) -> None:
    before = somobench.open_dataset("forcing", release=TOY)
    write_manifest(toy, title="Other")
    after = somobench.open_dataset("forcing", release=TOY)
    assert before.attrs["manifest_sha256"] != after.attrs["manifest_sha256"]


NONSENSE = (
    "cells: no rows",
    "cells: nothing as region",
    "cells: text as dryness",
    "cells: every row twice",
    "cells: 7 as dryness",
    "cells: text as regime",
    "splits: no rows",
    "splits: no end",
    "splits: nothing as start",
    "splits: text as role",
    "splits: 7 as end",
    "splits: text as cell_id",
    "targets: text as soil_moisture",
    "targets: is_gapfilled without a dim",
    "targets: text as latitude",
    "features: no split",
    "features: no climatology",
    "features: text as scale_slope",
    "features: layer twice",
    "targets: no layer_depth_from",
    "targets: no layer_depth_to",
    "targets: cell backwards",
    "targets: time backwards",
    "targets: time twice",
    "targets: nothing along time",
    "targets: text as soil_moisture_in_situ",
    "targets: no zip",
    "manifest: resolution NaN",
    "manifest: a lone surrogate",
)


@pytest.mark.parametrize("case", NONSENSE)
def test_a_release_that_makes_no_sense_is_refused_in_our_words(
    toy: Path, case: str
) -> None:
    list_defects(toy)[case](toy)
    with pytest.raises(SomobenchError, match="expected:|failed check"):
        somobench.open_dataset(
            "climatology", release=TOY, split="temporal", scaling="train"
        )


NOT_SCORED = (
    "targets: station_spread without a dim",
    "targets: text as station_count",
    "targets: no zip",
    "cells: no region",
    "manifest: moments of no layer",
)


@pytest.mark.parametrize("case", NOT_SCORED)
def test_nothing_is_scored_on_a_release_that_makes_no_sense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    releases = copy_world(tmp_path)
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(releases))
    list_defects(releases / SKILL)[case](releases / SKILL)
    submitted = predicted(0.3).to_dataset(name="soil_moisture")
    with pytest.raises(SomobenchError, match="expected:|failed check"):
        somobench.evaluate(submitted, release=SKILL, split=SPLIT)
