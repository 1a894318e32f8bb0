"""The report in a real browser: it renders, is silent, asks for nothing, and fits."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from factories.reports import HOSTILE, make_sources, make_validation, write_report_data
from somobench.pages.html import POLICY
from somobench.pipelines.release.report import build_report
from somobench.pipelines.release.report.numbers import figure_numbers
from somobench.schemas.recipe import load_recipe

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--virtual-time-budget=5000",
)
OWN_REQUEST = "not an origin"  # what the browser asks for by itself
MEASURE = """<script>addEventListener("load", () => parent.postMessage(
  document.documentElement.scrollWidth + " of " + innerWidth, "*"))</script>"""
FRAME = """<body><iframe src="{name}" width="390" height="800"></iframe>
<script>addEventListener("message", event => document.body.append(
  "measured " + event.data))</script>"""


class Visit(NamedTuple):
    """What a browser made of a page."""

    dom: str
    console: list[str]
    requests: list[str]


@pytest.fixture(scope="module")
def browser() -> str:
    found = [path for name in BROWSERS if (path := shutil.which(name))]
    if not found:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)}")
    return found[0]


def visit(browser: str, path: Path, folder: Path) -> Visit:
    log = folder / "net.json"
    done = subprocess.run(
        [
            browser,
            *FLAGS,
            f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={log}",
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Visit(done.stdout, console, asked(log))


def asked(log: Path) -> list[str]:
    """Return the addresses that pages, not the browser itself, asked for."""
    content = json.loads(log.read_text("utf-8"))
    start = content["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    found = [event["params"] for event in content["events"] if event["type"] == start]
    return [
        item["url"]
        for item in found
        if "url" in item and item.get("initiator") != OWN_REQUEST
    ]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = Path(__file__).resolve().parents[2]
    recipe = load_recipe(root / "conf" / "recipe" / "virtual.yaml")
    folder = tmp_path_factory.mktemp("report")
    stages = write_report_data(folder)
    validation = make_validation(stages, figure_numbers(recipe, folder, stages))
    path = folder / "report.html"
    path.write_text(build_report(recipe, validation, make_sources()), "utf-8")
    return path


def test_report_renders_without_a_message_or_a_request(
    browser: str, page: Path, tmp_path: Path
) -> None:
    found = visit(browser, page, tmp_path)
    assert found.console == []
    assert found.requests == []
    assert found.dom.count("<svg ") == page.read_text("utf-8").count("<svg ") > 10


def test_hostile_names_are_text_in_the_browser(
    browser: str, page: Path, tmp_path: Path
) -> None:
    dom = visit(browser, page, tmp_path).dom
    assert "<script" not in dom
    assert "<img" not in dom
    name = HOSTILE.replace("<", "&lt;").replace(">", "&gt;")
    assert dom.count(name) >= 5


def test_probes_notice_a_page_that_loads_and_complains(
    browser: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.html"
    loud = HOSTILE.replace("alert(1)", "console.error('loud')")
    path.write_text(f"<p>{loud}", "utf-8")
    found = visit(browser, path, tmp_path)
    assert any("loud" in line for line in found.console)
    assert found.requests == ["http://127.0.0.1:9/pixel.png"]


def test_policy_of_the_page_stops_markup_that_slipped_through(
    browser: str, page: Path, tmp_path: Path
) -> None:
    path = tmp_path / "slipped.html"
    hostile = HOSTILE.replace("alert(1)", "document.title='run'")
    text = page.read_text("utf-8").replace("<main>", f"<main>{hostile}")
    path.write_text(text, "utf-8")
    found = visit(browser, path, tmp_path)
    assert found.requests == []
    assert "<title>run</title>" not in found.dom
    assert any("Content Security Policy" in line for line in found.console)


def test_report_fits_a_phone_without_scrolling_sideways(
    browser: str, page: Path, tmp_path: Path
) -> None:
    measured = tmp_path / "measured.html"
    text = page.read_text("utf-8")
    assert POLICY in text
    text = text.replace(POLICY, "").replace("</head>", f"{MEASURE}</head>")
    text = text.replace("<details>", "<details open>")
    measured.write_text(text, "utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(name=measured.name), "utf-8")
    dom = visit(browser, frame, tmp_path).dom
    found = re.search(r"measured (\d+) of (\d+)", dom)
    assert found, dom[-300:]
    assert int(found[1]) <= int(found[2]) <= 390
