"""Forcing that is wrong: its energy, its reference, its days and places.

Unless a docstring says otherwise, what the pipeline derives from forcing follows it:
cells' means, dryness, regime, moments of splits, statistics of the report.
"""

from __future__ import annotations

import numpy as np

from factories.faults.third_list.following import (
    METEOROLOGY,
    follow_forcing,
    follow_statistics,
    store,
)
from factories.faults.third_list.opened import Opened

SURFACE = (*METEOROLOGY, "evaporation")
REFERENCE = "reanalysis_soil_moisture"


def skin_is_the_air(release: Opened) -> None:
    """Oceania's skin temperature is its air temperature.

    1.4 K too cold; feature set `state` gains nothing there. Contradicted by equality
    on every day, in one region alone.
    """
    cells = release.region("oceania")
    skin, air = release.forcing["skin_temperature"], release.forcing["air_temperature"]
    skin[cells] = air[cells]
    follow_forcing(release)


def skin_and_air_exchanged(release: Opened) -> None:
    """Europe's skin and air temperature are exchanged.

    The surface is colder than the air by 1.4 K in sunshine. Contradicted by the other
    regions and by net radiation above zero.
    """
    cells = release.region("europe")
    skin, air = release.forcing["skin_temperature"], release.forcing["air_temperature"]
    skin[cells], air[cells] = air[cells].copy(), skin[cells].copy()
    follow_forcing(release)


def temperature_of_a_calendar_without_leap_days(release: Opened) -> None:
    """From 2016-02-29 on air temperature lies a day early in one region.

    Contradicted by skin temperature, with which it goes day by day elsewhere.
    """
    cells, later = release.region("namerica"), release.days("2016-02-29", "2021-12-31")
    air = release.forcing["air_temperature"]
    air[cells, later] = np.roll(air[cells, later], -1, axis=1)
    follow_forcing(release)


def humidity_above_saturation(release: Opened) -> None:
    """Africa's specific humidity is a quarter too high: pressure of another level.

    Contradicted by saturation at the day's temperature.
    """
    humidity = release.forcing["specific_humidity"].copy()
    humidity[release.region("africa")] *= 1.25
    store(release, "specific_humidity", humidity)
    follow_forcing(release)


def humidity_of_the_other_hemisphere(release: Opened) -> None:
    """Oceania's humidity is half a year off: a file of another year's half.

    Humid in winter. Contradicted by temperature and saturation.
    """
    humidity, cells = release.forcing["specific_humidity"], release.region("oceania")
    humidity[cells] = np.roll(humidity[cells], 182, axis=1)
    follow_forcing(release)


def net_is_the_difference_of_signs(release: Opened) -> None:
    """One region's thermal radiation is subtracted where it should be added.

    Net radiation grows by half and more; dryness and regimes with it. Contradicted by
    net radiation near or above shortwave radiation.
    """
    cells = release.region("europe")
    net = release.forcing["net_radiation"].copy()
    solar = 0.77 * release.forcing["shortwave_radiation"]
    net[cells] = 2 * solar[cells] - net[cells]
    store(release, "net_radiation", net)
    follow_forcing(release)


def net_and_shortwave_exchanged(release: Opened) -> None:
    """One cell's net and shortwave radiation are exchanged.

    Its dryness rises by 1.7. Contradicted by net above shortwave on every day.
    """
    cell = release.place("47.375_10.125")
    net = release.forcing["net_radiation"]
    solar = release.forcing["shortwave_radiation"]
    net[cell], solar[cell] = solar[cell].copy(), net[cell].copy()
    follow_forcing(release)


def radiation_without_one_hour_in_six(release: Opened) -> None:
    """Shortwave radiation of 2020 lacks a sixth of its hours in one region.

    17 per cent dimmer for a year. Contradicted by net radiation of the same days and by
    other years' clear days.
    """
    cells, year = release.region("africa"), release.days("2020-01-01", "2020-12-31")
    solar = release.forcing["shortwave_radiation"].copy()
    solar[cells, year] *= 5 / 6
    store(release, "shortwave_radiation", solar)
    follow_forcing(release)


def evaporation_downward(release: Opened) -> None:
    """One region's evaporation keeps the sign of its source, positive downward.

    Contradicted by the attribute's words, and by dew every day in the tropics.
    """
    cells = release.region("africa")
    release.forcing["evaporation"][cells] *= -1
    follow_statistics(release)


