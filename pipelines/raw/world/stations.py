"""Stations of the virtual world, and the true soils below them and below cells.

A cell's truth is a soil column under the cell's rain; each station stands in a column
of its own, with other soil and a little other rain. Sensors' errors are elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from somobench.pipelines.raw.world.reanalysis import SPIN_UP, Box
from somobench.pipelines.raw.world.regions import NETWORKS, Network
from somobench.pipelines.raw.world.soil import (
    Balance,
    Drivers,
    Soil,
    make_soil,
    simulate_columns,
)
from somobench.pipelines.raw.world.weather import Floats

TRUTH_LAYERS = (100.0, 200.0, 200.0, 500.0)  # mm: three target layers and one below
LOCAL_RAIN_SPREAD = 0.45  # log standard deviation of a day's rain in a cell
STATION_RAIN_SPREAD = 0.30  # and of a station's around its cell's
STATIONS_OF_CELLS = (1, 2, 1, 3, 1, 2, 1, 4, 2, 1)
SHORT_RECORD = 70  # days: too short for the target rule
PLACES = ("Ridge", "Hollow", "Upper_Field", "Creek", "Terrace#", "Plateau")
"""What stations are called; some names hold the signs that real archives hold."""
OTHER_NETWORK = 3  # the rank in a cell of the station that another network runs
SHARE = {
    "short": 0.12,
    "unrelated": 0.12,
    "twin": 0.12,
    "late": 0.6,
    "closed": 0.25,
    "shallow": 0.2,
}
"""Shares of stations: of records too short, hardly following the cell, with a second
probe at a depth, begun late, closed early, without their deepest sensors."""


@dataclass(frozen=True)
class Station:
    """A site in a cell: `care` is 0 (neglected) to 1 (well kept).

    `first` and `last` are days of the period, both inside. `unrelated` sites, such as
    irrigated ones, hardly follow the cell.
    """

    network: Network
    name: str
    cell: int
    latitude: float = 0.0
    longitude: float = 0.0
    elevation: float = 0.0
    clay: float = 0.5
    care: float = 1.0
    first: int = 0
    last: int = 0
    unrelated: bool = False
    twin: bool = False
    shallow: bool = False


@dataclass(frozen=True)
class Ground:
    """Soil columns under the cells and under the stations, and their simulation."""

    soil: Soil
    drivers: Drivers
    balance: Balance


def list_cell_centres(box: Box) -> tuple[Floats, Floats]:
    """Return latitude and longitude (0..360) of the cells between nodes, row by row."""
    rows = (box.latitude[:-1] + box.latitude[1:]) / 2.0
    columns = (box.longitude[:-1] + box.longitude[1:]) / 2.0
    return np.repeat(rows, columns.size), np.tile(columns, rows.size)


def average_node_corners(nodes: Floats) -> Floats:
    """Average the four corner nodes of each cell, (..., n, n) to (..., (n-1)^2)."""
    north = nodes[..., :-1, :-1] + nodes[..., :-1, 1:]
    south = nodes[..., 1:, :-1] + nodes[..., 1:, 1:]
    mean = 0.25 * (north + south)
    return mean.reshape(*mean.shape[:-2], -1)


def choose_cells(rng: np.random.Generator, candidates: int, count: int) -> list[int]:
    """Draw the cells that carry stations, in the order of the grid."""
    return sorted(int(cell) for cell in rng.permutation(candidates)[:count])


def draw_stations(
    box: Box, region: str, cells: list[int], rng: np.random.Generator
) -> list[Station]:
    """Draw each cell's stations: the first well kept and long, others less so."""
    clay = average_node_corners(box.clay)
    counts = rng.permutation(np.resize(STATIONS_OF_CELLS, len(cells)))
    stations: list[Station] = []
    for order, (cell, count) in enumerate(zip(cells, counts.tolist(), strict=True)):
        texture = _vary_clay(rng, float(clay[cell]))
        for rank in range(count):
            network = NETWORKS[region][(order + (rank == OTHER_NETWORK)) % 2]
            name = f"{PLACES[int(rng.integers(len(PLACES)))]}{len(stations) + 1:02d}"
            blank = Station(network=network, name=name, cell=cell)
            stations.append(_settle_station(blank, box, rank, texture, rng))
    return stations


