"""Defects of rain, evaporation and the reanalysis's soil moisture."""

from __future__ import annotations

import numpy as np

from factories.faults.fourth_list.changes import change_weather, delay, scale_weather
from factories.faults.fourth_list.deriving import follow_matching
from factories.faults.third_list.following import follow_forcing, store
from factories.faults.third_list.opened import Opened

REFERENCE = "reanalysis_soil_moisture"
LATENT_HEAT = 2.45  # MJ kg-1


def rain_in_centimetres(release: Opened) -> None:
    """Rain of January to June 2017 ten times too small: centimetres in those files.

    More evaporates than falls, and the reanalysis's soil gains more than the rain.
    """
    days = release.days("2017-01-01", "2017-06-30")
    scale_weather(release, "precipitation", 0.1, slice(None), days)


def rain_of_local_days(release: Opened) -> None:
    """North America's rain of days that begin 7 hours late, mixed with the day after.

    Fewer dry days and a weaker tie to what the reanalysis's soil gains that day.
    """
    cells = release.region("namerica")
    values = release.forcing["precipitation"][cells].astype(np.float64)
    mixed = (17 * values + 7 * delay(values, -1)) / 24
    change_weather(release, "precipitation", mixed, cells)


def rain_of_the_next_row(release: Opened) -> None:
    """Every cell of Oceania holds the rain of the next in the list: off by one.

    Its means run against the wet side of the box; the soil gains another cell's rain.
    """
    cells = release.region("oceania")
    values = release.forcing["precipitation"][np.roll(cells, -1)]
    change_weather(release, "precipitation", values, cells)


def rain_clipped(release: Opened) -> None:
    """No day above 20 mm: a quarter of the rain is gone.

    Thousands of days at exactly 20 mm; the soil gains more on some of them.
    """
    values = np.minimum(release.forcing["precipitation"], 20.0)
    change_weather(release, "precipitation", values)


def rain_counted_twice(release: Opened) -> None:
    """Africa's rain of July to September 2019 doubled: two files overlap.

    The soil gains half of what the same rain gives in other years.
    """
    cells = release.region("africa")
    days = release.days("2019-07-01", "2019-09-30")
    scale_weather(release, "precipitation", 2.0, cells, days)


def snow_left_out(release: Opened) -> None:
    """No precipitation on days below freezing: only rain was read.

    Not one wet day among hundreds of cold ones, though damp and cloudy as wet days
    are; evaporation and runoff of spring have no source.
    """
    values = release.forcing["precipitation"].astype(np.float64)
    values[release.forcing["air_temperature"] < 273.15] = 0
    change_weather(release, "precipitation", values)


def rain_not_differenced(release: Opened) -> None:
    """Oceania's rain of 2021 holds that of the day before once more.

    Twice the rain of other years beside the same soil; every dry day after a wet one
    is wet.
    """
    cells, days = release.region("oceania"), release.days("2021-01-01", "2021-12-31")
    values = release.forcing["precipitation"].astype(np.float64)
    both = values + delay(values, 1)
    change_weather(release, "precipitation", both[cells, days], cells, days)


def half_of_the_nodes_without_rain(release: Opened) -> None:
    """A cell's rain halved: two of four nodes were 0 at the sea.

    Dryness 1.1 beside neighbours at 0.5; the soil gains as much as theirs.
    """
    scale_weather(release, "precipitation", 0.5, release.place("47.125_10.375"))


def evaporation_downward(release: Opened) -> None:
    """Africa's evaporation negative: the source's sign was kept; `positive upward`."""
    scale_weather(release, "evaporation", -1.0, release.region("africa"))


def evaporation_in_energy(release: Opened) -> None:
    """Evaporation in MJ m-2 d-1, 2.45 times too high: more than falls as rain, and
    more energy than net radiation.
    """
    scale_weather(release, "evaporation", LATENT_HEAT)


def potential_evaporation_taken(release: Opened) -> None:
    """Oceania's evaporation is all that net radiation could evaporate.

    Three times the rain in the driest cells over six years.
    """
    cells = release.region("oceania")
    potential = np.maximum(release.forcing["net_radiation"][cells], 0) / LATENT_HEAT
    change_weather(release, "evaporation", potential, cells)


def evaporation_of_the_year_before(release: Opened) -> None:
    """Europe's evaporation 365 days late: a stale file with other dates.

    It doesn't follow the day's radiation and is above it on many days.
    """
    cells = release.region("europe")
    values = np.roll(release.forcing["evaporation"][cells], 365, axis=-1)
    change_weather(release, "evaporation", values, cells)


