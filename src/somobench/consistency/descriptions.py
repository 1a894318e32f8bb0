"""The manifest against the arrays, axes and names that its files hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.catalog.storage.hashing import describe_grid, describe_table
from somobench.schemas.errors import Failure
from somobench.schemas.grids import list_complete
from somobench.schemas.manifest import SCHEMA_VERSION, ArrayRecord, Manifest

MANIFEST, STATIONS = "MANIFEST.json", "stations.parquet"
DATA_ENDINGS = (".parquet", ".zarr.zip")
PREDICTIONS = "predictions_"
MEAN_TOLERANCE = 1e-6  # of a mean: sums run in another order elsewhere
TARGET_ABOVE = "soil_moisture_above"
FROM_DAYS = ("day_of_year", "climatology", TARGET_ABOVE)
"""Inputs that no file holds by this name as a variable of days."""


def find_other_descriptions(
    folder: Path,
    manifest: Manifest,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> list[Failure]:
    """Compare what the manifest says of arrays, days, layers and inputs."""
    failures = [*_find_unlisted(folder, manifest)]
    described = [(f"{name}.parquet", describe_table(it)) for name, it in tables.items()]
    described += [(f"{name}.zarr.zip", describe_grid(it)) for name, it in grids.items()]
    for name, arrays in described:
        if name in manifest.files:
            failures += _compare_arrays(name, manifest.files[name].arrays, arrays)
    if "targets" in grids:
        failures += _compare_axes(manifest, grids["targets"])
    failures += _judge_left_out(manifest)
    if "stations" in tables:
        used = tables["stations"]["network"]
        named = sorted(set(manifest.networks) - {*used})
        if named:
            yields = "networks of stations.parquet"
            failures.append(_fail("networks", ", ".join(named), yields))
    return [*failures, *_judge_inputs(manifest, grids), *_judge_origin(manifest, grids)]


def _fail(where: str, found: object, expected: object) -> Failure:
    return Failure(f"{MANIFEST} {where}".strip(), str(found), str(expected))


def _find_unlisted(folder: Path, manifest: Manifest) -> Iterator[Failure]:
    for path in sorted(folder.iterdir()):
        if path.name.endswith(DATA_ENDINGS) and path.name not in manifest.files:
            yield Failure(path.name, "data", "a file that MANIFEST.json lists, or none")


def _compare_arrays(
    file: str, listed: Mapping[str, ArrayRecord], held: Mapping[str, ArrayRecord]
) -> Iterator[Failure]:
    if set(listed) != set(held):
        other = sorted(set(listed) ^ set(held))
        yield _fail(file, f"not the same arrays: {', '.join(other)}", sorted(held))
    for name in sorted(set(listed) & set(held)):
        for field, found in listed[name].model_dump().items():
            expected = getattr(held[name], field)
            if not _is_same(field, found, expected):
                yield _fail(f"{file} {name} {field}", found, expected)


def _is_same(field: str, found: Any, expected: Any) -> bool:
    if field != "mean" or found is None or expected is None:
        return bool(found == expected)
    return math.isclose(found, expected, rel_tol=MEAN_TOLERANCE, abs_tol=1e-8)


def _compare_axes(manifest: Manifest, targets: xr.Dataset) -> Iterator[Failure]:
    days = targets["time"].to_numpy()
    period = tuple(str(day)[:10] for day in days[[0, -1]]) if days.size else ()
    found = tuple(str(day) for day in manifest.period)
    if found != period:
        yield _fail("period", found, f"{period}, the days of targets.zarr.zip")
    slope = targets["scale_slope"].transpose("layer", "cell").to_numpy()
    present = np.isfinite(slope).any(axis=1)
    layers = tuple(int(layer) for layer in targets["layer"].to_numpy()[present])
    if tuple(manifest.layers) != layers:
        yield _fail("layers", manifest.layers, f"{layers}, those that have targets")
    resolution = targets.attrs.get("grid_resolution", manifest.grid_resolution)
    if not math.isclose(float(resolution), manifest.grid_resolution):
        yield _fail("grid_resolution", manifest.grid_resolution, resolution)


def _judge_inputs(
    manifest: Manifest, grids: Mapping[str, xr.Dataset]
) -> Iterator[Failure]:
    """Judge feature sets: no day to come, inputs that are there, and what they know."""
    known = {
        *FROM_DAYS,
        *(list_complete(grids["forcing"]) if "forcing" in grids else ()),
    }
    for name, record in manifest.feature_sets.items():
        where = f"feature_sets {name}"
        if any(lag < 0 for lag in record.lags):
            yield _fail(f"{where} lags", record.lags, "days before or the day itself")
        other = sorted(set(record.variables) - known)
        if other and "forcing" in grids:
            yield _fail(f"{where} variables", ", ".join(other), sorted(known))
        needs = TARGET_ABOVE in record.variables
        if record.needs_observations != needs:
            yield _fail(f"{where} needs_observations", not needs, needs)


def _judge_left_out(manifest: Manifest) -> Iterator[Failure]:
    """Judge that nothing is carried and left out, and that splits have predictions."""
    for name, carried, other in (
        ("splits_left_out", manifest.splits, manifest.splits_left_out),
        ("feature_sets_refused", manifest.feature_sets, manifest.feature_sets_refused),
        ("layers_left_out", map(str, manifest.layers), manifest.layers_left_out),
    ):
        both = sorted({*carried} & {*map(str, other)})
        if both:
            yield _fail(name, ", ".join(both), "only what isn't carried")
    if not manifest.rungs:
        return
    scored = {f"{PREDICTIONS}{split}.zarr.zip" for split in manifest.splits}
    if scored - set(manifest.assets):
        lacking = ", ".join(sorted(scored - set(manifest.assets)))
        yield _fail("assets", f"no {lacking}", "predictions of every split")


def _judge_origin(
    manifest: Manifest, grids: Mapping[str, xr.Dataset]
) -> Iterator[Failure]:
    """Judge who is credited, and whose mean and variance the targets are said to have.

    Layers that aren't scaled to the reanalysis say so: their slope is 1.
    """
    if not manifest.sources:
        yield _fail("sources", "none", "what the release was built from")
    if manifest.schema_version != SCHEMA_VERSION:
        yield _fail("schema_version", manifest.schema_version, SCHEMA_VERSION)
    listed = STATIONS in manifest.files
    if manifest.redistributable != listed:
        passed_on = (
            f"{manifest.redistributable}, {'with' if listed else 'without'} {STATIONS}"
        )
        expected = "true exactly where stations are passed on"
        yield _fail("redistributable", passed_on, expected)
    if manifest.predecessor == manifest.release:
        yield _fail("predecessor", manifest.predecessor, "an earlier release")
    if "targets" not in grids:
        return
    targets = grids["targets"]
    named = {str(it) for it in np.unique(targets["primary_network"])} - {""}
    yield from _find_missing("networks", named, manifest.networks)
    overlap = targets["overlap_days"].transpose("layer", "cell").to_numpy() > 0
    for layer, scaled in zip(targets["layer"].to_numpy(), overlap, strict=True):
        said = manifest.target_moments_from.get(str(layer))
        if scaled.any() and said != "reanalysis":
            where = f"target_moments_from {layer}"
            yield _fail(where, said, "reanalysis: the targets are scaled to it")
    references = str(targets.attrs.get("reference_by_layer", "")).split()
    if references and len(references) != targets.sizes["layer"]:
        found = f"reference_by_layer of {len(references)}"
        expected = f"{targets.sizes['layer']}, one a layer"
        yield Failure("targets.zarr.zip", found, expected)


def _find_missing(
    where: str, needed: set[str], listed: Iterable[str]
) -> Iterator[Failure]:
    """Releases older than the list have an empty one."""
    lacking = sorted(needed - set(listed))
    if lacking and listed:
        yield _fail(where, f"no {', '.join(lacking)}", "all behind the targets")