def _vary_clay(rng: np.random.Generator, clay: float) -> float:
    return float(np.clip(clay + 0.1 * rng.standard_normal(), 0.03, 0.95))


def _settle_station(
    blank: Station, box: Box, rank: int, texture: float, rng: np.random.Generator
) -> Station:
    """Return the station with a place in its cell, a soil, a keeper and a record."""
    latitude, longitude = list_cell_centres(box)
    low, high = sorted(box.climate.elevation)
    care = 0.75 + 0.25 * rng.random() if rank == 0 else 0.7 * rng.random()
    first, last = _record(rng, box.days.size, care, rank)
    north = float(latitude[blank.cell]) + rng.uniform(-0.11, 0.11)
    east = float(longitude[blank.cell]) + rng.uniform(-0.11, 0.11)
    return replace(
        blank,
        latitude=round(north, 5),
        longitude=round((east + 180.0) % 360.0 - 180.0, 5),
        elevation=float(round(rng.uniform(low, high))),
        clay=_vary_clay(rng, texture),
        care=care,
        first=first,
        last=last,
        unrelated=rank > 0 and rng.random() < SHARE["unrelated"],
        twin=rng.random() < SHARE["twin"],
        shallow=rng.random() < SHARE["shallow"],
    )


def _record(
    rng: np.random.Generator, days: int, care: float, rank: int
) -> tuple[int, int]:
    """Return first and last day of a record: longer where it is better kept."""
    if rank == 0:
        first = (
            int(days * rng.uniform(0.0, 0.25)) if rng.random() < SHARE["late"] else 0
        )
        lost = (
            int(days * rng.uniform(0.1, 0.5)) if rng.random() < SHARE["closed"] else 0
        )
        return first, days - 1 - lost
    length = min(days, SHORT_RECORD)
    if rng.random() > SHARE["short"]:
        length = max(length, int(days * (0.1 + 0.6 * care * rng.random() + 0.1 * care)))
    first = int(rng.integers(0, days - length + 1))
    return first, first + length - 1


def simulate_ground(
    box: Box, cells: list[int], stations: list[Station], rng: np.random.Generator
) -> tuple[Ground, Ground]:
    """Simulate the true soil of cells and of stations; return both."""
    size = box.latitude.size
    clay = average_node_corners(box.clay)
    rain = average_node_corners(box.drivers.rain.reshape(-1, size, size))[:, cells]
    other = [
        average_node_corners(values.reshape(-1, size, size))[:, cells]
        for values in (box.drivers.temperature, box.drivers.net_radiation)
    ]
    local = rain * _draw_multiplier(rng, rain.shape, LOCAL_RAIN_SPREAD)
    textures = np.asarray(
        [_average_clay(stations, cell, float(clay[cell])) for cell in cells]
    )
    under_cells = _simulate(textures, Drivers(local, *other))
    home = [cells.index(station.cell) for station in stations]
    spread = STATION_RAIN_SPREAD * np.asarray([1.6 - item.care for item in stations])
    wet = local[:, home] * _draw_multiplier(rng, (len(local), len(home)), spread)
    drivers = Drivers(wet, *(values[:, home] for values in other))
    under_stations = _simulate(np.asarray([item.clay for item in stations]), drivers)
    return under_cells, under_stations


def _average_clay(stations: list[Station], cell: int, mapped: float) -> float:
    """Return a cell's texture: between the map's and that of its stations."""
    own = [station.clay for station in stations if station.cell == cell]
    return 0.5 * mapped + 0.5 * sum(own) / len(own)


def _draw_multiplier(
    rng: np.random.Generator, shape: tuple[int, ...], spread: float | Floats
) -> Floats:
    """Return lognormal factors of mean 1."""
    return np.exp(spread * rng.standard_normal(shape) - np.square(spread) / 2.0)


def _simulate(clay: Floats, drivers: Drivers) -> Ground:
    soil = make_soil(clay, TRUTH_LAYERS)
    return Ground(soil, drivers, simulate_columns(soil, drivers))


def take_day_ends(values: Floats) -> Floats:
    """Return states from the end of the day before the period on, (D + 1, ...)."""
    return values[SPIN_UP - 1 :]


def is_wet(drivers: Drivers, column: int) -> npt.NDArray[np.bool_]:
    """Return whether it rained in a column on each day of the period."""
    return np.asarray(drivers.rain[SPIN_UP:, column] > 0.0)
