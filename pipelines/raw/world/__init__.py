"""The virtual world: simulated, labelled as such, written in real raw formats.

Files under the folder given: `ismn.zip`, `era5/<region>.zarr.zip` and, since here it is
known, the truth of each cell in `truth.zarr.zip`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from somobench.catalog.storage.archive import write_zarr_zip
from somobench.parallel import map_items
from somobench.pipelines.raw.world.archive import (
    README,
    Bytes,
    format_member_name,
    format_member_stem,
    format_sensor_file,
    format_static_file,
    format_times,
    make_damaged_members,
    write_archive,
)
from somobench.pipelines.raw.world.hourly import (
    compute_progress,
    interpolate,
    interpolate_states,
)
from somobench.pipelines.raw.world.reanalysis import (
    SPIN_UP,
    Box,
    list_hourly_times,
    make_era5_dataset,
    simulate_box,
)
from somobench.pipelines.raw.world.regions import CLIMATES
from somobench.pipelines.raw.world.sensors import (
    Readings,
    Signals,
    read_sensor,
    weigh_depths,
)
from somobench.pipelines.raw.world.stations import (
    Ground,
    Station,
    average_node_corners,
    choose_cells,
    draw_stations,
    is_wet,
    list_cell_centres,
    simulate_ground,
    take_day_ends,
)
from somobench.pipelines.raw.world.truth import (
    RegionTruth,
    average_truth,
    make_truth_dataset,
)
from somobench.pipelines.raw.world.weather import FREEZING, Floats
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import Recipe, VirtualParams

STATIONS_FILE = "ismn.zip"
FORCING_FOLDER = "era5"
TRUTH_FILE = "truth.zarr.zip"
HOURS_A_CHUNK = 8784  # of the hourly store: a leap year


def write_virtual_world(recipe: Recipe, folder: Path, *, processes: int = 1) -> None:
    """Simulate the world of a recipe and write it as raw data.

    The bytes depend on the recipe alone.

    Parameters
    ----------
    recipe : Recipe
    folder : Path
    processes : int
        Regions are simulated by so many at a time.

    Raises
    ------
    InputError
        If the recipe asks for a region or a grid that the world doesn't have.
    """
    _check_params(recipe)
    regions = sorted(item.name for item in recipe.regions)
    days = partial(list_days, recipe)
    found = map_items(partial(write_region, recipe, folder), regions, days, processes)
    members = {"Readme.txt": README.encode()}
    for of_region, _ in found:
        members |= of_region
    write_archive(members, folder / STATIONS_FILE)
    truths = [truth for _, truth in found]
    write_zarr_zip(make_truth_dataset(truths, days(), recipe), folder / TRUTH_FILE)


def write_region(
    recipe: Recipe, folder: Path, days: npt.NDArray[np.datetime64], region: str
) -> tuple[dict[str, bytes], RegionTruth]:
    """Write the forcing of a region; return its station files and its truth."""
    params = _check_params(recipe)
    box = simulate_box(
        CLIMATES[region],
        days,
        params.box_nodes,
        recipe.grid.resolution,
        params.seed,
    )
    write_zarr_zip(
        make_era5_dataset(box),
        folder / FORCING_FOLDER / f"{region}.zarr.zip",
        {"valid_time": HOURS_A_CHUNK},
    )
    return _observe(box, region, params)


def list_days(recipe: Recipe) -> npt.NDArray[np.datetime64]:
    """List the days of a recipe's period."""
    return np.arange(
        np.datetime64(recipe.period.start), np.datetime64(recipe.period.end) + 1
    )


def _check_params(recipe: Recipe) -> VirtualParams:
    params = recipe.virtual
    if params is None:
        raise InputError(
            f"recipe {recipe.release.recipe}",
            found="inputs of path 'virtual' without a block `virtual`",
            expected="virtual: {seed, cells_per_region, box_nodes}",
        )
    unknown = sorted({item.name for item in recipe.regions} - set(CLIMATES))
    if unknown:
        raise InputError(
            "regions of a virtual recipe", found=unknown, expected=sorted(CLIMATES)
        )
    candidates = (params.box_nodes - 1) ** 2
    if params.cells_per_region > candidates:
        raise InputError(
            "virtual.cells_per_region",
            found=params.cells_per_region,
            expected=f"at most {candidates}, the cells between the nodes of a box",
        )
    return params


