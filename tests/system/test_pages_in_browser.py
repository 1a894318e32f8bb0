"""Pages in a real browser: they render, sort, fit, and run no one's code."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from factories.cards import (
    CELLS,
    HOSTILE,
    OBSERVING,
    RUNGS,
    make_cell_scores,
    make_scores,
    write_card,
)
from factories.reports import (
    make_costs,
    make_sources,
    make_validation,
    write_report_data,
)
from factories.splits import SPATIAL, TEMPORAL, grid_cells, make_data
from factories.web.browser import BROWSERS, BrowserSession, find_browser
from somobench.cards.folder import read_card
from somobench.cards.leaderboard import find_cards, leaderboard_page, read_cards
from somobench.cards.page import card_page
from somobench.pages.frame import Section
from somobench.pipelines.release.report import build_report
from somobench.pipelines.release.report.ladder import make_ladder_sections
from somobench.pipelines.release.report.ladder_details import CellTables
from somobench.pipelines.release.report.numbers import figure_numbers
from somobench.pipelines.release.report.shifts import make_shift_sections
from somobench.pipelines.release.report.splits import make_split_sections
from somobench.pipelines.splits import build_recipe_splits
from somobench.schemas.recipe import Recipe, SplitParams, load_recipe

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("card", "board", "release")
TABLE = "document.querySelector('[aria-label=Submissions] table')"
COLUMN = "[..." + TABLE + ".tBodies[0].rows].map(row => row.cells[{}].dataset.key)"
LUMINANCE = """(() => {
  const light = (text) => {
    const parts = text.match(/[\\d.]+/g).slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const back = light(getComputedStyle(document.body).backgroundColor);
  return ["body", "i", ".axis", "a"].map((name) => {
    const front = light(getComputedStyle(document.querySelector(name)).color);
    return (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
  });
})()"""
SCALES = """[...document.querySelectorAll(".rows .scale svg, .map > svg")].map((each) =>
  [...each.querySelectorAll("text")].map((text) => {
    const box = text.getBoundingClientRect();
    return [box.left, box.right, box.top];
  }))"""

WIDE = """[...document.querySelectorAll(".scroll, .row, .chart, figure")]
  .filter((box) => box.offsetWidth && box.scrollWidth > box.clientWidth + 1)
  .map((box) => `${box.className} ${box.textContent.trim().slice(0, 60)}`)"""
BROKEN = """(() => {
  const broken = [];
  const walker = document.createTreeWalker(document.querySelector("main"), 4);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest(".hash, code, svg") || !node.data.trim()) continue;
    for (const word of node.data.matchAll(/[^\\s\u2010-\u2015-]+/gu)) {
      if (word[0].length > 24) continue;
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const tops = [...range.getClientRects()].map((box) => Math.round(box.top));
      if (new Set(tops).size > 1) broken.push(word[0]);
    }
  }
  return broken;
})()"""
LETTERS = """[...document.querySelectorAll("p, li, figcaption")].map((text) => {
  const style = getComputedStyle(text);
  const inner = text.clientHeight - parseFloat(style.paddingTop)
    - parseFloat(style.paddingBottom);
  const lines = Math.round(inner / parseFloat(style.lineHeight));
  return lines < 2 ? 0 : text.innerText.length / lines;
})"""
OPEN_ALL = "document.querySelectorAll('details').forEach(each => each.open = true)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserSession]:
    path = find_browser()
    if path is None:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)}")
    with BrowserSession(path, tmp_path_factory.mktemp("profile")) as session:
        yield session


def make_report(folder: Path) -> str:
    """Return the report of a release with hostile files, networks and reasons."""
    recipe = load_recipe(ROOT / "conf" / "recipe" / "virtual.yaml")
    stages = write_report_data(folder)
    finding = {"check": "full_record_factors", "severity": "reported", "number": 3}
    audit = {"temporal": [finding | {"found": HOSTILE}]}
    stages["features"] = stages["features"] | {"audit": audit}
    validation = make_validation(stages, figure_numbers(recipe, folder, stages))
    return build_report(recipe, validation, make_sources(), make_scored_sections())


def make_scored_sections() -> list[Section]:
    """Return splits, ladder and shifts of a release with a hostile network."""
    parts = [make_scores(rung, "temporal", 0.5, RUNGS[:1]) for rung in RUNGS]
    scores = pd.concat(parts, ignore_index=True)
    scores["pool"] = scores["pool"].replace("<b>net</b>", HOSTILE)
    cell_scores = [make_cell_scores(rung, "temporal", 0.5) for rung in RUNGS]
    ladder = [{"rung": r, "needs_observations": r in OBSERVING} for r in RUNGS]
    record = {"splits": {"temporal": {"ladder": ladder}}}
    splits = SplitParams(temporal=TEMPORAL, spatial=SPATIAL)
    data = make_data(grid_cells(4, 6))
    report = build_recipe_splits(data, Recipe.model_construct(splits=splits))[1]
    return [
        *make_split_sections(report | {"left_out": {"ungauged": HOSTILE}}),
        *make_ladder_sections(
            scores, record, tables=CellTables(pd.concat(cell_scores), make_cells())
        ),
        *make_shift_sections(make_costs({"split": "energy_to_water"})),
    ]


class Pages:
    """Pages that are built when a test asks for them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._cards = folder, folder / "cards"
        write_card(self._cards / "a", HOSTILE, skill=-0.1, leads=True)
        write_card(self._cards / "b", "model-10", skill=0.8)
        write_card(self._cards / "c", "model-9", skill=-0.3, ladder=False)

    def __getitem__(self, name: str) -> Path:
        path = self._folder / f"{name}.html"
        if not path.exists():
            path.write_text(getattr(self, name)(), "utf-8")
        return path

    def card(self) -> str:
        return card_page(read_card(self._cards / "a"), make_cells())

    def board(self) -> str:
        return leaderboard_page(read_cards(find_cards([self._cards])))

    def release(self) -> str:
        return make_report(self._folder)


