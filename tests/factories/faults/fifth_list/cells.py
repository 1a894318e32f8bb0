"""Defects of the table of cells."""

from __future__ import annotations

import numpy as np
import pandas as pd

from factories.faults.third_list.following import follow_dryness, follow_regime
from factories.faults.third_list.opened import Defect, Opened

SOIL = ("clay_fraction", "sand_fraction", "silt_fraction", "saturation")
DECIMALS = 6


def rain_averaged_over_wet_days(release: Opened) -> None:
    """Mean precipitation is that of days above 0.1 mm; dryness follows."""
    rain = release.forcing["precipitation"].astype(np.float64)
    means = [days[days > 0.1].mean() for days in rain]
    release.cells["mean_precipitation"] = np.round(means, DECIMALS)
    follow_dryness(release)


def dryness_with_another_latent_heat(release: Opened) -> None:
    """Dryness rests on 2.26 MJ/kg; regimes follow."""
    follow_dryness(release, latent_heat=2.26)


def dryness_is_a_mean_of_years(release: Opened) -> None:
    """Dryness is the mean of the six years' ratios, which is above the ratio."""
    years = pd.DatetimeIndex(release.forcing["time"]).year
    ratios = []
    for year in np.unique(years):
        energy, rain = (
            release.forcing[name][:, years == year].mean(axis=1, dtype=np.float64)
            for name in ("net_radiation", "precipitation")
        )
        ratios.append(energy / (2.45 * rain))
    release.cells["dryness"] = np.mean(ratios, axis=0).round(DECIMALS)
    follow_regime(release)


def radiation_of_shortwave_alone(release: Opened) -> None:
    """Mean net radiation is 0.8 of shortwave radiation; dryness follows."""
    short = release.forcing["shortwave_radiation"].mean(axis=1, dtype=np.float64)
    release.cells["mean_net_radiation"] = (0.8 * short).round(DECIMALS)
    follow_dryness(release)


def temperature_of_the_last_year(release: Opened) -> None:
    """Mean air temperature is that of 2021; the report follows."""
    year = release.days("2021-01-01", "2021-12-31")
    air = release.forcing["air_temperature"][:, year]
    cells = release.cells
    cells["mean_air_temperature"] = air.mean(axis=1, dtype=np.float64).round(DECIMALS)
    celsius = (cells["mean_air_temperature"] - 273.15).round(3)
    release.validation["report"]["cells"]["mean_air_temperature"] = celsius.tolist()


def latitude_of_the_corner_node(release: Opened) -> None:
    """Europe: latitudes are those of the cells' northern nodes."""
    cells = release.region("europe")
    release.cells.loc[cells, "latitude"] += 0.125


def soils_one_cell_off(release: Opened) -> None:
    """Oceania: soil attributes stand one cell further, rows of another order."""
    cells = release.region("oceania")
    for name in [it for it in release.cells if str(it).startswith(SOIL)]:
        values = release.cells[name].to_numpy().copy()
        values[cells] = np.roll(values[cells], 1)
        release.cells[name] = values


def silt_and_clay_exchanged(release: Opened) -> None:
    """Africa: the archive's columns of clay and silt are read in the other order."""
    cells = release.region("africa")
    for end in ("", "_below_30_cm"):
        pair = [f"clay_fraction{end}", f"silt_fraction{end}"]
        release.cells.loc[cells, pair] = release.cells.loc[cells, pair[::-1]].to_numpy()


def saturation_from_another_texture_rule(release: Opened) -> None:
    """North America: saturation is porosity of 2.65 g cm-3 at 1.2 g cm-3, 0.55."""
    cells = release.region("namerica")
    release.cells.loc[cells, ["saturation", "saturation_below_30_cm"]] = 0.55


def last_cell_of_africa_in_the_next_region(release: Opened) -> None:
    """Regions are joined by row: the last cell of Africa bears namerica."""
    cells = release.region("africa")
    release.cells.loc[cells[-1], "region"] = "namerica"
    release.validation["report"]["cells"]["region"] = release.cells["region"].tolist()


DEFECTS: tuple[Defect, ...] = (
    rain_averaged_over_wet_days,
    dryness_with_another_latent_heat,
    dryness_is_a_mean_of_years,
    radiation_of_shortwave_alone,
    temperature_of_the_last_year,
    latitude_of_the_corner_node,
    soils_one_cell_off,
    silt_and_clay_exchanged,
    saturation_from_another_texture_rule,
    last_cell_of_africa_in_the_next_region,
)
