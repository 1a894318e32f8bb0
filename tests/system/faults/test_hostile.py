"""Hostile catalogs, manifests, places and terminals: refused soon, in plain words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import somobench
from factories.programs import run
from factories.releases import RELEASE, make_catalog, write_manifest
from factories.web import loopback_server as web
from somobench.catalog import registry
from somobench.catalog.fetching import fetch
from somobench.catalog.registry import read_record
from somobench.catalog.resolve import resolve
from somobench.schemas.errors import IntegrityError, SomobenchError, UsageError

pytestmark = pytest.mark.heavy

Capture = pytest.CaptureFixture[str]


def bomb() -> str:
    """Return lists of lists of lists: 10^10 items from ten lines."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefghi", "bcdefghij", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]")
    return "\n".join(lines) + "\n"


def with_field(field: str, value: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        lines = text.splitlines()
        place = next(i for i, line in enumerate(lines) if f"    {field}:" in line)
        lines[place] = f"    {field}: {value}"
        return "\n".join(lines) + "\n"

    return change


RECORDS: dict[str, Callable[[str], str]] = {
    "bomb in addresses": lambda text: bomb() + with_field("base_urls", "*j")(text),
    "bomb in the title": lambda text: bomb() + with_field("title", "*j")(text),
    "bomb beside": lambda text: bomb() + text,
    "list in itself": with_field("base_urls", "&z [*z]"),
    "deep lists": lambda _: "[" * 50_000,
    "deep mappings": lambda _: "{a: " * 40_000,
    "deep blocks": lambda _: "".join(f"{' ' * n}a:\n" for n in range(500)),
    "impossible date": with_field("title", "2018-13-45"),
    "impossible number": with_field("title", "0x_"),
    "endless number": with_field("manifest_size", "9" * 5000),
    "object": with_field("title", "!!python/object/apply:os.system [id]"),
    "own tag": with_field("title", "!x y"),
    "list as a key": with_field("title", "x\n    ? [a]\n    : b"),
    "merge of nothing": with_field("title", "x\n    <<: 3"),
    "two documents": lambda text: text + "---\n" + text,
    "zero byte": lambda text: text + "\0",
    "large": lambda text: text + "#" * 200_000,
    "md5": with_field("manifest_sha256", "d41d8cd98f00b204e9800998ecf8427e"),
    "negative size": with_field("manifest_size", "-1"),
    "size beyond measure": with_field("manifest_size", "99999999999"),
    "other release": with_field("release", "other-1.0.0"),
    "no release": with_field("release", "../x"),
    "unknown field": with_field("title", "x\n    driver: os.system"),
}


@pytest.mark.parametrize("case", RECORDS)
def test_a_hostile_record_is_refused_at_once(
    toy: Path, tmp_path: Path, case: str
) -> None:
    catalog = make_catalog(tmp_path, toy)
    path = catalog / "releases" / f"{RELEASE}.yaml"
    path.write_text(RECORDS[case](path.read_text()))
    start = time.monotonic()
    with pytest.raises(IntegrityError, match="catalog record") as error:
        read_record(RELEASE, catalog)
    assert time.monotonic() - start < 10
    assert len(str(error.value)) < 2000


@pytest.mark.parametrize("url", ["https://h/r?token=hush", "https://h/r#hush"])
def test_an_address_with_a_token_is_not_catalogued(
    toy: Path, tmp_path: Path, url: str
) -> None:
    with pytest.raises(UsageError, match="would be published") as error:
        make_catalog(tmp_path, toy, url)
    assert "hush" not in str(error.value)


def test_info_shows_addresses_without_tokens(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    catalog = make_catalog(tmp_path, toy)
    path = catalog / "releases" / f"{RELEASE}.yaml"
    urls = '["https://me:hush@h.org/r?token=hush#hush"]'
    path.write_text(with_field("base_urls", urls)(path.read_text()))
    monkeypatch.setattr(registry, "catalog_folder", lambda: catalog)
    for arguments in (("info", RELEASE), ("info", RELEASE, "--json")):
        assert run(monkeypatch, *arguments) == 0
        captured = capsys.readouterr()
        assert "hush" not in captured.out + captured.err
    assert json.loads(captured.out)["base_urls"] == ["https://h.org/r"]


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def circle(path: Path) -> None:
    path.symlink_to(path)


def deep(path: Path) -> None:
    path.write_text("[" * 100_000)


def long_title(path: Path) -> None:
    path.write_text(json.dumps({"title": "x" * 10**6}))


MANIFESTS = {
    "pipe": pipe,
    "endless file": endless,
    "circle": circle,
    "folder": Path.mkdir,
    "endless depth": deep,
    "long title": long_title,
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_strange_manifest_neither_blocks_nor_fills_the_memory(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, case: str
) -> None:
    (toy / "MANIFEST.json").unlink()
    MANIFESTS[case](toy / "MANIFEST.json")
    start = time.monotonic()
    assert run(monkeypatch, "list") == 0
    assert len(capsys.readouterr().out) < 3000
    with pytest.raises(SomobenchError):
        resolve(RELEASE)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("variable", ["SOMOBENCH_RELEASES", "SOMOBENCH_CACHE"])
@pytest.mark.parametrize("place", ["~nobody-here/x", "x" * 300, "/etc/hostname", " "])
def test_a_strange_place_is_refused_or_survived(
    toy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    variable: str,
    place: str,
) -> None:
    expected = somobench.open_dataset("forcing", release=RELEASE)
    monkeypatch.setenv(variable, place)
    try:
        found = somobench.open_dataset("forcing", release=RELEASE)
    except SomobenchError as error:
        shown = str(error)
        assert variable in shown or "unknown release" in shown
    else:
        assert found.identical(expected)
    assert run(monkeypatch, "list") in {0, 2}


def test_a_deleted_working_directory_is_survived(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert run(monkeypatch, "list") == 0
    assert RELEASE in capsys.readouterr().out
    monkeypatch.setenv("SOMOBENCH_RELEASES", "relative")
    assert run(monkeypatch, "list") == 2
    assert "SOMOBENCH_RELEASES" in capsys.readouterr().err


def test_no_answer_carries_an_escape(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    escape = "\x1b]0;owned\x07\x1b[2J\u202e\ud800"
    write_manifest(toy)
    path = toy / "MANIFEST.json"
    text = path.read_text().replace('"Toy"', json.dumps(f"Toy{escape[:-1]}"))
    path.write_text(text.replace("Made by hand.", json.dumps(escape[:-1])[1:-1]))
    (toy / f"extra{escape[:-1]}").write_text("")
    commands = [
        ("list",),
        ("info", RELEASE),
        ("info", RELEASE, "--json"),
        ("verify", RELEASE),
        ("fetch", RELEASE),
        ("info", f"toy{escape}"),
        ("open", RELEASE, f"forcing{escape}", "--out", "a.nc"),
        ("fetch", RELEASE, "--file", f"x{escape}"),
        ("open", RELEASE, "forcing", "--out", f"b{escape[:-1]}.zarr"),
    ]
    for arguments in commands:
        assert run(monkeypatch, *arguments) in {0, 2}
        captured = capsys.readouterr()
        shown = captured.out + captured.err
        assert shown
        assert not {"\x1b", "\x07", "\u202e", "\ud800"} & {*shown}, arguments


def test_a_letter_that_no_text_may_hold_is_refused_and_not_shown(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    write_manifest(toy)
    path = toy / "MANIFEST.json"
    path.write_text(path.read_text().replace('"Toy"', json.dumps("Toy\ud800")))
    assert run(monkeypatch, "info", RELEASE) == IntegrityError.exit_code
    assert "\ud800" not in capsys.readouterr().err


def test_an_asset_is_fetched_by_name(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    path = toy / "MANIFEST.json"
    content = json.loads(path.read_text())
    content["assets"] = {"README.md": content["files"].pop("README.md")}
    path.write_text(json.dumps(content))
    place = toy.parent / "assets" / RELEASE
    place.mkdir(parents=True)
    (toy / "README.md").rename(place / "README.md")
    assert run(monkeypatch, "fetch", RELEASE, "--file", "README.md") == 0
    assert "\nREADME.md\t6 B\t" in capsys.readouterr().out


def process(
    *arguments: str, shell: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line behind some shell code."""
    code = f'{shell} exec "$0" -W ignore -m somobench.cli "$@"'
    return subprocess.run(
        ["bash", "-c", code, sys.executable, *arguments],
        capture_output=True,
        check=False,
        env=os.environ | env,
        errors="replace",
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("shell", ["exec >&-;", "exec >/dev/full;", "exec > >(true);"])
def test_no_standard_output_is_no_traceback(toy: Path, shell: str) -> None:
    answer = process("list", shell=shell)
    assert "Traceback" not in answer.stderr
    assert "Exception" not in answer.stderr
    if "full" in shell:
        assert answer.returncode == 1
        assert "No space left" in answer.stderr


def test_a_terminal_without_the_letters_gets_their_numbers(toy: Path) -> None:
    write_manifest(toy, title="Z\u00fcrich \u571f\u58e4")
    answer = process("list", PYTHONIOENCODING="ascii")
    assert answer.returncode == 0
    assert "Z\\xfcrich \\u571f\\u58e4" in answer.stdout


def test_a_system_error_is_reported_without_a_traceback(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def broken(_: object) -> None:
        raise OSError(5, "Input/output error", "/disk/file")

    monkeypatch.setattr("somobench.catalog.verify.verify_release", broken)
    assert run(monkeypatch, "verify", RELEASE) == 1
    assert "Input/output error: '/disk/file'" in capsys.readouterr().err


def test_a_server_cannot_steer_the_terminal(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("SOMOBENCH_RELEASES")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetch, "_sleep", lambda _: None)
    answers = [
        b"HTTP/1.1 404 \x1b[2J" + b"x" * 5000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: \x1b[2J" + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: \x1b[2J\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: \x1b[2J\r\n\r\n",
    ]
    for number, answer in enumerate(answers):
        with web.serving(web.raw(answer)) as server:
            catalog = make_catalog(tmp_path / str(number), toy, server.base)
            monkeypatch.setattr(registry, "catalog_folder", lambda it=catalog: it)
            assert run(monkeypatch, "fetch", RELEASE) in {3, 4}
        shown = capsys.readouterr().err
        assert "\x1b" not in shown
        assert len(shown) < 2000


def unreadable_release(toy: Path) -> Any:
    return somobench.open_dataset("forcing", release=toy.name)


def test_a_release_that_vanishes_while_it_is_opened_is_refused(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("somobench.catalog.resolve.find_folders", lambda _: [])
    with pytest.raises(IntegrityError, match="no folder of it any more"):
        unreadable_release(toy)
