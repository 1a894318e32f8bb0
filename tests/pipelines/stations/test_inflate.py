"""Members unpacked by libdeflate are those that `zipfile` gives, or left to it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from somobench.pipelines.stations.archive import DamagedMemberError, open_archive
from somobench.pipelines.stations.inflate import Inflater

pytest.importorskip("deflate")
CONTENT = b"2020/01/01 00:00   0.1000 G M\r\n" * 500
NAME = "NET/\xf6.stm"


def write_archive(path: Path) -> bytearray:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME, CONTENT)
        archive.writestr("stored.stm", CONTENT, zipfile.ZIP_STORED)
        archive.writestr("empty.stm", b"")
        archive.writestr("last.stm", CONTENT[:31])
    return bytearray(path.read_bytes())


def read_member(path: Path, name: str) -> bytearray | None:
    with zipfile.ZipFile(path) as archive:
        return Inflater(archive, archive.infolist()).read(archive.getinfo(name))


def test_members_are_those_that_zipfile_gives(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    write_archive(path)
    with zipfile.ZipFile(path) as archive:
        whole = {name: archive.read(name) for name in archive.namelist()}
    found = {name: read_member(path, name) for name in whole}
    assert found.pop("stored.stm") is None
    assert found == {name: whole[name] for name in found}
    with open_archive(path) as opened:
        assert {name: opened.read(name) for name in whole} == whole


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, 0),  # no local header
        (6, 1),  # said to be encrypted there alone
        (30, ord("M")),  # another name there
        (26, 3),  # a shorter one
        (28, 255),  # extra fields beyond the next member
        (80, 255),  # data that don't unpack, or to other bytes
    ],
)
def test_member_that_is_not_plain_is_left_to_zipfile(
    tmp_path: Path, place: int, value: int
) -> None:
    path = tmp_path / "a.zip"
    content = write_archive(path)
    content[place] = value
    path.write_bytes(content)
    assert read_member(path, NAME) is None


def test_sum_of_the_directory_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    content = write_archive(path)
    content[content.index(b"PK\x01\x02") + 16] ^= 1
    path.write_bytes(content)
    assert read_member(path, NAME) is None
    with open_archive(path) as opened, pytest.raises(DamagedMemberError):
        opened.read(NAME)


def test_zip_within_a_zip_is_left_to_zipfile(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(io.BytesIO(write_archive(path))) as archive:
        found = Inflater(archive, archive.infolist()).read(archive.getinfo(NAME))
    assert found is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (42, 0xFFFFFFF0),  # begins where no file is so long
        (42, 0x7FFFFFFF),
        (20, 0xFFFFFFF0),  # packed into more than there is
    ],
)
def test_directory_that_leads_beyond_the_file_is_left_to_zipfile(
    tmp_path: Path, place: int, value: int
) -> None:
    path = tmp_path / "a.zip"
    content = write_archive(path)
    at = content.index(b"PK\x01\x02") + place
    content[at : at + 4] = value.to_bytes(4, "little")
    path.write_bytes(content)
    assert read_member(path, NAME) is None


def test_empty_zip_opens(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    zipfile.ZipFile(path, "w").close()
    with open_archive(path) as opened:
        assert opened.members == ()
