"""A small release with rungs of known order, and submissions of known skill."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from factories.releases import ZEROS, feature_sets
from somobench.catalog.split_view import view_split
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.atomic import write_parquet, write_text
from somobench.catalog.storage.hashing import describe_file
from somobench.schemas.manifest import Manifest, SplitRecord
from somobench.schemas.variables import get_attrs
from somobench.scoring.case import ScoringCase, build_case

RELEASE = "skill-0.1.0"
SPLIT = "temporal"
LAYERS = (1, 2)
DAYS, TRAIN_DAYS = 360, 200
CELLS = tuple(f"{40.125 + 0.25 * number}_10.125" for number in range(6))
START = pd.Timestamp("2018-01-01")
TIMES = pd.date_range(START, periods=DAYS, unit="ns")
TEST_TIMES = TIMES[TRAIN_DAYS:]
SLOPE, OFFSET = 0.8, 0.05
SERIES = ("layer", "cell", "time")
# Noise over signal: r falls with it as 1 / sqrt(1 + noise ** 2).
NOISE = {"climatology": 3.0, "ridge_forcing": 1.0, "reanalysis": 0.5}
OBSERVING = "persistence"


def signal(seed: int) -> np.ndarray:
    """Return smooth noise of unit variance, (layer, cell, time)."""
    shape = (len(LAYERS), len(CELLS), DAYS)
    steps = np.random.default_rng(seed).standard_normal(shape)
    values = steps.copy()
    for day in range(1, DAYS):
        values[..., day] = 0.8 * values[..., day - 1] + 0.6 * steps[..., day]
    return values


def _coords() -> dict[str, object]:
    return {
        "cell": list(CELLS),
        "latitude": ("cell", [float(cell.split("_")[0]) for cell in CELLS]),
        "longitude": ("cell", [float(cell.split("_")[1]) for cell in CELLS]),
        "layer": np.array(LAYERS, "int8"),
        "layer_depth_from": ("layer", [0.0, 0.1]),
        "layer_depth_to": ("layer", [0.1, 0.3]),
        "time": TIMES,
    }


def make_targets() -> xr.Dataset:
    """Return targets; every tenth day is missing, and the second layer of a cell."""
    in_situ = np.round(0.25 + 0.02 * signal(1), 5).astype("float32")
    in_situ[:, :, ::10] = np.nan
    in_situ[1, 0] = np.nan
    scaled = np.round(OFFSET + SLOPE * in_situ.astype("float64"), 5)
    targets = xr.Dataset(coords=_coords())
    for name, values in (
        ("soil_moisture", scaled.astype("float32")),
        ("soil_moisture_in_situ", in_situ),
    ):
        targets[name] = (SERIES, values, get_attrs(name))
    present = np.isfinite(in_situ)
    targets["is_gapfilled"] = (SERIES, np.zeros(in_situ.shape, "int8"))
    targets["observation_count"] = (SERIES, np.where(present, 24, 0).astype("int16"))
    there = present.any(axis=2)
    depth = np.array([[0.05], [0.2]])
    for name, dtype, value in (
        ("scale_slope", "float64", np.where(there, SLOPE, np.nan)),
        ("scale_offset", "float64", np.where(there, OFFSET, np.nan)),
        ("overlap_days", "int32", present.sum(axis=2)),
        ("station_count", "int16", there * 1),
        ("accepted_count", "int16", there * 0),
        ("used_count", "int16", there * 1),
        ("station_spread", "float32", np.full(there.shape, np.nan)),
        ("depth_from", "float32", np.where(there, depth, np.nan)),
        ("depth_to", "float32", np.where(there, depth, np.nan)),
    ):
        targets[name] = (SERIES[:2], np.asarray(value).astype(dtype))
    for name in ("primary_network", "primary_station", "primary_sensor"):
        text = np.where(there, name.split("_")[1].upper(), "")
        targets[name] = (SERIES[:2], text)
    return targets


def make_features() -> xr.Dataset:
    """Return factors equal to the full record's, and a flat climatology."""
    coords = {key: value for key, value in _coords().items() if key != "time"}
    days = np.arange(1, 367, dtype="int16")
    coords |= {"split": [SPLIT], "day_of_year": days, "variable": ["precipitation"]}
    features = xr.Dataset(coords=coords).drop_vars(
        ["layer_depth_from", "layer_depth_to"]
    )
    by, shape = ("split", "layer", "cell"), (1, len(LAYERS), len(CELLS))
    full_record = np.zeros(shape, "int8")
    full_record[0, 1, 1] = 1
    for name, value in (
        ("scale_slope", np.full(shape, SLOPE)),
        ("scale_offset", np.full(shape, OFFSET)),
        ("scale_is_full_record", full_record),
        ("climatology_source", np.zeros(shape, "int8")),
    ):
        features[name] = (by, value)
    flat = np.full((*shape, 366), 0.25, "float32")
    features["climatology"] = ((*by, "day_of_year"), flat, get_attrs("climatology"))
    for name in ("normalisation_mean", "normalisation_std"):
        features[name] = (("split", "variable"), np.ones((1, 1)))
    return features


