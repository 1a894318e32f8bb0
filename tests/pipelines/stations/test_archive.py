"""ISMN archives: members chosen, damaged and hostile ones, and static variables."""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories.raw.ismn_files import (
    GOOD,
    VALUES,
    file_name,
    header,
    outcome,
    rows,
    station_file,
    write_folder,
    write_zip,
)
from somobench.pipelines.stations import Rejection, SensorSeries, portions
from somobench.pipelines.stations.ismn import IsmnSource
from somobench.pipelines.stations.ismn.statics import (
    parse_static_variables,
    read_static_variables,
)
from somobench.schemas.errors import InputError


def test_zip_and_folder_give_the_same_in_member_order(tmp_path: Path) -> None:
    members = {
        file_name(sensor=sensor): station_file(rows(VALUES)) for sensor in "CAB"
    } | {
        "Metadata.xml": b"<x/>",
        "Readme.txt": b"read me",
        "NET/ST01/NET_NET_ST01_static_variables.csv": b"",
        file_name(variable="ts"): b"not looked at",
    }
    found = [
        [item.metadata.source_file for item in IsmnSource().read(path)]
        for path in (
            write_zip(tmp_path / "a.zip", members),
            write_folder(tmp_path / "a", members),
        )
    ]
    expected = [file_name(sensor=sensor) for sensor in "ABC"]
    assert found == [expected, expected]


def test_variable_is_chosen_by_its_code(tmp_path: Path) -> None:
    first = header(depths=(-2.0, -2.0))
    name = file_name(variable="ta", depths=(-2.0, -2.0))
    members = {
        file_name(): station_file(rows(VALUES)),
        name: station_file(rows([-3.5, 12.25]), first=first),
    }
    path = write_zip(tmp_path / "a.zip", members)
    (found,) = IsmnSource().read(path, variable="ta")
    assert isinstance(found, SensorSeries)
    # Air temperature is measured above ground, at a negative depth.
    assert found.metadata.depth_from == -2.0
    assert found.values.tolist() == [-3.5, 12.25]


@pytest.mark.parametrize(
    ("name", "depths", "reason"),
    [
        (file_name(depths=(0.3, 0.1)), (0.3, 0.1), "impossible depth"),
        (file_name(depths=(-0.1, 0.1)), (-0.1, 0.1), "impossible depth"),
        (file_name(depths=(0, 500)), (0, 500), "impossible depth"),
        (file_name(days="20201301_20201231"), (0.05, 0.05), "file name"),
        (file_name(variable="xy"), (0.05, 0.05), "file name"),
        ("NET/ST01/notes.stm", (0.05, 0.05), "file name"),
        ("NET/ST01/values.dat", (0.05, 0.05), "not a station file"),
        ("NET/ST01/more.zip", (0.05, 0.05), "nested archive"),
        (f"{file_name()}.gz", (0.05, 0.05), "nested archive"),
    ],
)
def test_unusable_name_or_depth_is_rejected(
    tmp_path: Path, name: str, depths: tuple[float, float], reason: str
) -> None:
    content = station_file(rows(VALUES), first=header(depths=depths))
    rejection = outcome(tmp_path, content, name=name)
    assert isinstance(rejection, Rejection), rejection
    assert (rejection.file, rejection.reason) == (name, reason)


def test_damaged_member_is_rejected_and_its_neighbour_read(tmp_path: Path) -> None:
    names = [file_name(sensor="A"), file_name(sensor="B")]
    path = write_zip(tmp_path / "a.zip", dict.fromkeys(names, GOOD))
    with zipfile.ZipFile(path) as file:
        at = file.getinfo(names[0]).header_offset + 30 + len(names[0]) + 20
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)
    first, second = IsmnSource().read(path)
    assert isinstance(first, Rejection)
    assert (first.file, first.reason) == (names[0], "damaged member")
    assert isinstance(second, SensorSeries)


@settings(deadline=None, max_examples=200)  # the first call compiles
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_flipped_bit_in_a_zip_gives_the_same_rows_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    path = write_zip(
        tmp_path_factory.mktemp("flip") / "a.zip", {file_name(variable="sm"): GOOD}
    )
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1 << bit
    path.write_bytes(content)
    try:
        outcomes = list(IsmnSource().read(path))
    except InputError:
        return
    for item in outcomes:
        assert isinstance(item, Rejection) or item.values.tolist() == VALUES


