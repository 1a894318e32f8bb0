"""Build a complete release folder, small enough to check by hand."""

from __future__ import annotations

import datetime as dt
import functools
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from factories.days import grid_coords, make_cells, make_forcing, make_splits
from somobench.catalog.generate import add_release
from somobench.catalog.request import DatasetRequest
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.atomic import write_parquet, write_text
from somobench.catalog.storage.hashing import describe_file
from somobench.schemas.manifest import (
    FeatureSetRecord,
    Manifest,
    SourceRecord,
    SplitRecord,
)
from somobench.schemas.variables import get_attrs
from somobench.splits import split_sha256

RELEASE = "toy-0.1.0"
WEATHER = ("precipitation", "air_temperature")
LAGS = (0, 1, 2, 3)
LAYERS = (1, 2, 3)
DAYS = 10
ZEROS = "0" * 64

REQUEST = DatasetRequest(
    feature_set="state", scaling="train", split="temporal", layer=2
)

FULL_SLOPE, FULL_OFFSET = 0.5, 0.1
TRAIN_SLOPE, TRAIN_OFFSET = 0.25, 0.2


def in_situ(*, count: int = 2) -> np.ndarray:
    """Return values that float32 holds exactly: layer/8 + day/64, cells alike."""
    layers = np.array(LAYERS).reshape(3, 1, 1) / 8
    series = np.arange(DAYS).reshape(1, 1, DAYS) / 64
    values = np.broadcast_to(layers + series, (3, count, DAYS)).astype("float32")
    values = values.copy()
    values[:, 0, 4] = np.nan
    return values


def make_targets(*, count: int = 2) -> xr.Dataset:
    """Return targets scaled as 0.1 + 0.5 x in situ; day 4 of cell 0 is missing."""
    targets = xr.Dataset(coords=grid_coords(count=count, length=DAYS))
    measured = in_situ(count=count)
    scaled = np.round(FULL_OFFSET + FULL_SLOPE * measured.astype("float64"), 5)
    series = ("layer", "cell", "time")
    targets["soil_moisture"] = (
        series,
        scaled.astype("float32"),
        get_attrs("soil_moisture"),
    )
    targets["soil_moisture_in_situ"] = (
        series,
        measured,
        get_attrs("soil_moisture_in_situ"),
    )
    filled = np.zeros(measured.shape, "int8")
    filled[:, :, -1] = 1
    targets["is_gapfilled"] = (series, filled)
    targets["scale_slope"] = (series[:2], np.full((3, count), FULL_SLOPE))
    targets["scale_offset"] = (series[:2], np.full((3, count), FULL_OFFSET))
    return targets


def make_features(*, count: int = 2) -> xr.Dataset:
    """Return train factors and a climatology of day_of_year/1000 + layer/10."""
    shape = (1, 3, count)
    coords = {
        name: value
        for name, value in grid_coords(count=count).items()
        if name not in {"time", "layer_depth_from", "layer_depth_to"}
    }
    features = xr.Dataset(
        coords={
            **coords,
            "split": ["temporal"],
            "day_of_year": np.arange(1, 367, dtype="int16"),
            "variable": list(WEATHER),
        }
    )
    by = ("split", "layer", "cell")
    held_out = np.zeros(shape, "int8")
    held_out[..., -1] = 1
    features["scale_slope"] = (by, np.full(shape, TRAIN_SLOPE))
    features["scale_offset"] = (by, np.full(shape, TRAIN_OFFSET))
    features["scale_is_full_record"] = (by, held_out)
    day = features["day_of_year"].to_numpy() / 1000
    layer = np.array(LAYERS).reshape(1, 3, 1, 1) / 10
    climatology = np.broadcast_to(layer + day, (*shape, 366)).astype("float32")
    features["climatology"] = (
        (*by, "day_of_year"),
        climatology,
        get_attrs("climatology"),
    )
    features["climatology_source"] = (by, np.zeros(shape, "int8"))
    features["normalisation_mean"] = (("split", "variable"), np.zeros((1, 2)))
    features["normalisation_std"] = (("split", "variable"), np.ones((1, 2)))
    return features