def make_cells() -> pd.DataFrame:
    """Return the cells of the cards, with a hostile region."""
    dryness = [0.4, 0.9, 2.5, 4.0]
    return pd.DataFrame({"cell_id": CELLS, "dryness": dryness, "region": HOSTILE})


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    return Pages(tmp_path_factory.mktemp("pages"))


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_page_renders_in_silence_and_within_its_window(
    browser: BrowserSession, pages: Pages, name: str, dark: bool, width: int
) -> None:
    browser.open(pages[name], width=width, dark=dark)
    assert browser.messages == []
    assert browser.requests == []
    browser.evaluate(OPEN_ALL)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate("document.querySelectorAll('.rows circle').length") > 2
    # WCAG asks for 4.5 for text of this size.
    assert min(browser.evaluate(LUMINANCE)) >= 4.5


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_no_column_hides_and_no_word_breaks(
    browser: BrowserSession, pages: Pages, name: str, width: int
) -> None:
    browser.open(pages[name], width=width)
    browser.evaluate(OPEN_ALL)
    assert browser.evaluate(WIDE) == []
    assert browser.evaluate(BROKEN) == []


@pytest.mark.parametrize("name", PAGES)
def test_lines_of_text_have_75_letters_at_most(
    browser: BrowserSession, pages: Pages, name: str
) -> None:
    browser.open(pages[name], width=1920)
    letters = browser.evaluate(LETTERS)
    assert 40 < max(letters) <= 75


def test_card_opens_with_ladder_and_map_side_by_side(
    browser: BrowserSession, pages: Pages
) -> None:
    browser.open(pages["card"])
    ladder, chart = (
        browser.evaluate(
            f"(({{left, right, top, bottom}}) => [left, right, top, bottom])"
            f"(document.getElementById('{name}').getBoundingClientRect())"
        )
        for name in ("ladder-plot", "overview")
    )
    assert ladder[1] <= chart[0]
    # Both are seen without scrolling; the window is 900 pixels high.
    assert ladder[2] == chart[2]
    assert max(ladder[3], chart[3]) <= 900