HOSTILE = {
    "climbing": ("../evil.stm", "relative path"),
    "climbing inside": ("NET/../../evil.stm", "relative path"),
    "absolute": ("/etc/evil.stm", "relative path"),
    "backslash": ("NET\\evil.stm", "relative path"),
    "drive": ("C:/evil.stm", "relative path"),
    "escape": ("NET/\x1b[2J.stm", "control characters"),
}


@pytest.mark.parametrize(("name", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_member_name_refuses_the_archive(
    tmp_path: Path, name: str, expected: str
) -> None:
    path = write_zip(tmp_path / "a.zip", {file_name(): GOOD, name: GOOD})
    with pytest.raises(InputError, match=expected):
        list(IsmnSource().read(path))


def test_member_twice_refuses_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(file_name(), GOOD)
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr(file_name(), GOOD)
    with pytest.raises(InputError, match="each member once"):
        list(IsmnSource().read(path))


def test_symbolic_link_refuses_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        link = zipfile.ZipInfo(file_name())
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="no link or device"):
        list(IsmnSource().read(path))


def test_encrypted_member_refuses_the_archive(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {file_name(): GOOD})
    content = bytearray(path.read_bytes())
    # Bit 0 of the flags, 8 bytes into the entry of the central directory.
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="without encryption"):
        list(IsmnSource().read(path))


def test_bomb_refuses_the_archive_before_it_is_inflated(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {file_name(): b" " * 5_000_000})
    with pytest.raises(InputError, match="at most 200 to 1"):
        list(IsmnSource().read(path))


def test_member_that_declares_too_much_is_rejected(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {file_name(): GOOD})
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    # Declared sizes, packed and unpacked, 20 and 24 bytes into the entry.
    struct.pack_into("<II", content, at + 20, 2**25, 2**31)
    path.write_bytes(content)
    (found,) = IsmnSource().read(path)
    assert isinstance(found, Rejection)
    assert found.reason == "damaged member"
    assert found.found == "2147483648 bytes"


@pytest.mark.parametrize(("field", "value"), [(20, 2**31), (42, 2**31), (20, 10**6)])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_member_that_lies_beyond_the_file_is_rejected_and_its_neighbour_read(
    tmp_path: Path, method: int, field: int, value: int
) -> None:
    path = write_zip(
        tmp_path / "a.zip", {file_name(): GOOD, file_name(station="ST02"): GOOD}
    )
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    # Method, packed size and place: 10, 20 and 42 bytes into the entry.
    struct.pack_into("<H", content, at + 10, method)
    struct.pack_into("<I", content, at + field, value)
    path.write_bytes(content)
    found, neighbour = IsmnSource().read(path)
    assert isinstance(found, Rejection)
    assert str(value) in found.found
    assert isinstance(neighbour, SensorSeries)


def test_member_without_a_name_refuses_the_archive(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {file_name(): GOOD})
    name = file_name().encode()
    path.write_bytes(path.read_bytes().replace(name, b"\0" + name[1:]))
    with pytest.raises(InputError, match="relative path"):
        list(IsmnSource().read(path))


def test_million_members_refuse_the_archive(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {file_name(): GOOD})
    content = bytearray(path.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    # A zip64 end record in front of the plain one, with a million entries in it.
    large = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, *[10**6] * 4)
    place = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    path.write_bytes(content[:end] + large + place + content[end:])
    with pytest.raises(InputError, match="1000000 members"):
        list(IsmnSource().read(path))


@pytest.mark.parametrize(
    "content", [b"", b"no zip at all", b"PK\x05\x06", GOOD], ids=len
)
def test_file_that_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(InputError, match="a whole zip file"):
        list(IsmnSource().read(path))


def test_absent_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a zip or a folder"):
        list(IsmnSource().read(tmp_path / "none.zip"))