def evaporation_filled_forward(release: Opened) -> None:
    """Africa's evaporation stays at one value for 40 days of August 2018."""
    cells, days = release.region("africa"), release.days("2018-08-01", "2018-09-09")
    first = release.forcing["evaporation"][cells, days][:, :1]
    change_weather(release, "evaporation", first, cells, days)


def rain_and_evaporation_swapped(release: Opened) -> None:
    """A cell's rain and evaporation swapped: rain falls on every sunny day."""
    cell = release.place("11.625_2.875")
    pair = [release.forcing[it][cell].copy() for it in ("evaporation", "precipitation")]
    for name, values in zip(("precipitation", "evaporation"), pair, strict=True):
        change_weather(release, name, values, cell)


def reanalysis_layers_swapped(release: Opened) -> None:
    """Europe's reference of layers 2 and 3 swapped after targets were matched to it.

    Lines and moments of the targets are those of the other layer.
    """
    cells = release.region("europe")
    values = release.forcing[REFERENCE].astype(np.float64)
    values[1, cells], values[2, cells] = values[2, cells], values[1, cells].copy()
    store(release, REFERENCE, values)
    follow_forcing(release)


def reanalysis_weights_swapped(release: Opened) -> None:
    """Layer 1 of the reference is 0.3 of the first level and 0.7 of the second.

    The attribute says 0.7 and 0.3; targets were matched to what it says.
    """
    values = release.forcing[REFERENCE].astype(np.float64)
    second = (values[1] - 0.1 * values[2]) / 0.9
    first = (values[0] - 0.3 * second) / 0.7
    values[0] = 0.3 * first + 0.7 * second
    store(release, REFERENCE, values)
    follow_forcing(release)


def reanalysis_a_day_late(release: Opened) -> None:
    """The reference a day late in all cells, and targets matched to it.

    Its soil gets wet on the day after rain.
    """
    _match_to(release, delay(release.forcing[REFERENCE], 1))


def reanalysis_clipped(release: Opened) -> None:
    """Europe's reference not above 0.22, and targets matched to it.

    A quarter of its days at exactly the limit while rain falls.
    """
    values = release.forcing[REFERENCE].astype(np.float64)
    cells = release.region("europe")
    values[:, cells] = np.minimum(values[:, cells], 0.22)
    _match_to(release, values)


def reanalysis_of_the_year_before(release: Opened) -> None:
    """The reference of 2021 is that of 2020, and targets are matched to it.

    Repeated to the last bit; it gets wet without the rain of 2021.
    """
    values = release.forcing[REFERENCE].astype(np.float64)
    old = release.days("2020-01-01", "2020-12-30")
    values[..., release.days("2021-01-01", "2021-12-31")] = values[..., old]
    _match_to(release, values)


def reanalysis_in_whole_percent(release: Opened) -> None:
    """The reference rounded to 0.01 m3 m-3, and targets matched to it.

    Constant for weeks of drying, then a step; 35 values in all.
    """
    _match_to(release, release.forcing[REFERENCE].astype(np.float64).round(2))


def reanalysis_columns_mirrored(release: Opened) -> None:
    """Africa's reference with the cells in reverse order, and targets matched to it.

    The dry side of the box has the wet side's soil; it gains another cell's rain.
    """
    values = release.forcing[REFERENCE].astype(np.float64)
    cells = release.region("africa")
    values[:, cells] = values[:, cells[::-1]]
    _match_to(release, values)


def _match_to(release: Opened, values: np.ndarray) -> None:
    store(release, REFERENCE, values)
    follow_forcing(release)
    follow_matching(release)


DEFECTS = (
    rain_in_centimetres,
    rain_of_local_days,
    rain_of_the_next_row,
    rain_clipped,
    rain_counted_twice,
    snow_left_out,
    rain_not_differenced,
    half_of_the_nodes_without_rain,
    evaporation_downward,
    evaporation_in_energy,
    potential_evaporation_taken,
    evaporation_of_the_year_before,
    evaporation_filled_forward,
    rain_and_evaporation_swapped,
    reanalysis_layers_swapped,
    reanalysis_weights_swapped,
    reanalysis_a_day_late,
    reanalysis_clipped,
    reanalysis_of_the_year_before,
    reanalysis_in_whole_percent,
    reanalysis_columns_mirrored,
)