def make_splits() -> pd.DataFrame:
    """Return 200 train days and 160 test days of every cell."""
    rows = [
        (SPLIT, cell, first, last, role)
        for cell in CELLS
        for first, last, role in (
            (TIMES[0], TIMES[TRAIN_DAYS - 1], "train"),
            (TIMES[TRAIN_DAYS], TIMES[-1], "test"),
        )
    ]
    frame = pd.DataFrame(rows, columns=["split", "cell_id", "start", "end", "role"])
    return frame.astype({"start": "datetime64[ns]", "end": "datetime64[ns]"})


def make_cells() -> pd.DataFrame:
    """Return a table of cells in one region and two regimes."""
    dry = np.arange(len(CELLS)) >= 3
    radiation = np.where(dry, 9.8, 2.45)
    return pd.DataFrame(
        {
            "cell_id": CELLS,
            "latitude": [float(cell.split("_")[0]) for cell in CELLS],
            "longitude": [float(cell.split("_")[1]) for cell in CELLS],
            "region": "europe",
            "mean_air_temperature": 285.0,
            "mean_precipitation": 2.0,
            "mean_net_radiation": radiation,
            "dryness": radiation / (2.45 * 2.0),
            "regime": np.where(dry, "water-limited", "energy-limited"),
            "node_count": np.full(len(CELLS), 4, "int8"),
        }
    )


def predicted(noise: float, seed: int = 7) -> xr.DataArray:
    """Return the truth with noise, m3 m-3, on test days: no gaps in it."""
    values = 0.25 + 0.02 * (signal(1) + noise * signal(seed))
    scaled = np.round(OFFSET + SLOPE * values, 5).astype("float32")
    coords = {
        "layer": np.array(LAYERS, "int8"),
        "cell": list(CELLS),
        "time": TEST_TIMES,
    }
    attrs = {"units": "m3 m-3"}
    return xr.DataArray(scaled[..., TRAIN_DAYS:], coords, SERIES, attrs=attrs)


def rung(name: str) -> xr.DataArray:
    """Return what a rung predicts; persistence has no prediction after a gap."""
    if name != OBSERVING:
        return predicted(NOISE[name], seed=11 + sorted(NOISE).index(name))
    before = make_targets()["soil_moisture"].shift(time=1)
    part = before.sel(time=TEST_TIMES).transpose(*SERIES)
    return part.drop_vars(set(part.coords) - set(SERIES))


