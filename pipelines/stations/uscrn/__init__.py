"""Station sources `uscrn` and `uscrn_hourly`: NOAA's climate reference network.

An archive, zip or folder, holds one file a station and year, named by product, year
and station. A station is known by its WBAN number: its last name and its last position
count, and what came before is noted. Units stay as delivered.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from somobench.pipelines.stations import (
    FILE_SEPARATOR,
    DayDefinition,
    Note,
    Rejection,
    SensorMetadata,
    SensorSeries,
)
from somobench.pipelines.stations.archive import (
    Archive,
    DamagedMemberError,
    open_archive,
)
from somobench.pipelines.stations.uscrn.files import (
    DAILY01,
    HOURLY02,
    Product,
    StationFile,
    is_companion,
    is_moved,
    parse_member_name,
    read_file,
)
from somobench.pipelines.stations.uscrn.layout import DEPTHS_CM
from somobench.schemas.errors import UnknownNameError

NETWORK = "USCRN"
SOIL_MOISTURE = "sm"
MISSING = (-99.0, -9999.0, -99999.0)  # lowest number of each field's format (readme)
NUMBER_SIZE = 5  # digits of a WBAN number, the first field of every line


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
        probes = _list_probes(self.product, variable)
        with open_archive(path) as archive:
            for station, members in _group_by_station(archive, self.product).items():
                read = [read_file(archive, name, self.product) for name in members]
                files, rejections = _split_by_place(read)
                yield from rejections
                if files:
                    yield from (
                        _make_series(station, files, probe, variable)
                        for probe in probes
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


def _list_probes(product: Product, variable: str) -> list[_Probe]:
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


def _group_by_station(archive: Archive, product: Product) -> dict[str, list[str]]:
    """Group members by the last name of their WBAN number, years in order.

    One of a strange name stays by itself; so do names that share a number in one year.
    """
    named: list[tuple[int, str, str]] = []
    for member in archive.members:
        if not is_companion(member.name):
            year, station = parse_member_name(member.name, product) or (0, member.name)
            named.append((year, station, member.name))
    by_number: dict[str, dict[int, str]] = {}
    for year, station, name in sorted(named):
        years = by_number.setdefault(_number(archive, name), {})
        years[year] = station if years.get(year, station) == station else ""
    last = {
        station: list(years.values())[-1]
        for number, years in by_number.items()
        if number and "" not in years.values()
        for station in years.values()
    }
    stations: dict[str, list[str]] = {}
    for _, station, name in sorted(named, key=lambda item: (item[0], item[2])):
        stations.setdefault(last.get(station, station), []).append(name)
    return dict(sorted(stations.items()))


def _number(archive: Archive, name: str) -> str:
    """Read the WBAN number that a file opens with; empty where there is none."""
    try:
        start = archive.read_start(name, NUMBER_SIZE)
    except DamagedMemberError:
        return ""
    return start.decode("ascii") if start.isdigit() else ""


def _split_by_place(
    read: list[StationFile | Rejection],
) -> tuple[list[StationFile], list[Rejection]]:
    """Split a station's files from rejections; its last file says where it stands."""
    files = [file for file in read if isinstance(file, StationFile)]
    rejections = [file for file in read if isinstance(file, Rejection)]
    for file in files[:-1]:
        if is_moved(file.place, files[-1].place):
            found = "{}, {}".format(*file.place)
            expected = "near {}, {} as later".format(*files[-1].place)
            rejections.append(Rejection(file.name, "moved", found, expected))
    rejected = {rejection.file for rejection in rejections}
    return [file for file in files if file.name not in rejected], rejections


def _note_differences(files: list[StationFile]) -> Iterator[Note]:
    """Say what differs between files of a station, and what counts."""
    last = files[-1]
    stations = dict.fromkeys(file.station for file in files)
    names = [station for station in stations if station != last.station]
    if names:
        kind = "station was renamed; its last name counts"
        yield Note(kind, ", ".join(names), last.station)
    places = dict.fromkeys(place for file in files for place in file.places)
    earlier = ["{}, {}".format(*place) for place in places if place != last.place]
    if earlier:
        kind = "position was corrected; the last one counts"
        yield Note(kind, "; ".join(earlier), "{}, {}".format(*last.place))
    squeezed = sum(file.columns.is_squeezed for file in files)
    if squeezed:
        kind = "fields are separated by single blanks or tabs; their order counts"
        yield Note(kind, f"{squeezed} files", "the columns of the readme")


def _make_series(
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
        latitude=files[-1].place[0],
        longitude=files[-1].place[1],
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
        notes=tuple(_note_differences(files)),
    )
