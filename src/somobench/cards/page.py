"""The score card of one submission on one split, as one page in one file.

Every number on it is one of the card's tables or of its `score.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from somobench.cards import ladder, sections
from somobench.cards.folder import Card, build_card, read_card
from somobench.cards.lead_times import LeadView, describe_lead_days, show_lead_times
from somobench.cards.places import (
    chart_dryness,
    count_unplaced,
    draw_maps,
    plot_dryness,
)
from somobench.catalog.resolve import resolve
from somobench.metrics.registry import REFERENCE_MOMENTS as REFERENCE_TEXT
from somobench.pages.frame import render_page, write_number
from somobench.pages.maps import render_map_key
from somobench.pages.texts import (
    MOMENTS_MARK,
    name_layer,
    name_metric,
    name_rung,
    show_score,
    show_whole_hash,
)
from somobench.schemas.errors import SomobenchError
from somobench.schemas.scores import ALL_LAYERS
from somobench.scoring.files import REPORT_FILE
from somobench.scoring.models import LEADING

LEAD = LEADING[0]
NO_BREAK = "\N{NO-BREAK SPACE}"


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
    """Write `report.html` again into a folder that `evaluate` wrote.

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
    record, lookup = card.record, card.lookup
    maps = draw_maps(card.cell_scores, cells)
    return render_page(
        f"{record.model} on {record.split}",
        subtitle=f"Score card, release {record.release}, split {record.split}",
        is_virtual=record.is_virtual,
        template="card.html.j2",
        package="somobench.cards",
        card=card,
        record=record,
        answer=write_answer(card),
        facts=_list_facts(card),
        ladder=ladder,
        parts=sections,
        lookup=lookup,
        maps=maps,
        map_key=render_map_key(),
        unplaced=count_unplaced(card.cell_scores),
        dryness=plot_dryness(lookup),
        dryness_chart=chart_dryness(card.cell_scores, cells),
        leads=_show_leads(card),
        lead_days=describe_lead_days(record.lead_coverage),
        reference_text=REFERENCE_TEXT,
        moments_mark=MOMENTS_MARK,
        lead_title=name_metric(LEAD),
        show_hash=show_whole_hash,
        write_percent=_write_percent,
    )


def _show_leads(card: Card) -> list[LeadView] | None:
    if card.lead_scores is None:
        return None
    return show_lead_times(card.lead_scores, card.record.model)


def _list_facts(card: Card) -> list[tuple[str, object]]:
    coverage, lookup = card.record.coverage, card.lookup
    layers = ", ".join(
        f"{lookup.count_series(layer)} in {name_layer(layer)}"
        for layer in lookup.layers
        if layer != ALL_LAYERS
    )
    return [
        (f"{name_metric(LEAD)}, median", show_score(lookup.row(LEAD))),
        ("anomaly r, 35 days, median", show_score(lookup.row("anomaly_r"))),
        ("series (a cell's layer)", f"{lookup.count_series()}: {layers}"),
        (
            "cell-days predicted",
            f"{write_number(coverage.given)} of {write_number(coverage.asked)}",
        ),
    ]


def _write_percent(share: float) -> str:
    return f"{share * 100:g}{NO_BREAK}%"


def write_answer(card: Card) -> str:
    """Say the headline: the highest rung beaten with confidence, and the next one."""
    headline = card.headline
    if headline is None:
        return f"Headline not available: {card.no_headline}."
    rungs = [item["rung"] for item in headline["rungs"]]
    highest = headline["highest_rung_beaten"]
    if not rungs:
        return "The split has no rung to compare with."
    if highest is None:
        return (
            f"Doesn\u2019t beat the lowest rung, \u201c{name_rung(rungs[0])}\u201d, "
            "with confidence."
        )
    place = rungs.index(highest) + 1
    beaten = f"Beats \u201c{name_rung(highest)}\u201d and every rung below it"
    if place == len(rungs):
        return f"{beaten} with confidence: all {place} rungs."
    other = name_rung(rungs[place])
    return (
        f"{beaten} with confidence, but not \u201c{other}\u201d: "
        f"{place} of {len(rungs)} rungs."
    )
