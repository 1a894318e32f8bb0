"""Tables and plots of the leaderboard: a release across its splits, and one split."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from markupsafe import Markup

from somobench.cards.folder import Card
from somobench.cards.ladder import (
    LEAD,
    NONE_BEATEN,
    find_rung_score,
    list_compared,
)
from somobench.cards.lookup import plot_score
from somobench.pages.figures import Dot, Row, RowPlot
from somobench.pages.frame import write_number
from somobench.pages.scales import finite_or_none
from somobench.pages.tables import ASCENDING, PLACES, WORDS, Cell, Column, Table
from somobench.pages.texts import (
    make_score_cell,
    name_metric,
    name_rung,
    show_hash,
    show_metric,
    show_rung,
    show_whole_hash,
    write_score,
)
from somobench.scoring.models import LEADING
from somobench.scoring.record import FindingRecord

METRICS_SHOWN = (*LEADING, "ubrmse", "kge_2009", "sedi_dry")
NO_LADDER = "no ladder"
NO_PREDICTION = "no prediction"
MODEL = Column("model", WORDS, ASCENDING)


def find_place(card: Card) -> int | None:
    """Return how many rungs from the lowest on are beaten; None without a ladder."""
    if card.headline is None:
        return None
    rungs = [item["rung"] for item in card.headline["rungs"]]
    highest = card.headline["highest_rung_beaten"]
    return 0 if highest is None else rungs.index(highest) + 1


def name_beaten(card: Card) -> str:
    """Return the title of the highest rung beaten with confidence, or say why none."""
    if card.headline is None:
        return NO_PREDICTION if card.record.findings else NO_LADDER
    highest = card.headline["highest_rung_beaten"]
    return name_rung(highest) if highest else NONE_BEATEN


def tabulate_release(cards: Sequence[Card]) -> Table:
    """Return which rung each model beats on every split of a release."""
    splits = sorted({card.record.split for card in cards})
    by_model: dict[str, dict[str, list[Card]]] = defaultdict(lambda: defaultdict(list))
    for card in cards:
        by_model[card.record.model][card.record.split].append(card)
    rows = [
        [Cell(model, model), *(_show_beaten(own.get(split, [])) for split in splits)]
        for model, own in sorted(by_model.items())
    ]
    title = "Highest rung beaten with confidence, by split"
    columns = [MODEL, *(Column(split, PLACES) for split in splits)]
    return Table(title=title, columns=columns, rows=rows)


def _show_beaten(cards: Sequence[Card]) -> Cell:
    """Show the rung; several submissions under one name are listed below."""
    if not cards:
        return Cell(None, None)
    places = [find_place(card) for card in cards]
    known = [place for place in places if place is not None]
    return Cell(" / ".join(sorted(map(_mark_beaten, cards))), max(known, default=None))


def _mark_beaten(card: Card) -> str:
    foreign = card.headline is not None and card.record.has_foreign_ladder
    marks = (
        " (incomplete)" if not card.record.is_complete else "",
        " (other ladder)" if foreign else "",
        " (marked)" if card.record.marks and not card.record.findings else "",
    )
    return name_beaten(card) + "".join(marks)


def order_cards(cards: Sequence[Card], *, complete: bool = True) -> list[Card]:
    """Return complete or incomplete cards by the leading score, best first.

    What is no prediction of a model isn't ranked.
    """
    ranked = (card for card in cards if not card.record.findings)
    return sorted(
        (card for card in ranked if card.record.is_complete == complete), key=_rank
    )


def list_copies(cards: Sequence[Card]) -> list[tuple[Card, FindingRecord]]:
    """Return what `evaluate` found on cards that are no predictions of a model."""
    return [(card, item) for card in cards for item in card.record.findings]


def _rank(card: Card) -> tuple[float, str, str]:
    row = card.lookup.row(LEAD)
    value = None if row is None else finite_or_none(row["value"])
    best = float("inf") if value is None else -value
    return best, card.record.model, card.record.submission.values_sha256


def list_warnings(cards: Sequence[Card]) -> list[str]:
    """Return what keeps cards of one split from being compared."""
    warnings = []
    ladders = {card.record.ladder.sha256 for card in cards}
    if len(ladders) > 1:
        warnings.append(
            "These cards were compared with different ladders: their headlines "
            "don\u2019t compare. The hash of each ladder stands in the table of pins."
        )
    foreign = sorted({c.record.model for c in cards if c.record.has_foreign_ladder})
    if foreign:
        warnings.append(
            "These were compared with rungs that are not known to be the "
            f"release\u2019s own: {', '.join(foreign)}."
        )
    measured = sorted(
        {c.record.model for c in cards if c.record.scaling.name == "none"}
    )
    if 0 < len(measured) < len({c.record.model for c in cards}):
        warnings.append(
            "These are models\u2019 own grids, scored against targets as measured, and "
            "others are in train scaling: correlations compare, RMSE and what else a "
            f"linear map changes doesn\u2019t: {', '.join(measured)}."
        )
    if len({card.record.code.sha256 for card in cards}) > 1:
        warnings.append(
            "These cards were computed by different versions of the sources. "
            "`somobench verify-score` shows whether a score is still the same."
        )
    same = Counter(card.record.submission.values_sha256 for card in cards)
    copies = sorted(
        card.record.model
        for card in cards
        if same[card.record.submission.values_sha256] > 1
    )
    if copies:
        warnings.append(f"The same predictions were handed in as: {', '.join(copies)}.")
    return warnings


def plot_submissions(cards: Sequence[Card]) -> RowPlot:
    """Return submissions among the rungs of their ladder, best first.

    Parameters
    ----------
    cards : complete ones of one split
    """
    scored = [(_rank(card)[0], _plot_card(card)) for card in cards]
    scored += [(-value, row) for value, row in _plot_rungs(cards)]
    rows = [row for _, row in sorted(scored, key=lambda item: item[0])]
    axis = f"{name_metric(LEAD)}, median over series, all layers"
    key = {"c1": "submission", "c8": "rung of the ladder, score without interval"}
    return RowPlot(rows=rows, axis=axis, label="Submissions and rungs", key=key)


def _plot_card(card: Card) -> Row:
    return plot_score(_show_name(card), card.lookup.row(LEAD))


def _show_name(card: Card) -> Markup:
    """Return a name with the hash that tells submissions of one name apart."""
    digest = show_hash(card.record.submission.values_sha256)
    return Markup("<strong>{}</strong> <small>{}</small>").format(
        card.record.model, digest
    )


def _plot_rungs(cards: Sequence[Card]) -> list[tuple[float, Row]]:
    """Return rungs with the score that differences imply, if all share one ladder."""
    if len({card.record.ladder.sha256 for card in cards}) > 1:
        return []
    scores: dict[str, tuple[float, bool]] = {}
    for card in cards:
        for item in list_compared(card):
            score = find_rung_score(item, card.lookup.row(LEAD))
            if score is not None:
                scores.setdefault(item["rung"], (score, item["needs_observations"]))
    return [
        (
            score,
            Row(
                show_rung(name, needs_observations=observes),
                (Dot(score, colour="c8", filled=False),),
                f"about {write_score(score, 2)}",
            ),
        )
        for name, (score, observes) in scores.items()
    ]


def tabulate_cards(cards: Sequence[Card], title: str) -> Table:
    """Return scores of submissions, a row a card."""
    lookups = [card.lookup for card in cards]
    metrics = [
        name
        for name in METRICS_SHOWN
        if any(name in lookup.metrics for lookup in lookups)
    ]
    notes = {name: max(lookup.note(name) for lookup in lookups) for name in metrics}
    columns = [
        MODEL,
        Column("highest rung beaten", PLACES),
        *(Column(show_metric(name, notes[name])) for name in metrics),
        Column("series"),
        Column("cell-days predicted"),
    ]
    rows = [_tabulate_card(card, metrics) for card in cards]
    return Table(title=title, columns=columns, rows=rows)


def _tabulate_card(card: Card, metrics: Sequence[str]) -> list[object]:
    record, lookup = card.record, card.lookup
    given = record.coverage.given
    return [
        Cell(_show_name(card), record.model),
        Cell(_count_beaten(card), find_place(card)),
        *(make_score_cell(lookup.row(name)) for name in metrics),
        lookup.count_series() if lookup.row(LEAD) else None,
        Cell(f"{write_number(given)} of {write_number(record.coverage.asked)}", given),
    ]


def _count_beaten(card: Card) -> object:
    place = find_place(card)
    if card.headline is None or place is None:
        return name_beaten(card)
    return Markup("{} <i>({} of {})</i>").format(
        name_beaten(card), place, len(card.headline["rungs"])
    )


def tabulate_pins(cards: Sequence[Card]) -> Table:
    """Return the hashes of every submission."""
    names = ("values", "file", "ladder", "somobench", "its sources")
    columns = [MODEL, *(Column(name, WORDS, ASCENDING) for name in names)]
    rows = []
    for card in cards:
        record = card.record
        rows.append(
            [
                Cell(record.model, record.model),
                _show_pin(record.submission.values_sha256),
                _show_pin(record.submission.file_sha256),
                _show_pin(record.ladder.sha256),
                record.code.version,
                _show_pin(record.code.sha256),
            ]
        )
    return Table(title="sha256", columns=columns, rows=rows)


def _show_pin(digest: str | None) -> Cell:
    return Cell(show_whole_hash(digest), digest)
