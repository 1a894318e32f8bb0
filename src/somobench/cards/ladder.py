"""The ladder on a score card: how a submission compares with every rung."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from somobench.cards.folder import Card
from somobench.cards.lookup import (
    ScoreRow,
    head_metrics,
    plot_score,
    tabulate_grid,
)
from somobench.ladder.rungs import RUNGS
from somobench.metrics.registry import METRICS
from somobench.pages.figures import Row, RowPlot
from somobench.pages.tables import ASCENDING, PLACES, WORDS, Cell, Column, Table
from somobench.pages.texts import (
    make_score_cell,
    name_metric,
    name_rung,
    show_rung,
    write_score,
)
from somobench.scoring.models import COMPARED, LEADING
from somobench.scoring.tables import DECIMALS

LEAD = LEADING[0]
BEATEN = {True: "yes", False: "no", None: "not estimable"}
NOT_HELD = "the predictions that were compared with don't hold it"
NONE_BEATEN = "not even the lowest"
ABOUT_DIGITS = 2  # the difference of two stored scores is off by 0.0001 at most
RUNG_COLUMN = Column("rung, lowest first", PLACES, ASCENDING)


def plot_ladder(card: Card) -> RowPlot | None:
    """Return the difference to every rung, those that read observations apart."""
    if card.headline is None:
        return None
    plain = card.headline["rungs"]
    observing = card.headline["rungs_with_observations"]
    rows: list[Row | str] = [_plot_rung(item) for item in reversed(plain)]
    if observing:
        rows.append("Rungs that read observations of the cell, on common cell-days")
        rows += [_plot_rung(item) for item in reversed(observing)]
    axis = f"difference in {name_metric(LEAD)}: right of 0 the submission is better"
    return RowPlot(rows=rows, axis=axis, label="Difference to every rung", zero=True)


def _plot_rung(item: dict[str, Any]) -> Row:
    return plot_score(
        name_rung(item["rung"]),
        item,
        value="difference",
        absent=BEATEN[None],
        filled=item["beaten"] is True,
        colour="c2" if item["needs_observations"] else "c1",
    )


def list_absent_rungs(card: Card) -> list[tuple[str, str]]:
    """Return rungs that weren't compared with, with the reason where it is known."""
    ladder = card.record.ladder
    if not ladder.rungs:
        return []
    reasons = dict.fromkeys(RUNGS, NOT_HELD) | ladder.not_available
    return [
        (name_rung(name), reason)
        for name, reason in reasons.items()
        if name not in ladder.rungs
    ]


def find_rung_score(compared: ScoreRow, own: ScoreRow | None) -> float | None:
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


def list_compared(card: Card) -> Sequence[dict[str, Any]]:
    """Return the comparison with every rung, lowest first, observing ones last."""
    if card.headline is None:
        return ()
    return [*card.headline["rungs"], *card.headline["rungs_with_observations"]]


def tabulate_ladder(card: Card) -> Table:
    """Return the comparison with every rung in numbers."""
    columns = (
        RUNG_COLUMN,
        Column("its score, about"),
        Column("difference"),
        Column("series"),
        Column("cell-days"),
        Column("beaten", WORDS),
    )
    own = card.lookup.row(LEAD)
    compared = enumerate(list_compared(card), 1)
    rows = [_tabulate_rung(place, item, own) for place, item in compared]
    title = f"Differences in {name_metric(LEAD)}"
    return Table(title=title, columns=columns, rows=rows)


def _tabulate_rung(
    place: int, item: dict[str, Any], own: ScoreRow | None
) -> list[object]:
    score = find_rung_score(item, own)
    name = show_rung(item["rung"], needs_observations=item["needs_observations"])
    return [
        Cell(name, place),
        Cell(write_score(score, ABOUT_DIGITS), score),
        make_score_cell({**item, "value": item["difference"]}),
        item["cell_count"],
        item["day_count"],
        BEATEN[item["beaten"]],
    ]


def tabulate_differences(card: Card) -> Table:
    """Return the difference to every rung in all metrics that are compared."""
    lookup = card.lookup
    columns = head_metrics(lookup, COMPARED)
    rows = [
        (Cell(name_rung(rung), place), lookup, {"against": rung})
        for place, rung in enumerate(card.record.ladder.rungs)
    ]
    lower = ", ".join(
        name_metric(name)
        for name in COMPARED
        if name in lookup.metrics and METRICS[name].orientation == "lower"
    )
    title = (
        "Median score minus the rung's, all layers. Above 0 is better, "
        f"except for {lower}, where it is worse"
    )
    return tabulate_grid(title, RUNG_COLUMN, rows, columns, {})


def tabulate_headlines(card: Card) -> Table:
    """Return the highest rung beaten by other metrics, pools and layers."""
    headline = card.headline or {}
    title = name_metric(LEAD)
    rows = [
        *((name_metric(name), rung) for name, rung in headline["by_metric"].items()),
        *(
            (f"{title}, {kind.replace('_', '-')}", rung)
            for kind, rung in headline["by_pool_kind"].items()
            if kind != headline["pool_kind"]
        ),
        *(
            (f"{title}, layer {layer}", rung)
            for layer, rung in headline["by_layer"].items()
        ),
    ]
    return Table(
        title="The headline in other metrics, pools and layers",
        columns=("judged by", "highest rung beaten"),
        rows=[(name, name_rung(rung) if rung else NONE_BEATEN) for name, rung in rows],
        sortable=False,
    )
