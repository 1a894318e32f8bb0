"""ISMN station files: both layouts, names, and every damaged file refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories.raw.ismn_files import (
    GOOD,
    VALUES,
    ceop_file,
    file_name,
    header,
    outcome,
    rows,
    series,
    station_file,
    write_zip,
)
from somobench.pipelines.stations import Rejection, SensorSeries
from somobench.pipelines.stations.ismn import IsmnSource, read_file
from somobench.pipelines.stations.ismn.names import FileRefusedError, parse_file_name


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


def test_what_header_and_name_write_differently_is_noted(tmp_path: Path) -> None:
    name = file_name(station="CST-01", depths=(0.0508, 0.0508))
    content = station_file(rows(VALUES), first=header(station="CST_01"))
    found = series(tmp_path, content, name=name)
    assert (found.metadata.station, found.metadata.depth_from) == ("CST_01", 0.0508)
    assert [(note.found, note.used) for note in found.notes] == [
        ("CST-01", "CST_01"),
        ("0.05 to 0.05 m", "0.0508 to 0.0508 m"),
    ]
    assert series(tmp_path, GOOD).notes == ()


def test_name_with_a_comma_is_kept(tmp_path: Path) -> None:
    first = header(station="Atebubu_SHS,_Atebubu")
    content = station_file(rows(VALUES), first=first)
    name = file_name(station="AtebubuSHS,Atebubu")
    assert series(tmp_path, content, name=name).metadata.station == (
        "Atebubu_SHS,_Atebubu"
    )


def test_older_name_with_a_long_variable_and_no_sensor_is_read(tmp_path: Path) -> None:
    name = "OZ/W/OZ_OZ_W_Soil-Moisture_0.050000_0.050000_20200101_20201231.stm"
    for content in (
        station_file(rows(VALUES), first=header().rsplit(maxsplit=1)[0]),
        ceop_file(rows(VALUES)),
    ):
        found = series(tmp_path, content, name=name)
        assert found.values.tolist() == VALUES
        assert (found.metadata.variable, found.metadata.sensor) == ("sm", "n.s.")


@pytest.mark.parametrize("provider", ["DLT >= 1.5,OK", "M", "4_2xxx", ""])
def test_ceop_rows_hold_any_flag_of_the_provider(tmp_path: Path, provider: str) -> None:
    found = series(tmp_path, ceop_file(rows(VALUES, provider=provider)))
    assert found.values.tolist() == VALUES
    assert found.provider_flags() == [provider] * 3


CEOP_NAME = "SMOSMANIA/SMOSMANIA_SMOSMANIA_NBN_20101021_20101022.stm"


def ceop_reference(
    *, depths: tuple[str, ...] = ("0.05 0.05", "0.10 0.10"), hours: int = 2
) -> list[str]:
    """Return rows of all depths: temperature 10 + hour, moisture 0.2 + depth."""
    times = [f"2010/10/21 {hour:02d}:00" for hour in range(hours)]
    return [
        f"{time} {time} SMOSMANIA  SMOSMANIA  Narbonne  43.15000  2.95670  112.00 "
        f"{depth} {10 + hour:.2f} U {0.2 + abs(float(depth.split()[0])):.4f} G"
        for hour, time in enumerate(times)
        for depth in depths
    ]


@pytest.mark.parametrize(
    "depths", [("0.05 0.05", "0.10 0.10"), ("0.05", "0.10"), ("-0.05", "-0.10")]
)
def test_ceop_reference_file_gives_a_series_a_depth(
    tmp_path: Path, depths: tuple[str, ...]
) -> None:
    content = "\r\n".join(ceop_reference(depths=depths)).encode()
    path = write_zip(tmp_path / "a.zip", {CEOP_NAME: content})
    moisture, temperature = (
        list(IsmnSource().read(path, variable=variable)) for variable in ("sm", "ts")
    )
    assert all(isinstance(item, SensorSeries) for item in (*moisture, *temperature))
    found = [
        (item.metadata.depth_from, item.metadata.depth_to, item.values.tolist())
        for item in moisture
        if isinstance(item, SensorSeries)
    ]
    assert found == [(0.05, 0.05, [0.25, 0.25]), (0.1, 0.1, [0.3, 0.3])]
    first = temperature[0]
    assert isinstance(first, SensorSeries)
    assert first.values.tolist() == [10.0, 11.0]
    assert first.flags() == ["U", "U"]
    assert first.times.astype(str).tolist() == ["2010-10-21T00:00", "2010-10-21T01:00"]
    assert (first.metadata.station, first.metadata.latitude) == ("Narbonne", 43.15)
    assert list(IsmnSource().read(path, variable="p")) == []


def test_missing_value_of_a_ceop_reference_file_is_nan(tmp_path: Path) -> None:
    lines = ceop_reference(depths=("0.05 0.05",))
    lines[0] = lines[0].replace("0.2500", "-999.99")
    path = write_zip(tmp_path / "a.zip", {CEOP_NAME: "\n".join(lines).encode()})
    (found,) = IsmnSource().read(path)
    assert isinstance(found, SensorSeries)
    np.testing.assert_array_equal(found.values, [np.nan, 0.25])


CEOP_DAMAGES = {
    "a column less": (lambda line: line.rpartition(" ")[0], "16 columns"),
    "a column more": (lambda line: f"{line} M", "16 columns"),
    "24:00": (lambda line: line.replace("01:00", "24:00", 1), "a time"),
    "day first": (lambda line: line.replace("2010/10/21", "21/10/2010"), "a time"),
    "comma": (lambda line: line.replace("0.2500", "0,2500"), "a decimal number"),
    "depth in words": (lambda line: line.replace("0.05 0.05", "top low"), "numbers"),
    "another place": (lambda line: line.replace("43.15", "43.25"), "one place"),
}


@pytest.mark.parametrize("damage", CEOP_DAMAGES)
def test_damaged_ceop_reference_file_is_rejected(tmp_path: Path, damage: str) -> None:
    change, expected = CEOP_DAMAGES[damage]
    first, second = ceop_reference(depths=("0.05 0.05",))
    content = f"{first}\n{change(second)}\n".encode()
    rejection = outcome(tmp_path, content, name=CEOP_NAME)
    assert isinstance(rejection, Rejection)
    assert rejection.reason == "unreadable row"
    assert expected in rejection.expected


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
