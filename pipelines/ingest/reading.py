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
from somobench.pipelines.stations.portions import cut_portions, read_portions
from somobench.progress import tell_step
from somobench.schemas.recipe import Recipe

VARIABLE = "sm"
BLOCK_SIZE = 2**27  # bytes of files, unpacked
BLOCK_FILES = 2000
Outcomes = tuple[list[SensorRecord], list[Rejection]]
Made = tuple[SensorRecord, DailyMeans] | Rejection


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

    def read(self, block: Block) -> Iterator[list[Made]]:
        """Reduce the files of a block to their days, some at a time."""
        number, members = block.archive, block.members
        source, path = self.find_source(number), self.archives[number][1]
        if members is None or not isinstance(source, Divisible):
            for item in source.read(path, variable=VARIABLE):
                yield [self._reduce(number, source, item)]
            return
        archive = self.open(number)

        def read(portion: Sequence[Member]) -> list[Made]:
            found = source.read_members(archive, portion, variable=VARIABLE)
            return [self._reduce(number, source, item) for item in found]

        yield from read_portions(read, members)

    def _reduce(
        self, archive: int, source: StationSource, item: SensorSeries | Rejection
    ) -> Made:
        if len(self.archives) > 1:
            item = prefix_archive(self.archives[archive][1].name, item)
        if isinstance(item, Rejection):
            return item
        return make_sensor_record(item, source, self.recipe)


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
        found = map_items(read_block, blocks, open_reader, processes, held=reader)
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
        members = reader.open(index).members
        for portion in cut_portions(members, BLOCK_SIZE, BLOCK_FILES):
            yield Block(next(numbers), index, portion)


def read_block(reader: Reader, block: Block) -> Outcomes:
    """Reduce each file of a block to its days, as it is read, and store those."""
    archive = reader.archives[block.archive][1].name
    made: list[Made] = []
    for some in reader.read(block):
        made += some
        tell_step(f"reading {archive}, file {len(made)}")
    rejections = [item for item in made if isinstance(item, Rejection)]
    read = [item for item in made if not isinstance(item, Rejection)]
    places = write_part([days for _, days in read], block.number, reader.folder)
    records = [
        replace(record, days=place)
        for (record, _), place in zip(read, places, strict=True)
    ]
    return records, rejections
