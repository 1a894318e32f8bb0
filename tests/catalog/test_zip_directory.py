"""A zip whose directory would fill the memory is refused before it is loaded."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from factories.faults.fuzzed.zips import claim_members, pack, take_apart
from somobench.catalog.storage.zip_directory import (
    measure_directory,
    refuse_large_directory,
)
from somobench.pipelines.forcing.era5.files.members import find_members
from somobench.pipelines.stations.archive import open_archive
from somobench.recognise import recognise_storage
from somobench.schemas.errors import InputError

MEMBERS = {"a.csv": b"one", "b.csv": b"two"}
LINE = 46  # bytes of a line of the directory without its name


def many_lines(count: int, claimed: int) -> bytes:
    """Return a zip of lines without names, whose end counts others."""
    line = struct.pack("<4s4B4H3L5H2L", b"PK\1\2", *[0] * 18)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, claimed, claimed, LINE * count, 0, 0)
    return b"PK\3\4" + line * count + end


def test_size_is_what_the_directory_takes() -> None:
    # two lines of 46 bytes, with names of 5
    found = measure_directory(io.BytesIO(pack(MEMBERS)))
    assert found == (2, 2 * (46 + 5))


def test_numbers_of_64_bits_count_where_zipfile_reads_them() -> None:
    content = claim_members(take_apart(pack(MEMBERS)), None)  # type: ignore[arg-type]
    assert measure_directory(io.BytesIO(content)) == (1 << 40, 1 << 44)


def test_a_comment_does_not_hide_the_end() -> None:
    stream = io.BytesIO(pack(MEMBERS))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.comment = b"x" * 65_535
    assert measure_directory(stream) == (2, 102)


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"PK\5\6"])
def test_what_has_no_end_is_left_to_zipfile(content: bytes) -> None:
    assert measure_directory(io.BytesIO(content)) is None
    refuse_large_directory(io.BytesIO(content), "it")


def test_lines_that_the_end_does_not_count_are_refused() -> None:
    content = many_lines(600_000, claimed=1)
    with pytest.raises(InputError, match="a table of contents of 27600000 bytes"):
        refuse_large_directory(io.BytesIO(content), "it")


def find_in_weather(path: Path) -> object:
    with ExitStack() as stack:
        return find_members(path, stack)


def open_stations(path: Path) -> object:
    with open_archive(path) as archive:
        return archive.members


READERS: dict[str, Callable[[Path], object]] = {
    "recognised": recognise_storage,
    "weather": find_in_weather,
    "stations": open_stations,
}


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_refuses_a_large_directory(tmp_path: Path, reader: str) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(many_lines(600_000, claimed=1))
    with pytest.raises(InputError, match="a table of contents of 27600000 bytes"):
        READERS[reader](path)
