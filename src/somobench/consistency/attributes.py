"""Attributes of grids against the vocabulary, each other and the reports of stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import xarray as xr

from somobench.consistency.rules import has_rules_of_today
from somobench.schemas.errors import Failure
from somobench.schemas.manifest import Manifest
from somobench.schemas.variables import VARIABLES

FLAGS = {
    "is_gapfilled": "primary_or_none gap_filled",
    "climatology_source": "own_train_days other_train_cells reanalysis none",
}
SHARED = ("day_definition", "grid_resolution", "reference", "reference_by_layer")
OF_FORCING = ("day_definition", "grid_registration", "grid_resolution", "remapping")
SCALED_BY_TRAIN_DAYS = {"climatology": {"scaling": "train"}}
LEFT_OUT = {"scale_is_full_record": "left_out_of_train_values"}
SOIL = "reanalysis_soil_moisture"


def find_other_attributes(
    reports: Mapping[str, Any],
    manifest: Manifest,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> list[Failure]:
    """Return attributes that contradict what they describe; absent ones are left."""
    failures = [*_compare_shared(manifest, grids)]
    if "stations" in tables and "targets" in grids:
        failures += _compare_days(reports, tables["stations"], grids["targets"])
    for file, grid in grids.items():
        for name, array in grid.variables.items():
            failures += _compare_array(f"{file}.zarr.zip {name}", str(name), array)
    if "forcing" in grids:
        failures += _compare_forcing(reports.get("forcing", {}), grids["forcing"])
    if "features" in grids and has_rules_of_today(manifest):
        for name, attribute in LEFT_OUT.items():
            if attribute not in grids["features"][name].attrs:
                where = f"features.zarr.zip {name}"
                expected = f"{attribute}, as train targets leave values out"
                failures.append(Failure(where, f"no {attribute}", expected))
    return failures


def _fail_unless(where: str, found: object, expected: object) -> Iterator[Failure]:
    if found != expected:
        yield Failure(where, str(found), str(expected))


def _compare_array(where: str, name: str, array: xr.Variable) -> Iterator[Failure]:
    """Hold an array's name in CF, its unit and the meaning of its flags to ours."""
    known, attrs = VARIABLES.get(name), array.attrs
    if known is not None:
        standard = attrs.get("standard_name", known.standard_name)
        yield from _fail_unless(f"{where} standard_name", standard, known.standard_name)
    if name in FLAGS and "flag_meanings" in attrs:
        found = attrs["flag_meanings"]
        yield from _fail_unless(f"{where} flag_meanings", found, FLAGS[name])
    for key, expected in SCALED_BY_TRAIN_DAYS.get(name, {}).items():
        yield from _fail_unless(f"{where} {key}", attrs.get(key, expected), expected)


def _compare_shared(
    manifest: Manifest, grids: Mapping[str, xr.Dataset]
) -> Iterator[Failure]:
    """Compare what several files say of days, grid and reference."""
    for key in SHARED:
        said = {
            f"{name}.zarr.zip": grid.attrs[key]
            for name, grid in grids.items()
            if key in grid.attrs
        }
        if key == "grid_resolution":
            said["MANIFEST.json"] = manifest.grid_resolution
        if len({*map(str, said.values())}) > 1:
            yield Failure(key, str(said), "the same in every file")
    targets = grids.get("targets")
    if targets is None:
        return
    references = str(targets.attrs.get("reference_by_layer", "")).split()
    if len(references) == targets.sizes["layer"]:
        for layer, name in zip(targets["layer"].to_numpy(), references, strict=True):
            said_by = manifest.target_moments_from.get(str(layer))
            expected = "reanalysis" if name != "none" else "observations"
            where = f"reference_by_layer of layer {layer}"
            if said_by is not None:
                yield from _fail_unless(f"targets.zarr.zip {where}", expected, said_by)


def _compare_days(
    reports: Mapping[str, Any], stations: pd.DataFrame, targets: xr.Dataset
) -> Iterator[Failure]:
    """Compare in which days sensors behind targets count with what targets say."""
    said = targets.attrs.get("day_definition")
    if said is None:
        return
    try:
        used = {
            str(sensor)
            for item in reports["targets"]["sources"]
            for sensor in (item["primary"], *item["gap-filling"])
        }
    except (KeyError, TypeError):  # refused where the report is read
        used = set()
    behind = stations[stations["sensor_id"].isin(used)] if used else stations
    others = sorted({*behind["day_definition"]} - {*str(said).split()})
    if others:
        yield Failure("stations.parquet day_definition", str(others), str(said))


def _compare_forcing(
    report: Mapping[str, Any], forcing: xr.Dataset
) -> Iterator[Failure]:
    """Compare how the weather came onto the cells with what its stage reports."""
    said = report.get("grid", {})
    for key in OF_FORCING:
        if key in said and key in forcing.attrs:
            where = f"forcing.zarr.zip {key}"
            yield from _fail_unless(where, forcing.attrs[key], said[key])
    layers = (report.get("reference") or {}).get("layers", {})
    given = forcing[SOIL].attrs.get("layer_weights") if SOIL in forcing else None
    if layers and given is not None:
        expected = {
            layer: {name: float(it) for name, it in record["weights"].items()}
            for layer, record in layers.items()
        }
        where = f"forcing.zarr.zip {SOIL} layer_weights"
        yield from _fail_unless(where, _parse_weights(given), expected)


def _parse_weights(text: str) -> dict[str, dict[str, float]] | str:
    """Read `1: 0.7 swvl1 + 0.3 swvl2; 2: ...`; return it as it is where it is none."""
    try:
        weights: dict[str, dict[str, float]] = {}
        for part in text.split(";"):
            layer, terms = part.split(":")
            pairs = (term.split() for term in terms.split("+"))
            weights[layer.strip()] = {name: float(weight) for weight, name in pairs}
    except ValueError:
        return text
    return weights
