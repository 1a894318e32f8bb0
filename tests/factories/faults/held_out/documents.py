"""Defects of the manifest and of what is written for readers and indexes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from factories.faults.vouched import Defect, in_json, in_text, replace_text

MANIFEST, VALIDATION, CROISSANT = "MANIFEST.json", "validation.json", "croissant.json"
CITATION, README = "CITATION.cff", "README.md"


def setting(value: Any, *keys: Any) -> Callable[[Any], None]:
    """Put a value under keys, one in another."""

    def change(content: Any) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


def removing(*keys: Any) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return change


def swap_definitions(content: Any) -> None:
    splits = content["splits"]
    splits["spatial"], splits["ungauged"] = splits["ungauged"], splits["spatial"]


def unlist(name: str) -> Defect:
    return in_json(MANIFEST, removing("files", name))


def empty(name: str) -> Defect:
    return lambda folder: replace_text(folder / name, "")


def add_a_grid(folder: Path) -> None:
    (folder / "extra.zarr.zip").write_bytes((folder / "targets.zarr.zip").read_bytes())


ARRAYS = ("files", "targets.zarr.zip", "arrays")
DOCUMENTS: dict[str, Defect] = {
    "another licence": in_json(MANIFEST, setting("CC-BY-4.0", "licence_spdx")),
    "a period to 2100": in_json(MANIFEST, setting("2100-12-31", "period", 1)),
    "a period from 2015": in_json(MANIFEST, setting("2015-01-01", "period", 0)),
    "a finer grid": in_json(MANIFEST, setting(0.1, "grid_resolution")),
    "the id of another release": in_json(MANIFEST, setting("virtual-1.1.0", "release")),
    "its own predecessor": in_json(MANIFEST, setting("virtual-2.0.0", "predecessor")),
    "a layer less": in_json(MANIFEST, setting([1, 2], "layers")),
    "a network left out": in_json(MANIFEST, removing("networks", 3)),
    "no sources": in_json(MANIFEST, setting([], "sources")),
    "a source's hash cut": in_json(MANIFEST, setting("fdc0", "sources", 0, "sha256")),
    "a lag of the next day": in_json(
        MANIFEST, setting([-1, 0, 1], "feature_sets", "memory", "lags")
    ),
    "a feature that nothing holds": in_json(
        MANIFEST,
        setting(
            ["precipitation", "snow_depth"], "feature_sets", "forcing", "variables"
        ),
    ),
    "observations that aren't told": in_json(
        MANIFEST, setting(False, "feature_sets", "state", "needs_observations")
    ),
    "the target as its own feature": in_json(
        MANIFEST,
        setting(
            ["precipitation", "soil_moisture"], "feature_sets", "forcing", "variables"
        ),
    ),
    "moments said to be measured": in_json(
        MANIFEST, setting({}, "target_moments_from")
    ),
    "a former array's hash": in_json(
        MANIFEST, setting("0" * 64, *ARRAYS, "soil_moisture", "sha256")
    ),
    "another array's mean": in_json(
        MANIFEST, setting(0.5, *ARRAYS, "soil_moisture", "mean")
    ),
    "another array's shape": in_json(
        MANIFEST, setting([3, 41, 2192], *ARRAYS, "soil_moisture", "shape")
    ),
    "units of percent": in_json(
        MANIFEST, setting("%", *ARRAYS, "soil_moisture", "units")
    ),
    "an array left out": in_json(MANIFEST, removing(*ARRAYS, "is_gapfilled")),
    "scores unlisted": unlist("scores.parquet"),
    "targets unlisted": unlist("targets.zarr.zip"),
    "a grid that isn't listed": add_a_grid,
    "an audit of other counts": in_json(
        MANIFEST, setting(99, "splits", "spatial", "audit", "cells", "test")
    ),
    "an audit that hides shared cells": in_json(
        MANIFEST, setting(0, "splits", "temporal", "audit", "cells_in_train_and_test")
    ),
    "another embargo": in_json(
        MANIFEST, setting(30, "splits", "temporal", "definition", "embargo_days")
    ),
    "another start of test": in_json(
        MANIFEST,
        setting(
            "2019-07-01", "splits", "temporal", "definition", "parameters", "test_start"
        ),
    ),
    "splits of exchanged definitions": in_json(MANIFEST, swap_definitions),
    "a split left out": in_json(MANIFEST, removing("splits", "spatial")),
    "a rung left out": in_json(MANIFEST, removing("rungs", "temporal", "persistence")),
    "validation of another release": in_json(
        VALIDATION, setting("virtual-1.1.0", "release")
    ),
    "validation: nothing": in_json(VALIDATION, lambda it: it.clear()),
    "validation: half a file": in_text(VALIDATION, lambda it: it[: len(it) // 2]),
    "validation: a broken promise": in_json(
        VALIDATION,
        setting(0.3, "scaled_targets_against_reference", "largest_mean_difference"),
    ),
    "validation: NaN": in_text(VALIDATION, lambda it: it.replace("1.295e-06", "NaN")),
    "validation: other cells": in_json(
        VALIDATION, setting(39, "stages", "targets", "cells", "kept")
    ),
    "validation: another climate": in_json(
        VALIDATION, setting(9.9, "report", "cells", "dryness", 0)
    ),
    "validation: a stage left out": in_json(VALIDATION, removing("stages", "splits")),
    "validation: another audit": in_json(
        VALIDATION,
        setting(0, "stages", "splits", "splits", "spatial", "audit", "cells", "test"),
    ),
    "croissant: a former hash": in_json(
        CROISSANT, setting("0" * 64, "distribution", 0, "sha256")
    ),
    "croissant: a former size": in_json(
        CROISSANT, setting("1 B", "distribution", 0, "contentSize")
    ),
    "croissant: a file left out": in_json(CROISSANT, removing("distribution", 0)),
    "croissant: a former version": in_json(CROISSANT, setting("1.1.0", "version")),
    "croissant: a former name": in_json(CROISSANT, setting("virtual-1.1.0", "name")),
    "croissant: another licence": in_json(CROISSANT, setting("CC-BY-4.0", "license")),
    "croissant: other units": in_json(
        CROISSANT, setting("degC", "variableMeasured", 0, "unitText")
    ),
    "croissant: no JSON": in_text(CROISSANT, lambda it: it[:-3]),
    "citation: a former version": in_text(
        CITATION, lambda it: it.replace("virtual-2.0.0", "virtual-1.1.0")
    ),
    "citation: another licence": in_text(
        CITATION, lambda it: it.replace("CC0-1.0", "CC-BY-4.0")
    ),
    "citation: a network left out": in_text(
        CITATION, lambda it: it.replace("VNET-RANGE", "VNET-PLAINS")
    ),
    "citation: no title": in_text(
        CITATION, lambda it: it.replace("title: SoMoBench virtual world\n", "")
    ),
    "citation: half a file": in_text(
        CITATION, lambda it: it[: len(it) // 2] + "\n -x: ["
    ),
    "citation: nothing": empty(CITATION),
    "readme of another release": in_text(
        README, lambda it: it.replace("virtual-2.0.0", "virtual-1.1.0")
    ),
    "readme: another licence": in_text(
        README, lambda it: it.replace("CC0-1.0", "CC-BY-4.0")
    ),
    "readme: nothing": empty(README),
    "report: nothing": empty("report.html"),
}
