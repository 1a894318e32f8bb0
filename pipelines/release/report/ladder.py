"""The ladder of a release: every rung on every split, as sections of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from somobench.cards.lookup import ScoreLookup, dot
from somobench.metrics.registry import REFERENCE_MOMENTS as REFERENCE_TEXT
from somobench.pages.html import (
    Markup,
    Section,
    bullets,
    details,
    joined,
    number,
    paragraph,
)
from somobench.pages.plots import Dot, Scale, dot_plot, linear_scale
from somobench.pages.tables import Cell, Column, in_order, sortable_table
from somobench.pages.texts import (
    MOMENTS_MARK,
    layer_title,
    metric_name,
    metric_title,
    rung_name,
    rung_title,
    score_cell,
)
from somobench.pipelines.release.report.ladder_details import CellTables, detail_blocks
from somobench.scoring.models import LEADING

LEAD = LEADING[0]
SHOWN = (*LEADING, "ubrmse", "rmse", "kge_2009", "sedi_dry")

Lookups = Mapping[str, Mapping[str, ScoreLookup]]


def ladder_sections(
    scores: pd.DataFrame,
    record: Mapping[str, Any],
    rungs: Mapping[str, Mapping[str, str]] | None = None,
    tables: CellTables | None = None,
) -> list[Section]:
    """Return the ladder on every split, for a page with `sortable_page`'s script.

    Parameters
    ----------
    scores : DataFrame of schema SCORES
        Of all rungs of a release.
    record : content of scores.json
    rungs : by split and rung, optional
        Why the release lacks it, empty where it doesn't: `rungs` of the manifest.
    tables : CellTables, optional
        Of all rungs of the release; with it cells are drawn.

    Returns
    -------
    list of Section
        What each rung beats across splits, then each split.
    """
    lookups: Lookups = {
        str(split): {
            str(model): ScoreLookup(rows) for model, rows in group.groupby("model")
        }
        for split, group in scores.groupby("split")
    }
    absent = rungs or {}
    splits = {str(name): record["splits"][name]["ladder"] for name in record["splits"]}
    scale = _common_scale(lookups)
    whole = Section("ladder", "The ladder", tuple(_overview(splits, lookups)))
    return [
        whole,
        *(
            Section(
                f"ladder-{place}",
                f"The ladder on {split}",
                (
                    *_split(ladder, lookups[split], absent.get(split, {}), scale),
                    *detail_blocks(
                        split, ladder, lookups[split], tables, f"ladder-{place}"
                    ),
                ),
            )
            for place, (split, ladder) in enumerate(sorted(splits.items()), 1)
        ),
    ]


def _common_scale(lookups: Lookups) -> Scale:
    """Return one scale for all splits, so that they can be compared by eye."""
    rows = [
        lookup.row(LEAD) for models in lookups.values() for lookup in models.values()
    ]
    ends = ("value", "low", "high")
    return linear_scale(row[end] for row in rows if row is not None for end in ends)


def _overview(
    splits: Mapping[str, Sequence[Mapping[str, Any]]], lookups: Lookups
) -> list[Markup]:
    names = dict.fromkeys(item["rung"] for ladder in splits.values() for item in ladder)
    marks = {
        item["rung"]: item["needs_observations"]
        for ladder in splits.values()
        for item in ladder
    }
    header = [
        in_order("rung, lowest first"),
        *(Column(split) for split in sorted(splits)),
    ]
    rows = [
        [
            Cell(rung_name(name, needs_observations=marks[name]), place),
            *(
                score_cell(lookups[split][name].row(LEAD))
                if name in lookups[split]
                else Cell(None, None)
                for split in sorted(splits)
            ),
        ]
        for place, name in enumerate(names)
    ]
    title = f"{metric_title(LEAD)}, median over series with interval, by split"
    return [
        paragraph(
            "Reference models in order of the information that they use. Rungs that "
            "read observations of the cell that they predict stand apart: they are "
            "scored on the days for which there was one to read."
        ),
        sortable_table(header, rows, title),
    ]


def _split(
    ladder: Sequence[Mapping[str, Any]],
    lookups: Mapping[str, ScoreLookup],
    absent: Mapping[str, str],
    scale: Scale,
) -> list[Markup]:
    plain = [item for item in ladder if not item["needs_observations"]]
    observing = [item for item in ladder if item["needs_observations"]]
    rows: list[Dot | str] = [
        dot(rung_title(item["rung"]), lookups[item["rung"]].row(LEAD))
        for item in reversed(plain)
    ]
    if observing:
        rows.append("Rungs that read observations of the cell")
        rows += [
            dot(rung_title(item["rung"]), lookups[item["rung"]].row(LEAD), colour="c2")
            for item in reversed(observing)
        ]
    missing = [
        joined([rung_title(name), ": ", why]) for name, why in absent.items() if why
    ]
    return [
        dot_plot(rows, f"{metric_title(LEAD)}, median over series", scale=scale),
        *([paragraph("Not available: "), bullets(missing)] if missing else []),
        _table(ladder, lookups),
        paragraph(MOMENTS_MARK, " ", REFERENCE_TEXT),
        details("By layer", _layer_table(ladder, lookups)),
        details("What each rung beats", _beaten_table(ladder, lookups)),
    ]


def _table(
    ladder: Sequence[Mapping[str, Any]], lookups: Mapping[str, ScoreLookup]
) -> Markup:
    notes = {
        name: max(lookup.note(name) for lookup in lookups.values()) for name in SHOWN
    }
    header = [in_order("rung, lowest first")]
    header += [Column(metric_name(name, notes[name])) for name in SHOWN]
    header += [Column("series"), Column("cell-days")]
    rows = []
    for place, item in enumerate(ladder):
        lookup = lookups[item["rung"]]
        lead = lookup.row(LEAD)
        name = rung_name(item["rung"], needs_observations=item["needs_observations"])
        counts = [
            Cell(number(lead[key]) if lead else None, lead[key] if lead else None)
            for key in ("cell_count", "day_count")
        ]
        cells = [score_cell(lookup.row(metric)) for metric in SHOWN]
        rows.append([Cell(name, place), *cells, *counts])
    return sortable_table(header, rows, "Median scores with intervals, all layers")


def _layer_table(
    ladder: Sequence[Mapping[str, Any]], lookups: Mapping[str, ScoreLookup]
) -> Markup:
    layers = sorted({layer for lookup in lookups.values() for layer in lookup.layers})
    header = [in_order("rung, lowest first"), *(Column(layer_title(i)) for i in layers)]
    rows = [
        [
            Cell(rung_title(item["rung"]), place),
            *(score_cell(lookups[item["rung"]].row(LEAD, layer=i)) for i in layers),
        ]
        for place, item in enumerate(ladder)
    ]
    return sortable_table(header, rows, f"{metric_title(LEAD)} by layer")


def _beaten_table(
    ladder: Sequence[Mapping[str, Any]], lookups: Mapping[str, ScoreLookup]
) -> Markup:
    """Show each rung's difference to all rungs below it."""
    names = [item["rung"] for item in ladder]
    header = [in_order("rung"), *(Column(f"minus {rung_title(n)}") for n in names[:-1])]
    rows = [
        [
            Cell(rung_title(rung), place),
            *(score_cell(lookups[rung].row(LEAD, against=n)) for n in names[:-1]),
        ]
        for place, rung in enumerate(names)
    ]
    title = f"Differences in {metric_title(LEAD)} on common cell-days, with intervals"
    return sortable_table(header, rows, title)
