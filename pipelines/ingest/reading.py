"""Archives to sensors and their days, block of files by block of files.

A block is read by one process, which keeps nothing of it but counts: days go to a part
on disk. Neither memory nor what is written depends on how many processes there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from somobench.parallel import map_items
from somobench.pipelines.ingest.parts import write_part
from somobench.pipelines.ingest.report import Ingested, prefix_archive, settle
from somobench.pipelines.ingest.sensor_days import SensorRecord, make_sensor_record
from somobench.pipelines.stations import (
    Divisible,
    Rejection,
    SensorSeries,
    StationSource,
    find_station_source,
)
from somobench.pipelines.stations.archive import Archive, Member, open_archive
from somobench.pipelines.stations.daily import DailyMeans
from somobench.progress import tell_step
from somobench.schemas.recipe import Recipe

VARIABLE = "sm"
BLOCK_SIZE = 2**27  # bytes of files, unpacked
BLOCK_FILES = 2000
Outcomes = tuple[list[SensorRecord], list[Rejection]]


class Block(NamedTuple):
    """Some files of an archive; all of one whose source reads it as a whole."""

    number: int
    archive: int
    members: tuple[Member, ...] | None


@dataclass
class Reader:
    """What a process reads with; archives are opened when they are asked for."""

    archives: Sequence[tuple[str, Path]]
    recipe: Recipe
    folder: Path | None
    opened: dict[int, Archive] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    def find_source(self, archive: int) -> StationSource:
        """Set up the source of an archive."""
        return find_station_source(self.archives[archive][0], self.recipe.stations)

    def open(self, archive: int) -> Archive:
        """Open an archive, once."""
        if archive not in self.opened:
            path = self.archives[archive][1]
            self.opened[archive] = self.stack.enter_context(open_archive(path))
        return self.opened[archive]

    def read(self, block: Block) -> Iterator[SensorSeries | Rejection]:
        """Read the files of a block."""
        source, path = self.find_source(block.archive), self.archives[block.archive][1]
        if block.members is None or not isinstance(source, Divisible):
            yield from source.read(path, variable=VARIABLE)
            return
        archive = self.open(block.archive)
        yield from source.read_members(archive, block.members, variable=VARIABLE)


def read_stations(
    archives: Sequence[tuple[str, Path]],
    recipe: Recipe,
    folder: Path | None = None,
    *,
    processes: int = 1,
) -> Ingested:
    """Read archives by the sources that their records name.

    Of several archives, files are named with their archive's name before them.

    Parameters
    ----------
    archives : name of the source, and path, of each
    recipe : Recipe
    folder : Path, optional
        Gets the days, in parts; without it they are only counted.
    processes : int
        At once; with a scheduler of Dask (`SOMOBENCH_DASK`) its workers read.
    """
    open_reader = partial(Reader, tuple(archives), recipe, folder)
    with (reader := open_reader()).stack:
        blocks = list(list_blocks(reader))
    found = map_items(read_block, blocks, open_reader, processes)
    records, rejections = zip(*found, strict=True) if found else ((), ())
    return settle(
        list(chain.from_iterable(records)), list(chain.from_iterable(rejections))
    )


def list_blocks(reader: Reader) -> Iterator[Block]:
    """Cut archives into blocks of files, as far as their sources allow."""
    numbers = iter(range(2**31))
    for index in range(len(reader.archives)):
        if not isinstance(reader.find_source(index), Divisible):
            yield Block(next(numbers), index, None)
            continue
        members: list[Member] = []
        size = 0
        for member in reader.open(index).members:
            members.append(member)
            size += member.size
            if size >= BLOCK_SIZE or len(members) >= BLOCK_FILES:
                yield Block(next(numbers), index, tuple(members))
                members, size = [], 0
        if members:
            yield Block(next(numbers), index, tuple(members))


def read_block(reader: Reader, block: Block) -> Outcomes:
    """Reduce each file of a block to its days, as it is read, and store those."""
    source, recipe = reader.find_source(block.archive), reader.recipe
    archive = reader.archives[block.archive][1].name
    records: list[SensorRecord] = []
    rejections: list[Rejection] = []
    days: list[DailyMeans] = []
    for number, found in enumerate(reader.read(block), 1):
        tell_step(f"reading {archive}, file {number}")
        item = prefix_archive(archive, found) if len(reader.archives) > 1 else found
        if isinstance(item, SensorSeries):
            item = make_sensor_record(item, source, recipe)
        if isinstance(item, Rejection):
            rejections.append(item)
        else:
            records.append(item[0])
            days.append(item[1])
    places = write_part(days, block.number, reader.folder)
    stored = [
        replace(record, days=place)
        for record, place in zip(records, places, strict=True)
    ]
    return stored, rejections
