"""Defects of the table of cells: climate, regimes, positions and soil."""

from __future__ import annotations

import numpy as np

from factories.faults.third_list.following import follow_dryness, follow_regime
from factories.faults.third_list.opened import Opened


def mean_temperature_in_celsius(release: Opened) -> None:
    """Mean air temperature of Africa in degrees Celsius."""
    cells = release.region("africa")
    release.cells.loc[cells, "mean_air_temperature"] -= 273.15


def latent_heat_of_another_source(release: Opened) -> None:
    """Dryness with 2.26 MJ kg-1: 8 % too high, and one cell changes its regime."""
    follow_dryness(release, 2.26)


def dryness_inverted(release: Opened) -> None:
    """Rain over radiation: regimes are the wrong way round."""
    release.cells["dryness"] = (1 / release.cells["dryness"]).round(6)
    follow_regime(release)


def regime_of_one_cell(release: Opened) -> None:
    """A cell of dryness 1.15 is called energy-limited: it was rounded first."""
    cells = release.cells
    cells.loc[release.place("-33.375_148.375"), "regime"] = "energy-limited"


def region_of_one_cell(release: Opened) -> None:
    """A cell at 12 N, 3 E lies in Europe, by the first letter of its network."""
    release.cells.loc[release.place("12.375_2.875"), "region"] = "europe"


def clay_and_sand_swapped(release: Opened) -> None:
    """Clay and sand of Oceania's top soil swapped; those below 30 cm aren't."""
    rows = release.region("oceania")
    pair = release.cells.loc[rows, ["sand_fraction", "clay_fraction"]].to_numpy()
    release.cells.loc[rows, ["clay_fraction", "sand_fraction"]] = pair


def silt_in_percent(release: Opened) -> None:
    """A cell's silt is 44 instead of 0.44."""
    release.cells.loc[release.place("47.125_10.375"), "silt_fraction"] *= 100


def field_capacity_for_saturation(release: Opened) -> None:
    """Saturation of Europe at 55 %: field capacity; soils hold more water than that."""
    rows = release.region("europe")
    for name in ("saturation", "saturation_below_30_cm"):
        values = release.cells.loc[rows, name] * 0.55
        release.cells.loc[rows, name] = values.round(2)


def saturation_of_the_next_row(release: Opened) -> None:
    """Saturation of North America's cells one row off: sand of 0.7 holds 0.49."""
    rows = release.region("namerica")
    for name in ("saturation", "saturation_below_30_cm"):
        release.cells.loc[rows, name] = np.roll(release.cells.loc[rows, name], 1)


def mean_rain_of_wet_days(release: Opened) -> None:
    """Mean precipitation over days with rain: two to three times too high."""
    rain = release.forcing["precipitation"].astype(np.float64)
    means = rain.sum(axis=1) / (rain > 0).sum(axis=1)
    release.cells["mean_precipitation"] = means.round(6)
    follow_dryness(release)


def climate_of_five_years(release: Opened) -> None:
    """Means of net radiation and rain without 2016: the period of an older release."""
    days = release.days("2017-01-01", "2021-12-31")
    for name in ("net_radiation", "precipitation"):
        values = release.forcing[name][:, days].astype(np.float64)
        release.cells[f"mean_{name}"] = values.mean(axis=1).round(6)
    follow_dryness(release)


def latitude_of_the_node(release: Opened) -> None:
    """Latitudes of all cells are those of the node to the north, 0.125 off."""
    release.cells["latitude"] += 0.125


def nodes_of_the_coast(release: Opened) -> None:
    """Two cells rest on 3 nodes; the report has 40 cells of 4."""
    release.cells.loc[[5, 9], "node_count"] = 3


def sand_below_of_another_cell(release: Opened) -> None:
    """Sand below 30 cm of one cell is another's: fractions add up to 1.2."""
    cells, name = release.cells, "sand_fraction_below_30_cm"
    one, other = release.place("39.625_-105.875"), release.place("40.125_-105.625")
    cells.loc[one, name] = cells.loc[other, name]


DEFECTS = (
    mean_temperature_in_celsius,
    latent_heat_of_another_source,
    dryness_inverted,
    regime_of_one_cell,
    region_of_one_cell,
    clay_and_sand_swapped,
    silt_in_percent,
    field_capacity_for_saturation,
    saturation_of_the_next_row,
    mean_rain_of_wet_days,
    climate_of_five_years,
    latitude_of_the_node,
    nodes_of_the_coast,
    sand_below_of_another_cell,
)
