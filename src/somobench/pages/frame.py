"""A page in one file: Jinja2 templates, one style sheet, one script, no request.

Templates escape everything that isn't `Markup`, so that names out of data files stay
text. The page's own policy forbids requests and every script but the page's own,
should markup slip through nevertheless. The same input gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from somobench.pages.windows import draw_land

PAGES = "somobench.pages"
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
VIRTUAL_BANNER = "Virtual: simulated, not observations"


class Section(NamedTuple):
    """A heading and what stands under it; `name` is the anchor."""

    name: str
    title: str
    blocks: tuple[object, ...]


def write_number(value: float | None, digits: int | None = None) -> str:
    """Write a number for people: whole ones in groups of three, absent as a dash.

    Examples
    --------
    >>> write_number(0.71149, 2), write_number(12), write_number(None) == ABSENT
    ('0.71', '12', True)
    """
    if value is None:
        return ABSENT
    text = f"{value:,.{digits}f}" if digits is not None else f"{value:,}"
    return text.replace(",", THOUSANDS)


def render_template(name: str, package: str = PAGES, **context: object) -> Markup:
    """Return a template of a package, filled in.

    Parameters
    ----------
    name : of a file in the package's folder `templates`; it can extend and import
        those of `somobench.pages`
    package : that holds the template
    context : values by name; None shows as a dash, what isn't `Markup` is escaped
    """
    text = _environment(package).get_template(name).render(context)
    return Markup(text)  # noqa: S704 - the template escaped what it was given


def render_page(
    title: str,
    sections: Sequence[Section] = (),
    *,
    subtitle: str = "",
    is_virtual: bool = False,
    opening: Sequence[object] = (),
    template: str = "page.html.j2",
    package: str = PAGES,
    **context: object,
) -> str:
    """Return a complete HTML document.

    Parameters
    ----------
    title : of the window and the first heading
    sections : in order; each gets an entry in the table of contents
    subtitle : a line below the title
    is_virtual : whether the banner that data are simulated stays in sight
    opening : blocks before the table of contents
    template, package : where another template than the plain one extends it
    context : more values for that template
    """
    script = _read(PAGES, "page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = render_template(
        template,
        package,
        title=title,
        sections=sections,
        subtitle=subtitle,
        banner=VIRTUAL_BANNER if is_virtual else None,
        opening=opening,
        policy=f"{POLICY}; script-src 'sha256-{digest}'",
        style=_read(PAGES, "page.css"),
        script=script,
        draw_land=draw_land,
        **context,
    )
    return UNPRINTABLE.sub(REPLACEMENT, page)


@cache
def _environment(package: str) -> Environment:
    environment = Environment(
        loader=FunctionLoader(lambda name: _find(package, name)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        finalize=lambda value: ABSENT if value is None else value,
    )
    environment.filters["number"] = write_number
    return environment


def _find(package: str, name: str) -> str | None:
    for each in dict.fromkeys((package, PAGES)):
        if (files(each) / "templates" / name).is_file():
            return _read(each, name)
    return None


@cache
def _read(package: str, name: str) -> str:
    return (files(package) / "templates" / name).read_text("utf-8")
