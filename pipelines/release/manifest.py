"""The manifest of a release, from what the stages made and the recipe."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import pandas as pd

from somobench.catalog.storage.atomic import format_json
from somobench.catalog.storage.hashing import sources_sha256
from somobench.pipelines.release.outputs import StageOutputs
from somobench.schemas.manifest import (
    SCHEMA_VERSION,
    CreditRecord,
    FeatureSetRecord,
    FileRecord,
    Manifest,
    SourceRecord,
    SplitRecord,
)
from somobench.schemas.recipe import Recipe


def describe_release(
    recipe: Recipe,
    outputs: StageOutputs,
    files: dict[str, FileRecord],
    assets: dict[str, FileRecord],
) -> Manifest:
    """Return the manifest of a release.

    Parameters
    ----------
    recipe : Recipe
    outputs : StageOutputs
    files, assets : dict of FileRecord by name
        What the release holds, and what belongs to it and isn't shipped with it.
    """
    release, reports = recipe.release, outputs.reports
    layers = _list_carried_layers(recipe, reports["targets"])
    moments = recipe.target_moments_from
    return Manifest(
        schema_version=SCHEMA_VERSION,
        release=release.id,
        title=release.title,
        description=release.description,
        licence_spdx=release.licence_spdx,
        redistributable=release.redistributable,
        predecessor=release.predecessor,
        period=(recipe.period.start, recipe.period.end),
        grid_resolution=recipe.grid.resolution,
        layers=layers,
        layers_left_out=_explain_missing_layers(recipe, layers),
        target_moments_from={str(layer): moments[layer] for layer in layers},
        feature_sets={
            name: FeatureSetRecord.model_validate(record | {"layers": layers})
            for name, record in reports["features"]["feature_sets"].items()
        },
        feature_sets_refused=reports["features"]["refused"],
        splits={
            name: SplitRecord.model_validate(record)
            for name, record in reports["splits"]["splits"].items()
        },
        splits_left_out=reports["splits"]["left_out"],
        sources=_collect_sources(outputs),
        networks=_list_networks(outputs),
        credits=_list_credits(outputs),
        recipe_sha256=_hash_recipe(recipe),
        package_version=metadata.version("somobench"),
        pipeline_sha256=pipeline_sha256(),
        rungs=describe_rungs(reports["baselines"]),
        files=files,
        assets=assets,
    )


LATER_KEYS: Mapping[str, tuple[str, ...]] = {
    "forcing": (
        "as_measured",
        "comment",
        "coverage",
        "dryness",
        "maximum_distance",
    ),
    "splits.ungauged": ("by",),
    "stations": (
        "comment",
        "maximum_repeats",
        "minimum_quality",
        "minimum_quality_source",
        "positions",
        "positions_source",
    ),
}
"""Keys that recipes of earlier releases didn't have, so that their hash stays."""


def describe_rungs(report: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Say of every rung why the release lacks it on a split; empty where it doesn't."""
    return {
        split: {name: rung.get("reason", "") for name, rung in rungs.items()}
        for split, rungs in report["splits"].items()
    }


def _list_carried_layers(recipe: Recipe, report: dict[str, Any]) -> tuple[int, ...]:
    numbers = (layer.layer for layer in recipe.layers)
    return tuple(item for item in numbers if report["layers"][str(item)]["cells"])


def _explain_missing_layers(recipe: Recipe, carried: tuple[int, ...]) -> dict[str, str]:
    return {
        str(layer.layer): f"no usable sensor lies inside {layer.depth_from_cm} to "
        f"{layer.depth_to_cm} cm"
        for layer in recipe.layers
        if layer.layer not in carried
    }


def _collect_sources(outputs: StageOutputs) -> tuple[SourceRecord, ...]:
    fields = SourceRecord.model_fields
    return tuple(
        SourceRecord.model_validate({key: row[key] for key in row if key in fields})
        for row in outputs.inputs
        if row["role"] != "truth"
    )


def _list_networks(outputs: StageOutputs) -> tuple[str, ...]:
    """Name the networks with a sensor in a layer of a cell of the release."""
    return tuple(sorted(set(_list_used(outputs)["network"].astype(str))))


def _list_credits(outputs: StageOutputs) -> dict[str, CreditRecord]:
    """Return the credits of stations with such a sensor, by name of the station."""
    given = outputs.reports["ingest"].get("credits", {})
    used = _list_used(outputs)
    names = dict(zip(used["station_id"], used["station"], strict=True))
    return {
        str(names[station]): CreditRecord.model_validate(given[station])
        for station in sorted(set(given) & set(names))
    }


def _list_used(outputs: StageOutputs) -> pd.DataFrame:
    sensors = outputs.tables["stations"]
    cells = outputs.grids["targets"]["cell"].to_numpy().astype(str)
    return sensors[(sensors["layer"] > 0) & sensors["cell_id"].isin(cells)]


def _hash_recipe(recipe: Recipe) -> str:
    """Hash a recipe; keys that came later count only where a recipe uses them."""
    content = recipe.model_dump(mode="json")
    for section, names in LATER_KEYS.items():
        params: Any = recipe
        part: dict[str, Any] = content
        for word in section.split("."):
            params = getattr(params, word, None)
            part = part.get(word) or {}
        for name in names if params is not None else ():
            if getattr(params, name) == type(params).model_fields[name].default:
                del part[name]
    text = format_json(content)
    return hashlib.sha256(text.encode()).hexdigest()


def pipeline_sha256() -> str:
    """Return one sha256 of the sources of all stages and schemas."""
    names = ("schemas", "pipelines")
    return sources_sha256({f"somobench.{name}": name for name in names})