def feature_sets() -> dict[str, FeatureSetRecord]:
    """Return the definitions of the four feature sets."""
    memory = (*WEATHER,)
    state = (*memory, "skin_temperature", "soil_moisture_above")
    listed = {
        "climatology": (("day_of_year", "climatology"), (0,), False),
        "forcing": (memory, (0,), False),
        "memory": (memory, LAGS, False),
        "state": (state, LAGS, True),
    }
    return {
        name: FeatureSetRecord(
            variables=variables,
            lags=lags,
            needs_observations=needs,
            layers=LAYERS,
            description=f"{name} of the toy release",
        )
        for name, (variables, lags, needs) in listed.items()
    }


def make_release(
    root: Path, *, release: str = RELEASE, count: int = 2, title: str = "Toy"
) -> Path:
    """Write a release folder below `root` and return it."""
    folder = root / release
    folder.mkdir(parents=True)
    write_zarr_zip(make_targets(count=count), folder / "targets.zarr.zip")
    write_zarr_zip(make_forcing(count=count, length=DAYS), folder / "forcing.zarr.zip")
    write_zarr_zip(make_features(count=count), folder / "features.zarr.zip")
    write_parquet(make_splits(count=count), folder / "splits.parquet")
    write_parquet(make_cells(count=count), folder / "cells.parquet")
    write_text(f"# {title}\n", folder / "README.md")
    write_manifest(folder, title=title)
    return folder


def write_manifest(folder: Path, *, title: str = "Toy") -> Manifest:
    """Describe the files of a release folder and write its manifest."""
    files = {
        path.name: describe_file(path)
        for path in sorted(folder.iterdir())
        if path.name != "MANIFEST.json"
    }
    table = folder / "splits.parquet"
    rows = ZEROS
    if table.is_file():
        splits = pd.read_parquet(table)
        rows = split_sha256(splits[splits["split"] == "temporal"])
    manifest = Manifest(
        schema_version="1",
        release=folder.name,
        title=title,
        description="A release for tests.",
        licence_spdx="CC0-1.0",
        redistributable=True,
        predecessor=None,
        period=(dt.date(2018, 1, 1), dt.date(2018, 1, DAYS)),
        grid_resolution=0.25,
        layers=LAYERS,
        layers_left_out={"4": "no sensor at this depth"},
        target_moments_from={"1": "reanalysis", "2": "reanalysis", "3": "observations"},
        feature_sets=feature_sets(),
        feature_sets_refused={"radar": "no source of radar data"},
        splits={"temporal": SplitRecord(definition={}, sha256=rows, audit={})},
        splits_left_out={"spatial": "2 cells, at least 10 are needed"},
        sources=(
            SourceRecord(
                role="stations",
                source="ismn",
                name="toy stations",
                sha256=ZEROS,
                size=1,
                producer="SoMoBench",
                licence="CC0-1.0",
                citation="Made by hand.",
            ),
        ),
        recipe_sha256=ZEROS,
        package_version="0.1.0",
        pipeline_sha256=ZEROS,
        files=files,
    )
    text = manifest.model_dump_json(indent=2)
    write_text(text + "\n", folder / "MANIFEST.json")
    return manifest


def role_codes() -> list[int]:
    """Return the roles of ten days in the factory's split: 5 train, 2, 3 test."""
    return [1] * 5 + [2] * 2 + [3] * 3


@functools.cache
def _built() -> Path:
    """Build the toy release once a process."""
    return make_release(Path(tempfile.mkdtemp(prefix="somobench-toy-")))


def copy_release(root: Path) -> Path:
    """Put a fresh copy of the toy release below `root` and return its folder."""
    return Path(shutil.copytree(_built(), root / RELEASE))


def make_catalog(root: Path, folder: Path, *base_urls: str) -> Path:
    """Generate a catalog below `root` that pins one release; return its folder."""
    catalog = root / "catalog"
    (catalog / "releases").mkdir(parents=True)
    add_release(folder, catalog, base_urls=base_urls)
    return catalog