def test_link_that_leads_nowhere_is_rejected(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", {file_name(sensor="A"): GOOD})
    (folder / file_name(sensor="B")).symlink_to(tmp_path / "gone")
    first, second = IsmnSource().read(folder)
    assert isinstance(first, SensorSeries)
    assert isinstance(second, Rejection)
    assert second.reason == "damaged member"


def test_pipe_is_rejected_and_not_waited_for(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", {"NET/ST01/Readme.txt": b""})
    os.mkfifo(folder / file_name())
    (rejection,) = IsmnSource().read(folder)
    assert isinstance(rejection, Rejection)
    assert (rejection.reason, rejection.found) == ("damaged member", "a pipe or device")


def test_reading_is_lazy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "PORTION_FILES", 1)
    names = [file_name(sensor=f"P{index}") for index in range(9)]
    folder = write_folder(tmp_path / "a", dict.fromkeys(names, GOOD))
    found = IsmnSource().read(folder)
    next(found)
    (folder / names[8]).unlink()
    outcomes = [next(found) for _ in range(8)]
    # Only files near the one asked for are read ahead: the last one was not.
    assert isinstance(outcomes[-1], Rejection)
    assert all(isinstance(item, SensorSeries) for item in outcomes[:-1])


STATIC = (
    "quantity_name;unit;depth_from[m];depth_to[m];value;description;source;more;\n"
    'sand fraction;% weight;0.00;0.30;31.00;;HWSD;HWSD v1.1;30";x;\n'
    "sand fraction;% weight;0.30;1.00;33.00;;HWSD;HWSD v1.1;x;\n"
    "sand fraction;% weight;-99.90;-99.90;50.00;;insitu;own;x;\n"
    "clay fraction;% weight;0.00;0.30;-9999;;HWSD;HWSD v1.1;x;\n"
    "saturation;m^3*m^-3;0.00;0.30;0.49;;HWSD;HWSD v1.1;x;\n"
    "land cover classification;;;;10;Cropland, rainfed;CCI_landcover_2010;ESA;x;\n"
    "climate classification;;;;Cfb;Temperate;koeppen_geiger_2007;Peel;x;\n"
)


def test_static_variables_are_read_in_fractions() -> None:
    assert parse_static_variables(STATIC) == {
        "sand_fraction": 0.31,  # 31 per cent
        "sand_fraction_below_30_cm": 0.33,
        "saturation": 0.49,
        "land_cover_CCI_landcover_2010": "10",
        "climate_koeppen_geiger_2007": "Cfb",
    }


def test_static_variables_without_a_header_line_keep_their_first_row() -> None:
    headless = STATIC.partition("\n")[2]
    assert parse_static_variables(headless) == parse_static_variables(STATIC)
    marked = "\ufeff" + headless  # a byte-order mark is no part of the name
    assert parse_static_variables(marked) == parse_static_variables(STATIC)
    assert parse_static_variables("") == {}


LEFT_BY_PROGRAMS = (
    f"__MACOSX/NET/ST01/._{file_name().rpartition('/')[2]}",
    "__MACOSX/NET/ST01/._NET_NET_ST01_static_variables.csv",
    f"NET/ST01/._{file_name().rpartition('/')[2]}",
    "NET/.DS_Store",
    "NET/ST01/Thumbs.db",
    "desktop.ini",
    "python_metadata/archive.csv",
    "python_metadata/archive.log",
    "NET/@eaDir/thumb.stm",
    ".ipynb_checkpoints/x.stm",
    "ismn.log",
    "NET/ST01/photo.jpg",
)


@pytest.mark.parametrize("name", LEFT_BY_PROGRAMS)
@pytest.mark.parametrize("write", [write_zip, write_folder])
def test_what_programs_leave_beside_the_data_is_passed_over(
    tmp_path: Path, name: str, write: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    path = write(tmp_path / "a", {file_name(): GOOD, name: b"\0\5\x16\7\0\2"})
    (found,) = IsmnSource().read(path)
    assert isinstance(found, SensorSeries)
    assert read_static_variables(path) == ({}, ())


def test_static_variables_are_keyed_by_folder_and_bad_ones_rejected(
    tmp_path: Path,
) -> None:
    members = {
        "NET/A/NET_NET_A_static_variables.csv": STATIC.encode(),
        "NET/B/NET_NET_B_static_variables.csv": b"head\nsaturation;x\n",
        "NET/C/NET_NET_C_static_variables.csv": "head\nö".encode("latin-1"),
    }
    path = write_zip(tmp_path / "a.zip", members)
    stations, rejections = read_static_variables(path)
    assert list(stations) == ["NET/A"]
    assert [rejection.file.split("/")[1] for rejection in rejections] == ["B", "C"]
