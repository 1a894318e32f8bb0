"""One readable page in one file: no outside resource, light and dark.

Helpers take plain text or `Markup`. Plain text is always escaped, so names out of data
files can't add markup; only these helpers make `Markup`. The page's own policy forbids
requests and every script but the page's own, should markup slip through nevertheless.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup as Markup

from somobench.pages.style import STYLE

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
# Control characters, and marks that turn the reading direction of what follows.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
    "|[\ud800-\udfff]"
)
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
THOUSANDS = "\N{NARROW NO-BREAK SPACE}"
ABSENT = "\N{EN DASH}"


class Section(NamedTuple):
    """A heading and what stands under it; `name` is the anchor."""

    name: str
    title: str
    blocks: tuple[Markup, ...]


def escape(content: object) -> Markup:
    """Return content as HTML: `Markup` as it is, all else as harmless text.

    Examples
    --------
    >>> escape("<b>")
    '&lt;b&gt;'
    >>> escape(Markup("<b>"))
    '<b>'
    """
    if hasattr(content, "__html__"):
        return Markup(content.__html__())
    return Markup(html.escape(UNPRINTABLE.sub(REPLACEMENT, str(content))))


def joined(parts: Sequence[object]) -> Markup:
    """Join parts, each escaped, without anything between them."""
    return Markup("").join(escape(part) for part in parts)


def element(tag: str, *content: object, **attributes: object) -> Markup:
    """Return an element; attribute names may end in `_`, and `_` within means `-`."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{written}>{joined(content)}</{tag}>")


def paragraph(*content: object) -> Markup:
    """Return a paragraph."""
    return element("p", *content)


def code(text: object) -> Markup:
    """Return a name as it is written in files and code."""
    return element("code", text)


def notice(*content: object, kind: str = "note") -> Markup:
    """Return a marked paragraph; kind `warning` stands out most."""
    return element("p", *content, class_=f"notice {kind}")


def bullets(items: Sequence[object]) -> Markup:
    """Return a list; a plain sentence if it is empty would mislead, so nothing."""
    if not items:
        return Markup("")
    return element("ul", joined([element("li", item) for item in items]))


def number(value: float | None, digits: int | None = None) -> str:
    """Write a number for people: whole ones in groups of three, absent as a dash.

    Examples
    --------
    >>> number(0.71149, 2), number(12), number(None) == ABSENT
    ('0.71', '12', True)
    """
    if value is None:
        return ABSENT
    text = f"{value:,.{digits}f}" if digits is not None else f"{value:,}"
    return text.replace(",", THOUSANDS)


def table(
    header: Sequence[object],
    rows: Sequence[Sequence[object]],
    title: str,
    *,
    texts: bool = False,
) -> Markup:
    """Return a table that scrolls inside its own box where it is too wide.

    Parameters
    ----------
    header : one title a column
    rows : cells; numbers are written plainly (format them with `number` for digits)
        and None as a dash. The first cell names the row.
    title : stands above, and doesn't scroll
    texts : cells hold words, which are broken over lines and stand on the left
    """
    head = element("tr", joined([element("th", cell, scope="col") for cell in header]))
    body = joined([element("tr", joined(_cells(row))) for row in rows])
    content = element(
        "table",
        element("thead", head),
        element("tbody", body),
        class_="texts" if texts else None,
    )
    box = element(
        "div", content, class_="scroll", tabindex="0", role="region", aria_label=title
    )
    return Markup(element("p", title, class_="title") + box)


def _cells(row: Sequence[object]) -> list[Markup]:
    first, *others = row
    return [
        element("th", _shown(first), scope="row"),
        *(element("td", _shown(cell)) for cell in others),
    ]


def _shown(cell: object) -> object:
    if cell is None:
        return ABSENT
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return number(cell)
    return cell


def details(title: object, *content: object) -> Markup:
    """Return content that opens on demand."""
    return element("details", element("summary", title), *content)


def figure(panels: Sequence[Markup], *caption: object, name: str) -> Markup:
    """Return panels side by side where there is room, and their caption below."""
    wrapped = [element("div", panel, class_="panel") for panel in panels]
    return element(
        "figure",
        element("div", joined(wrapped), class_="panels"),
        element("figcaption", *caption),
        id=name,
    )


def page(
    title: str,
    sections: Sequence[Section],
    *,
    subtitle: str = "",
    banner: str | None = None,
    opening: Sequence[Markup] = (),
    style: str = "",
    script: str = "",
) -> str:
    """Return a complete HTML document.

    Parameters
    ----------
    title : of the window and the first heading
    sections : in order; each gets an entry in the table of contents
    subtitle : a line below the title
    banner : a warning that stays in sight, such as that data are simulated
    opening : blocks before the table of contents
    style : CSS after that of every page
    script : JavaScript that runs at the end; the policy allows it, known by its hash,
        and no other. Without one it allows none.
    """
    policy = _policy(script)
    head = [
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Markup('<meta name="referrer" content="no-referrer">'),
        element("title", title),
        Markup(f"<style>\n{STYLE}{style}</style>"),
    ]
    body = [
        element("p", banner, class_="banner", role="note") if banner else "",
        element("header", element("h1", title), element("p", subtitle)),
        element("main", *opening, _contents(sections), *map(_section, sections)),
    ]
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        *head,
        "</head>",
        "<body>",
        *body,
        f"<script>{script}</script>" if script else "",
        "</body>",
        "</html>",
    ]
    return "\n".join(line for line in lines if line) + "\n"


def _policy(script: str) -> str:
    if not script:
        return POLICY
    digest = hashlib.sha256(script.encode()).digest()
    return f"{POLICY}; script-src 'sha256-{base64.b64encode(digest).decode()}'"


def _contents(sections: Sequence[Section]) -> Markup:
    links = [element("a", item.title, href=f"#{item.name}") for item in sections]
    return element("nav", bullets(links), aria_label="Contents")


def _section(section: Section) -> Markup:
    heading = element("h2", section.title)
    return element("section", heading, *section.blocks, id=section.name)
