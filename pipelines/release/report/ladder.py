"""The ladder of a release: every rung on every split, as sections of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from somobench.cards.lookup import ScoreLookup, plot_score, tabulate_grid
from somobench.cards.sections import NO_THRESHOLDS
from somobench.metrics.registry import REFERENCE_MOMENTS as REFERENCE_TEXT
from somobench.pages.figures import Row, RowPlot
from somobench.pages.frame import Section
from somobench.pages.scales import Scale, make_linear_scale
from somobench.pages.tables import Cell, Column, Table
from somobench.pages.texts import (
    MOMENTS_MARK,
    make_score_cell,
    name_layer,
    name_metric,
    name_rung,
    show_metric,
)
from somobench.pipelines.release.report import ladder_details
from somobench.pipelines.release.report.ladder_details import (
    BY_RUNG,
    LEAD,
    CellTables,
    Rung,
    name_cell,
)
from somobench.pipelines.release.report.layers import make_section, show_name
from somobench.schemas.scores import ALL_LAYERS
from somobench.scoring.models import LEADING

SHOWN = (*LEADING, "ubrmse", "rmse", "kge_2009", "sedi_dry")
LEAD_AXIS = f"{name_metric(LEAD)}, median over series"

Lookups = Mapping[str, Mapping[str, ScoreLookup]]


def make_ladder_sections(
    scores: pd.DataFrame,
    record: Mapping[str, Any],
    rungs: Mapping[str, Mapping[str, str]] | None = None,
    tables: CellTables | None = None,
) -> list[Section]:
    """Return the ladder on every split.

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
        What each rung reaches across splits, then each split.
    """
    lookups: Lookups = {
        str(split): {
            str(model): ScoreLookup(rows) for model, rows in group.groupby("model")
        }
        for split, group in scores.groupby("split")
    }
    ladders = {
        str(split): [
            Rung(str(item["rung"]), bool(item["needs_observations"]))
            for item in own["ladder"]
        ]
        for split, own in sorted(record["splits"].items())
    }
    absent = rungs or {}
    scale = _find_common_scale(lookups)
    overview = _tabulate_overview(ladders, lookups)
    sections = [make_section("ladder", "The ladder", table=overview)]
    for place, (split, ladder) in enumerate(ladders.items(), 1):
        anchor, models = f"ladder-{place}", lookups[split]
        section = make_section(
            anchor,
            f"The ladder on {split}",
            template="ladder_split",
            anchor=anchor,
            plot=_plot_ladder(ladder, models, scale),
            missing=_list_missing(absent.get(split, {})),
            scores=_tabulate_scores(ladder, models),
            layers=_tabulate_layers(ladder, models),
            beaten=_tabulate_beaten(ladder, models),
            networks=ladder_details.tabulate_networks(ladder, models),
            extremes=ladder_details.tabulate_extremes(ladder, models),
            no_extremes=NO_THRESHOLDS,
            cells=ladder_details.describe_cells(split, ladder, models, tables),
            moments_mark=MOMENTS_MARK,
            reference_text=REFERENCE_TEXT,
        )
        sections.append(section)
    return sections


def _find_common_scale(lookups: Lookups) -> Scale:
    """Return one scale for all splits, so that they can be compared by eye."""
    rows = [
        lookup.row(LEAD) for models in lookups.values() for lookup in models.values()
    ]
    ends = ("value", "low", "high")
    return make_linear_scale(row[end] for row in rows if row for end in ends)


def _tabulate_overview(
    ladders: Mapping[str, Sequence[Rung]], lookups: Lookups
) -> Table:
    rungs = dict.fromkeys(rung for ladder in ladders.values() for rung in ladder)
    rows = []
    for place, rung in enumerate(rungs):
        models = [lookups[split].get(rung.name) for split in ladders]
        rows.append(
            [
                name_cell(rung, place),
                *(make_score_cell(each.row(LEAD) if each else None) for each in models),
            ]
        )
    return Table(
        title=f"{name_metric(LEAD)}, median over series with interval, by split",
        columns=[BY_RUNG, *(Column(show_name(split)) for split in ladders)],
        rows=rows,
    )


def _plot_ladder(
    ladder: Sequence[Rung], models: Mapping[str, ScoreLookup], scale: Scale
) -> RowPlot:
    def plot(chosen: Sequence[Rung], colour: str) -> list[Row]:
        return [
            plot_score(name_rung(rung.name), models[rung.name].row(LEAD), colour=colour)
            for rung in reversed(chosen)
        ]

    rows: list[Row | str] = [
        *plot([rung for rung in ladder if not rung.needs_observations], "c1")
    ]
    observing = plot([rung for rung in ladder if rung.needs_observations], "c2")
    if observing:
        rows += ["Rungs that read observations of the cell", *observing]
    return RowPlot(rows=rows, axis=LEAD_AXIS, scale=scale, label="Scores of the ladder")


def _list_missing(absent: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name_rung(name), why) for name, why in absent.items() if why]


def _tabulate_scores(
    ladder: Sequence[Rung], models: Mapping[str, ScoreLookup]
) -> Table:
    notes = {name: max(each.note(name) for each in models.values()) for name in SHOWN}
    return tabulate_grid(
        "Median scores with intervals, all layers",
        BY_RUNG,
        _list_rows(ladder, models),
        [(show_metric(name, notes[name]), {"metric": name}) for name in SHOWN],
    )


def _list_rows(
    ladder: Sequence[Rung],
    models: Mapping[str, ScoreLookup],
    chosen: Mapping[str, Any] | None = None,
) -> list[tuple[Cell, ScoreLookup | None, Mapping[str, Any]]]:
    return [
        (name_cell(rung, place), models[rung.name], chosen or {})
        for place, rung in enumerate(ladder)
    ]


def _tabulate_layers(
    ladder: Sequence[Rung], models: Mapping[str, ScoreLookup]
) -> Table:
    layers = {layer for each in models.values() for layer in each.layers}
    columns = [
        (name_layer(layer), {"layer": layer}) for layer in sorted(layers - {ALL_LAYERS})
    ]
    return tabulate_grid(
        f"{name_metric(LEAD)} by layer",
        BY_RUNG,
        _list_rows(ladder, models, {"metric": LEAD}),
        columns,
        counts={},
    )


def _tabulate_beaten(
    ladder: Sequence[Rung], models: Mapping[str, ScoreLookup]
) -> Table:
    """Show each rung's difference to all rungs below it."""
    return tabulate_grid(
        f"Differences in {name_metric(LEAD)} on common cell-days, with intervals",
        BY_RUNG,
        _list_rows(ladder, models, {"metric": LEAD}),
        [
            (f"minus {name_rung(rung.name)}", {"against": rung.name})
            for rung in ladder[:-1]
        ],
        counts={},
    )
