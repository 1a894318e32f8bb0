"""The report as a page: complete, escaped, the same for the same numbers."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from factories.reports import HOSTILE, make_sources, make_validation, write_report_data
from somobench.catalog.storage.atomic import format_json
from somobench.pages.html import Markup, Section, element, escape, number, page, table
from somobench.pipelines.release.report import VIRTUAL, build_report
from somobench.pipelines.release.report.numbers import figure_numbers
from somobench.pipelines.release.report.plots import _step, bars
from somobench.pipelines.release.report.svg import COLOURS, inline
from somobench.schemas.recipe import Recipe, load_recipe

VOID = {"meta", "br", "img", "link", "input", "hr"}
LOADS = re.compile(r"\b(?:src|srcset|poster|data|action|background)$")


class Reader(HTMLParser):
    """Collects tags, ids and references of a page, and checks that tags match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.loads: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in {"href", "xlink:href"}:
                self.references.append(value or "")
            elif LOADS.search(name) or name.startswith("on"):
                self.loads.append(f"{name}={value}")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def recipe_of(repository: Path, name: str = "virtual") -> Recipe:
    return load_recipe(repository / "conf" / "recipe" / f"{name}.yaml")


def report_of(
    folder: Path, recipe: Recipe, *, reference: bool = True
) -> tuple[dict[str, Any], str]:
    stages = write_report_data(folder, reference=reference)
    numbers = figure_numbers(recipe, folder, stages)
    validation = make_validation(stages, numbers)
    return validation, build_report(recipe, validation, make_sources())


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory, repository: Path
) -> tuple[dict[str, Any], str]:
    return report_of(tmp_path_factory.mktemp("report"), recipe_of(repository))


@pytest.fixture
def text(built: tuple[dict[str, Any], str]) -> str:
    return built[1]


@pytest.fixture
def validation(built: tuple[dict[str, Any], str]) -> dict[str, Any]:
    return copy.deepcopy(built[0])


def test_page_is_the_same_after_a_round_trip_of_its_numbers(
    repository: Path, validation: dict[str, Any], text: str
) -> None:
    # as read back from validation.json, which sorts its keys: nothing on the page has
    # another source
    recipe = recipe_of(repository)
    again = json.loads(format_json(validation))
    assert build_report(recipe, again, make_sources()) == text


def test_page_ignores_settings_of_the_users_matplotlib(
    repository: Path, validation: dict[str, Any], text: str
) -> None:
    import matplotlib as mpl

    recipe = recipe_of(repository)
    with mpl.rc_context({"font.size": 30, "axes.grid": False, "figure.dpi": 300}):
        assert build_report(recipe, validation, make_sources()) == text


def test_page_is_well_formed_and_loads_nothing(text: str) -> None:
    found = Reader(text)
    assert found.loads == []
    assert found.tags["script"] == found.tags["img"] == found.tags["link"] == 0
    outside = [ref for ref in found.references if not ref.startswith("#")]
    assert outside == []
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    assert "default-src 'none'" in text


def test_references_inside_the_page_lead_to_one_place_each(text: str) -> None:
    found = Reader(text)
    assert [name for name, count in Counter(found.ids).items() if count > 1] == []
    used = {ref[1:] for ref in found.references} | set(
        re.findall(r"url\(#([^)]+)\)", text)
    )
    assert used - set(found.ids) == set()
    assert len(used) > 20


def test_hostile_names_stay_text(text: str) -> None:
    # once each: rejected file (name and found), dropped sensor, split, source; the
    # example's filling sensor has an id of ours
    assert "<script>" not in text
    words = "".join(Reader(text).texts)
    assert words.count(HOSTILE) >= 5
    assert "javascript:alert(1)" in words


