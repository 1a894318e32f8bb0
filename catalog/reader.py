"""Open one feature set of one release: files, view, attributes.

The three doors of the catalog and of the package all end here.
"""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import xarray as xr

from somobench.catalog.preparation import add_masks, add_normalisation, add_statics
from somobench.catalog.release_files import (
    CELLS,
    SPLITS,
    ReleaseFiles,
    check_definition,
    raise_file_errors,
)
from somobench.catalog.request import MASKS, NORMALISATION, STATICS, DatasetRequest
from somobench.catalog.resolve import Release
from somobench.catalog.split_view import SplitView, index_cells, view_split
from somobench.catalog.view import (
    day_of_year,
    make_cell_coords,
    take_layer_above,
    view_climatology,
    view_forcing,
    view_targets,
)
from somobench.schemas.manifest import FeatureSetRecord

DERIVED = ("day_of_year", "climatology", "soil_moisture_above")
"""Variables of a feature set that no grid holds under this name."""
TARGET = "soil_moisture"
DESCRIBING = (
    *("is_gapfilled", "scale_is_full_record", "role"),
    *("is_train", "is_validation", "is_test", "has_inputs"),
    *("normalisation_mean", "normalisation_std", "target_mean", "target_std"),
)
"""Variables of a view that are neither its target nor an input, in their order."""


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
    check_definition(request.feature_set, definition)
    with raise_file_errors(f"of release {release.id}"):
        view = _read_view(release, request, definition, lazy=lazy)
    return _add_attrs(view, release, request)


def _read_view(
    release: Release,
    request: DatasetRequest,
    definition: FeatureSetRecord,
    *,
    lazy: bool,
) -> xr.Dataset:
    files = ReleaseFiles(release, lazy=lazy)
    targets = files.targets(definition.layers)
    cells = files.table(CELLS)
    split = _view_split(files, request, definition, targets, cells)
    features = split.features if split else xr.Dataset()
    role = split.role if split else None
    view = view_targets(targets, features, request.scaling, role)
    names = tuple(name for name in definition.variables if name not in DERIVED)
    if names:
        forcing = files.forcing(names, targets)
        view = view.assign(view_forcing(forcing, definition, names).data_vars)
    if "soil_moisture_above" in definition.variables:
        view["soil_moisture_above"] = take_layer_above(view["soil_moisture"])
    if "day_of_year" in definition.variables:
        view["day_of_year"] = day_of_year(view["time"])
    if "climatology" in definition.variables and split:
        view["climatology"] = view_climatology(features, targets, request.scaling)
    if role is not None:
        view["role"] = role
    table = split.cells if split else index_cells(cells, targets)
    view = view.assign_coords(make_cell_coords(table))
    view = _select_layer(view, request)
    view = _order_variables(_prepare(view, features, request))
    return _load_coords(view) if lazy else view.load()


def _view_split(
    files: ReleaseFiles,
    request: DatasetRequest,
    definition: FeatureSetRecord,
    targets: xr.Dataset,
    cells: pd.DataFrame,
) -> SplitView | None:
    """Return the split that is asked for, with features where something needs them."""
    if request.split is None:
        return None
    needed = request.scaling == "train" or "climatology" in definition.variables
    return view_split(
        request.split,
        targets=targets,
        features=files.features() if needed else None,
        splits=files.table(SPLITS),
        cells=cells,
    )


def _select_layer(view: xr.Dataset, request: DatasetRequest) -> xr.Dataset:
    """Select the layer asked for; the first has no layer above, and no variable."""
    if request.layer is None:
        return view
    is_first = int(view["layer"].min()) == request.layer
    if is_first:
        view = view.drop_vars("soil_moisture_above", errors="ignore")
    return view.sel(layer=request.layer)


def _prepare(
    view: xr.Dataset, features: xr.Dataset, request: DatasetRequest
) -> xr.Dataset:
    """Add what is asked for beside inputs and target."""
    if STATICS in request.include:
        view = add_statics(view)
    inputs = _list_inputs(view)
    if MASKS in request.include:
        view = add_masks(view, inputs)
    if NORMALISATION in request.include:
        view = add_normalisation(view, features, inputs)
    return view


def _list_inputs(view: xr.Dataset) -> list[str]:
    return sorted({str(name) for name in view.data_vars} - {TARGET, *DESCRIBING})


def _load_coords(view: xr.Dataset) -> xr.Dataset:
    """Load the coordinates, which are small, so that labels can be compared."""
    loaded = view.coords.to_dataset().compute(scheduler="synchronous")
    return view.assign_coords(loaded.coords)


def _order_variables(view: xr.Dataset) -> xr.Dataset:
    """Put the target first, then the inputs by name, then what describes them."""
    last = [name for name in DESCRIBING if name in view]
    inputs = [name for name in _list_inputs(view) if name not in last]
    return view[[TARGET, *inputs, *last]]


def _add_attrs(
    view: xr.Dataset, release: Release, request: DatasetRequest
) -> xr.Dataset:
    """Add the attributes that say what the data are and where they come from."""
    view = view.drop_encoding()
    view["cell"].attrs = {"cf_role": "timeseries_id", "long_name": "grid cell"}
    view["latitude"].attrs = {"units": "degrees_north", "standard_name": "latitude"}
    view["longitude"].attrs = {"units": "degrees_east", "standard_name": "longitude"}
    target = view["soil_moisture"]
    target.attrs["scaling"] = request.scaling
    target.attrs["target_moments_from"] = _describe_moments(release, request, view)
    view.attrs = _make_global_attrs(release, request)
    return view


def _describe_moments(
    release: Release, request: DatasetRequest, view: xr.Dataset
) -> str:
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


def _make_global_attrs(release: Release, request: DatasetRequest) -> dict[str, Any]:
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
