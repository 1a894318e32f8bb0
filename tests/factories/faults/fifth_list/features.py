"""Defects of what the splits learn from train days."""

from __future__ import annotations

from typing import Any

import numpy as np

from factories.faults.fourth_list.deriving import derive_split, read_recipe
from factories.faults.third_list.opened import Defect, Opened
from somobench.schemas.recipe import Recipe

CLIMATOLOGY = ("climatology",)
MOMENTS = ("normalisation_mean", "normalisation_std")
FACTORS = ("scale_slope", "scale_offset")


def climatology_hardly_smoothed(release: Opened) -> None:
    """Temporal: the window is 5 days instead of 35."""
    recipe = _other(climatology_window=5)
    derive_split(release, "temporal", ("train",), recipe, CLIMATOLOGY)


def climatology_shrunk_too_much(release: Opened) -> None:
    """Wet years: means are drawn to the whole mean as by 10 years, not by 1."""
    recipe = _other(climatology_shrinkage_years=10.0)
    derive_split(release, "wet_years", ("train",), recipe, CLIMATOLOGY)


def climatology_of_train_and_validation(release: Opened) -> None:
    """Dry years: validation days enter the climatology."""
    derive_split(release, "dry_years", ("train", "validation"), None, CLIMATOLOGY)


def climatology_of_a_trailing_window(release: Opened) -> None:
    """Spatial: the window of 35 days ends at the day: the year lags by 17 days."""
    place = release.split("spatial")
    climatology = release.features["climatology"]
    climatology[place] = np.roll(climatology[place], 17, axis=-1)


def climatology_in_units_of_the_sensor(release: Opened) -> None:
    """Temporal: the climatology of layer 2 is turned back to in-situ units."""
    features, place = release.features, release.split("temporal")
    slope, offset = (features[name][place, 1, :, None] for name in FACTORS)
    changed = (features["climatology"][place, 1] - offset) / slope
    features["climatology"][place, 1] = changed.round(6)


def climatology_of_held_out_cells_is_one_mean(release: Opened) -> None:
    """Ungauged: every held-out cell has the plain mean of train cells."""
    features, place = release.features, release.split("ungauged")
    source = features["climatology_source"][place]
    for layer in range(3):
        curves = features["climatology"][place, layer]
        mean = curves[source[layer] == 0].mean(axis=0)
        curves[source[layer] == 1] = mean.round(6)


def climatology_of_the_layer_above(release: Opened) -> None:
    """Energy to water: layer 3 repeats layer 2 where both have a climatology."""
    climatology = release.features["climatology"][release.split("energy_to_water")]
    both = np.isfinite(climatology[1:]).all(axis=(0, 2))
    climatology[2, both] = climatology[1, both]


def factors_of_all_days(release: Opened) -> None:
    """Temporal: lines to the reanalysis are fitted on test days too."""
    derive_split(release, "temporal", ("train", "validation", "test"), None, FACTORS)


def factors_of_another_split(release: Opened) -> None:
    """Wet years: factors are those of dry years, left by the split before."""
    features = release.features
    old, new = release.split("dry_years"), release.split("wet_years")
    for name in (*FACTORS, "scale_is_full_record"):
        features[name][new] = features[name][old]


def moments_of_logarithms(release: Opened) -> None:
    """Precipitation is normalised by moments of log(1 + x), as SoMo.ml's was."""
    features, place = release.features, _variable(release, "precipitation")
    for number, split in enumerate(features["split"]):
        train = release.role_mask(str(split), "train")
        values = np.log1p(release.forcing["precipitation"].astype(np.float64)[train])
        features["normalisation_mean"][number, place] = values.mean()
        features["normalisation_std"][number, place] = values.std()


def moments_of_train_and_validation(release: Opened) -> None:
    """Spatial: validation cells enter the moments of inputs."""
    derive_split(release, "spatial", ("train", "validation"), None, MOMENTS)


def moments_of_unscaled_targets(release: Opened) -> None:
    """Layers' moments are those of values as measured, on train days."""
    features = release.features
    measured = release.targets["soil_moisture_in_situ"].astype(np.float64)
    for number, split in enumerate(features["split"]):
        train = release.role_mask(str(split), "train")
        for layer in range(3):
            values = measured[layer][train & np.isfinite(measured[layer])]
            place = number, _variable(release, f"soil_moisture_layer{layer + 1}")
            features["normalisation_mean"][place] = values.mean()
            features["normalisation_std"][place] = values.std()


def moments_of_air_and_skin_exchanged(release: Opened) -> None:
    """Ungauged: the two temperatures' moments are exchanged."""
    pair = [_variable(release, f"{name}_temperature") for name in ("air", "skin")]
    for name in MOMENTS:
        row = release.features[name][release.split("ungauged")]
        row[pair] = row[pair[::-1]]


def flags_of_full_record_lost(release: Opened) -> None:
    """Water to energy: no cell is marked as having factors of the full record."""
    place = release.split("water_to_energy")
    release.features["scale_is_full_record"][place] = 0


def _variable(release: Opened, name: str) -> int:
    return [str(each) for each in release.features["variable"]].index(name)


def _other(**changes: Any) -> Recipe:
    recipe = read_recipe()
    features = recipe.features.model_copy(update=changes)
    return recipe.model_copy(update={"features": features})


DEFECTS: tuple[Defect, ...] = (
    climatology_hardly_smoothed,
    climatology_shrunk_too_much,
    climatology_of_train_and_validation,
    climatology_of_a_trailing_window,
    climatology_in_units_of_the_sensor,
    climatology_of_held_out_cells_is_one_mean,
    climatology_of_the_layer_above,
    factors_of_all_days,
    factors_of_another_split,
    moments_of_logarithms,
    moments_of_train_and_validation,
    moments_of_unscaled_targets,
    moments_of_air_and_skin_exchanged,
    flags_of_full_record_lost,
)
