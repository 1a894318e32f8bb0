"""The ladder on a score card: how a submission compares with every rung."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from somobench.cards.folder import Card
from somobench.cards.lookup import Row
from somobench.ladder.rungs import RUNGS
from somobench.metrics.registry import METRICS
from somobench.pages.html import (
    Markup,
    bullets,
    details,
    joined,
    notice,
    number,
    paragraph,
    table,
)
from somobench.pages.plots import Dot, dot_plot
from somobench.pages.tables import Cell, Column, in_order, sortable_table
from somobench.pages.texts import (
    metric_name,
    metric_title,
    rung_name,
    rung_title,
    score_cell,
    score_text,
)
from somobench.scoring.models import COMPARED, LEADING
from somobench.scoring.tables import DECIMALS

LEAD = LEADING[0]
WORDS = {True: "yes", False: "no", None: "not estimable"}
NOT_HELD = "the predictions that were compared with don't hold it"
ABOUT_DIGITS = 2  # the difference of two stored scores is off by 0.0001 at most
ABOUT_SCORES = (
    "A rung\u2019s score is the submission\u2019s minus the difference, where both "
    "rest on the same series and days. A rung that predicts fewer days is compared on "
    "those alone, and has none here."
)
BEATEN = Column("beaten", "word", "descending")


def ladder_blocks(card: Card) -> list[Markup]:
    """Show the difference to every rung, those that read observations apart."""
    absent = [*_foreign_ladder(card), *_absent_rungs(card)]
    if card.headline is None:
        return [paragraph(f"Not available: {card.no_headline}."), *absent]
    plain, observing = (
        card.headline[key] for key in ("rungs", "rungs_with_observations")
    )
    rows: list[Dot | str] = [_rung_dot(item) for item in reversed(plain)]
    if observing:
        rows.append("Rungs that read observations of the cell, on common cell-days")
        rows += [_rung_dot(item) for item in reversed(observing)]
    axis = f"difference in {metric_title(LEAD)}: right of 0 the submission is better"
    return [
        paragraph(
            "Each row is the submission's median score minus the rung's, paired over "
            "the same cell-days, with its interval. A filled dot is a rung beaten with "
            "confidence: the whole interval lies above 0. The highest rung is on top."
        ),
        dot_plot(rows, axis, zero=True),
        *absent,
        details(
            "The same as a table",
            _ladder_table([*plain, *observing], card.lookup.row(LEAD)),
            paragraph(ABOUT_SCORES),
        ),
        details("Differences in other metrics", _differences(card)),
        _steadiness(card.headline),
    ]


def _rung_dot(item: dict[str, Any]) -> Dot:
    label = rung_title(item["rung"])
    colour = "c2" if item["needs_observations"] else "c1"
    return Dot(
        label,
        item["difference"],
        item["low"],
        item["high"],
        filled=item["beaten"] is True,
        colour=colour,
        absent="not estimable",
    )


def _foreign_ladder(card: Card) -> list[Markup]:
    """Mark rungs that aren't known to be the release's."""
    if not card.record.has_foreign_ladder:
        return []
    told = (
        "This card doesn\u2019t say whether its ladder is the release\u2019s own."
        if card.record.ladder.of_release is None
        else "These rungs were brought along: the release lists none of its own."
    )
    return [notice(told, kind="warning")]


def _absent_rungs(card: Card) -> list[Markup]:
    """Name rungs that weren't compared with, with the reason where it is known."""
    ladder = card.record.ladder
    if not ladder.rungs:
        return []
    reasons = dict.fromkeys(RUNGS, NOT_HELD) | ladder.not_available
    listed = [
        joined([rung_title(name), ": ", reason])
        for name, reason in reasons.items()
        if name not in ladder.rungs
    ]
    if not listed:
        return []
    return [paragraph("Rungs that are not available:"), bullets(listed)]


def rung_score(compared: Row, own: Row | None) -> float | None:
    """Return a rung's score where the difference tells it, else None.

    It does where the comparison rests on the very series and days of the submission's
    own score; common days can be fewer, never others, so that equal counts say so.

    Parameters
    ----------
    compared : mapping with `difference`, `cell_count` and `day_count`
    own : row of the submission's own score
    """
    if own is None or compared["difference"] is None:
        return None
    same = all(compared[key] == own[key] for key in ("cell_count", "day_count"))
    return round(own["value"] - compared["difference"], DECIMALS) if same else None


def _ladder_table(rungs: Sequence[dict[str, Any]], own: Row | None) -> Markup:
    header = (
        in_order("rung, lowest first"),
        Column("its score, about"),
        Column("difference"),
        Column("series"),
        Column("cell-days"),
        BEATEN,
    )
    rows = []
    for place, item in enumerate(rungs, 1):
        name = rung_name(item["rung"], needs_observations=item["needs_observations"])
        row = {**item, "value": item["difference"]}
        counts = [Cell(number(item[k]), item[k]) for k in ("cell_count", "day_count")]
        told = WORDS[item["beaten"]]
        score = rung_score(item, own)
        about = Cell(score_text(score, ABOUT_DIGITS), score)
        rows.append(
            [Cell(name, place), about, score_cell(row), *counts, Cell(told, told)]
        )
    return sortable_table(header, rows, f"Differences in {metric_title(LEAD)}")


def _differences(card: Card) -> Markup:
    lookup = card.lookup
    metrics = [name for name in COMPARED if name in lookup.metrics]
    header = [in_order("rung, lowest first")]
    header += [Column(metric_name(name, lookup.note(name))) for name in metrics]
    rows = [
        [
            Cell(rung_title(rung), place),
            *(score_cell(lookup.row(name, against=rung)) for name in metrics),
        ]
        for place, rung in enumerate(card.record.ladder.rungs)
    ]
    better = ", ".join(
        metric_title(name) for name in metrics if METRICS[name].orientation == "lower"
    )
    title = (
        "Median score minus the rung's, all layers. Above 0 is better, "
        f"except for {better}, where it is worse"
    )
    return sortable_table(header, rows, title)


def _steadiness(found: dict[str, Any]) -> Markup:
    """Show how the headline changes with metric, pool and layer."""
    rows = [
        *((metric_title(name), rung) for name, rung in found["by_metric"].items()),
        *(
            (f"{metric_title(LEAD)}, {kind.replace('_', '-')}", rung)
            for kind, rung in found["by_pool_kind"].items()
            if kind != found["pool_kind"]
        ),
        *(
            (f"{metric_title(LEAD)}, layer {layer}", rung)
            for layer, rung in found["by_layer"].items()
        ),
    ]
    shown = [
        [name, rung_title(rung) if rung else "not even the lowest"]
        for name, rung in rows
    ]
    return table(
        ("judged by", "highest rung beaten"),
        shown,
        "The headline in other metrics, pools and layers",
        texts=True,
    )
