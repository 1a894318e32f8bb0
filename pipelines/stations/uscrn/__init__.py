"""Station sources `uscrn` and `uscrn_hourly`: NOAA's climate reference network.

An archive, zip or folder, holds one file a station and year, named by product, year
and station. Units stay as delivered.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from somobench.pipelines.stations import (
    FILE_SEPARATOR,
    DayDefinition,
    Rejection,
    SensorMetadata,
    SensorSeries,
)
from somobench.pipelines.stations.archive import open_archive
from somobench.pipelines.stations.uscrn.files import (
    DAILY01,
    HOURLY02,
    Product,
    StationFile,
    read_file,
    year_and_station,
)
from somobench.pipelines.stations.uscrn.layout import DEPTHS_CM
from somobench.schemas.errors import UnknownNameError

NETWORK = "USCRN"
SOIL_MOISTURE = "sm"
MISSING = (-99.0, -9999.0, -99999.0)  # lowest number of each field's format (readme)
MAXIMUM_MOVE = 0.05  # degrees between years; farther is another place


class _Probe(NamedTuple):
    """A column as a sensor; depth in m."""

    sensor: str
    column: str
    depth: float


class _CrnSource:
    """What both products share."""

    product: Product
    has_flags = False

    def read(
        self, path: Path, *, variable: str = SOIL_MOISTURE
    ) -> Iterator[SensorSeries | Rejection]:
        """Give rejected files and each station's series, its years joined.

        `variable` is `sm` for the five depths, or the producer's name of a column.
        The producer's missing codes become NaN; nothing else is changed or dropped.

        Raises
        ------
        UnknownNameError
            If the product has no such column.
        InputError
            If the archive can't be opened.
        """
        probes = _probes(self.product, variable)
        with open_archive(path) as archive:
            names = [member.name for member in archive.members]
            for station, members in _by_station(names, self.product).items():
                read = [read_file(archive, name, self.product) for name in members]
                files, rejections = _of_one_place(read)
                yield from rejections
                if files:
                    yield from (
                        _series(station, files, probe, variable) for probe in probes
                    )


class UscrnSource(_CrnSource):
    """daily01: one value a day of local standard time, without quality flags."""

    product = DAILY01
    day_definition: DayDefinition = "local_standard_time"
    minimum_count: int | None = 1


class UscrnHourlySource(_CrnSource):
    """hourly02: values of UTC hours, so that UTC days are made by the recipe's rule.

    A row's time is the begin of its hour. The file gives the end, where 00:00 closes
    the last hour of the day before.
    """

    product = HOURLY02
    day_definition: DayDefinition = "UTC"
    minimum_count: int | None = None


def _probes(product: Product, variable: str) -> list[_Probe]:
    if variable == SOIL_MOISTURE:
        return [
            _Probe(f"SM_{depth}", product.moisture.format(depth), depth / 100)
            for depth in DEPTHS_CM
        ]
    if variable not in product.layout.numbers:
        raise UnknownNameError(
            f"variable of a {product.prefix} archive",
            found=variable,
            expected=f"{SOIL_MOISTURE} or one of {', '.join(product.layout.numbers)}",
        )
    return [_Probe(variable, variable, 0.0)]


def _by_station(names: list[str], product: Product) -> dict[str, list[str]]:
    """Group members by station; one of a strange name stays by itself."""
    stations: dict[str, list[str]] = {}
    for name in names:
        _, station = year_and_station(name, product) or (0, name)
        stations.setdefault(station, []).append(name)
    return stations


def _of_one_place(
    read: list[StationFile | Rejection],
) -> tuple[list[StationFile], list[Rejection]]:
    """Split a station's files from rejections; its last file says where it stands."""
    files = [file for file in read if isinstance(file, StationFile)]
    rejections = [file for file in read if isinstance(file, Rejection)]
    for file in files[:-1]:
        if _is_moved(file, files[-1]):
            found = f"{file.latitude}, {file.longitude}"
            expected = f"near {files[-1].latitude}, {files[-1].longitude} as later"
            rejections.append(Rejection(file.name, "moved", found, expected))
    rejected = {rejection.file for rejection in rejections}
    return [file for file in files if file.name not in rejected], rejections


def _is_moved(file: StationFile, last: StationFile) -> bool:
    north = abs(file.latitude - last.latitude)
    east = abs(file.longitude - last.longitude)
    return max(north, east) > MAXIMUM_MOVE


def _series(
    station: str, files: list[StationFile], probe: _Probe, variable: str
) -> SensorSeries:
    values = np.concatenate([file.columns.numbers[probe.column] for file in files])
    flags = np.concatenate(
        [file.columns.flags(probe.column).astype(object) for file in files]
    )
    names, codes = np.unique(flags, return_inverse=True)
    metadata = SensorMetadata(
        network=NETWORK,
        station=station,
        sensor=probe.sensor,
        latitude=files[-1].latitude,
        longitude=files[-1].longitude,
        elevation=float("nan"),
        depth_from=probe.depth,
        depth_to=probe.depth,
        variable=variable,
        source_file=FILE_SEPARATOR.join(file.name for file in files),
    )
    return SensorSeries(
        metadata=metadata,
        times=np.concatenate([file.times for file in files]),
        values=np.where(np.isin(values, MISSING), np.nan, values),
        flag_codes=codes.astype(np.int16),
        flag_names=tuple(names.tolist()),
        provider_codes=np.zeros(len(values), dtype=np.int16),
        provider_names=("",),
    )
