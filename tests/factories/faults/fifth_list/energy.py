"""Defects of temperature, humidity and radiation."""

from __future__ import annotations

import numpy as np

from factories.faults.fifth_list.carrying import EVERYWHERE, change_weather, shift
from factories.faults.third_list.following import follow_forcing, store
from factories.faults.third_list.opened import Defect, Opened

LAPSE = 0.0065  # K m-1
SCALE_HEIGHT = 8000.0  # m


def air_brought_to_sea_level(release: Opened) -> None:
    """Europe: air temperature is reduced to sea level by 6.5 K km-1."""
    cells = release.region("europe")
    height = _heights(release)[cells, None]
    change_weather(release, "air_temperature", cells, lambda x: x + LAPSE * height)


def air_averaged_over_the_box(release: Opened) -> None:
    """North America: each cell has the mean air temperature of the region."""
    change_weather(
        release,
        "air_temperature",
        release.region("namerica"),
        lambda x: np.broadcast_to(x.mean(axis=0), x.shape),
    )


def humidity_with_pressure_at_sea_level(release: Opened) -> None:
    """North America: specific humidity is worked out with 1013 hPa, not the site's."""
    cells = release.region("namerica")
    factor = np.exp(-_heights(release)[cells, None] / SCALE_HEIGHT)
    change_weather(release, "specific_humidity", cells, lambda x: x * factor)


def humidity_of_the_day_before(release: Opened) -> None:
    """Africa: dew points are read one day early."""
    change_weather(
        release, "specific_humidity", release.region("africa"), lambda x: shift(x, 1)
    )


def shortwave_smoothed_over_three_days(release: Opened) -> None:
    """Oceania: shortwave radiation is a running mean of three days."""
    change_weather(
        release,
        "shortwave_radiation",
        release.region("oceania"),
        lambda x: (shift(x, -1) + x + shift(x, 1)) / 3,
    )


def longwave_of_the_day_before(release: Opened) -> None:
    """Net radiation adds to the day's net shortwave the longwave of the day before."""
    net_short = 0.8 * release.forcing["shortwave_radiation"].astype(np.float64)
    change_weather(
        release,
        "net_radiation",
        EVERYWHERE,
        lambda x: net_short + shift(x - net_short, 1),
    )


def skin_temperature_composed_of_eight_days(release: Opened) -> None:
    """North America: skin temperature is a composite of 8 days, held for each."""
    days = np.arange(release.forcing["time"].size)
    starts = days // 8 * 8

    def compose(values: np.ndarray) -> np.ndarray:
        means = np.add.reduceat(values, np.unique(starts), axis=1)
        return (means / np.bincount(starts // 8))[:, days // 8]

    change_weather(release, "skin_temperature", release.region("namerica"), compose)


def outage_interpolated(release: Opened) -> None:
    """Europe, 10 to 29 May 2018: straight lines stand for days not delivered."""
    days = release.days("2018-05-10", "2018-05-29")
    cells = release.region("europe")
    part = np.linspace(0, 1, days.stop - days.start + 2)[1:-1]
    for name in release.validation["stages"]["forcing"]["statistics"]:
        values = release.forcing[name].astype(np.float64)
        for cell in cells:
            before = values[..., cell, days.start - 1, None]
            after = values[..., cell, days.stop, None]
            values[..., cell, days] = before + part * (after - before)
        store(release, name, values)
    follow_forcing(release)


def rows_of_a_box_reversed_for_skin(release: Opened) -> None:
    """North America: skin temperature is read with latitudes the other way round."""
    cells = release.region("namerica")
    latitudes = release.cells["latitude"].to_numpy()
    longitudes = release.cells["longitude"].to_numpy()
    middle = latitudes[cells].min() + latitudes[cells].max()
    source = [
        int(cells[_nearest(latitudes[cells], longitudes[cells], middle - lat, lon)])
        for lat, lon in zip(latitudes[cells], longitudes[cells], strict=True)
    ]
    values = release.forcing["skin_temperature"][source]
    change_weather(release, "skin_temperature", cells, lambda _: values)


def _nearest(latitudes: np.ndarray, longitudes: np.ndarray, *place: float) -> int:
    return int(np.hypot(latitudes - place[0], longitudes - place[1]).argmin())


def _heights(release: Opened) -> np.ndarray:
    """Return the mean elevation of stations of each cell, m."""
    stations = release.table("stations")
    heights = stations.groupby("cell_id")["elevation"].mean()
    return heights.reindex(release.cells["cell_id"]).to_numpy()


DEFECTS: tuple[Defect, ...] = (
    air_brought_to_sea_level,
    air_averaged_over_the_box,
    humidity_with_pressure_at_sea_level,
    humidity_of_the_day_before,
    shortwave_smoothed_over_three_days,
    longwave_of_the_day_before,
    skin_temperature_composed_of_eight_days,
    outage_interpolated,
    rows_of_a_box_reversed_for_skin,
)
