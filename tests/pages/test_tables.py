"""Tables: what cells show and sort by, and what their columns are."""

from __future__ import annotations

from markupsafe import Markup

from factories.cards import HOSTILE
from factories.web.page_text import Reading
from somobench.pages.frame import ABSENT, THOUSANDS
from somobench.pages.tables import (
    ASCENDING,
    PLACES,
    Cell,
    Column,
    Table,
    _escape_css,
)


def draw(columns: list[Column | str], *rows: list[object], **settings: bool) -> str:
    return Table(title="Title", columns=columns, rows=rows, **settings).__html__()


def test_plain_values_show_and_sort_as_what_they_are() -> None:
    drawn = draw(["name", "count"], ["b", 12345], ["a", None])
    found = Reading(drawn)
    assert found.keys == [("th", "b"), ("td", "12345"), ("th", "a"), ("td", "")]
    assert f"12{THOUSANDS}345" in found.text
    assert ABSENT in found.text


def test_column_is_of_the_kind_of_its_cells_unless_it_says_otherwise() -> None:
    drawn = draw(
        ["name", "count", "empty", Column("rung", PLACES, ASCENDING)],
        ["a", 1, None, Cell("lowest", 1)],
    )
    heads = [each.split(">")[0] for each in drawn.split('<th scope="col"')[1:]]
    # Numbers, largest first, are what a head sorts unless it says otherwise.
    assert heads[1] == ""
    kinds = [head.split('"')[1] for head in heads if head]
    assert kinds == ["word", "word", "place"]
    assert 'data-first="ascending"' in heads[3]


def test_cell_names_its_column_where_rows_become_lists() -> None:
    column = Column(Markup("r <span>marked</span>"))
    drawn = draw(["name", column, HOSTILE], ["a", 1, 2])
    style = drawn.partition("<table")[2].partition(">")[0]
    assert "--l2:&#34;r marked&#34;" in style
    # A quote or a backslash of a title can't end its text.
    assert _escape_css('a_b" \\') == 'a_\u200bb\\" \\\\'
    assert '"' not in style.removeprefix(' class="sortable" style="').rstrip('"')


def test_table_that_does_not_sort_has_no_buttons_to_make() -> None:
    assert 'class="sortable"' in draw(["name"], ["a"])
    assert 'class="sortable"' not in draw(["name"], ["a"], sortable=False)


def test_hostile_texts_of_a_table_stay_text() -> None:
    table = Table(title=HOSTILE, columns=[HOSTILE, HOSTILE], rows=[[HOSTILE, HOSTILE]])
    drawn = table.__html__()
    assert "<img" not in drawn
    assert "<script" not in drawn
    assert 'onerror="' not in drawn
    assert HOSTILE in Reading(drawn).text
