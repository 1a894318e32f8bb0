"""Publishing a release: complete, once, and never changed after."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from factories.toy_manifest import RELEASE, toy_manifest
from somobench.catalog.generate import add_release
from somobench.catalog.resolve import resolve
from somobench.catalog.verify import verify_release
from somobench.pipelines.release import publish
from somobench.pipelines.release.publish import (
    describe_opening,
    publish_release,
)
from somobench.schemas.errors import InputError, IntegrityError, ValidationError

pytestmark = pytest.mark.heavy

FILES = {"cells.parquet": b"cells", "targets.zarr.zip": b"targets"}


def make_release(
    folder: Path, files: Mapping[str, bytes] = FILES, **changes: object
) -> Path:
    """Write files and a manifest that describes them."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    manifest = toy_manifest(files, **changes)
    (folder / "MANIFEST.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    return tmp_path / "releases"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return make_release(tmp_path / "data" / "release")


def test_what_is_printed_last_opens_the_release_and_names_its_page(
    built: Path, releases: Path
) -> None:
    lines = describe_opening(publish_release(built, releases)).splitlines()
    assert f'release="{RELEASE}")' in lines[-2]
    assert lines[-1] == f"read its page: {releases / RELEASE / 'report.html'}"


@pytest.fixture
def opened(built: Path, releases: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Publish the release where it is found by its id; return its folder."""
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(releases))
    return publish_release(built, releases).path


def test_publish_copies_every_byte_under_the_release_id(
    built: Path, releases: Path
) -> None:
    published = publish_release(built, releases)
    assert published.is_new
    assert published.path == releases / RELEASE
    expected = contents(built)
    # as `sha256sum MANIFEST.json` prints it
    digest = hashlib.sha256(expected["MANIFEST.json"]).hexdigest()
    expected["MANIFEST.json.sha256"] = f"{digest}  MANIFEST.json\n".encode()
    assert contents(releases) == {
        f"{RELEASE}/{name}": content for name, content in expected.items()
    }


def test_publish_again_changes_nothing_when_content_is_the_same(
    built: Path, releases: Path
) -> None:
    publish_release(built, releases)
    before = {path: path.stat().st_mtime_ns for path in releases.rglob("*")}
    assert not publish_release(built, releases).is_new
    assert {path: path.stat().st_mtime_ns for path in releases.rglob("*")} == before


def test_publish_again_keeps_the_first_builder_when_only_the_builder_differs(
    built: Path, releases: Path, tmp_path: Path
) -> None:
    publish_release(built, releases)
    before = contents(releases)
    other = {"pipeline_sha256": "2" * 64, "package_version": "0.2.0"}
    rebuilt = make_release(tmp_path / "rebuilt", **other)
    assert not publish_release(rebuilt, releases).is_new
    assert contents(releases) == before


@pytest.mark.parametrize(
    ("files", "changes", "named"),
    [
        ({**FILES, "cells.parquet": b"other"}, {}, "cells.parquet"),
        ({**FILES, "splits.parquet": b""}, {}, "splits.parquet"),
        (FILES, {"title": "Another"}, "title"),
    ],
)
def test_publish_refuses_a_published_id_with_other_content(
    built: Path,
    releases: Path,
    tmp_path: Path,
    files: Mapping[str, bytes],
    changes: dict[str, object],
    named: str,
) -> None:
    publish_release(built, releases)
    before = contents(releases)
    rebuilt = make_release(tmp_path / "rebuilt", files, **changes)
    with pytest.raises(IntegrityError, match=rf"another {named}\n(.|\n)*version"):
        publish_release(rebuilt, releases)
    assert contents(releases) == before


def test_publish_reports_every_file_that_is_not_the_manifests(
    built: Path, releases: Path
) -> None:
    (built / "cells.parquet").write_bytes(b"cells+")  # 6 bytes in place of 5
    (built / "targets.zarr.zip").write_bytes(b"tarGets")
    (built / "notes.txt").write_bytes(b"")
    with pytest.raises(IntegrityError) as caught:
        publish_release(built, releases)
    message = str(caught.value)
    assert "cells.parquet: 6 bytes, not 5" in message
    assert f"not {hashlib.sha256(b'targets').hexdigest()}" in message
    assert "notes.txt: not in the manifest" in message
    assert not list(releases.glob("*"))


def test_publish_refuses_a_link_in_place_of_a_file(
    built: Path, releases: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").write_bytes(FILES["cells.parquet"])
    (built / "cells.parquet").unlink()
    (built / "cells.parquet").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match="cells.parquet: no regular file"):
        publish_release(built, releases)


def test_publish_refuses_a_folder_without_a_manifest(
    releases: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"MANIFEST.json(.|\n)*dvc repro"):
        publish_release(tmp_path, releases)


@pytest.mark.parametrize("release", ["../toy-0.1.0", "toy", "toy-0.1", ""])
def test_publish_refuses_an_id_that_is_no_release(
    tmp_path: Path, releases: Path, release: str
) -> None:
    built = make_release(tmp_path / "built", release=release)
    with pytest.raises(ValidationError, match="release"):
        publish_release(built, releases)
    assert not releases.exists()


def test_publish_says_that_the_published_copy_is_damaged(
    built: Path, releases: Path
) -> None:
    publish_release(built, releases)
    (releases / RELEASE / "cells.parquet").write_bytes(b"cellz")
    with pytest.raises(IntegrityError, match=r"releases(.|\n)*restore the published"):
        publish_release(built, releases)


def test_publish_says_that_the_published_manifest_is_gone(
    built: Path, releases: Path
) -> None:
    publish_release(built, releases)
    (releases / RELEASE / "MANIFEST.json").unlink()
    with pytest.raises(InputError, match=r"MANIFEST(.|\n)*restore the published"):
        publish_release(built, releases)


def test_any_flipped_byte_of_a_published_manifest_is_refused(opened: Path) -> None:
    path = opened / "MANIFEST.json"
    content = path.read_bytes()
    pinned = hashlib.sha256(content).hexdigest()
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        found = hashlib.sha256(damaged).hexdigest()
        with pytest.raises(IntegrityError, match=rf"{found}(.|\n)*{pinned}(.|\n)*try"):
            resolve(RELEASE)
    path.write_bytes(content)
    states = [(file.name, file.status) for file in verify_release(resolve(RELEASE))]
    assert states == [("cells.parquet", "intact"), ("targets.zarr.zip", "intact")]


@pytest.mark.parametrize(
    "text", [b"", b"0" * 80, b"\xff" * 80, None], ids=["empty", "0", "ff", "no file"]
)
def test_damaged_checksum_of_a_manifest_is_refused(
    opened: Path, text: bytes | None
) -> None:
    path = opened / "MANIFEST.json.sha256"
    path.unlink()
    os.mkfifo(path) if text is None else path.write_bytes(text)
    with pytest.raises(IntegrityError, match=r"MANIFEST.json.sha256"):
        resolve(RELEASE)


def test_release_that_was_published_without_a_checksum_opens(opened: Path) -> None:
    (opened / "MANIFEST.json.sha256").unlink()
    assert resolve(RELEASE).folder == opened


def test_damaged_manifest_is_neither_taken_for_the_built_one_nor_pinned(
    built: Path, opened: Path, tmp_path: Path
) -> None:
    path = opened / "MANIFEST.json"
    path.write_bytes(path.read_bytes().replace(b"1" * 64, b"2" * 64))  # of the builder
    with pytest.raises(IntegrityError, match="MANIFEST.json.sha256"):
        publish_release(built, opened.parent)
    with pytest.raises(IntegrityError, match="MANIFEST.json.sha256"):
        add_release(opened, tmp_path / "catalog")


def test_publish_fills_an_empty_folder(built: Path, releases: Path) -> None:
    (releases / RELEASE).mkdir(parents=True)
    assert publish_release(built, releases).is_new


@pytest.mark.parametrize("text", ["", f"It changes {RELEASE}.", f"## {RELEASE}1", "#"])
def test_publish_refuses_a_release_that_the_changelog_does_not_head(
    built: Path, releases: Path, tmp_path: Path, text: str
) -> None:
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=f"no heading with {RELEASE}"):
        publish_release(built, releases, changelog=changelog)
    assert not releases.exists()


def test_publish_accepts_a_release_that_the_changelog_heads(
    built: Path, releases: Path, tmp_path: Path
) -> None:
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(f"# Changes\n\n## {RELEASE} - 2026-06-01\n", encoding="utf-8")
    assert publish_release(built, releases, changelog=changelog).is_new


def test_publish_leaves_no_release_when_the_copy_is_damaged(
    built: Path, releases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaging_copy(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[::-1])

    monkeypatch.setattr(publish.shutil, "copyfile", damaging_copy)
    with pytest.raises(IntegrityError, match="cells.parquet"):
        publish_release(built, releases)
    assert not list(releases.iterdir())


KILLED = """
import os, signal, sys
from pathlib import Path
from somobench.pipelines.release import publish
count = int(sys.argv[3])
flush = publish._flush
def killing(path):
    global count
    count -= 1
    if count < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    flush(path)
publish._flush = killing
publish.publish_release(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("flushes", [0, 1, 2, 3, 4])
def test_publish_leaves_nothing_that_opens_when_killed(
    built: Path, releases: Path, flushes: int
) -> None:
    # Flushed in order: two files, manifest, checksum, folder; then the rename.
    command = [sys.executable, "-c", KILLED, str(built), str(releases), str(flushes)]
    status = subprocess.run(command, check=False).returncode
    assert status == -signal.SIGKILL
    assert not (releases / RELEASE).exists()
    assert publish_release(built, releases).is_new


def test_publish_removes_partial_releases_of_long_ago_only(
    built: Path, releases: Path
) -> None:
    old, young = releases / ".partial-0-toy-0.1.0", releases / ".partial-1-toy-0.1.0"
    for partial in (old, young):
        partial.mkdir(parents=True)
    os.utime(old, (0, 0))
    asset = releases / "assets" / RELEASE / ".partial-0-predictions.zarr.zip"
    asset.parent.mkdir(parents=True)
    asset.touch()
    os.utime(asset, (0, 0))
    publish_release(built, releases)
    assert not old.exists()
    assert not asset.exists()
    assert young.exists()


def test_publish_lets_one_of_many_publishers_win(built: Path, releases: Path) -> None:
    releases.mkdir()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, context) as pool:
        outcomes = list(pool.map(publish_release, [built] * 8, [releases] * 8))
    assert sum(published.is_new for published in outcomes) == 1
    assert [path.name for path in releases.iterdir()] == [RELEASE]


def test_publish_loses_to_a_publisher_that_names_its_copy_first(
    built: Path, releases: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = make_release(tmp_path / "other", {**FILES, "cells.parquet": b"other"})

    def naming_second(partial: Path, target: Path) -> bool:
        other.rename(target)
        return name(partial, target)

    name = publish._name
    monkeypatch.setattr(publish, "_name", naming_second)
    with pytest.raises(IntegrityError, match="another cells.parquet"):
        publish_release(built, releases)
    assert contents(releases)[f"{RELEASE}/cells.parquet"] == b"other"
