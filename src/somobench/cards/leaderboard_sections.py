"""Sections of the leaderboard: a release across its splits, and one split."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from somobench.cards.folder import Card
from somobench.cards.lookup import ScoreLookup, dot
from somobench.metrics.registry import REFERENCE_MOMENTS as REFERENCE_TEXT
from somobench.pages.html import (
    Markup,
    bullets,
    code,
    details,
    element,
    joined,
    notice,
    number,
    paragraph,
)
from somobench.pages.plots import Dot, dot_plot
from somobench.pages.tables import Cell, Column, sortable_table, words
from somobench.pages.texts import (
    MOMENTS_MARK,
    metric_name,
    metric_title,
    number_of,
    rung_title,
    score_cell,
    short_hash,
    whole_hash,
)
from somobench.scoring.models import LEADING

LEAD = LEADING[0]
METRICS_SHOWN = (*LEADING, "ubrmse", "kge_2009", "sedi_dry")
NONE_BEATEN = "not even the lowest"
NO_LADDER = "no ladder"


def place_on_ladder(card: Card) -> int | None:
    """Return how many rungs from the lowest on are beaten; None without a ladder."""
    if card.headline is None:
        return None
    rungs = [item["rung"] for item in card.headline["rungs"]]
    highest = card.headline["highest_rung_beaten"]
    return 0 if highest is None else rungs.index(highest) + 1


def rung_beaten(card: Card) -> str:
    """Return the title of the highest rung beaten with confidence, or say why none."""
    if card.headline is None:
        return NO_LADDER
    highest = card.headline["highest_rung_beaten"]
    return rung_title(highest) if highest else NONE_BEATEN


def overview_blocks(cards: Sequence[Card]) -> list[Markup]:
    """Show which rung each model beats on every split of a release."""
    splits = sorted({card.record.split for card in cards})
    by_model: dict[str, dict[str, list[Card]]] = defaultdict(lambda: defaultdict(list))
    for card in cards:
        by_model[card.record.model][card.record.split].append(card)
    header = [words("model"), *(Column(split) for split in splits)]
    rows = [
        [Cell(model, model), *(_beaten_cell(own.get(split, [])) for split in splits)]
        for model, own in sorted(by_model.items())
    ]
    manifest = cards[0].record.manifest_sha256
    return [
        sortable_table(header, rows, "Highest rung beaten with confidence, by split"),
        paragraph("Manifest sha256 ", whole_hash(manifest)),
    ]


def _beaten_cell(cards: Sequence[Card]) -> Cell:
    """Show the rung; several submissions under one name are told apart below."""
    if not cards:
        return Cell(None, None)
    shown = sorted({_marked(card) for card in cards})
    places = [place_on_ladder(card) for card in cards]
    known = [place for place in places if place is not None]
    return Cell(" / ".join(shown), max(known, default=None))


def _marked(card: Card) -> str:
    foreign = card.headline is not None and card.record.has_foreign_ladder
    marks = (
        " (days lacking)" if not card.record.is_complete else "",
        " (other ladder)" if foreign else "",
        " (no prediction)" if card.record.findings else "",
    )
    return rung_beaten(card) + "".join(marks)


def split_blocks(cards: Sequence[Card]) -> list[Markup]:
    """Show the submissions of one split, apart those with days lacking and copies."""
    ordered = sorted(cards, key=_rank)
    ranked = [card for card in ordered if not card.record.findings]
    complete = [card for card in ranked if card.record.is_complete]
    partial = [card for card in ranked if not card.record.is_complete]
    blocks = [*_warnings(cards)]
    if complete:
        blocks += [_plot(complete), _table(complete, "Submissions")]
    if partial:
        blocks.append(
            notice(
                "These predicted only a part of the cell-days, and are scored on it. "
                "Their scores don\u2019t compare with those above or with each other.",
                kind="warning",
            )
        )
        blocks.append(_table(partial, "Submissions with days lacking"))
    copies = [card for card in ordered if card.record.findings]
    if copies:
        text = "These are no predictions of a model, and are not ranked:"
        blocks += [notice(text, kind="warning"), _list_copies(copies)]
    blocks.append(paragraph(MOMENTS_MARK, " ", REFERENCE_TEXT))
    return [*blocks, *_pins(ordered)]


def _list_copies(cards: Sequence[Card]) -> Markup:
    return bullets(
        [
            joined([_name(card), ": ", finding.sentence])
            for card in cards
            for finding in card.record.findings
        ]
    )


def _rank(card: Card) -> tuple[float, str, str]:
    """Order by the leading score, best first; then by name."""
    row = card.lookup.row(LEAD)
    value = None if row is None else number_of(row["value"])
    record = card.record
    best = float("inf") if value is None else -value
    return best, record.model, record.submission.values_sha256


def _warnings(cards: Sequence[Card]) -> list[Markup]:
    told = []
    ladders = {card.record.ladder.sha256 for card in cards}
    if len(ladders) > 1:
        told.append(
            "These cards were compared with different ladders: their headlines "
            "don\u2019t compare. The hash of each ladder stands in the table of pins."
        )
    foreign = sorted({c.record.model for c in cards if c.record.has_foreign_ladder})
    if foreign:
        told.append(
            "These were compared with rungs that are not known to be the "
            f"release\u2019s own: {', '.join(foreign)}."
        )
    if len({card.record.code.sha256 for card in cards}) > 1:
        told.append(
            "These cards were computed by different versions of the sources. "
            "`somobench verify-score` tells whether a score is the same today."
        )
    same = Counter(card.record.submission.values_sha256 for card in cards)
    copies = sorted(
        card.record.model
        for card in cards
        if same[card.record.submission.values_sha256] > 1
    )
    if copies:
        told.append(f"The same predictions were handed in as: {', '.join(copies)}.")
    return [notice(text, kind="warning") for text in told]


def _plot(cards: Sequence[Card]) -> Markup:
    rows: list[Dot | str] = [dot(_name(card), card.lookup.row(LEAD)) for card in cards]
    return dot_plot(rows, f"{metric_title(LEAD)}, median over series, all layers")


def _name(card: Card) -> Markup:
    return joined(
        [
            card.record.model,
            " ",
            element("small", short_hash(card.record.submission.values_sha256)),
        ]
    )


def _table(cards: Sequence[Card], title: str) -> Markup:
    lookups = [card.lookup for card in cards]
    metrics = [
        name
        for name in METRICS_SHOWN
        if any(name in lookup.metrics for lookup in lookups)
    ]
    notes = {name: max(lookup.note(name) for lookup in lookups) for name in metrics}
    header = [
        words("model"),
        Column("highest rung beaten"),
        *(Column(metric_name(name, notes[name])) for name in metrics),
        Column("series"),
        Column("cell-days predicted"),
        words("predictions"),
    ]
    rows = [
        _row(card, lookup, metrics) for card, lookup in zip(cards, lookups, strict=True)
    ]
    return sortable_table(header, rows, title)


def _row(card: Card, lookup: ScoreLookup, metrics: Sequence[str]) -> list[Cell]:
    record = card.record
    lead = lookup.row(LEAD)
    series = lead["cell_count"] if lead else None
    given = record.coverage.given
    days = f"{number(given)} of {number(record.coverage.asked)}"
    digest = record.submission.values_sha256
    return [
        Cell(record.model, record.model),
        Cell(_beaten(card), place_on_ladder(card)),
        *(score_cell(lookup.row(name)) for name in metrics),
        Cell(series, series),
        Cell(days, given),
        Cell(short_hash(digest), digest),
    ]


def _beaten(card: Card) -> object:
    place = place_on_ladder(card)
    if card.headline is None or place is None:
        return rung_beaten(card)
    counted = f"({place} of {len(card.headline['rungs'])})"
    return joined([rung_beaten(card), " ", element("span", counted, class_="interval")])


def _pins(cards: Sequence[Card]) -> list[Markup]:
    split = cards[0].record
    header = [words("model")]
    header += [
        words(name) for name in ("values", "file", "ladder", "somobench", "its sources")
    ]
    rows = []
    for card in cards:
        record = card.record
        hashes = [
            record.submission.values_sha256,
            record.submission.file_sha256,
            record.ladder.sha256,
        ]
        cells = [Cell(whole_hash(digest), digest) for digest in hashes]
        version = Cell(record.code.version, record.code.version)
        sources = Cell(whole_hash(record.code.sha256), record.code.sha256)
        rows.append([Cell(record.model, record.model), *cells, version, sources])
    return [
        bullets(
            [
                joined(["Release ", code(split.release)]),
                joined(["Manifest sha256 ", whole_hash(split.manifest_sha256)]),
                joined(["Split ", code(split.split)]),
                joined(["Split sha256 ", whole_hash(split.split_sha256)]),
            ]
        ),
        details("Pins of every submission", sortable_table(header, rows, "sha256")),
    ]
