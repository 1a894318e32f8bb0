"""The readable report of a release, drawn from its recipe and `validation.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from somobench.pages.html import (
    Markup,
    Section,
    bullets,
    code,
    joined,
    notice,
    number,
    page,
    paragraph,
    table,
)
from somobench.pages.tables import SCRIPT, STYLE
from somobench.pipelines.release.documents import MOMENTS_NOTE, UNSCALED_NOTE
from somobench.pipelines.release.report.losses import lost_blocks, names_lost
from somobench.pipelines.release.report.places import (
    depth_blocks,
    layer_name,
    percent,
    place_blocks,
    time_blocks,
)
from somobench.pipelines.release.report.reanalysis import (
    reanalysis_blocks,
    scaling_blocks,
)
from somobench.pipelines.release.report.stations import source_blocks, station_blocks
from somobench.schemas.recipe import Recipe

Numbers = Mapping[str, Any]
VIRTUAL = "Virtual: simulated, not observations"


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
        They may sort their tables.
    """
    report = validation["report"]
    stages = validation["stages"]
    sections = [
        Section("checks", "Checks", (*_checks(validation),)),
        Section(
            "lost",
            "Lost at each rule",
            (*lost_blocks(recipe, report), *names_lost(stages)),
        ),
        Section("where", "Where cells are", (*place_blocks(recipe, report),)),
        Section("when", "Availability", (*time_blocks(recipe, report),)),
        Section("depths", "Sensor depths", (*depth_blocks(recipe, report),)),
        Section(
            "sources", "Cells with several sensors", (*source_blocks(recipe, report),)
        ),
        Section(
            "reanalysis",
            "Agreement with the reanalysis",
            (*reanalysis_blocks(recipe, report),),
        ),
        Section(
            "scaling", "Before and after scaling", (*scaling_blocks(recipe, report),)
        ),
        Section(
            "stations", "Targets and their stations", (*station_blocks(recipe, report),)
        ),
        *scored,
        Section("limits", "Not in this release", (*_not_carried(stages),)),
        Section("inputs", "Inputs and licences", (_inputs(sources),)),
    ]
    return page(
        f"{recipe.release.title}: report",
        sections,
        subtitle=f"Release {recipe.release.id}, licence {recipe.release.licence_spdx}",
        banner=VIRTUAL if recipe.virtual is not None else None,
        opening=_opening(recipe, report, _day_definition(stages)),
        style=STYLE if scored else "",
        script=SCRIPT if scored else "",
    )


def _day_definition(stages: Numbers) -> str:
    name = stages.get("forcing", {}).get("grid", {}).get("day_definition", "")
    return f" ({name.replace('_', ' ')})" if name else ""


def _opening(recipe: Recipe, report: Numbers, days: str) -> list[Markup]:
    return [
        paragraph(recipe.release.description.strip()),
        paragraph(
            f"Days {recipe.period.start} to {recipe.period.end}{days}, grid of "
            f"{recipe.grid.resolution:g} degrees, "
            f"{len(report['cells']['cell_id'])} cells. ",
            "Numbers on this page are those of ",
            code("validation.json"),
            " and of the recipe. Figures 2, 3, 5 and 6 are counterparts of "
            "those of the published SoMoBench.",
        ),
        *_moments_notes(recipe),
        _layers_table(recipe, report),
    ]


def _moments_notes(recipe: Recipe) -> list[Markup]:
    """Say whose mean and variance targets have, by layer where layers differ."""
    scaled = recipe.reference.layers if recipe.reference.source != "none" else ()
    groups = (
        (MOMENTS_NOTE, [item for item in recipe.layers if item.layer in scaled]),
        (UNSCALED_NOTE, [item for item in recipe.layers if item.layer not in scaled]),
    )
    return [
        notice(
            ""
            if len(layers) == len(recipe.layers)
            else f"{', '.join(map(layer_name, layers)).capitalize()}: ",
            note,
        )
        for note, layers in groups
        if layers
    ]


def _layers_table(recipe: Recipe, report: Numbers) -> Markup:
    rows = []
    for layer in recipe.layers:
        numbers = report["layers"].get(str(layer.layer), {})
        days = numbers.get("days", 0)
        filled = numbers.get("gapfilled_days", 0)
        several = numbers.get("sources", {}).get("cells_with_several", 0)
        agreement = numbers.get("reanalysis", {}).get("all", {})
        rows.append(
            [
                layer_name(layer),
                numbers.get("depths", {}).get("cells", 0),
                days,
                percent(filled, days) if days else None,
                several,
                number(agreement.get("daily", {}).get("median"), 2),
                number(agreement.get("day_to_day", {}).get("median"), 2),
            ]
        )
    header = [
        "layer",
        "cells",
        "cell-days",
        "gap-filled",
        "cells with several sensors",
        "median r, daily",
        "median r, day-to-day",
    ]
    title = "Targets by layer; r is the correlation with the reanalysis"
    return table(header, rows, title)


def _checks(validation: Numbers) -> list[Markup]:
    moments = validation["scaled_targets_against_reference"]
    if moments["compared"]:
        told = (
            f"Mean and standard deviation of {moments['compared']} scaled series "
            f"differ from the reanalysis's on the same days by at most "
            f"{moments['largest_mean_difference']:.1e} and "
            f"{moments['largest_std_difference']:.1e} m\u00b3 m\u207b\u00b3 (allowed: "
            f"{moments['tolerance']:g}). {moments['went_negative']} more series lost "
            f"days that became negative and were not compared."
        )
    else:
        told = "No scaled series was compared with a reference."
    blocks = [
        paragraph(
            "Every file passed its schema and every promise below held: a release that "
            "breaks one isn't written."
        ),
        bullets([told]),
    ]
    if "targets_against_truth" in validation:
        blocks.append(_truth_table(validation["targets_against_truth"]))
    return blocks


def _truth_table(truth: Numbers) -> Markup:
    rows = [
        [
            f"layer {layer}, {kind}",
            scores[kind]["count"],
            *(number(scores[kind].get(name), 3) for name in ("r", "ubrmse")),
            number(scores[kind].get("absolute_bias"), 3),
        ]
        for layer, scores in sorted(truth.items())
        for kind in ("targets", "sensors")
    ]
    header = ["what", "n", "r", "ubRMSE", "absolute bias"]
    return table(
        header,
        rows,
        "Against the simulated truth: medians over targets (scaled) and over single "
        "sensors (raw); ubRMSE and bias in m\u00b3 m\u207b\u00b3",
    )


def _not_carried(stages: Numbers) -> list[Markup]:
    missing = [
        *sorted(stages.get("splits", {}).get("left_out", {}).items()),
        *sorted(stages.get("features", {}).get("refused", {}).items()),
    ]
    if not missing:
        return [paragraph("Every split and feature set of the recipe is carried.")]
    return [bullets([joined([code(name), f": {why}"]) for name, why in missing])]


def _inputs(sources: Sequence[Numbers]) -> Markup:
    known = [source for source in sources if source.get("role") != "truth"]
    columns = [
        name
        for name in ("name", "producer", "licence", "citation", "doi", "url")
        if any(source.get(name) for source in known)
    ]
    rows: list[list[Any]] = []
    for source in known:
        row = [source.get(name) for name in columns]
        if row not in rows:
            rows.append(row)
    return table(columns, rows, "What the release was built from", texts=True)
