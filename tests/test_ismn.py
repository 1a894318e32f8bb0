"""The ISMN source: both layouts, names, and every damaged file refused by name."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ismn_files import (
    ceop_file,
    file_name,
    header,
    rows,
    station_file,
    write_folder,
    write_zip,
)
from somobench.pipelines.ismn import IsmnSource, read_file
from somobench.pipelines.ismn_names import FileRefusedError, parse_file_name
from somobench.pipelines.ismn_static import (
    parse_static_variables,
    read_static_variables,
)
from somobench.pipelines.sources import (
    STATION_SOURCES,
    Rejection,
    SensorSeries,
    station_source,
)
from somobench.schemas.errors import InputError, UnknownNameError
from somobench.schemas.recipe import StationParams

VALUES = [0.1, 0.2, 0.3]


def outcome(
    tmp_path: Path, content: bytes, *, name: str | None = None
) -> SensorSeries | Rejection:
    """Read an archive of one file."""
    path = write_zip(tmp_path / "a.zip", {name or file_name(): content})
    (found,) = IsmnSource().read(path)
    return found


def series(tmp_path: Path, content: bytes, *, name: str | None = None) -> SensorSeries:
    found = outcome(tmp_path, content, name=name)
    assert isinstance(found, SensorSeries), found
    return found


def test_header_and_ceop_layouts_give_the_same_series(tmp_path: Path) -> None:
    lines = rows(VALUES, flag="D03,D05")
    one = series(tmp_path, station_file(lines))
    other = series(tmp_path, ceop_file(lines))
    assert one.metadata == other.metadata
    assert one.times.tolist() == other.times.tolist()
    assert one.values.tolist() == other.values.tolist() == VALUES
    assert one.flags() == other.flags() == ["D03,D05"] * 3
    assert one.provider_flags() == other.provider_flags() == ["M"] * 3


def test_metadata_come_from_header_and_exact_depth_from_name(tmp_path: Path) -> None:
    # The header rounds 5.08 cm to two digits; the file name has it whole.
    name = file_name(station="PuaAkala", depths=(0.0508, 0.0508))
    first = header(station="Pua_Akala", place=(19.8, -155.333))
    metadata = series(
        tmp_path, station_file(rows(VALUES), first=first), name=name
    ).metadata
    assert (metadata.network, metadata.station) == ("NET", "Pua_Akala")
    assert (metadata.latitude, metadata.longitude) == (19.8, -155.333)
    assert (metadata.depth_from, metadata.depth_to) == (0.0508, 0.0508)
    assert metadata.elevation == 22.5
    assert metadata.source_file == name


@pytest.mark.parametrize(
    ("station", "sensor", "in_name", "expected"),
    [
        ("CST_01", "Probe", "Probe", ("CST_01", "Probe")),
        ("AdamsRanch#1", "Hydra (2.5 Volt)", "Hydra-(2.5-Volt)", None),
        ("Two Words", "Hydraprobe Analog_C", "Hydraprobe-Analog-C", None),
        # A number inside a name is no latitude: the depths tell where the place is.
        ("Site 5", "5TM 2 0.05", "5TM-2-0.05", None),
        ("Żółty", "n.s.", "n.s.", None),
        ("A/..B", "'Meter-5TM'", "Meter-5TM", ("A/..B", "Meter-5TM")),
        # Newer names number the probes of one model at one depth.
        ("S", "'Meter-5TM'", "Meter-5TM_1_2", ("S", "Meter-5TM_1_2")),
        ("S", "Probe_1", "Probe_1", ("S", "Probe_1")),
        ("sm_0.1_0.2_x", "a_b", "a_b", None),
    ],
)
def test_names_hold_anything(
    tmp_path: Path,
    station: str,
    sensor: str,
    in_name: str,
    expected: tuple[str, str] | None,
) -> None:
    content = station_file(rows(VALUES), first=header(station=station, sensor=sensor))
    name = file_name(station="S_" + station.replace("/", ""), sensor=in_name)
    metadata = series(tmp_path, content, name=name.replace("..", "")).metadata
    assert (metadata.station, metadata.sensor) == (expected or (station, sensor))


def test_newer_column_widths_and_quotes_are_read(tmp_path: Path) -> None:
    content = (
        b"RSMN RSMN Adamclisi 44.08829 27.96591 158.0 0.0000 0.0500 'Meter-5TM'\n"
        b"2024/12/20 00:00 0.126 D02,D03 M\n"
    )
    name = file_name(
        depths=(0.0, 0.05), sensor="Meter-5TM_1_1", days="19500101_20260512"
    )
    found = series(tmp_path, content, name=name)
    assert found.metadata.sensor == "Meter-5TM_1_1"
    assert (found.metadata.depth_from, found.metadata.depth_to) == (0.0, 0.05)
    assert found.declared_start == np.datetime64("1950-01-01")
    assert found.declared_end == np.datetime64("2026-05-12")


@pytest.mark.parametrize("missing", ["-9999.0", "-999.9", "99999", "nan"])
def test_elevation_code_is_missing(tmp_path: Path, missing: str) -> None:
    first = header().replace("22.50", missing)
    found = series(tmp_path, station_file(rows(VALUES), first=first))
    assert np.isnan(found.metadata.elevation)


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


GOOD = station_file(rows(VALUES))
FILE_REJECTIONS = {
    "empty": (b"", "empty file", "0 bytes"),
    "blank": (b"\r\n \r\n", "empty file", "5 bytes"),
    "byte-order mark": (b"\xef\xbb\xbf" + GOOD, "byte-order mark", "xef"),
    "utf-16": (GOOD.decode().encode("utf-16"), "byte-order mark", "xff"),
    "header only": (station_file([]), "no rows", "header"),
    "header without end": (header().encode(), "no rows", "header"),
    "no header": (GOOD.split(b"\n\r")[1], "header", "2020/01/01"),
    "html": (b"<html>Please log in</html>\n", "header", "<html>"),
    "binary": (bytes(range(1, 200)), "control character", "x01"),
    "latin-1": (
        station_file(rows(VALUES)).replace(b"ST01", "Stöt".encode("latin-1")),
        "not UTF-8",
        "xf6",
    ),
    "terminal escape": (
        station_file(rows(VALUES), first=header(station="\x1b[2J")),
        "control character",
        "x1b",
    ),
    "nine columns": (
        station_file(rows(VALUES), first=header().rsplit(maxsplit=2)[0]),
        "header",
        "0.05",
    ),
    "depth in centimetres": (
        station_file(rows(VALUES), first=header(depths=(5, 5))),
        "depth differs from file name",
        "5.00 to 5.00 m",
    ),
    "other depth": (
        station_file(rows(VALUES), first=header(depths=(0.05, 0.10))),
        "depth differs from file name",
        "0.10",
    ),
    "latitude beyond the pole": (
        station_file(rows(VALUES), first=header(place=(153.6, 110.0))),
        "impossible coordinates",
        "153.6",
    ),
    "swapped": (
        station_file(rows(VALUES), first=header(place=(-155.3, 19.8))),
        "swapped coordinates",
        "-155.3",
    ),
    "longitude 0 to 360": (
        station_file(rows(VALUES), first=header(place=(19.8, 204.667))),
        "impossible coordinates",
        "204.667",
    ),
    "null island": (
        station_file(rows(VALUES), first=header(place=(0, 0))),
        "impossible coordinates",
        "0.0",
    ),
    "latitude nan": (
        station_file(rows(VALUES), first=header().replace("53.67728", "nan")),
        "impossible coordinates",
        "nan",
    ),
    "24:00": (
        GOOD.replace(b"02:00", b"24:00"), "unreadable row", "line 4: '2020/01/01 24:00"
    ),
    ":60": (GOOD.replace(b"02:00", b"01:60"), "unreadable row", "01:60"),
    "day first": (
        GOOD.replace(b"2020/01/01", b"01/01/2020"), "unreadable row", "2 more"
    ),
    "epoch seconds": (
        GOOD.replace(b"2020/01/01 00:00", b"1577836800"), "unreadable row", "1577836800"
    ),
    "epoch milliseconds": (
        GOOD.replace(b"2020/01/01 00:00", b"1577836800000"),
        "unreadable row",
        "1577836800000",
    ),
    "decimal comma": (GOOD.replace(b"0.2000", b"0,2000"), "unreadable row", "0,2000"),
    "NUL": (GOOD.replace(b"0.2000", b"0\0.200"), "unreadable row", "x00"),
    "NULs at the end": (GOOD + b"\0" * 512, "truncated file", "x00"),
    "further column": (GOOD.replace(b"G M", b"G M 1"), "unreadable row", "G M 1"),
    "no flag": (GOOD.replace(b"G M", b""), "unreadable row", "0.1000"),
    "cut in a row": (GOOD[:-8], "truncated file", "line 4"),
    "cut in the header": (GOOD[:40], "header", "ST01"),
    "gzip": (b"\x1f\x8b\x08\x00" + GOOD, "nested archive", "gzip"),
    "zip": (b"PK\x03\x04" + GOOD, "nested archive", "zip"),
    "ceop that moves": (
        ceop_file(rows(VALUES[:2]))
        + ceop_file(rows(VALUES), first=header(place=(53.6, 10.1))),
        "unreadable row",
        "line 3",
    ),
    "ceop of another depth": (
        ceop_file(rows(VALUES), first=header(depths=(0.1, 0.1))),
        "depth differs from file name",
        "0.10",
    ),
    "ceop without place": (
        ceop_file(rows(VALUES), first="NET NET ST01 x"), "header", "NET NET ST01"
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "reason", "found"), FILE_REJECTIONS.values(), ids=FILE_REJECTIONS
)
def test_damaged_file_is_rejected_by_name(
    tmp_path: Path, content: bytes, reason: str, found: str
) -> None:
    rejection = outcome(tmp_path, content)
    assert isinstance(rejection, Rejection), rejection
    assert rejection.file == file_name()
    assert rejection.reason == reason
    assert found in rejection.found
    assert rejection.found.isprintable()
    assert rejection.expected


@settings(deadline=None, max_examples=300)  # the first call compiles
@given(
    content=st.sampled_from([GOOD, ceop_file(rows(VALUES))]),
    edits=st.lists(
        st.tuples(st.integers(0, 400), st.binary(max_size=4), st.integers(0, 30)),
        min_size=1,
        max_size=4,
    ),
)
def test_random_damage_never_crashes_and_never_makes_up_a_row(
    content: bytes, edits: list[tuple[int, bytes, int]]
) -> None:
    for at, inserted, removed in edits:
        content = content[:at] + inserted + content[at + removed :]
    try:
        found = read_file(content, parse_file_name(file_name()), file_name())
    except FileRefusedError:
        return
    assert 0 < len(found.values) <= len(content.split())
    # Every value and flag read stands in the bytes.
    words = set(content.decode("latin-1").split())
    assert {float(word) for word in words if is_number(word)} >= set(
        found.values[~np.isnan(found.values)].tolist()
    )
    assert set(found.flags()) <= words


def is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


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


def test_million_members_refuse_the_archive(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {file_name(): GOOD})
    content = bytearray(path.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    # A zip64 end record in front of the plain one, with a million entries in it.
    large = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, *[10**6] * 4)
    path.write_bytes(content[:end] + large + content[end:])
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


def test_reading_is_lazy(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("name", sorted(STATION_SOURCES))
def test_registered_source_declares_how_it_counts(name: str) -> None:
    source = station_source(name)
    assert source.day_definition in {"UTC", "local_standard_time"}
    assert isinstance(source.has_flags, bool)
    assert source.minimum_count is None or source.minimum_count > 0


def test_every_source_of_a_recipe_is_registered() -> None:
    annotation = StationParams.model_fields["source"].annotation
    assert set(get_args(annotation)) == set(STATION_SOURCES)


def test_unknown_source_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean ismn"):
        station_source("ismm")
