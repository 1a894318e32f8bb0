"""The readable report of a release, drawn from its recipe and `validation.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from somobench.pages.frame import Section, render_page, render_template
from somobench.pages.tables import Table
from somobench.pipelines.release.documents import MOMENTS_NOTE, UNSCALED_NOTE
from somobench.pipelines.release.report.layers import (
    PACKAGE,
    Numbers,
    make_number_cell,
    make_section,
    name_depths,
    show_code,
    write_share,
)
from somobench.pipelines.release.report.losses import make_loss_section
from somobench.pipelines.release.report.places import (
    make_depth_section,
    make_place_section,
    make_time_section,
)
from somobench.pipelines.release.report.reanalysis import (
    make_reanalysis_section,
    make_scaling_section,
)
from somobench.pipelines.release.report.splits import tabulate_feature_audit
from somobench.pipelines.release.report.stations import (
    make_source_section,
    make_station_section,
)
from somobench.schemas.recipe import Recipe

ADDRESSES = ("doi", "url")
COLUMNS = ("name", "producer", "licence", "citation", "doi", "url")


def build_report(
    recipe: Recipe,
    validation: Numbers,
    sources: Sequence[Numbers],
    scored: Sequence[Section] = (),
) -> str:
    """Return the report of a release as one HTML file.

    Every number in it is one of `validation` or of the recipe; the same input gives
    the same text.

    Parameters
    ----------
    recipe : Recipe
    validation : content of validation.json
        With the result of `figure_numbers` under `report`.
    sources : rows of inputs.json
        Name, producer, licence, citation and, where known, doi and url.
    scored : sections on splits and on the ladder's scores, optional
    """
    report, stages = validation["report"], validation["stages"]
    sections = [
        make_section("checks", "Checks", **_describe_checks(validation)),
        make_loss_section(recipe, report, stages),
        make_place_section(recipe, report),
        make_time_section(recipe, report),
        make_depth_section(recipe, report),
        make_source_section(recipe, report),
        make_reanalysis_section(recipe, report),
        make_scaling_section(recipe, report),
        make_station_section(recipe, report),
        *scored,
        make_section("limits", "Not in this release", missing=_list_missing(stages)),
        Section("inputs", "Inputs and licences", (_tabulate_inputs(sources),)),
    ]
    grid = stages.get("forcing", {}).get("grid", {})
    opening = render_template(
        "opening.html.j2",
        PACKAGE,
        recipe=recipe,
        days=grid.get("day_definition", "").replace("_", " "),
        cells=len(report["cells"]["cell_id"]),
        notes=_note_moments(recipe),
        table=_tabulate_layers(recipe, report),
    )
    return render_page(
        f"{recipe.release.title}: report",
        sections,
        subtitle=f"Release {recipe.release.id}, licence {recipe.release.licence_spdx}",
        is_virtual=recipe.virtual is not None,
        opening=[opening],
    )


def _note_moments(recipe: Recipe) -> list[tuple[str, str]]:
    """Say whose mean and variance targets have, by layer where layers differ."""
    scaled = recipe.reference.layers if recipe.reference.source != "none" else ()
    groups = (
        (MOMENTS_NOTE, [item for item in recipe.layers if item.layer in scaled]),
        (UNSCALED_NOTE, [item for item in recipe.layers if item.layer not in scaled]),
    )
    return [
        (
            ""
            if len(layers) == len(recipe.layers)
            else f"{', '.join(map(name_depths, layers)).capitalize()}: ",
            note,
        )
        for note, layers in groups
        if layers
    ]


def _tabulate_layers(recipe: Recipe, report: Numbers) -> Table:
    rows = []
    for layer in recipe.layers:
        numbers = report["layers"].get(str(layer.layer), {})
        days = numbers.get("days", 0)
        filled = numbers.get("gapfilled_days", 0)
        agreement = numbers.get("reanalysis", {}).get("all", {})
        medians = [
            agreement.get(kind, {}).get("median") for kind in ("daily", "day_to_day")
        ]
        rows.append(
            [
                name_depths(layer),
                numbers.get("depths", {}).get("cells", 0),
                days,
                write_share(filled, days) if days else None,
                numbers.get("sources", {}).get("cells_with_several", 0),
                *(make_number_cell(median, 2) for median in medians),
            ]
        )
    counts = ["cells", "cell-days", "gap-filled", "cells with several sensors"]
    return Table(
        sortable=False,
        title="Targets by layer; r is the correlation with the reanalysis",
        columns=["layer", *counts, "median r, daily", "median r, day-to-day"],
        rows=rows,
    )


def _describe_checks(validation: Numbers) -> dict[str, Any]:
    truth = validation.get("targets_against_truth")
    return {
        "moments": validation["scaled_targets_against_reference"],
        "truth": None if truth is None else _tabulate_truth(truth),
        "features": tabulate_feature_audit(validation["stages"].get("features", {})),
    }


def _tabulate_truth(truth: Numbers) -> Table:
    measures = ("r", "ubrmse", "absolute_bias")
    return Table(
        sortable=False,
        title="Against the simulated truth: medians over targets (scaled) and over "
        "single sensors (raw); ubRMSE and bias in m\u00b3 m\u207b\u00b3",
        columns=["what", "n", "r", "ubRMSE", "absolute bias"],
        rows=[
            [
                f"layer {layer}, {kind}",
                scores[kind]["count"],
                *(make_number_cell(scores[kind].get(name), 3) for name in measures),
            ]
            for layer, scores in sorted(truth.items())
            for kind in ("targets", "sensors")
        ],
    )


def _list_missing(stages: Numbers) -> list[tuple[str, str]]:
    return [
        *sorted(stages.get("splits", {}).get("left_out", {}).items()),
        *sorted(stages.get("features", {}).get("refused", {}).items()),
    ]


def _tabulate_inputs(sources: Sequence[Numbers]) -> Table:
    known = [source for source in sources if source.get("role") != "truth"]
    columns = [name for name in COLUMNS if any(row.get(name) for row in known)]
    rows: list[list[Any]] = []
    for source in known:
        row = [
            show_code(source.get(name)) if name in ADDRESSES else source.get(name)
            for name in columns
        ]
        if row not in rows:
            rows.append(row)
    return Table(
        sortable=False,
        title="What the release was built from",
        columns=columns,
        rows=rows,
    )
