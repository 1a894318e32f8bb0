"""The virtual world: simulated, labelled as such, written in real raw formats.

Files under the folder given: `ismn.zip`, `era5/<region>.zarr.zip` and, since here it is
known, the truth of each cell in `truth.zarr.zip`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr

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
from somobench.pipelines.raw.world.weather import FREEZING, Floats
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import Recipe, VirtualParams

STATIONS_FILE = "ismn.zip"
FORCING_FOLDER = "era5"
TRUTH_FILE = "truth.zarr.zip"
HOURS_A_CHUNK = 8784  # of the hourly store: a leap year
DECIMALS = 5  # of the truth


@dataclass(frozen=True)
class RegionTruth:
    """Daily truth of a region's cells, (layer, cell, day), with their places."""

    latitude: Floats
    longitude: Floats
    soil_moisture: Floats


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
    found = map_items(
        partial(write_region, folder), regions, partial(_hand_over, recipe), processes
    )
    members = {"Readme.txt": README.encode()}
    for of_region, _ in found:
        members |= of_region
    write_archive(members, folder / STATIONS_FILE)
    truth = make_truth_dataset([item[1] for item in found], list_days(recipe), recipe)
    write_zarr_zip(truth, folder / TRUTH_FILE)


def write_region(
    folder: Path, recipe: Recipe, region: str
) -> tuple[dict[str, bytes], RegionTruth]:
    """Write the forcing of a region; return its station files and its truth."""
    params = _check_params(recipe)
    box = simulate_box(
        CLIMATES[region],
        list_days(recipe),
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


def _hand_over(recipe: Recipe) -> Recipe:
    return recipe


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


def average_truth(box: Box, ground: Ground) -> Floats:
    """Return the mean over hours 00 to 23 of true soil moisture, (layer, cell, day)."""
    ends = take_day_ends(ground.balance.soil_moisture)
    columns = range(ends.shape[2])
    moved = np.stack(
        [
            compute_progress(
                box.shares.rain[SPIN_UP:-1], is_wet(ground.drivers, column)
            ).mean(1)
            for column in columns
        ],
        axis=1,
    )[:, None, :]
    return np.moveaxis(ends[:-1] + (ends[1:] - ends[:-1]) * moved, 0, 2)


def make_truth_dataset(
    truths: list[RegionTruth], days: npt.NDArray[np.datetime64], recipe: Recipe
) -> xr.Dataset:
    """Return daily truth on (layer, cell, time), cells sorted by id."""
    latitude = np.concatenate([item.latitude for item in truths])
    longitude = np.concatenate([item.longitude for item in truths])
    cells = list(_name_cells(latitude, longitude))
    order = np.asarray(sorted(range(len(cells)), key=cells.__getitem__))
    truth = np.concatenate([item.soil_moisture for item in truths], axis=1)
    rounded = np.round(truth[:, order], DECIMALS).astype("float32")
    attrs = {"units": "m3 m-3", "long_name": "simulated true soil moisture"}
    depths = np.asarray([[x.depth_from_cm, x.depth_to_cm] for x in recipe.layers[:3]])
    return xr.Dataset(
        {"soil_moisture_truth": (("layer", "cell", "time"), rounded, attrs)},
        coords={
            "layer": ("layer", np.asarray([1, 2, 3], dtype="int8")),
            "layer_depth_from": ("layer", depths[:, 0] / 100.0, {"units": "m"}),
            "layer_depth_to": ("layer", depths[:, 1] / 100.0, {"units": "m"}),
            "cell": ("cell", np.asarray(cells, dtype=str)[order]),
            "latitude": ("cell", latitude[order], {"units": "degrees_north"}),
            "longitude": ("cell", longitude[order], {"units": "degrees_east"}),
            "time": ("time", days.astype("datetime64[ns]")),
        },
        attrs={"title": "SoMoBench virtual world: simulated truth, no observation"},
    )


def _name_cells(latitude: Floats, longitude: Floats) -> Iterator[str]:
    for place in zip(latitude.tolist(), longitude.tolist(), strict=True):
        yield f"{place[0]}_{place[1]}"