def test_value_of_a_mark_shows_under_the_pointer(
    browser: BrowserSession, pages: Pages
) -> None:
    browser.open(pages["card"])
    first = "document.querySelector('#map-1 use:has(title), #dryness-cells .field use')"
    value = browser.evaluate(f"{first}.querySelector('title').textContent")
    assert value.split("_")[0].lstrip("-").replace(".", "").isdigit()
    pointed = "new PointerEvent('pointerover', {bubbles: true})"
    browser.evaluate(f"window.mark = {first}; mark.dispatchEvent({pointed})")
    tip = "document.querySelector('.tip')"
    assert browser.evaluate(f"{tip}.textContent") == value
    assert browser.evaluate(f"{tip}.hidden") is False
    # The name moves to the mark itself, so that the browser shows no second text.
    assert browser.evaluate("mark.getAttribute('aria-label')") == value
    browser.evaluate(f"document.body.dispatchEvent({pointed})")
    assert browser.evaluate(f"{tip}.hidden") is True


def test_value_of_a_line_without_marks_follows_the_pointer(
    browser: BrowserSession, pages: Pages
) -> None:
    browser.open(pages["release"])
    found = browser.evaluate("""(() => {
      const field = document.querySelector("#figure-9 .field");
      const frame = field.getBoundingClientRect();
      const line = field.querySelector("polyline");
      const [x, y] = line.getAttribute("points").trim().split(" ")[0].split(",");
      const place = {
        clientX: frame.left + x * frame.width / 100,
        clientY: frame.top + y * frame.height / 100, bubbles: true };
      field.dispatchEvent(new PointerEvent("pointermove", place));
      const ticks = [...field.previousElementSibling.querySelectorAll("text")];
      return [document.querySelector(".tip").textContent, Number(y),
        ticks.map((tick) => [parseFloat(tick.getAttribute("y")),
          Number(tick.textContent)])];
    })()""")
    text, place, ticks = found
    # The labels of the axis say what lies where, independently of what script reads.
    (one, low), (two, high) = ticks[0], ticks[-1]
    expected = low + (high - low) * (place - one) / (two - one)
    name, shown = text.split(": ")
    assert name in {"target", "primary"}
    assert float(shown.split(" at ")[0]) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["card", "release"])
def test_labels_of_scales_neither_overlap_nor_leave_the_window(
    browser: BrowserSession, pages: Pages, name: str, width: int
) -> None:
    browser.open(pages[name], width=width)
    browser.evaluate(OPEN_ALL)
    scales = browser.evaluate(SCALES)
    assert len(scales) > 4
    for labels in scales:
        assert labels
        assert all(0 <= left < right <= width for left, right, _ in labels)
        rows = {round(top) for _, _, top in labels}
        for row in rows:
            own = sorted(label for label in labels if round(label[2]) == row)
            assert all(one[1] <= other[0] for one, other in pairwise(own))


def test_table_sorts_by_a_click_and_back_by_another(
    browser: BrowserSession, pages: Pages
) -> None:
    browser.open(pages["board"])
    # Column 2 is Pearson r, best first as written.
    written = [float(key) for key in browser.evaluate(COLUMN.format(2))]
    assert written == sorted(written, reverse=True)
    head = f"{TABLE}.tHead.rows[0].cells[2]"
    browser.evaluate(f"{head}.querySelector('button').click()")
    assert browser.evaluate(f"{head}.getAttribute('aria-sort')") == "descending"
    browser.evaluate(f"{head}.querySelector('button').click()")
    assert browser.evaluate(f"{head}.getAttribute('aria-sort')") == "ascending"
    found = [float(key) for key in browser.evaluate(COLUMN.format(2))]
    assert found == sorted(written)
    assert browser.messages == []


