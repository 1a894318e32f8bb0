"""Cells that are wrong: climate, regime, place, soil."""

from __future__ import annotations

import numpy as np

from factories.faults.third_list.following import (
    DECIMALS,
    follow_dryness,
    follow_regime,
)
from factories.faults.third_list.opened import Opened

SOIL = ("clay_fraction", "sand_fraction", "silt_fraction", "saturation")
BELOW = "_below_30_cm"


def latent_heat_of_another_rule(release: Opened) -> None:
    """Dryness of all cells rests on 2.26 MJ kg-1; regimes follow it.

    8 per cent too dry, three cells change their regime. Contradicted by the cells' own
    means and the specification's 2.45.
    """
    follow_dryness(release, latent_heat=2.26)


def precipitation_of_rainy_days(release: Opened) -> None:
    """`mean_precipitation` of one region is the mean of days with rain.

    More than twice the rain; dryness and regime follow. Contradicted by the forcing.
    """
    rain = release.forcing["precipitation"].astype(np.float64)
    for cell in release.region("africa"):
        mean = rain[cell][rain[cell] > 0].mean()
        release.cells.loc[cell, "mean_precipitation"] = round(mean, DECIMALS)
    follow_dryness(release)


def means_of_the_train_period(release: Opened) -> None:
    """Means of precipitation are those of `temporal`'s train days; dryness follows.

    Up to 20 per cent off. Contradicted by the forcing of all days.
    """
    days = release.days("2016-01-01", "2019-06-23")
    rain = release.forcing["precipitation"].astype(np.float64)[:, days]
    release.cells["mean_precipitation"] = rain.mean(axis=1).round(DECIMALS)
    follow_dryness(release)


def dryness_as_mean_of_years(release: Opened) -> None:
    """Dryness is the mean of six yearly values; regimes follow.

    Dry years count more: up to a third too dry. Contradicted by the means beside it.
    """
    years = release.forcing["time"].astype("datetime64[Y]").astype(int)
    rain, net = (
        np.array(
            [
                release.forcing[name].astype(np.float64)[:, years == year].mean(axis=1)
                for year in np.unique(years)
            ]
        )
        for name in ("precipitation", "net_radiation")
    )
    ratio = (net / (2.45 * rain)).mean(axis=0)
    release.cells["dryness"] = ratio.round(DECIMALS)
    follow_regime(release)


def dryness_upside_down(release: Opened) -> None:
    """One cell's dryness is precipitation over radiation, its regime follows.

    0.41 for 2.43: the Sahel is energy-limited. Contradicted by the means beside it.
    """
    cell = release.place("12.375_2.875")
    release.cells.loc[cell, "dryness"] = round(
        1 / release.cells.loc[cell, "dryness"], DECIMALS
    )
    follow_regime(release)


def temperature_of_the_row_above(release: Opened) -> None:
    """`mean_air_temperature` in Europe is that of the next cell.

    Up to 2 K off. Contradicted by the forcing.
    """
    cells = release.region("europe")
    column = release.cells["mean_air_temperature"].to_numpy(copy=True)
    column[cells] = np.roll(column[cells], 1)
    release.cells["mean_air_temperature"] = column


def shortwave_as_net_radiation(release: Opened) -> None:
    """One cell's mean net radiation is its mean shortwave radiation.

    Dryness and regime follow. Contradicted by the forcing.
    """
    cell = release.place("47.125_10.125")
    mean = release.forcing["shortwave_radiation"][cell].astype(np.float64).mean()
    release.cells.loc[cell, "mean_net_radiation"] = round(mean, DECIMALS)
    follow_dryness(release)


def regime_boundary_elsewhere(release: Opened) -> None:
    """Regimes change at a dryness of 1.2.

    Six cells are energy-limited that aren't. Contradicted by dryness beside them.
    """
    wet = release.cells["dryness"].to_numpy() < 1.2
    release.cells["regime"] = np.where(wet, "energy-limited", "water-limited")


def region_of_another_continent(release: Opened) -> None:
    """A cell of Oceania belongs to Africa.

    Scores by region count it there. Contradicted by its position and by the report.
    """
    cell = release.place("-33.875_148.875")
    release.cells.loc[cell, "region"] = "africa"
    regions = release.validation["report"]["cells"]["region"]
    regions[cell] = "africa"


def nodes_counted_by_half(release: Opened) -> None:
    """Oceania's cells are said to rest on two corner nodes.

    Contradicted by the count of nodes in the report, all four everywhere.
    """
    release.cells.loc[release.region("oceania"), "node_count"] = np.int8(2)


def saturation_without_bound_water(release: Opened) -> None:
    """Saturation of all cells is the share that drains: 0.15 less.

    Contradicted by in situ values above it on thousands of days.
    """
    for suffix in ("", BELOW):
        column = release.cells["saturation" + suffix]
        release.cells["saturation" + suffix] = (column - 0.15).round(2)


def deep_soil_of_another_cell(release: Opened) -> None:
    """Soil below 30 cm of one region is that of the next row.

    Contradicted by soil above, which is the same in every cell of this release.
    """
    cells = release.region("namerica")
    for name in SOIL:
        column = release.cells[name + BELOW].to_numpy(copy=True)
        column[cells] = np.roll(column[cells], 1)
        release.cells[name + BELOW] = column


DEFECTS = (
    latent_heat_of_another_rule,
    precipitation_of_rainy_days,
    means_of_the_train_period,
    dryness_as_mean_of_years,
    dryness_upside_down,
    temperature_of_the_row_above,
    shortwave_as_net_radiation,
    regime_boundary_elsewhere,
    region_of_another_continent,
    nodes_counted_by_half,
    saturation_without_bound_water,
    deep_soil_of_another_cell,
)
