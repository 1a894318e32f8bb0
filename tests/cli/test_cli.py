"""The command line: answers on standard output, refusals on standard error."""

from __future__ import annotations

import inspect
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from typer.models import CommandInfo

import somobench
from factories.programs import run
from factories.releases import RELEASE, make_catalog, write_manifest
from factories.web import loopback_server as web
from somobench import cli
from somobench.building import BuiltRelease
from somobench.catalog import registry
from somobench.catalog.fetching import fetch as fetching
from somobench.catalog.resolve import resolve
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.cli.describe import describe_sections
from somobench.cli.evaluate import show_scores
from somobench.cli.output import escape_controls, format_size
from somobench.progress import show_steps, tell_step
from somobench.schemas.manifest import SplitRecord

pytestmark = pytest.mark.heavy

Capture = pytest.CaptureFixture[str]


def test_list_names_releases_one_a_line(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(monkeypatch, "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "release\tfrom\ttitle"
    assert f"{RELEASE}\tlocal\tToy" in lines
    assert run(monkeypatch, "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"release": RELEASE, "from": "local", "title": "Toy"} in listed


def test_list_survives_a_release_with_a_damaged_manifest(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    (toy / "MANIFEST.json").write_text("{")
    assert run(monkeypatch, "list") == 0
    assert "(unreadable manifest)" in capsys.readouterr().out


def test_info_tells_what_is_left_out_and_why(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(monkeypatch, "info", RELEASE) == 0
    printed = capsys.readouterr().out
    assert "no radar: no source of radar data" in printed
    assert "no spatial: 2 cells, at least 10 are needed" in printed
    assert "no layer 4: no sensor at this depth" in printed
    assert "Made by hand." in printed
    assert run(monkeypatch, "info", RELEASE, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["release"] == RELEASE
    assert content["files"]["README.md"]["size"] == 6  # "# Toy\n"


@pytest.mark.parametrize(
    ("audit", "line"),
    [
        ({}, "temporal"),
        ({"findings": []}, "temporal: audit, no failure"),
        (
            {"findings": [{"severity": "reported"}], "checks": ["a", "b"]},
            "temporal: audit of 2 checks, no failure",
        ),
        (
            {"findings": [{"severity": "failure"}] * 2, "checks": ["a"] * 12},
            "temporal: audit of 12 checks, 2 failures",
        ),
        ({"findings": ["?"], "checks": 3}, "temporal: audit, no failure"),
    ],
)
def test_info_says_how_the_audit_of_a_split_ended(
    toy: Path, audit: dict[str, Any], line: str
) -> None:
    assert toy.is_dir()
    release = resolve(RELEASE)
    split = SplitRecord(definition={}, sha256="0" * 64, audit=audit)
    manifest = release.manifest.model_copy(update={"splits": {"temporal": split}})
    listed = dict(describe_sections(replace(release, manifest=manifest)))["splits"]
    assert listed == [line, "no spatial: 2 cells, at least 10 are needed"]


@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".zarr.zip"])
@pytest.mark.parametrize("feature_set", ["climatology", "state"])
def test_open_writes_a_file_that_reads_back_identical(
    toy: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, feature_set: str
) -> None:
    out = Path(f"out{suffix}")
    chosen = ["--split", "temporal", "--scaling", "train", "--layer", "2"]
    arguments = ["open", RELEASE, feature_set, "--out", str(out), *chosen]
    assert run(monkeypatch, *arguments) == 0
    expected = somobench.open_dataset(
        feature_set, release=RELEASE, split="temporal", scaling="train", layer=2
    )
    opener = open_zarr_zip if suffix == ".zarr.zip" else xr.open_dataset
    with opener(out) as found:
        xr.testing.assert_identical(found.load(), expected)
    assert [path.name for path in Path().glob(".partial*")] == []


def test_open_answers_in_json(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(monkeypatch, "open", RELEASE, "memory", "--out", "a.nc", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["dims"] == {"layer": 3, "cell": 2, "time": 10, "lag": 4}
    assert len(answer["manifest_sha256"]) == 64


USAGE = {
    "release": (("info", "toy"), "full version"),
    "feature set": (
        ("open", RELEASE, "memry", "--out", "a.nc"),
        "did you mean 'memory'",
    ),
    "layer": (("open", RELEASE, "memory", "--out", "a.nc", "--layer", "9"), "1, 2, 3"),
    "layer text": (
        ("open", RELEASE, "memory", "--out", "a.nc", "--layer", "x"),
        "integer",
    ),
    "suffix": (("open", RELEASE, "memory", "--out", "a.txt"), ".zarr.zip"),
    "train": (
        ("open", RELEASE, "memory", "--out", "a.nc", "--scaling", "train"),
        "split",
    ),
    "no out": (("open", RELEASE, "memory"), "--out"),
    "file": (("fetch", RELEASE, "--file", "x.zip"), "targets.zarr.zip"),
    "command": (("opne",), "opne"),
}


@pytest.mark.parametrize("case", USAGE)
def test_usage_errors_end_with_2_and_help_on_standard_error(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, case: str
) -> None:
    arguments, message = USAGE[case]
    assert run(monkeypatch, *arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert not Path("a.nc").exists()


def test_open_replaces_no_file_unless_it_is_asked_to(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    Path("a.nc").write_text("mine")
    arguments = ("open", RELEASE, "forcing", "--out", "a.nc")
    assert run(monkeypatch, *arguments) == 2
    assert Path("a.nc").read_text() == "mine"
    assert "--overwrite" in capsys.readouterr().err
    assert run(monkeypatch, *arguments, "--overwrite") == 0
    assert xr.open_dataset("a.nc").sizes["cell"] == 2


def test_open_into_a_folder_that_cannot_be_made_is_an_input_error(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    Path("file").write_text("")
    arguments = ("open", RELEASE, "forcing", "--out", "file/a.nc")
    assert run(monkeypatch, *arguments) == 1
    assert "file/a.nc" in capsys.readouterr().err


def test_verify_ends_with_4_and_names_the_damaged_file(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(monkeypatch, "verify", RELEASE) == 0
    assert "targets.zarr.zip\tintact\t\n" in capsys.readouterr().out
    path = toy / "targets.zarr.zip"
    content = bytearray(path.read_bytes())
    content[5000] ^= 4
    path.write_bytes(content)
    assert run(monkeypatch, "verify", RELEASE, "--json") == 4
    captured = capsys.readouterr()
    states = {file["name"]: file for file in json.loads(captured.out)["files"]}
    assert states["targets.zarr.zip"]["status"] == "damaged"
    assert states["cells.parquet"]["status"] == "intact"
    assert "1 damaged: targets.zarr.zip" in captured.err
    assert run(monkeypatch, "open", RELEASE, "memory", "--out", "a.nc") == 4
    assert not Path("a.nc").exists()


def test_fetch_brings_a_remote_release_and_ends_with_3_where_it_cannot(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def answer(handler: web.Handler) -> None:
        name = handler.path.rpartition("/")[2]
        web.body((toy / name).read_bytes())(handler)

    monkeypatch.delenv("SOMOBENCH_RELEASES")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetching, "_sleep", lambda _: None)
    with web.serving(answer) as server:
        catalog = make_catalog(tmp_path, toy, server.base)
        monkeypatch.setattr(registry, "catalog_folder", lambda: catalog)
        monkeypatch.setenv("SOMOBENCH_OFFLINE", "1")
        assert run(monkeypatch, "fetch", RELEASE) == 3
        assert "SOMOBENCH_OFFLINE" in capsys.readouterr().err
        monkeypatch.delenv("SOMOBENCH_OFFLINE")
        assert run(monkeypatch, "fetch", RELEASE, "--file", "README.md") == 0
        assert run(monkeypatch, "verify", RELEASE) == 0
        printed = capsys.readouterr().out
        assert "README.md\tintact" in printed
        assert "cells.parquet\tabsent" in printed
        assert "5 files aren't here" in printed
        assert run(monkeypatch, "fetch", RELEASE, "--json") == 0
        assert set(json.loads(capsys.readouterr().out)) >= {"cells.parquet"}
    assert run(monkeypatch, "open", RELEASE, "state", "--out", "a.nc") == 0
    (tmp_path / "cache").rename(tmp_path / "gone")
    assert run(monkeypatch, "open", RELEASE, "state", "--out", "b.nc") == 3
    assert "MANIFEST.json" in capsys.readouterr().err


def test_a_text_from_a_release_cannot_steer_the_terminal(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    write_manifest(toy, title="Toy\x1b[2J\x07")
    for arguments in (("list",), ("info", RELEASE)):
        assert run(monkeypatch, *arguments) == 0
        assert "\x1b" not in capsys.readouterr().out
    assert escape_controls("a\x1b[31m\u202eb") == "a\ufffd[31m\ufffdb"


def test_build_is_handed_to_the_builder(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    built: list[str] = []

    def build_recipe(recipe: str) -> BuiltRelease:
        built.append(recipe)
        return BuiltRelease("virtual-9.0.0", Path("releases/virtual-9.0.0"))

    monkeypatch.setattr("somobench.building.build_recipe", build_recipe)
    assert run(monkeypatch, "build", "virtual", "--json") == 0
    assert json.loads(capsys.readouterr().out)["release"] == "virtual-9.0.0"
    assert run(monkeypatch, "build", "virtual") == 0
    assert "releases/virtual-9.0.0/report.html" in capsys.readouterr().out
    assert built == ["virtual", "virtual"]


SHOWN = {
    "": ("virtual-2.0.0", "memory", "water_to_energy"),
    "open": ("virtual-2.0.0", "climatology", "dry_years"),
    "evaluate": ("virtual-2.0.0", "temporal"),
    "cite": ("virtual-2.0.0",),
}


@pytest.mark.parametrize("command", SHOWN)
def test_help_lists_the_names_that_exist(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, command: str
) -> None:
    assert run(monkeypatch, *command.split(), "--help") == 0
    shown = capsys.readouterr().out.partition("Names here:")[2]
    assert [name for name in SHOWN[command] if name not in shown] == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("somobench open virtual-2.0.0 me", {"memory"}),
        (
            "somobench evaluate a.nc --release virtual-2.0.0 --split d",
            {"dry_years"},
        ),
        ("somobench open nonsense-1.0.0 me", set()),
    ],
)
def test_a_shell_completes_names(line: str, expected: set[str]) -> None:
    words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    asked = {**os.environ, **words, "_SOMOBENCH_COMPLETE": "complete_bash"}
    script = "import sys; sys.argv[0] = 'somobench'; from somobench.cli import main"
    answer = subprocess.run(
        [sys.executable, "-c", f"{script}; main()"],
        env=asked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert set(answer.stdout.split()) == expected


@pytest.mark.parametrize(
    "command",
    cli.app.registered_commands,
    ids=lambda each: each.name or each.callback.__name__,
)
def test_every_command_answers_in_json(command: CommandInfo) -> None:
    assert command.callback is not None
    assert "as_json" in inspect.signature(command.callback).parameters


def test_a_rung_beside_a_submission_is_a_named_difference(capsys: Capture) -> None:
    rung = {"rung": "ridge", "needs_observations": False, "beaten": True}
    rung |= {"difference": 0.1, "low": 0.05, "high": 0.2}
    show_scores(
        {
            "headline": {"sentence": "s", "metric": "pearson_r", "rungs": [rung]},
            "submission": {"understood": []},
            "findings_in_words": [],
            "marks_in_words": [],
            "coverage": {"given": 1, "asked": 1},
            "summary": {"leading_metrics": []},
        }
    )
    shown = capsys.readouterr().out.splitlines()
    assert shown[1].split("\t") == [
        "rung",
        "pearson_r minus the rung's",
        "low",
        "high",
        "beaten",
    ]
    assert shown[2].split("\t") == ["ridge", "0.100", "0.050", "0.200", "yes"]


@pytest.mark.parametrize("arguments", [("--help",), ("list",)])
def test_a_closed_pipe_is_no_error(toy: Path, arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    answer = subprocess.run(
        [sys.executable, "-m", "somobench.cli", *arguments],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (answer.returncode, answer.stderr) == (0, b"")


def test_steps_show_on_a_terminal_alone_and_leave_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        tell_step("nobody listens")
        with show_steps():
            tell_step("scoring\x1b")
            sys.stdout.write("an answer\n")
        text = stream.getvalue()
        assert ("scoring? ..." in text, text.endswith("\x1b[K")) == (shown, shown)
        assert "nobody" not in text
    # The line is erased before an answer goes to the same terminal.
    assert capsys.readouterr().out == "an answer\nan answer\n"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (5e12, "5000.0 GB")],
)
def test_sizes_are_shown_in_decimal_units(size: int, text: str) -> None:
    assert format_size(size) == text


def test_the_installed_command_prints_no_traceback(toy: Path) -> None:
    command = [sys.executable, "-m", "somobench.cli", "info", "nonsense-1.0.0"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("error: unknown release\n  found:")
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (MemoryError(), "none left"),
        (ImportError("libx.so: failed to map segment from shared object"), "libx.so"),
    ],
)
def test_lack_of_memory_is_told_without_a_traceback(
    error: Exception,
    found: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("error: not enough memory")
    assert found in said
    assert "ulimit -v" in said