@pytest.mark.parametrize(
    ("label", "column"), [("Cells, days and audit of every split", 3), ("network", 1)]
)
def test_tables_of_a_release_sort(
    browser: BrowserSession, pages: Pages, label: str, column: int
) -> None:
    browser.open(pages["release"])
    table = f"document.querySelector('[aria-label*=\"{label}\"] table')"
    head = f"{table}.tHead.rows[0].cells[{column}]"
    cell = f"row.cells[{column}]"
    keys = (
        f"[...{table}.tBodies[0].rows]"
        f".map(row => {cell}.dataset.key ?? {cell}.textContent)"
    )
    for sign in (-1, 1):
        browser.evaluate(f"{head}.querySelector('button').click()")
        found = [sign * float(key) for key in browser.evaluate(keys)]
        assert found == sorted(found)
        assert len(found) >= 2
    assert browser.messages == []


def test_names_sort_by_their_numbers_and_only_one_head_is_marked(
    browser: BrowserSession, pages: Pages
) -> None:
    browser.open(pages["board"])
    for column in (2, 0):
        browser.evaluate(f"{TABLE}.tHead.rows[0].cells[{column}].firstChild.click()")
    # "<" sorts before letters, and 9 before 10.
    assert browser.evaluate(COLUMN.format(0)) == [HOSTILE, "model-9", "model-10"]
    marked = f"{TABLE}.querySelectorAll('[aria-sort]').length"
    assert browser.evaluate(marked) == 1


def test_row_without_a_value_comes_last_in_both_orders(
    browser: BrowserSession, pages: Pages
) -> None:
    browser.open(pages["board"])
    for _ in range(2):
        browser.evaluate(f"{TABLE}.tHead.rows[0].cells[1].firstChild.click()")
        # model-9 was scored without a ladder: no rung to sort by.
        assert browser.evaluate(COLUMN.format(1))[-1] == ""
        assert browser.evaluate(COLUMN.format(0))[-1] == "model-9"


@pytest.mark.parametrize(("key", "code", "text"), [("Enter", 13, "\r"), (" ", 32, " ")])
def test_table_sorts_from_the_keyboard(
    browser: BrowserSession, pages: Pages, key: str, code: int, text: str
) -> None:
    browser.open(pages["board"])
    head = f"{TABLE}.tHead.rows[0].cells[0]"
    browser.evaluate(f"{TABLE}.closest('.scroll').focus()")
    browser.press("Tab", 9)
    assert browser.evaluate(f"document.activeElement === {head}.firstChild")
    browser.press(key, code, text)
    assert browser.evaluate(f"{head}.getAttribute('aria-sort')") == "ascending"


@pytest.mark.parametrize("name", PAGES)
def test_hostile_model_name_stays_text(
    browser: BrowserSession, pages: Pages, name: str
) -> None:
    browser.open(pages[name])
    assert HOSTILE in browser.evaluate("document.body.innerText")
    assert browser.evaluate("document.querySelectorAll('img').length") == 0
    assert browser.evaluate("document.querySelectorAll('script').length") == 1


def test_policy_runs_our_script_and_no_other(
    browser: BrowserSession, pages: Pages, tmp_path: Path
) -> None:
    slipped = tmp_path / "slipped.html"
    hostile = "<script>document.title = 'run'</script>" + HOSTILE.replace("x ", "x:y ")
    text = pages["board"].read_text("utf-8")
    slipped.write_text(text.replace("<main>", f"<main>{hostile}"), "utf-8")
    browser.open(slipped)
    assert browser.evaluate("document.title") == "SoMoBench leaderboard"
    assert any("Content Security Policy" in each for each in browser.messages)
    assert browser.evaluate("document.querySelectorAll('th button').length") > 0


def test_probes_notice_a_page_that_complains_and_loads(
    browser: BrowserSession, tmp_path: Path
) -> None:
    loud = tmp_path / "loud.html"
    loud.write_text(
        "<script>console.error('loud')</script><img src='http://127.0.0.1:9/p.png'>"
        "<script>undefined.field</script>",
        "utf-8",
    )
    browser.open(loud)
    assert any("loud" in each for each in browser.messages)
    assert any("TypeError" in each for each in browser.messages)
    assert browser.requests == ["http://127.0.0.1:9/p.png"]
