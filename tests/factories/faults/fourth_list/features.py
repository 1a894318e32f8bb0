"""Defects of what a split learns: factors, climatologies, moments."""

from __future__ import annotations

import numpy as np

from factories.faults.fourth_list.deriving import derive_split, read_recipe
from factories.faults.third_list.following import METEOROLOGY
from factories.faults.third_list.opened import Opened

MOMENTS = ("normalisation_mean", "normalisation_std")


def moments_of_all_roles(release: Opened) -> None:
    """Normalisation of `temporal` from train, validation and test days: it leaks."""
    _weigh_forcing(release, "temporal", ("train", "validation", "test"))


def moments_of_test_cells(release: Opened) -> None:
    """Normalisation of `spatial` from its test cells: roles joined wrongly."""
    _weigh_forcing(release, "spatial", ("test",))


def variance_for_deviation(release: Opened) -> None:
    """Moments of soil moisture hold the variance: 0.002 instead of 0.05."""
    release.features["normalisation_std"][:, 6:] **= 2


def logarithm_of_rain(release: Opened) -> None:
    """Moments of rain in `ungauged` are those of log(1 + rain): 0.7 instead of 3."""
    train = release.role_mask("ungauged", "train")
    values = np.log1p(release.forcing["precipitation"].astype(np.float64)[train])
    place = release.split("ungauged"), 0
    release.features["normalisation_mean"][place] = values.mean()
    release.features["normalisation_std"][place] = values.std()


def means_in_celsius(release: Opened) -> None:
    """Mean skin temperature of every split in degrees Celsius, standing for K."""
    release.features["normalisation_mean"][:, 5] -= 273.15


def climatology_a_day_off(release: Opened) -> None:
    """Climatologies of all splits one day late: days counted from 0."""
    values = release.features["climatology"]
    release.features["climatology"] = np.roll(values, 1, axis=-1)


def climatology_of_the_other_hemisphere(release: Opened) -> None:
    """Oceania's climatologies half a year off: seasons counted from July."""
    cells = release.region("oceania")
    values = release.features["climatology"]
    values[:, :, cells] = np.roll(values[:, :, cells], 183, axis=-1)


def climatology_of_all_days(release: Opened) -> None:
    """Climatologies of `temporal` know validation and test days."""
    derive_split(
        release,
        "temporal",
        ("train", "validation", "test"),
        names=("climatology",),
    )


def climatology_hardly_smoothed(release: Opened) -> None:
    """Climatologies of `temporal` smoothed over 5 days instead of 35."""
    recipe = read_recipe()
    features = recipe.features.model_copy(update={"climatology_window": 5})
    derive_split(
        release,
        "temporal",
        ("train",),
        recipe.model_copy(update={"features": features}),
        ("climatology",),
    )


def leap_day_of_zero(release: Opened) -> None:
    """29 February is 0 in every climatology: no leap year in the table of days."""
    values = release.features["climatology"]
    values[..., 59] = np.where(np.isfinite(values[..., 59]), 0, np.nan)


def factors_of_the_opposite_split(release: Opened) -> None:
    """Train factors of `dry_years` are those of `wet_years`."""
    dry, wet = release.split("dry_years"), release.split("wet_years")
    for name in ("scale_slope", "scale_offset"):
        release.features[name][dry] = release.features[name][wet]


def full_record_not_flagged(release: Opened) -> None:
    """No full-record factor of `water_to_energy` is flagged: 61 layers look trained."""
    release.features["scale_is_full_record"][release.split("water_to_energy")] = 0


def climatology_as_measured(release: Opened) -> None:
    """Climatologies of layer 1 in the sensors' own scale, not train-scaled."""
    features = release.features
    slope = features["scale_slope"][:, 0, :, None]
    offset = features["scale_offset"][:, 0, :, None]
    values = (features["climatology"][:, 0] - offset) / slope
    features["climatology"][:, 0] = values.round(6)


def held_out_called_own(release: Opened) -> None:
    """Climatologies of held-out cells of `spatial` said to be their own."""
    sources = release.features["climatology_source"][release.split("spatial")]
    sources[sources == 1] = 0


def climatology_rows_reversed(release: Opened) -> None:
    """North America's climatologies in descending order of cells."""
    cells = release.region("namerica")
    values = release.features["climatology"]
    values[:, :, cells] = values[:, :, cells[::-1]]


def factors_of_validation_days(release: Opened) -> None:
    """Factors of `temporal` fitted on train and validation days."""
    derive_split(
        release,
        "temporal",
        ("train", "validation"),
        names=("scale_slope", "scale_offset"),
    )


def layers_one_off(release: Opened) -> None:
    """Layer 2 of `ungauged` has layer 1's climatology."""
    values = release.features["climatology"][release.split("ungauged")]
    values[1] = np.where(np.isfinite(values[1]), values[0], np.nan)


def moments_of_the_first_year(release: Opened) -> None:
    """Moments of weather in `dry_years` from the first 350 train days of each cell."""
    mask = release.role_mask("dry_years", "train")
    order = np.cumsum(mask, axis=1)
    _put_moments(release, "dry_years", mask & (order <= 350))


def one_split_forgotten(release: Opened) -> None:
    """Features of `energy_to_water` are those of `water_to_energy`: a stale loop."""
    one, other = release.split("energy_to_water"), release.split("water_to_energy")
    for name in ("climatology", "climatology_source", *MOMENTS):
        release.features[name][one] = release.features[name][other]


def _weigh_forcing(release: Opened, split: str, roles: tuple[str, ...]) -> None:
    _put_moments(release, split, release.role_mask(split, *roles))


def _put_moments(release: Opened, split: str, days: np.ndarray) -> None:
    place, names = (
        release.split(split),
        [str(it) for it in release.features["variable"]],
    )
    for name in METEOROLOGY:
        values = release.forcing[name].astype(np.float64)[days]
        moments = values.mean(), values.std()
        for array, value in zip(MOMENTS, moments, strict=True):
            release.features[array][place, names.index(name)] = value


DEFECTS = (
    moments_of_all_roles,
    moments_of_test_cells,
    variance_for_deviation,
    logarithm_of_rain,
    means_in_celsius,
    climatology_a_day_off,
    climatology_of_the_other_hemisphere,
    climatology_of_all_days,
    climatology_hardly_smoothed,
    leap_day_of_zero,
    factors_of_the_opposite_split,
    full_record_not_flagged,
    climatology_as_measured,
    held_out_called_own,
    climatology_rows_reversed,
    factors_of_validation_days,
    layers_one_off,
    moments_of_the_first_year,
    one_split_forgotten,
)
