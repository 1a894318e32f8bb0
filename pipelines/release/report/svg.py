"""Figures as SVG for a page: the same bytes for the same numbers, coloured by CSS.

Matplotlib draws with stand-in colours that become CSS variables, so that one drawing
serves light and dark. Text stays text; sizes are in units of the drawing, which the
page scales.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from somobench.pages.html import Markup, escape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 10
"""Colours `s0` to `s10` stand for shares from nothing to all."""

_NAMES = (
    "surface",
    "ink",
    "muted",
    "grid",
    *(f"c{number}" for number in range(1, 9)),
    *(f"s{number}" for number in range(STEPS + 1)),
)
COLOURS = MappingProxyType(
    {name: f"#0101{number:02x}" for number, name in enumerate(_NAMES, 1)}
)
"""The stand-in colour of each CSS variable."""

SERIES = tuple(COLOURS[f"c{number}"] for number in range(1, 9))
POINTS_AN_INCH = 72
_INK, _MUTED, _GRID = COLOURS["ink"], COLOURS["muted"], COLOURS["grid"]
_SETTINGS: dict[str, Any] = {
    "axes.edgecolor": _MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelcolor": _INK,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": _INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11.5,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 10,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "hatch.color": _MUTED,
    "legend.edgecolor": _GRID,
    "legend.facecolor": "none",
    "legend.fontsize": 10,
    "legend.frameon": False,
    "legend.labelcolor": _INK,
    "lines.color": _INK,
    "patch.edgecolor": _INK,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "text.color": _INK,
    "text.parse_math": False,  # a `$` in a name is a dollar
    "xtick.color": _MUTED,
    "xtick.labelcolor": _INK,
    "xtick.labelsize": 9.5,
    "ytick.color": _MUTED,
    "ytick.labelcolor": _INK,
    "ytick.labelsize": 9.5,
}


def drawn(
    name: str, label: str, size: tuple[float, float], draw: Callable[[Figure], None]
) -> Markup:
    """Draw a figure and return it as inline SVG.

    Parameters
    ----------
    name : unique in its page; letters, digits and `-`
    label : what the figure shows, for those who can't see it
    size : width and height in units; text is 10 units high
    draw : puts the content on an empty figure, in `COLOURS` only
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = {**_SETTINGS, "svg.hashsalt": name}
        mpl.rcParams.update(settings)
        inches = (size[0] / POINTS_AN_INCH, size[1] / POINTS_AN_INCH)
        canvas = Figure(figsize=inches, layout="constrained")
        draw(canvas)
        buffer = io.StringIO()
        canvas.savefig(buffer, format="svg", metadata={"Date": None})
    return inline(buffer.getvalue(), name, label)


def inline(svg: str, name: str, label: str) -> Markup:
    """Turn an SVG file into an element that does no harm to the page around it.

    Removes prolog, metadata, size and the style sheet (which would style the page),
    makes ids unique by `name`, and replaces stand-in colours by CSS variables.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    box = re.search(r'viewBox="([-\d. ]+)"', body)
    opening = (
        f'<svg viewBox="{box[1] if box else "0 0 1 1"}" role="img" '
        f'aria-label="{escape(label)}">'
    )
    body = opening + body[body.index(">") + 1 :]
    body = body.replace("xlink:href", "href")
    body = re.sub(r'(?<=\sid=")', f"{name}-", body)
    body = re.sub(r'(?<=href="#)|(?<=url\(#)', f"{name}-", body)
    body = re.sub(r"font: ([\d.]+)px [^;\"]+", r"font-size: \1px", body)
    for variable, colour in COLOURS.items():
        body = body.replace(colour, f"var(--{variable})")
    return Markup(re.sub(r"\s*\n\s*", "\n", body).strip())
