"""Tables that sort by a click on a head, and become lists where there is no room."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup, escape

from somobench.pages.frame import ABSENT, render_template, write_number

NUMBERS, WORDS, PLACES = "number", "word", "place"
ASCENDING, DESCENDING = "ascending", "descending"
MARKS = re.compile(r'<span class="mark">.*?</span>')


class Column(NamedTuple):
    """A column of a table; `first` is the order of the first click.

    A column of `NUMBERS` or `WORDS` sorts as its kind, one of `PLACES` shows words and
    sorts by numbers that are their places in an order.
    """

    title: object
    kind: str = NUMBERS
    first: str = DESCENDING

    @property
    def label(self) -> str:
        """The title without marks, beside each cell where rows are lists."""
        return Markup(MARKS.sub("", escape(self.title))).striptags()  # noqa: S704


class Cell(NamedTuple):
    """What a cell shows, and the key that it is sorted by; None comes last."""

    shown: object
    key: float | str | None


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under columns; the first cell names its row.

    Parameters
    ----------
    title : stands above
    columns : a text heads numbers or words, whichever its cells are; a `Column` states
        its kind and order
    rows : cells; a number, a text and None (a dash) stand for themselves
    sortable : whether a click on a head sorts
    """

    title: object
    columns: Sequence[Column | str]
    rows: Sequence[Sequence[object]]
    sortable: bool = True

    def __html__(self) -> Markup:
        """Return the table."""
        rows = [[_make_cell(value) for value in row] for row in self.rows]
        columns = [
            _make_column(column, [row[place] for row in rows])
            for place, column in enumerate(self.columns)
        ]
        return render_template(
            "table.html.j2",
            table=self,
            columns=columns,
            rows=rows,
            labels=_write_labels(columns),
        )


def _make_cell(value: object) -> Cell:
    if isinstance(value, Cell):
        return value if value.shown is not None else Cell(ABSENT, value.key)
    if value is None:
        return Cell(ABSENT, None)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Cell(write_number(value), value)
    return Cell(value, escape(value).striptags())


def _make_column(column: Column | str, cells: Sequence[Cell]) -> Column:
    if isinstance(column, Column):
        return column
    keys = [cell.key for cell in cells if cell.key is not None]
    if keys and all(isinstance(key, int | float) for key in keys):
        return Column(column)
    return Column(column, WORDS, ASCENDING)


def _write_labels(columns: Sequence[Column]) -> str:
    """Return titles of columns as CSS, for cells that name their column."""
    return ";".join(
        f'--l{place}:"{_escape_css(column.label)}"'
        for place, column in enumerate(columns[1:], 2)
    )


def _escape_css(text: str) -> str:
    """Return a text as it stands between quotes of CSS, broken after underscores."""
    line = " ".join(text.split()).replace("_", "_\u200b")
    return line.replace("\\", "\\\\").replace('"', '\\"')
