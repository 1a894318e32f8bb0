"""The page of an experiment: its question, a figure, all numbers, how it was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from somobench.experiments.figures import draw_figures
from somobench.experiments.outcome import Outcome
from somobench.experiments.settings import Settings
from somobench.pages.frame import Section, render_page
from somobench.pages.tables import ASCENDING, WORDS, Column, Table
from somobench.pages.texts import make_score_cell, name_layer, name_metric

QUESTIONS: Mapping[str, str] = {
    "robustness": "Does a model keep its skill where the climate isn\u2019t the one "
    "that it learned from? Each model is trained on as many cells and days of the "
    "tested cells\u2019 own regime, of the other regime, and of both; all predict the "
    "same cells and days.",
    "diversity": "Do more stations help, or more climates? The same number of training "
    "cells lies in one climate or is spread over many.",
    "features": "What does each set of inputs add, and which single input is missed "
    "when it is left out?",
    "coupling": "Is soil moisture tied to evaporation as it is in observations: where "
    "water limits evaporation, and where energy does?",
    "independence": "How much of a score rests on the reanalysis that targets are "
    "scaled to?",
    "extremes": "What do days below the 10th percentile gain when training makes more "
    "of them, and what do all days pay for it? Errors are in standard deviations of "
    "the days of a series that train. Rows with a second arm say how much less the "
    "first arm has of a score: an error that is less is a gain.",
}
SMALL = (
    "This is a look at a size that isn\u2019t the published one: its numbers "
    "aren\u2019t to be cited."
)
LOSS = (
    "Rows with a second arm are losses: what a series has less in the first arm than "
    "in the second, median over series. Above 0 skill was lost."
)
INTERVALS = (
    "Intervals hold 90 % and come from draws of blocks of days, of cells and of "
    "training sets that all models and arms share. They say nothing of cells unlike "
    "those at hand."
)


def make_page(name: str, record: Mapping[str, Any], outcome: Outcome) -> str:
    """Return the page of an experiment as HTML."""
    figures = draw_figures(name, outcome)
    sections = [
        Section("results", "Results", tuple(figures)),
        Section(
            "numbers",
            "All numbers",
            (write_text(LOSS), tabulate_rows(outcome.table)),
        ),
        Section(
            "method",
            "How it was done",
            (write_text(INTERVALS), tabulate_facts(record), *_list_refused(record)),
        ),
    ]
    return render_page(
        f"Experiment {name}",
        sections,
        subtitle=f"on release {record['release']}",
        is_virtual=str(record["release"]).startswith("virtual-"),
        opening=(write_text(QUESTIONS[name]), *_warn_of_size(record)),
    )


def _warn_of_size(record: Mapping[str, Any]) -> list[Markup]:
    """Say so where an experiment isn't of the published size."""
    size = Settings(seed=record["settings"]["seed"]).model_dump(mode="json")
    return [] if record["settings"] == size else [write_text(SMALL)]


def write_text(text: str) -> Markup:
    """Return a paragraph."""
    return Markup("<p>{}</p>").format(text)


def tabulate_rows(table: pd.DataFrame) -> Table:
    """Return every row of an experiment."""
    columns = (
        Column("model", WORDS, ASCENDING),
        Column("metric", WORDS, ASCENDING),
        Column("layer", WORDS, ASCENDING),
        Column("tested on", WORDS, ASCENDING),
        Column("arm", WORDS, ASCENDING),
        Column("loss against", WORDS, ASCENDING),
        Column("value and 90 % interval"),
        Column("series"),
        Column("cell-days"),
    )
    rows = [
        [
            row["model"],
            name_metric(row["metric"]).replace("_", " "),
            name_layer(int(row["layer"])),
            row["tested"],
            row["arm"],
            row["against"] or None,
            make_score_cell({str(key): value for key, value in row.items()}),
            int(row["cell_count"]),
            int(row["day_count"]),
        ]
        for row in table.to_dict("records")
    ]
    return Table(title="Every model, layer and regime", columns=columns, rows=rows)


def tabulate_facts(record: Mapping[str, Any]) -> Table:
    """Return the design and the settings of an experiment."""
    design = record["design"]
    rows: list[list[object]] = [
        ["release", record["release"]],
        *([name, digest] for name, digest in record["files"].items()),
        ["period", " to ".join(record["period"])],
    ]
    for layer, facts in design.get("layers", {}).items():
        rows += [
            [f"layer {layer}, {key.replace('_', ' ')}", str(value)]
            for key, value in facts.items()
        ]
    rows += [
        [key.replace("_", " "), _write_value(value)]
        for key, value in design.items()
        if key != "layers" and value != {}
    ]
    rows += [
        [key.replace("_", " "), str(value)]
        for key, value in record["settings"].items()
        if key != "baselines"
    ]
    heads = (Column("fact", WORDS, ASCENDING), Column("value", WORDS, ASCENDING))
    return Table(title="Design", columns=heads, rows=rows, sortable=False)


def _write_value(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key or 'unknown'}: {item}" for key, item in value.items())
    return str(value)


def _list_refused(record: Mapping[str, Any]) -> list[object]:
    refused = record["refused"]
    if not refused:
        return []
    heads = (Column("not available", WORDS, ASCENDING), Column("why", WORDS, ASCENDING))
    rows = [[name, why] for name, why in refused.items()]
    return [Table(title="What the release can\u2019t carry", columns=heads, rows=rows)]