def make_predictions() -> xr.Dataset:
    """Return the ladder: three rungs, and one that reads observations."""
    names = [*NOISE, OBSERVING]
    coords = _coords() | {"time": TEST_TIMES, "rung": names}
    grid = xr.Dataset(coords=coords, attrs={"split": SPLIT})
    values = np.stack([rung(name).to_numpy() for name in names])
    attrs = get_attrs("soil_moisture") | {"scaling": "train"}
    grid["soil_moisture"] = (("rung", *SERIES), values, attrs)
    grid["needs_observations"] = ("rung", np.array([0, 0, 0, 1], "int8"))
    return grid


def make_case(
    split: str = SPLIT,
    *,
    features: xr.Dataset | None = None,
    splits: pd.DataFrame | None = None,
) -> ScoringCase:
    """Return a split as it is scored."""
    view = view_split(
        split,
        targets=make_targets(),
        features=make_features() if features is None else features,
        splits=make_splits() if splits is None else splits,
        cells=make_cells(),
    )
    return build_case(view, {1: "reanalysis", 2: "observations"})


def write_data(folder: Path) -> Path:
    """Write what stages leave in `data/`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_zarr_zip(make_targets(), folder / "targets.zarr.zip")
    write_zarr_zip(make_features(), folder / "features.zarr.zip")
    write_parquet(make_splits(), folder / "splits.parquet")
    write_parquet(make_cells(), folder / "cells.parquet")
    ladder = folder / "predictions" / f"{SPLIT}.zarr.zip"
    write_zarr_zip(make_predictions(), ladder, {"rung": 1})
    return folder


@functools.cache
def _built() -> Path:
    """Build the data and the release once a process."""
    return build_world(Path(tempfile.mkdtemp(prefix="somobench-skill-")))


def build_world(root: Path) -> Path:
    """Build the data and the release below `root`, of the cells and days above."""
    data = write_data(root / "data")
    folder = root / "releases" / RELEASE
    folder.mkdir(parents=True)
    for path in data.iterdir():
        if path.is_file():
            shutil.copyfile(path, folder / path.name)
    write_text(_manifest(folder).model_dump_json(indent=2), folder / "MANIFEST.json")
    return root


def _manifest(folder: Path) -> Manifest:
    return Manifest(
        schema_version="1",
        release=RELEASE,
        title="Skill",
        description="A release for tests of scores.",
        licence_spdx="CC0-1.0",
        redistributable=True,
        predecessor=None,
        period=(TIMES[0].date(), TIMES[-1].date()),
        grid_resolution=0.25,
        layers=LAYERS,
        layers_left_out={},
        target_moments_from={"1": "reanalysis", "2": "observations"},
        feature_sets=feature_sets(),
        feature_sets_refused={},
        splits={SPLIT: SplitRecord(definition={}, sha256=ZEROS, audit={})},
        splits_left_out={"spatial": "6 cells, at least 10 are needed"},
        sources=(),
        recipe_sha256=ZEROS,
        package_version="0.1.0",
        pipeline_sha256=ZEROS,
        files={path.name: describe_file(path) for path in sorted(folder.iterdir())},
    )


def copy_world(root: Path) -> Path:
    """Copy the data and the release below `root`; return the folder of releases."""
    shutil.copytree(_built() / "data", root / "data")
    return Path(shutil.copytree(_built() / "releases", root / "releases"))


def add_ladder_asset(root: Path) -> Path:
    """Let the release of a copied world list its ladder; return where that lies."""
    asset = root / "releases" / "assets" / RELEASE / f"predictions_{SPLIT}.zarr.zip"
    asset.parent.mkdir(parents=True)
    shutil.copyfile(root / "data" / "predictions" / f"{SPLIT}.zarr.zip", asset)
    path = root / "releases" / RELEASE / "MANIFEST.json"
    manifest = json.loads(path.read_text())
    manifest["assets"] = {asset.name: describe_file(asset).model_dump(mode="json")}
    path.write_text(json.dumps(manifest))
    return asset


def open_predictions(root: Path) -> xr.Dataset:
    """Load the ladder's predictions of a copied world."""
    return open_zarr_zip(root / "data" / "predictions" / f"{SPLIT}.zarr.zip").load()
