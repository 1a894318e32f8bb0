"""Tables that sort by a click on a head, and become lists where there is no room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup, escape

from somobench.pages.frame import ABSENT, render_template, write_number

NUMBERS, WORDS, PLACES = "number", "word", "place"
ASCENDING, DESCENDING = "ascending", "descending"


class Column(NamedTuple):
    """A column of a table; `first` is the order of the first click.

    A column of `NUMBERS` or `WORDS` sorts as its kind, one of `PLACES` shows words and
    sorts by numbers that are their places in an order.
    """

    title: object
    kind: str = NUMBERS
    first: str = DESCENDING


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
        return render_template("table.html.j2", table=self, columns=columns, rows=rows)


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


# For the report until it is ported.
SCRIPT = """\
"use strict";
(() => {
  const known = (key) => key !== "";
  const order = (cell) => cell.dataset.key ?? cell.textContent.trim();
  const sort = (table, head, column) => {
    const numbers = head.dataset.kind === "number";
    const now = head.getAttribute("aria-sort");
    const first = head.dataset.first ?? "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const wanted = now === first ? other : first;
    const sign = wanted === "ascending" ? 1 : -1;
    const compared = (a, b) => numbers
      ? Number(a) - Number(b)
      : a.localeCompare(b, "en", { numeric: true });
    const rows = [...table.tBodies[0].rows];
    const keys = new Map(rows.map((row) => [row, order(row.cells[column])]));
    rows.sort((one, two) => {
      const a = keys.get(one), b = keys.get(two);
      if (!known(a) || !known(b)) return Number(known(b)) - Number(known(a));
      return sign * compared(a, b);
    });
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", wanted);
    table.tBodies[0].append(...rows);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head, column));
      head.append(button);
    });
  }
})();
"""

STYLE = """\
table.sortable button {
  all: unset; cursor: pointer; display: inline-block;
}
table.sortable button:focus-visible { outline: 2px solid var(--link); }
table.sortable button::after {
  content: "\\2195"; color: var(--muted); margin-left: .35em; font-weight: 400;
}
table.sortable [aria-sort="ascending"] button::after {
  content: "\\2191"; color: var(--ink);
}
table.sortable [aria-sort="descending"] button::after {
  content: "\\2193"; color: var(--ink);
}
table.sortable .words { text-align: left; }
table.sortable tbody th {
  position: sticky; left: 0; background: var(--surface); max-width: 20rem;
  overflow-wrap: anywhere;
}
.interval { color: var(--muted); white-space: nowrap; }
.mark {
  display: inline-block; padding: 0 .4em; border: 1px solid currentColor;
  border-radius: .7em; font-size: .78rem; font-weight: 400; color: var(--warn);
  background: var(--warn-surface); white-space: nowrap;
}
.answer { font-size: 1.25rem; line-height: 1.35; font-weight: 600;
  margin: 1rem 0 .4rem; }
.facts { display: flex; flex-wrap: wrap; gap: .6rem 2rem; margin: .8rem 0; padding: 0; }
.facts div { min-width: 8rem; }
.facts dt { color: var(--muted); font-size: .85rem; }
.facts dd { margin: 0; font-size: 1.1rem; font-variant-numeric: tabular-nums; }
.hash { font-family: ui-monospace, "Liberation Mono", monospace; font-size: .85em;
  overflow-wrap: anywhere; }
.dots { max-width: 60rem; margin: .4rem 0 1rem; }
.dots .row {
  display: grid; align-items: center; column-gap: .8rem;
  grid-template-columns: minmax(6rem, 15rem) minmax(8rem, 1fr) 12.5rem;
}
.dots .row > :first-child { text-align: right; overflow-wrap: anywhere; }
.dots .row small { color: var(--muted); font-size: .78rem; }
.dots .text { font-variant-numeric: tabular-nums; font-size: .9rem; }
.dots .group { color: var(--muted); font-size: .9rem; margin: .7rem 0 .1rem; }
.dots svg { display: block; width: 100%; overflow: visible; }
.dots .track { position: relative; align-self: stretch; min-height: 26px; }
.dots .track svg { position: absolute; inset: 0; height: 100%; }
.plain { display: block; width: 100%; max-width: 36rem; overflow: visible; }
.tick, .axis { fill: var(--muted); color: var(--muted); font-size: 12px; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: .2rem 0; padding: 0;
  list-style: none; font-size: .88rem; }
.key li svg {
  display: inline-block; width: 14px; height: 14px; vertical-align: -2px;
  margin-right: .3em;
}
.map text { font-size: 11px; }
:root { --m0: #fde725; --m1: #5ec962; --m2: #21918c; --m3: #3b528b; --m4: #440154; }
@media (prefers-color-scheme: dark) {
  :root {
    --m0: #440154; --m1: #3b528b; --m2: #21918c; --m3: #5ec962; --m4: #fde725;
  }
}
@media (max-width: 40rem) {
  .dots .row {
    grid-template-columns: minmax(0, 9rem) 1fr;
    border-bottom: 1px solid var(--grid);
  }
  .dots .row.scale { border: 0; }
  .dots .row > .text { grid-column: 1 / -1; text-align: right; }
  .dots .row > :first-child { text-align: left; font-size: .9rem; line-height: 1.2; }
  table.sortable tbody th { min-width: 7.5rem; max-width: 9rem; }
}
"""


def words(title: object) -> Column:
    """Return a column of words."""
    return Column(title, WORDS, ASCENDING)


def in_order(title: object) -> Column:
    """Return a column of words whose keys are places in an order."""
    return Column(title, PLACES, ASCENDING)


def sortable_table(
    header: Sequence[Column], rows: Sequence[Sequence[Cell]], title: object
) -> Markup:
    """Return a table."""
    return Table(title=title, columns=header, rows=rows).__html__()