def test_figures_take_every_colour_from_the_style_of_the_page(text: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
    assert len(drawings) > 10
    assert [
        found for svg in drawings for found in re.findall("#[0-9a-f]{6}", svg)
    ] == []
    used = set(re.findall(r"var\(--([a-z0-9]+)\)", "".join(drawings)))
    assert used <= set(COLOURS)
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert [name for name in sorted(used) if f"--{name}:" not in style] == []
    assert "<style" not in "".join(drawings)


def test_every_drawing_says_what_it_shows(text: str) -> None:
    labels = re.findall(r'<svg [^>]*role="img" aria-label="([^"]+)"', text)
    assert len(labels) == text.count("<svg ")
    assert text.count("<figcaption>Figure ") == text.count("<figure ")


def test_simulated_release_says_so_at_the_top(
    tmp_path: Path, repository: Path, text: str
) -> None:
    assert f">{VIRTUAL}</p>" in text
    real = recipe_of(repository, "hamburg")
    assert VIRTUAL not in report_of(tmp_path / "real", real)[1]


def test_layer_without_targets_is_named(text: str) -> None:
    assert "No target at all: layer 3 (30 to 50 cm)." in text


def test_release_without_reference_says_why_there_is_no_scaling(
    tmp_path: Path, repository: Path
) -> None:
    recipe = recipe_of(repository, "hamburg")
    text = report_of(tmp_path, recipe, reference=False)[1]
    assert "because the recipe has no reference soil moisture" in text
    assert "carries no reanalysis soil moisture" in text
    assert 'id="figure-6"' not in text
    assert "their licence forbids" in text


def test_release_without_dryness_has_a_map_and_the_reason(
    repository: Path, validation: dict[str, Any]
) -> None:
    recipe = recipe_of(repository)
    validation["report"]["cells"]["dryness"] = [None, None]
    text = build_report(recipe, validation, make_sources())
    assert "No cell has a dryness" in text
    assert "Position of the cells" in text
    assert "Climate of the cells" not in text


def test_release_of_lone_sensors_says_that_there_is_nothing_to_compare(
    repository: Path, validation: dict[str, Any]
) -> None:
    recipe = recipe_of(repository)
    for layer in validation["report"]["layers"].values():
        if "sources" in layer:
            layer["sources"]["cells_with_several"] = 0
            layer["stations"] = {"primary": layer["stations"].get("primary")}
    validation["report"]["layers"]["2"]["stations"] = {}
    validation["report"]["examples"] = {}
    text = build_report(recipe, validation, make_sources())
    assert "No cell has a second accepted sensor" in text
    assert 'id="figure-8"' not in text
    assert "there is no example" in text


def test_release_whose_stages_counted_nothing_still_has_a_page(
    tmp_path: Path, repository: Path
) -> None:
    recipe = recipe_of(repository)
    write_report_data(tmp_path)
    stages: dict[str, Any] = {
        name: {} for name in ("ingest", "forcing", "targets", "splits", "features")
    }
    validation = make_validation(stages, figure_numbers(recipe, tmp_path, stages))
    text = build_report(recipe, validation, [])
    assert "The stages reported no counts." in text
    assert "named no sensors" in text


def test_escape_drops_characters_that_fool_readers() -> None:
    # right-to-left override, escape, NUL, lone surrogate
    assert escape("a\u202eb\x1bc\x00d\ud800") == "a\ufffdb\ufffdc\ufffdd\ufffd"
    assert escape('<b> & "') == "&lt;b&gt; &amp; &quot;"
    assert escape(Markup("<b>")) == "<b>"


def test_attributes_are_escaped() -> None:
    assert element("p", "x", title='"><script>') == (
        '<p title="&quot;&gt;&lt;script&gt;">x</p>'
    )


def test_table_writes_numbers_in_groups_and_absence_as_a_dash() -> None:
    text = table(["a", "b", "c"], [["<x>", 1234567, None]], "t")
    assert "<td>1\u202f234\u202f567</td><td>\u2013</td>" in text
    assert '<th scope="row">&lt;x&gt;</th>' in text
    assert number(0.5, 2) == "0.50"


def test_page_of_another_report_uses_the_same_skeleton() -> None:
    text = page("Scores", [Section("one", "One & two", (Markup("<p>x</p>"),))])
    found = Reader(text)
    assert found.references == ["#one"]
    assert "One &amp; two" in text
    assert "banner" not in text.partition("</style>")[2]


def test_page_allows_its_own_script_by_hash_and_none_without_one() -> None:
    # printf 'let a = 1;' | openssl dgst -sha256 -binary | base64
    digest = "xY6QKfH9PRsQnLz56nj6MBwiK5oHg+im1Jkpdp1x/Ck="
    text = page("Scores", [], style=".own {}\n", script="let a = 1;")
    assert f"form-action 'none'; script-src 'sha256-{digest}'\">" in text
    assert ".own {}\n</style>" in text
    assert text.endswith("</main>\n<script>let a = 1;</script>\n</body>\n</html>\n")
    assert "script" not in page("Scores", [])


def test_dollars_in_labels_are_not_formulas() -> None:
    from somobench.pipelines.release.report.plots import Bar

    svg = bars("x", "t", [Bar("$\\frac{1}{2}$ <i>", 1, "1", COLOURS["c1"])], "%", 100)
    assert "$\\frac{1}{2}$ &lt;i&gt;: 1" in svg


def test_inline_drawing_leaves_ids_and_styles_of_the_page_alone() -> None:
    svg = (
        "<?xml version='1.0'?><!DOCTYPE svg><svg width='9pt' viewBox=\"0 0 9 9\">"
        '<metadata>date</metadata><defs><style type="text/css">*{}</style></defs>'
        '<g id="a"><use xlink:href="#a" clip-path="url(#a)"/></g></svg>'
    )
    assert inline(svg, "n", 'say "x"') == (
        '<svg viewBox="0 0 9 9" role="img" aria-label="say &quot;x&quot;">'
        '<g id="n-a"><use href="#n-a" clip-path="url(#n-a)"/></g></svg>'
    )


@pytest.mark.parametrize(
    ("share", "step"), [(0.0, 0), (0.001, 1), (0.1, 1), (0.11, 2), (0.9, 9), (1.0, 10)]
)
def test_steps_of_a_calendar_keep_none_and_all_apart(share: float, step: int) -> None:
    assert _step(share) == step
