"""Open one feature set of one release: files, view, attributes.

The three doors of the catalog and of the package all end here.
"""

from __future__ import annotations

import json
from typing import Any

import xarray as xr

from somobench.catalog.release_files import (
    FEATURES,
    TARGETS,
    ReleaseFiles,
    check_definition,
    reading,
)
from somobench.catalog.request import DatasetRequest
from somobench.catalog.resolve import Release
from somobench.catalog.view import (
    cell_coords,
    climatology_view,
    day_of_year,
    forcing_view,
    layer_above,
    role_view,
    target_view,
)

__all__ = ["CELLS", "FEATURES", "SPLITS", "TARGETS", "read_feature_set"]

SPLITS = "splits.parquet"
CELLS = "cells.parquet"
DERIVED = ("day_of_year", "climatology", "soil_moisture_above")
"""Variables of a feature set that no grid holds under this name."""


def read_feature_set(
    release: Release, request: DatasetRequest, *, lazy: bool = False
) -> xr.Dataset:
    """Return a feature set with its target.

    Parameters
    ----------
    release : Release
    request : DatasetRequest
    lazy : bool
        Dask-backed, chunked as the files are; else in memory.

    Returns
    -------
    Dataset
        Target (layer, cell, time), or (cell, time) where one layer is asked for;
        inputs (cell, time) or (cell, time, lag).

    Raises
    ------
    UnknownNameError
        If the release doesn't carry what is asked for.
    IntegrityError
        If a file isn't the published one.
    """
    request.check_against(release.manifest)
    definition = release.manifest.feature_sets[request.feature_set]
    has_climatology = "climatology" in definition.variables
    needs_features = request.split is not None and (
        request.scaling == "train" or has_climatology
    )
    check_definition(request.feature_set, definition)
    files = ReleaseFiles(release, lazy=lazy)
    targets = files.targets(definition.layers)
    features = files.features() if needs_features else None
    role = None
    if request.split is not None:
        role = role_view(files.table(SPLITS), targets, request.split)
    view = target_view(targets, features, request, role)
    names = tuple(name for name in definition.variables if name not in DERIVED)
    if names:
        forcing = files.forcing(names, targets)
        view = view.assign(forcing_view(forcing, definition, names).data_vars)
    if "soil_moisture_above" in definition.variables:
        view["soil_moisture_above"] = layer_above(view["soil_moisture"])
    if "day_of_year" in definition.variables:
        view["day_of_year"] = day_of_year(view["time"])
    if has_climatology and features is not None:
        view["climatology"] = climatology_view(features, targets, request)
    if role is not None:
        view["role"] = role
    view = view.assign_coords(cell_coords(files.table(CELLS), targets))
    view = _ordered(_select_layer(view, request))
    with reading(f"of release {release.id}"):
        view = _with_loaded_coords(view) if lazy else view.load()
    return _described(view, release, request)


def _select_layer(view: xr.Dataset, request: DatasetRequest) -> xr.Dataset:
    """Select the layer asked for; the first has no layer above, and no variable."""
    if request.layer is None:
        return view
    is_first = int(view["layer"].min()) == request.layer
    if is_first:
        view = view.drop_vars("soil_moisture_above", errors="ignore")
    return view.sel(layer=request.layer)


def _with_loaded_coords(view: xr.Dataset) -> xr.Dataset:
    """Load the coordinates, which are small, so that labels can be compared."""
    loaded = view.coords.to_dataset().compute(scheduler="synchronous")
    return view.assign_coords(loaded.coords)


def _ordered(view: xr.Dataset) -> xr.Dataset:
    """Put the target first, then the inputs by name, then what describes them."""
    last = ("is_gapfilled", "scale_is_full_record", "role")
    names = [str(name) for name in view.data_vars]
    inputs = sorted(set(names) - set(last) - {"soil_moisture"})
    return view[["soil_moisture", *inputs, *(name for name in last if name in names)]]


def _described(
    view: xr.Dataset, release: Release, request: DatasetRequest
) -> xr.Dataset:
    """Add the attributes that say what the data are and where they come from."""
    view = view.drop_encoding()
    view["cell"].attrs = {"cf_role": "timeseries_id", "long_name": "grid cell"}
    view["latitude"].attrs = {"units": "degrees_north", "standard_name": "latitude"}
    view["longitude"].attrs = {"units": "degrees_east", "standard_name": "longitude"}
    target = view["soil_moisture"]
    target.attrs["scaling"] = request.scaling
    target.attrs["target_moments_from"] = _moments(release, request, view)
    view.attrs = _global_attrs(release, request)
    return view


def _moments(release: Release, request: DatasetRequest, view: xr.Dataset) -> str:
    """Say where the target's mean and variance come from: one word, or by layer."""
    layers = [str(layer) for layer in view["layer"].to_numpy().reshape(-1)]
    if request.scaling == "none":
        return "observations"
    by_layer = {
        layer: release.manifest.target_moments_from.get(layer, "observations")
        for layer in layers
    }
    words = set(by_layer.values())
    return words.pop() if len(words) == 1 else json.dumps(by_layer, sort_keys=True)


def _global_attrs(release: Release, request: DatasetRequest) -> dict[str, Any]:
    manifest = release.manifest
    definition = manifest.feature_sets[request.feature_set]
    cited = dict.fromkeys(source.citation for source in manifest.sources)
    attrs: dict[str, Any] = {
        "Conventions": "CF-1.11",
        "title": manifest.title,
        "release": manifest.release,
        "feature_set": request.feature_set,
        "layer": "all" if request.layer is None else request.layer,
        "scaling": request.scaling,
        "split": request.split or "none",
        "needs_observations": int(definition.needs_observations),
        "manifest_sha256": release.manifest_sha256,
        "schema_version": manifest.schema_version,
        "licence": manifest.licence_spdx,
        "citation": " ".join((f"{manifest.title}, {manifest.release}.", *cited)),
        "comment": (
            "Where target_moments_from is reanalysis, mean and variance of the target"
            " are those of the reanalysis: bias, RMSE, NSE and KGE then partly score"
            " agreement with it."
        ),
    }
    if release.withdrawn:
        attrs["withdrawn"] = release.withdrawn
    return attrs
