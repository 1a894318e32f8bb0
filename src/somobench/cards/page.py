"""The score card of one submission on one split, as one page in one file.

Every number on it is one of the card's tables or of its `score.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from somobench.cards.folder import Card, build_card, read_card
from somobench.cards.ladder import LEAD, ladder_blocks
from somobench.cards.lead_times import lead_blocks
from somobench.cards.places import dryness_blocks, map_blocks
from somobench.cards.sections import (
    extreme_blocks,
    pool_blocks,
    score_blocks,
)
from somobench.catalog.resolve import resolve
from somobench.pages.html import (
    Markup,
    Section,
    bullets,
    code,
    element,
    joined,
    notice,
    number,
    page,
    paragraph,
)
from somobench.pages.tables import SCRIPT, STYLE
from somobench.pages.texts import (
    metric_title,
    rung_title,
    scored,
    short_hash,
    whole_hash,
)
from somobench.schemas.errors import SomobenchError
from somobench.scoring.files import REPORT_FILE

VIRTUAL = "Virtual: simulated, not observations"


def score_card(
    record: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    *,
    cells: pd.DataFrame | None = None,
) -> str:
    """Return the page of a submission's scores.

    Parameters
    ----------
    record : content of score.json
    tables : by name, as of `Evaluation.tables`
    cells : DataFrame of schema CELLS, optional
        Of the release; with it single cells are drawn against dryness.

    Raises
    ------
    ValidationError
        If the record says other than the tables.
    """
    return card_page(build_card(record, tables), cells)


def write_card(folder: Path | str) -> Path:
    """Write `report.html` anew into a folder that `evaluate` wrote.

    Raises
    ------
    InputError
        If a file is missing or can't be read.
    ValidationError
        If score.json says other than the tables.
    """
    from somobench.catalog.storage.atomic import write_text

    card = read_card(folder)
    path = Path(folder) / REPORT_FILE
    write_text(card_page(card, release_cells(card)), path)
    return path


def release_cells(card: Card) -> pd.DataFrame | None:
    """Return the cells of the card's release, if this very release can be opened."""
    try:
        release = resolve(card.record.release)
        if release.manifest_sha256 != card.record.manifest_sha256:
            return None
        return pd.read_parquet(BytesIO(release.read_file("cells.parquet")))
    except SomobenchError:
        return None


def card_page(card: Card, cells: pd.DataFrame | None = None) -> str:
    """Return the page of a checked card."""
    record = card.record
    sections = [
        Section("ladder", "The ladder", tuple(ladder_blocks(card))),
        Section("scores", "Scores", tuple(score_blocks(card.lookup))),
        Section("where", "Where it is good", tuple(map_blocks(card.cell_scores))),
        Section(
            "dryness",
            "Against dryness",
            tuple(dryness_blocks(card.lookup, card.cell_scores, cells)),
        ),
        Section("extremes", "Extremes", tuple(extreme_blocks(card.lookup))),
        Section("pools", "Regions, regimes, networks", tuple(pool_blocks(card.lookup))),
    ]
    if card.lead_scores is not None:
        blocks = lead_blocks(card.lead_scores, record.model, record.lead_coverage)
        sections.append(Section("lead-times", "Lead times", tuple(blocks)))
    sections.append(Section("pins", "What was scored", tuple(_pins(card))))
    return page(
        f"{record.model} on {record.split}",
        sections,
        subtitle=f"Score card, release {record.release}, split {record.split}",
        banner=VIRTUAL if record.is_virtual else None,
        opening=_opening(card),
        style=STYLE,
        script=SCRIPT,
    )