def _observe(
    box: Box, region: str, params: VirtualParams
) -> tuple[dict[str, bytes], RegionTruth]:
    """Return the region's members of the station archive, and its truth."""
    root = np.random.SeedSequence(params.seed, spawn_key=(box.climate.code, 2))
    layout, soils, *rest = root.spawn(3)
    rng = np.random.Generator(np.random.PCG64(layout))
    latitude, longitude = list_cell_centres(box)
    cells = choose_cells(rng, latitude.size, params.cells_per_region)
    stations = draw_stations(box, region, cells, rng)
    under_cells, under_stations = simulate_ground(
        box, cells, stations, np.random.Generator(np.random.PCG64(soils))
    )
    times = format_times(list_hourly_times(box.days))
    members: dict[str, bytes] = {}
    for column, (station, seed) in enumerate(
        zip(stations, rest[0].spawn(len(stations)), strict=True)
    ):
        streams = np.random.Generator(np.random.PCG64(seed))
        signals = StationSignals(box, under_stations, column, station.cell)
        members |= write_station(station, signals, times, streams)
    span = _format_span(box.days, 0, box.days.size - 1)
    members |= make_damaged_members(stations[-1].network.name, span)
    east = (longitude[cells] + 180.0) % 360.0 - 180.0
    return members, RegionTruth(
        latitude[cells], east, average_truth(box, under_cells)[:3]
    )


class StationSignals:
    """Hourly truth below one station, layer by layer."""

    def __init__(self, box: Box, ground: Ground, column: int, cell: int) -> None:
        self.box = box
        wet = is_wet(ground.drivers, column)
        self.progress = compute_progress(box.shares.rain[SPIN_UP:-1], wet)
        self.moisture = take_day_ends(ground.balance.soil_moisture)[:, :, column]
        self.warmth = take_day_ends(ground.balance.soil_temperature)[:, :, column]
        self.air = _interpolate_air(ground.drivers.temperature[:, column])
        self.assumed = take_day_ends(
            _average_corners(box, box.balance.soil_temperature, cell)
        )
        self.saturation = float(ground.soil.porosity[0, column])

    def at(self, depth: tuple[float, float]) -> Signals:
        """Return the signals that a sensor at a depth interval (m) lives with."""
        weights = weigh_depths(*depth)
        even = np.tile(np.arange(24) / 24.0, (self.box.days.size, 1))
        return Signals(
            interpolate_states((self.moisture * weights).sum(axis=1), self.progress),
            interpolate_states((self.warmth * weights).sum(axis=1), even),
            self.air,
            interpolate_states((self.assumed * weights).sum(axis=1), even),
        )


def _average_corners(box: Box, nodes: Floats, cell: int) -> Floats:
    """Return the mean of a cell's corners, (day, layer, node) to (day, layer)."""
    size = box.latitude.size
    return average_node_corners(nodes.reshape(*nodes.shape[:2], size, size))[..., cell]


def _interpolate_air(daily: Floats) -> Floats:
    return interpolate(np.concatenate([daily[SPIN_UP - 1 :], daily[-1:]]))


def write_station(
    station: Station,
    signals: StationSignals,
    times: Bytes,
    rng: np.random.Generator,
) -> dict[str, bytes]:
    """Return all files of a station."""
    network = station.network
    span = _format_span(signals.box.days, station.first, station.last)
    saturation = round(signals.saturation + 0.02, 2)
    static = f"{format_member_stem(station)}_static_variables.csv"
    members = {static: format_static_file(saturation, station.clay)}
    depths = network.depths[: 2 if station.shallow else None]
    sensors = [(depth, network.sensor) for depth in depths]
    if station.twin:  # a second probe at the same depth
        sensors.append((network.depths[0], f"{network.sensor}2"))
    for depth, sensor in sensors:
        readings = read_sensor(station, depth, signals.at(depth), saturation, rng)
        name = format_member_name(station, "sm", depth, sensor, span)
        members[name] = format_sensor_file(station, depth, sensor, readings, times)
    if network.soil_thermometer:
        depth, sensor = network.depths[0], network.sensor
        name = format_member_name(station, "ts", depth, sensor, span)
        warmth = _simulate_thermometer(station, signals.at(depth).soil_temperature)
        members[name] = format_sensor_file(station, depth, sensor, warmth, times)
    return members


def _simulate_thermometer(station: Station, soil_temperature: Floats) -> Readings:
    """Return soil temperature in degrees Celsius, every six hours."""
    hours = np.arange(24 * station.first, 24 * (station.last + 1), 6, dtype="int64")
    flags: npt.NDArray[np.uint16] = np.zeros(hours.size, dtype="uint16")
    return Readings(hours, np.round(soil_temperature[hours] - FREEZING, 2), flags)


def _format_span(days: npt.NDArray[np.datetime64], first: int, last: int) -> str:
    ends = np.datetime_as_string(days[[first, last]], unit="D")
    return "_".join(str(day).replace("-", "") for day in ends)
