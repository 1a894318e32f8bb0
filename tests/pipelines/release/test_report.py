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
from factories.web.page_text import Reading
from somobench.catalog.storage.atomic import format_json
from somobench.pages.frame import VIRTUAL_BANNER
from somobench.pipelines.release.report import build_report
from somobench.pipelines.release.report.numbers import figure_numbers
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


def test_page_is_well_formed_and_loads_nothing(text: str) -> None:
    found = Reader(text)
    assert found.loads == []
    assert found.tags["script"] == 1
    assert found.tags["img"] == found.tags["link"] == 0
    outside = [ref for ref in found.references if not ref.startswith("#")]
    assert outside == []
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    assert "default-src 'none'" in text


def test_references_inside_the_page_lead_to_one_place_each(text: str) -> None:
    found = Reader(text)
    assert [name for name, count in Counter(found.ids).items() if count > 1] == []
    used = {ref[1:] for ref in found.references}
    assert used - set(found.ids) == set()
    # A dozen sections in the contents, symbols and the land.
    assert len(used) > 14


def test_hostile_names_stay_text(text: str) -> None:
    # once each: rejected file (name and found), dropped sensor, split, source; the
    # example's filling sensor has an id of ours
    assert "<script>alert" not in text
    words = "".join(Reader(text).texts)
    assert words.count(HOSTILE) >= 5
    assert "javascript:alert(1)" in words


def test_figures_take_every_colour_from_the_style_of_the_page(text: str) -> None:
    style, _, body = text.partition("<style>")[2].partition("</style>")
    drawings = re.findall(r"<svg.*?</svg>", body, flags=re.DOTALL)
    assert len(drawings) > 10
    assert re.findall('(?:fill|stroke)="(?!var|none)[^"]*"', "".join(drawings)) == []
    used = set(re.findall(r"var\(--([a-z0-9]+)\)", "".join(drawings)))
    assert [name for name in sorted(used) if f"--{name}:" not in style] == []


def test_every_figure_has_its_number_and_every_drawing_says_what_it_shows(
    text: str,
) -> None:
    numbered = r'<figure id="figure-(\d)">.*?<figcaption>Figure (\d)\.'
    numbers = re.findall(numbered, text, re.DOTALL)
    assert [one for one, _ in numbers] == [two for _, two in numbers]
    assert len(numbers) == text.count("<figure ") == 9
    body = text.partition("<main>")[2]
    # A group of rows or one drawing; parts of drawings lie in them.
    drawn = re.findall(r'class="(?:rows|map|tiles)"|<svg class="field" ', body)
    named = re.findall(r'(?:role="(?:img|group)"|class="tiles") aria-label="[^"]', body)
    assert len(named) == len(drawn) > 10


def test_numbers_of_a_line_keep_their_place_and_break_where_they_are_missing(
    validation: dict[str, Any], repository: Path, text: str
) -> None:
    recipe = recipe_of(repository)
    # Four months of 2016-01-01 on; the second of the target is missing.
    series = validation["report"]["examples"]["1"]["series"]
    for item in series:
        item["means"] = [0.1, None, 0.2, 0.3]
    again = build_report(recipe, validation, make_sources())
    part = again.partition('id="figure-9"')[2].partition("</figure>")[0]
    lines = re.findall(r'<polyline [^>]*points="([^"]+)"', part)
    assert [len(line.split()) for line in lines] == [1, 2] * len(series)


def test_audit_of_features_and_train_targets_is_shown(
    validation: dict[str, Any], repository: Path, text: str
) -> None:
    recipe = recipe_of(repository)
    assert "Features and train targets" not in text
    finding = {"check": "full_record_factors", "number": 3, "severity": "reported"}
    validation["stages"]["features"]["audit"] = {
        "temporal": [finding | {"found": f"3 layers {HOSTILE}"}],
        "spatial": [],
    }
    again = build_report(recipe, validation, make_sources())
    part = again.partition("Features and train targets")[2].partition("<tbody>")[2]
    part = part.partition("</tbody>")[0]
    cells = [key for _, key in Reading(part).keys]
    assert cells == [
        *("spatial", "other days", "a failure", "nothing"),
        *("temporal", "full record factors", "reported", f"3 layers {HOSTILE}"),
    ]
    assert "<script>alert" not in part


def test_simulated_release_says_so_at_the_top(
    tmp_path: Path, repository: Path, text: str
) -> None:
    assert f">{VIRTUAL_BANNER}</p>" in text
    real = recipe_of(repository, "hamburg")
    assert VIRTUAL_BANNER not in report_of(tmp_path / "real", real)[1]


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
