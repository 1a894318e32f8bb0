"""Days of sensors on disk between reading archives and writing the table.

A part holds the days of the files of one block, sensor after sensor, in the order in
which they were read. What a part holds is settled only once all files are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from somobench.catalog.storage.atomic import replace_file
from somobench.catalog.storage.scratch import make_scratch
from somobench.pipelines.stations.daily import DailyMeans

ROW = np.dtype([("day", "<i4"), ("mean", "<f8"), ("count", "<i2")])


@dataclass(frozen=True)
class StoredDays:
    """Where the days of a sensor lie: rows of a part, named by its number."""

    part: int
    first: int
    count: int


def load_days(places: Iterable[StoredDays], folder: Path) -> Iterator[NDArray[np.void]]:
    """Read the days of some sensors from the folder of the parts: (count,) of `ROW`."""
    for part, some in groupby(places, attrgetter("part")):
        with (folder / name_part(part)).open("rb") as file:
            for place in some:
                file.seek(place.first * ROW.itemsize)
                yield np.frombuffer(file.read(place.count * ROW.itemsize), ROW)


@contextmanager
def make_parts_folder(folder: Path) -> Iterator[Path]:
    """Give a folder for parts in another one, which a failure leaves as it was.

    It is removed at the end, and where something fails the other one too, if it was not
    there before.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with make_scratch(folder, ".days-") as parts:
            yield parts
    except BaseException:
        if is_new:
            with suppress(OSError):  # something else lies there
                folder.rmdir()
        raise


def name_part(number: int) -> str:
    """Return the name of a part's file."""
    return f"{number:06d}.days"


def write_part(
    days: Sequence[DailyMeans], number: int, folder: Path | None
) -> list[StoredDays]:
    """Write the days of some sensors as one part; without a folder only count them.

    The same days give the same bytes, so that a part may be written twice.
    """
    lengths = np.array([len(item.days) for item in days], np.int64)
    firsts = np.cumsum(lengths) - lengths
    if folder is not None:
        with replace_file(folder / name_part(number)) as partial:
            np.concatenate([np.empty(0, ROW), *map(_pack, days)]).tofile(partial)
    return [
        StoredDays(number, *place)
        for place in zip(firsts.tolist(), lengths.tolist(), strict=True)
    ]


def _pack(daily: DailyMeans) -> NDArray[np.void]:
    rows = np.empty(len(daily.days), ROW)
    rows["day"] = daily.days.astype(np.int64)
    rows["mean"], rows["count"] = daily.means, daily.counts
    return rows