def evaporation_as_latent_heat(release: Opened) -> None:
    """One region's evaporation is latent heat, MJ m-2 d-1, under the label mm d-1.

    2.45 times too much. Contradicted by net radiation, which can't pay for it, and by
    rain, which can't either.
    """
    cells = release.region("oceania")
    evaporation = release.forcing["evaporation"].copy()
    evaporation[cells] *= 2.45
    store(release, "evaporation", evaporation)
    follow_statistics(release)


def reference_layers_exchanged(release: Opened) -> None:
    """Layers 1 and 2 of one region's reanalysis are exchanged; targets are old.

    Contradicted by targets, whose moments are those of the other layer.
    """
    reference, cells = release.forcing[REFERENCE], release.region("namerica")
    reference[:2, cells] = reference[1::-1, cells].copy()
    follow_statistics(release)


def second_layer_of_one_level(release: Opened) -> None:
    """Layer 2 of the reanalysis is its second level alone, without a tenth of level 3.

    Contradicted by the attribute's weights and by targets' moments.
    """
    second, third = release.forcing[REFERENCE][1:].astype(np.float64)
    changed = release.forcing[REFERENCE].copy()
    changed[1] = (second - 0.1 * third) / 0.9
    store(release, REFERENCE, changed)
    follow_statistics(release)


def reference_a_day_late(release: Opened) -> None:
    """The reanalysis's soil moisture is that of the day before, in all cells.

    Its scores as a rung change. Contradicted by rain, which comes a day before it, and
    by correlations in the report.
    """
    reference = release.forcing[REFERENCE]
    reference[:] = np.roll(reference, 1, axis=-1)


def reference_year_repeated(release: Opened) -> None:
    """One cell's reanalysis of 2021 is that of 2020 again.

    365 days are copies. Contradicted by the targets' moments and by 2021's rain.
    """
    cell, reference = release.place("11.625_2.875"), release.forcing[REFERENCE]
    old, new = (
        release.days("2020-01-01", "2020-12-30"),
        release.days("2021-01-01", "2021-12-31"),
    )
    reference[:, cell, new] = reference[:, cell, old]
    follow_statistics(release)


def month_read_twice(release: Opened) -> None:
    """Africa's July 2018 is its June again, in every variable of the surface.

    30 days of the rainy season. Contradicted by reanalysis soil moisture of July, and
    by equal values a month apart.
    """
    cells = release.region("africa")
    old, new = (
        release.days("2018-06-01", "2018-06-30"),
        release.days("2018-07-01", "2018-07-30"),
    )
    for name in SURFACE:
        values = release.forcing[name]
        values[cells, new] = values[cells, old]
    follow_forcing(release)


def two_cells_meteorology_exchanged(release: Opened) -> None:
    """Two cells of North America have each other's surface meteorology.

    Rain of one is three times that of the other. Contradicted by reanalysis soil
    moisture and by roles of the splits by regime.
    """
    first, second = release.place("39.875_-105.125"), release.place("40.375_-105.875")
    for name in SURFACE:
        values = release.forcing[name]
        values[[first, second]] = values[[second, first]]
    follow_forcing(release)


def days_said_to_be_local(release: Opened) -> None:
    """The forcing says that its days are local standard time.

    A reader shifts it against targets. Contradicted by targets' and stations' UTC, and
    by the report of the stage.
    """
    release.forcing.attributes[""]["day_definition"] = "local_standard_time"


def weights_said_of_another_rule(release: Opened) -> None:
    """The reference says weights of another layer depth.

    Contradicted by the weights in the report of the stage.
    """
    attributes = release.forcing.attributes[REFERENCE]
    old = attributes["layer_weights"]
    attributes["layer_weights"] = old.replace(
        "0.7 swvl1 + 0.3 swvl2", "0.3 swvl1 + 0.7 swvl2"
    )


DEFECTS = (
    skin_is_the_air,
    skin_and_air_exchanged,
    temperature_of_a_calendar_without_leap_days,
    humidity_above_saturation,
    humidity_of_the_other_hemisphere,
    net_is_the_difference_of_signs,
    net_and_shortwave_exchanged,
    radiation_without_one_hour_in_six,
    evaporation_downward,
    evaporation_as_latent_heat,
    reference_layers_exchanged,
    second_layer_of_one_level,
    reference_a_day_late,
    reference_year_repeated,
    month_read_twice,
    two_cells_meteorology_exchanged,
    days_said_to_be_local,
    weights_said_of_another_rule,
)
