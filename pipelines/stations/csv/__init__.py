"""Station source `csv`: a sensor a file, as docs/own-stations.md lays it down.

An archive is one such file, or a folder or zip of them. Rows count as ISMN's do: the
recipe's good flags and its least number of values a day, but one value where a file
holds days. A row without a flag is good.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from somobench.pipelines.stations import DayDefinition, Rejection, SensorSeries
from somobench.pipelines.stations.archive import (
    Archive,
    DamagedMemberError,
    FolderArchive,
    Member,
    open_archive,
)
from somobench.pipelines.stations.csv.files import read_sensor_file
from somobench.schemas.errors import UnknownNameError

SUFFIX = ".csv"
SOIL_MOISTURE = "sm"


class CsvSource:
    """Reads sensors that somebody wrote down; days are UTC."""

    day_definition: DayDefinition = "UTC"
    has_flags = True
    minimum_count: int | None = None

    def read(
        self, path: Path, *, variable: str = SOIL_MOISTURE
    ) -> Iterator[SensorSeries | Rejection]:
        """Give every file in the order of names.

        Raises
        ------
        UnknownNameError
            For another variable than soil moisture.
        InputError
            If the archive can't be opened.
        """
        if variable != SOIL_MOISTURE:
            raise UnknownNameError(
                "variable of a CSV station", found=variable, expected=SOIL_MOISTURE
            )
        with _open(path) as archive:
            for member in archive.members:
                yield _read_member(archive, member)


@contextmanager
def _open(path: Path) -> Iterator[Archive]:
    """Open a file as an archive of one, or a zip or folder."""
    if not path.is_file() or zipfile.is_zipfile(path):
        with open_archive(path) as archive:
            yield archive
        return
    yield FileArchive(path)


class FileArchive(FolderArchive):
    """One file of a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path.parent
        self.members = (Member(path.name, path.stat().st_size),)


def _read_member(archive: Archive, member: Member) -> SensorSeries | Rejection:
    if PurePosixPath(member.name).suffix.lower() != SUFFIX:
        expected = f"a name that ends with {SUFFIX}"
        return Rejection(member.name, "not a station file", member.name, expected)
    try:
        return read_sensor_file(archive.read(member.name), member.name)
    except DamagedMemberError as error:
        found, expected = str(error.found), str(error.expected)
        return Rejection(member.name, "damaged member", found, expected)