def _opening(card: Card) -> list[Markup]:
    record = card.record
    coverage = record.coverage
    lookup = card.lookup
    lead = lookup.row(LEAD)
    facts: list[tuple[object, object]] = [
        (f"{metric_title(LEAD)}, median", scored(lead)),
        ("anomaly r, 35 days, median", scored(lookup.row("anomaly_r"))),
        ("series (a cell's layer)", number(lead["cell_count"]) if lead else number(0)),
        (
            "cell-days predicted",
            f"{number(coverage.given)} of {number(coverage.asked)}",
        ),
        ("predictions, values sha256", short_hash(record.submission.values_sha256)),
    ]
    listed = [
        element("div", element("dt", name), element("dd", shown))
        for name, shown in facts
    ]
    blocks = [
        element("p", answer(card), class_="answer"),
        element("dl", joined(listed), class_="facts"),
    ]
    blocks += [
        notice(f"This is no prediction: {item.sentence}.", kind="warning")
        for item in record.findings
    ]
    if not record.is_complete:
        blocks.append(
            notice(
                "Not every cell-day was predicted: scores are of those that were, and "
                "aren't comparable with a complete submission's.",
                kind="warning",
            )
        )
    blocks += [
        paragraph(
            f"Layer {layer}: {number(spread.with_several_sensors)} of "
            f"{number(spread.series)} scored series rest on several sensors, whose "
            f"means differ by {_percent(round(spread.median_relative_spread, 3))} "
            "(median of standard deviation over mean)."
        )
        for layer, spread in sorted(record.target_uncertainty.items())
        if spread.median_relative_spread is not None
    ]
    level = _percent(record.bootstrap.level)
    blocks.append(
        paragraph(
            f"Intervals in brackets hold {level} of {number(record.bootstrap.draws)} "
            f"draws of cells and of blocks of {record.bootstrap.block_length} days."
        )
    )
    return blocks


def _percent(share: float) -> str:
    return f"{share * 100:g} %"


def answer(card: Card) -> str:
    """Say the headline: the highest rung beaten with confidence, and the next one."""
    found = card.headline
    if found is None:
        return f"Headline not available: {card.no_headline}."
    rungs = [item["rung"] for item in found["rungs"]]
    highest = found["highest_rung_beaten"]
    if not rungs:
        return "The split has no rung to compare with."
    if highest is None:
        return (
            f"Doesn\u2019t beat the lowest rung, \u201c{rung_title(rungs[0])}\u201d, "
            "with confidence."
        )
    place = rungs.index(highest) + 1
    told = f"Beats \u201c{rung_title(highest)}\u201d and every rung below it"
    if place == len(rungs):
        return f"{told} with confidence: all {place} rungs."
    other = rung_title(rungs[place])
    return (
        f"{told} with confidence, but not \u201c{other}\u201d: "
        f"{place} of {len(rungs)} rungs."
    )


def _pins(card: Card) -> list[Markup]:
    record = card.record
    pinned: list[tuple[str, object]] = [
        ("Release", code(record.release)),
        ("Manifest sha256", whole_hash(record.manifest_sha256)),
        ("Split", code(record.split)),
        ("Split sha256", whole_hash(record.split_sha256)),
        ("Submission", record.submission.name),
        ("File sha256", whole_hash(record.submission.file_sha256)),
        ("Values sha256", whole_hash(record.submission.values_sha256)),
        ("Ladder sha256", whole_hash(record.ladder.sha256)),
        ("Scored by somobench", record.code.version),
        ("Sources sha256", whole_hash(record.code.sha256)),
    ]
    if record.scored_lead_time is not None:
        pinned.append(("Lead time scored, days", number(record.scored_lead_time)))
    scaling = record.scaling
    return [
        bullets([joined([name, ": ", shown]) for name, shown in pinned]),
        paragraph(
            f"Targets are in train scaling; {scaling.full_record_series} of "
            f"{scaling.series} series have no train day and keep the scale factors of "
            "their full record."
        ),
        paragraph(
            "Numbers on this page are those of ",
            code("scores.parquet"),
            ", ",
            code("cell_scores.parquet"),
            " and ",
            code("score.json"),
            " beside it. To compute them again from the submission: ",
            code("somobench verify-score"),
            " with their folder.",
        ),
    ]
