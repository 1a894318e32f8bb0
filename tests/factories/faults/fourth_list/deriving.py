"""Factors, scaled targets and features of changed values, by the pipeline itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

from factories.faults.third_list.following import follow_scaled
from factories.faults.third_list.opened import Opened
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.pipelines.features.statistics import derive_features
from somobench.pipelines.targets.matching import Matching, match_moments
from somobench.schemas.recipe import Recipe, load_recipe

PARAMS = Path(__file__).parents[4] / "params.yaml"
DIGITS = 12


@cache
def read_recipe() -> Recipe:
    return load_recipe(PARAMS)


def follow_matching(release: Opened) -> None:
    """Fit every full-record line again, scale with it, derive the features of it."""
    targets, reference = release.targets, release.forcing["reanalysis_soil_moisture"]
    for layer, cell in np.argwhere(np.isfinite(targets["scale_slope"])):
        measured = targets["soil_moisture_in_situ"][layer, cell].astype(np.float64)
        measured[targets["is_gapfilled"][layer, cell] == 1] = np.nan
        match = match_moments(
            measured, reference[layer, cell].astype(np.float64), 2, "too short"
        )
        if isinstance(match, Matching):
            _put_line(release, (layer, cell), match)
    follow_scaled(release)
    follow_features(release)


def _put_line(release: Opened, place: tuple[int, int], match: Matching) -> None:
    """Put a line where it differs by more than the rounding of in-situ values."""
    slope, offset = release.targets["scale_slope"], release.targets["scale_offset"]
    release.targets["overlap_days"][place] = match.overlap_days
    old = slope[place], offset[place]
    if not np.allclose(old, match[:2], rtol=1e-5, atol=1e-6):
        slope[place] = float(f"{match.slope:.{DIGITS}g}")
        offset[place] = float(f"{match.offset:.{DIGITS}g}")


def follow_features(release: Opened, recipe: Recipe | None = None) -> None:
    """Derive every split's features from the changed values."""
    for split in release.features["split"]:
        derive_split(release, str(split), ("train",), recipe)


def derive_split(
    release: Opened,
    split: str,
    roles: tuple[str, ...],
    recipe: Recipe | None = None,
    names: tuple[str, ...] = (),
) -> None:
    """Derive a split's features from days of some roles; keep those named or all."""
    days = release.role_mask(split, *roles)
    targets, forcing = (fill_dataset(release, name) for name in ("targets", "forcing"))
    derived = derive_features(targets, forcing, days, recipe or read_recipe())
    place = release.split(split)
    for name in names or tuple(str(each) for each in derived.data_vars):
        old = release.features[name]
        new = derived[name].to_numpy()
        same = np.isclose(old[place], new, rtol=1e-5, atol=2e-6, equal_nan=True)
        old[place] = np.where(same, old[place], new).astype(old.dtype)


def fill_dataset(release: Opened, name: str) -> xr.Dataset:
    """Return a grid of the folder with the changed arrays in it."""
    with open_zarr_zip(release.folder / f"{name}.zarr.zip") as opened:
        dataset = opened.load()
    for array, values in release.grid(name).arrays.items():
        if array in dataset.data_vars:
            dataset[array] = dataset[array].copy(data=values)
    return dataset
