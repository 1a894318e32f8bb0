"""The USCRN readers: fixed columns, rejected files, local days and UTC hours."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from factories.raw.uscrn_files import daily_line, hourly_line, write_archive
from somobench.pipelines.stations import Rejection, SensorSeries, find_station_source
from somobench.pipelines.stations.daily import average_to_days
from somobench.pipelines.stations.selection import select_good
from somobench.pipelines.stations.uscrn import UscrnHourlySource, UscrnSource
from somobench.schemas.errors import InputError, UnknownNameError

NAME = "2020/CRND0103-2020-TX_Monahans_6_ENE.txt"
HOURLY_NAME = "2020/CRNH0203-2020-TX_Monahans_6_ENE.txt"


def read(
    path: Path, variable: str = "sm"
) -> tuple[list[SensorSeries], list[Rejection]]:
    items = list(UscrnSource().read(path, variable=variable))
    series = [item for item in items if isinstance(item, SensorSeries)]
    return series, [item for item in items if isinstance(item, Rejection)]


def read_one(tmp_path: Path, content: str | bytes, name: str = NAME) -> Rejection:
    """Read an archive of one damaged file beside a good one of another station."""
    good = NAME.replace("TX_Monahans_6_ENE", "AL_Gadsden_19_N")
    archive = write_archive(tmp_path / "a.zip", {good: daily_line(), name: content})
    series, rejections = read(archive)
    assert {item.metadata.station for item in series} == {"AL_Gadsden_19_N"}
    assert [item.file for item in rejections] == [name]
    return rejections[0]


def test_source_is_found_by_name() -> None:
    assert isinstance(find_station_source("uscrn"), UscrnSource)
    with pytest.raises(UnknownNameError, match=r"(?s)station .*did you mean uscrn"):
        find_station_source("uscrm")


def test_station_gives_five_depths_on_local_days(tmp_path: Path) -> None:
    lines = [
        daily_line("20200101", SOIL_MOISTURE_5_DAILY=0.1, SOIL_MOISTURE_50_DAILY=0.3),
        daily_line("20200102", SOIL_MOISTURE_5_DAILY=-0.05),
    ]
    archive = write_archive(tmp_path / "a.zip", {NAME: "\n".join(lines)})
    series, rejections = read(archive)
    assert rejections == []
    depths = [(item.metadata.sensor, item.metadata.depth_from) for item in series]
    assert depths == [
        ("SM_5", 0.05), ("SM_10", 0.1), ("SM_20", 0.2), ("SM_50", 0.5), ("SM_100", 1.0)
    ]  # fmt: skip
    first = series[0]
    assert (first.metadata.network, first.metadata.station) == (
        "USCRN", "TX_Monahans_6_ENE"
    )  # fmt: skip
    assert all(item.metadata.depth_to == item.metadata.depth_from for item in series)
    assert first.times.astype(str).tolist() == ["2020-01-01T00:00", "2020-01-02T00:00"]
    # A negative value is the quality rule's to drop; the missing code is no value.
    assert first.values.tolist() == [0.1, -0.05]
    np.testing.assert_array_equal(series[3].values, [0.3, np.nan])
    source = UscrnSource()
    assert (source.day_definition, source.has_flags, source.minimum_count) == (
        "local_standard_time", False, 1
    )  # fmt: skip


GOOD = daily_line()
DAMAGED = {
    "truncated line": (f"{GOOD}\n{GOOD[:150]}", "line", "line 2: 150 bytes"),
    "further column": (GOOD + "     1.0", "line", "224 bytes"),
    "header text": (f"WBANNO LST_DATE\n{GOOD}", "line", "line 1: 15 bytes"),
    "header of full width": ("WBANNO".ljust(215, ".") + "x", "line", "WBANNO"),
    "decimal comma": (daily_line(SOIL_MOISTURE_5_DAILY="0,259"), "line", "line 1"),
    "inf": (daily_line(SOIL_MOISTURE_5_DAILY="inf"), "line", "line 1"),
    "nan": (daily_line(SOIL_MOISTURE_5_DAILY="nan"), "line", "line 1"),
    "NUL": (GOOD.replace("2.622", "2.\x0022"), "line", "x00"),
    "blank field": (daily_line(T_DAILY_AVG=""), "line", "T_DAILY_AVG"),
    "two points": (daily_line(P_DAILY_CALC="1.2.3"), "line", "P_DAILY_CALC '  1.2.3'"),
    "shifted by a byte": (" " + GOOD[:-1], "line", "line 1"),
    "latin-1": (GOOD[:88] + "\xe9" + GOOD[89:], "line", "line 1"),
    "no byte": ("", "empty", "0 bytes"),
    "blank lines only": (" \n\r\n", "empty", "4 bytes"),
    "30 February": (daily_line("20200230"), "date", "20200230"),
    "day-first date": (daily_line("31122020"), "date", "31122020"),
    "wrong year": (daily_line("20190101"), "year", "1 rows such as of 2019-01-01"),
    "two stations": (f"{GOOD}\n{daily_line(wban='03048')}", "station number", "03048"),
    "two positions": (f"{GOOD}\n{daily_line(LATITUDE=32.0)}", "position", "32.0"),
    "swapped, possible": (
        daily_line(LATITUDE=-87.81, LONGITUDE=31.62), "position", "-87.81"
    ),
    "swapped, impossible": (
        daily_line(LATITUDE=-102.81, LONGITUDE=31.62), "position", "-102.81"
    ),
    "position missing": (daily_line(LATITUDE="-9999.0"), "position", "-9999.0"),
    "longitude 0..360": (daily_line(LONGITUDE=257.19), "position", "257.19"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_file_is_rejected_and_the_others_are_read(
    tmp_path: Path, case: str
) -> None:
    content, reason, found = DAMAGED[case]
    rejection = read_one(tmp_path, content.encode("latin-1"))
    assert rejection.reason == reason
    assert found in rejection.found
    assert rejection.expected


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("CRNH0203-2020-X.txt", "hourly02, read by the station source uscrn_hourly"),
        ("CRND0102-2020-X.txt", "another version of daily01"),
        ("CRND0103-20-X.txt", "daily01"),
        ("2020/CRNS0101-05-2020-X.txt", "subhourly01, values of five minutes"),
        ("CRNSIP01_X.txt", "soilsip01, soil moisture in percent"),
        ("CRNM0102-X.txt", "monthly01"),
        ("X.stm", "X.stm"),
        ("data.txt", "data.txt"),
    ],
)
def test_file_of_another_product_is_rejected_saying_which(
    tmp_path: Path, name: str, found: str
) -> None:
    rejection = read_one(tmp_path, GOOD, name)
    assert rejection.reason == "file name"
    assert found in rejection.found


@pytest.mark.parametrize(
    "name",
    [
        "HEADERS.txt", "2020/readme.txt", "README.txt", "stations.tsv", "index.html",
        "headers.txt", ".DS_Store", "__MACOSX/2020/._CRND0103-2020-X.txt", "Thumbs.db",
    ],
)  # fmt: skip
def test_texts_beside_the_data_are_passed_over(tmp_path: Path, name: str) -> None:
    archive = write_archive(tmp_path / "a.zip", {NAME: GOOD, name: "words"})
    series, rejections = read(archive)
    assert (len(series), rejections) == (5, [])


def test_station_that_was_renamed_is_one_station(tmp_path: Path) -> None:
    members = {
        "CRND0103-2019-TX_Monahans_7_ENE.txt": daily_line("20190101"),
        "CRND0103-2020-TX_Austin_6_ENE.txt": daily_line("20200101"),
        "CRND0103-2018-ZZ_First.txt": daily_line("20180101"),
        "CRND0103-2020-AL_Other.txt": daily_line("20200101", wban="03048"),
    }
    series, rejections = read(write_archive(tmp_path / "a.zip", members))
    assert rejections == []
    stations = [item.metadata.station for item in series]
    assert stations == ["AL_Other"] * 5 + ["TX_Austin_6_ENE"] * 5
    years = series[-1].times.astype("M8[Y]").astype(str).tolist()
    assert years == ["2018", "2019", "2020"]
    (note,) = series[-1].notes
    assert "renamed" in note.kind
    assert note.found == "ZZ_First, TX_Monahans_7_ENE"
    assert note.used == "TX_Austin_6_ENE"
    assert series[0].notes == ()


def test_two_names_in_one_year_are_two_stations(tmp_path: Path) -> None:
    members = {
        "CRND0103-2020-A.txt": daily_line("20200101"),
        "CRND0103-2020-B.txt": daily_line("20200101"),
    }
    series, rejections = read(write_archive(tmp_path / "a.zip", members))
    assert rejections == []
    assert {item.metadata.station for item in series} == {"A", "B"}


def test_position_that_was_corrected_is_noted(tmp_path: Path) -> None:
    members = {
        "CRND0103-2019-X.txt": daily_line("20190101", LATITUDE=31.65),
        "CRND0103-2020-X.txt": "\n".join(
            [daily_line("20200101", LATITUDE=31.63), daily_line("20200102")]
        ),
    }
    series, rejections = read(write_archive(tmp_path / "a.zip", members))
    assert rejections == []
    assert len(series[0].values) == 3
    assert (series[0].metadata.latitude, series[0].metadata.longitude) == (
        31.62,
        -102.81,
    )
    (note,) = series[0].notes
    assert note.found == "31.65, -102.81; 31.63, -102.81"
    assert note.used == "31.62, -102.81"


@pytest.mark.parametrize("mark", [" ", "\t"])
def test_copy_with_single_marks_is_read_as_the_producers(
    tmp_path: Path, mark: str
) -> None:
    lines = [
        daily_line("20200101", SOIL_MOISTURE_5_DAILY=0.123),
        daily_line("20200102"),
    ]
    squeezed = "\n".join(mark.join(line.split()) for line in lines)
    plain, _ = read(write_archive(tmp_path / "a.zip", {NAME: "\n".join(lines)}))
    series, rejections = read(write_archive(tmp_path / "b.zip", {NAME: squeezed}))
    assert rejections == []
    for one, other in zip(plain, series, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        # No elevation is delivered: NaN, which equals nothing.
        assert replace(one.metadata, elevation=0) == replace(
            other.metadata, elevation=0
        )
    assert "single blanks" in series[0].notes[0].kind
    assert plain[0].notes == ()


@pytest.mark.parametrize(
    "content",
    [
        # One blank lost in a line of fixed columns shifts nothing into place.
        f"{GOOD}\n{GOOD.replace('  ', ' ', 1)}",
        f"{GOOD}\n{' '.join(GOOD.split())}",
        "\t".join(GOOD.split()).replace("\t", " ", 1),
        "\t".join(GOOD.split()).replace("\t", "\t\t", 1),
        ",".join(GOOD.split()),
        " ".join(GOOD.split()).replace("-99.000", "-99.00000", 1),
        " ".join(GOOD.split()[:-1]),
    ],
)
def test_copy_that_mixes_layouts_is_rejected(tmp_path: Path, content: str) -> None:
    assert read_one(tmp_path, content).reason == "line"


def test_number_in_the_name_must_be_that_of_the_rows(tmp_path: Path) -> None:
    name = "2020/CRND0103-2020-WBAN_03048.txt"
    rejection = read_one(tmp_path, GOOD, name)
    assert (rejection.reason, rejection.found, rejection.expected) == (
        "station number", "03047", "03048"
    )  # fmt: skip


def test_member_with_a_flipped_byte_is_rejected(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a.zip", {NAME: GOOD})
    content = archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        at = content.index(GOOD.encode())
        assert opened.getinfo(NAME).compress_type == zipfile.ZIP_STORED
    archive.write_bytes(content[: at + 140] + b"9" + content[at + 141 :])
    series, rejections = read(archive)
    assert series == []
    assert [item.reason for item in rejections] == ["damaged"]


def test_archive_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"<html>log in</html>")
    with pytest.raises(InputError, match=r"a\.zip"):
        list(UscrnSource().read(path))


def test_values_that_cannot_be_are_left_to_the_counted_rule(tmp_path: Path) -> None:
    values = {"20200101": 0.2, "20200102": -0.01, "20200103": 25.9, "20200104": None}
    lines = [
        daily_line(date, SOIL_MOISTURE_5_DAILY=value) for date, value in values.items()
    ]
    # A day that comes twice with another value contradicts itself: both are dropped.
    lines += [daily_line("20200105", SOIL_MOISTURE_5_DAILY=0.1 * i) for i in (1, 2)]
    archive = write_archive(tmp_path / "a.zip", {NAME: "\n".join(lines)})
    series, _ = read(archive)
    good = select_good(
        series[0],
        good_flags=None,
        start=np.datetime64("2020-01-01"),
        end=np.datetime64("2020-12-31"),
    )
    assert good.values.tolist() == [0.2]
    assert dict(good.dropped) == {
        "negative": 1, "above 1": 1, "not finite": 1, "conflicting time": 2
    }  # fmt: skip


def test_years_of_a_station_are_joined_in_order(tmp_path: Path) -> None:
    members = {
        NAME.replace("2020", str(year)): daily_line(
            f"{year}0101", SOIL_MOISTURE_5_DAILY=year / 1e4
        )
        for year in (2021, 2020)
    }
    series, rejections = read(write_archive(tmp_path / "a.zip", members))
    assert rejections == []
    assert len(series) == 5
    assert series[0].values.tolist() == [0.202, 0.202]  # 0.2020 and 0.2021, 3 decimals
    assert series[0].times.astype("M8[Y]").astype(str).tolist() == ["2020", "2021"]
    assert series[0].metadata.source_file.count(";") == 1


def test_year_from_another_place_is_rejected(tmp_path: Path) -> None:
    members = {
        NAME.replace("2020", "2019"): daily_line("20190101", LATITUDE=31.72),
        NAME: daily_line("20200101", LATITUDE=31.62),
    }
    series, rejections = read(write_archive(tmp_path / "a.zip", members))
    assert [item.reason for item in rejections] == ["moved"]
    assert series[0].times.astype("M8[Y]").astype(str).tolist() == ["2020"]
    assert series[0].metadata.latitude == 31.62


def test_column_of_the_meteorology_is_a_series(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a.zip", {NAME: daily_line(P_DAILY_CALC=12.5)})
    series, _ = read(archive, "P_DAILY_CALC")
    assert [item.values.tolist() for item in series] == [[12.5]]
    with pytest.raises(UnknownNameError, match=r"SNOW[\s\S]*P_DAILY_CALC"):
        read(archive, "SNOW")


def hourly(tmp_path: Path, lines: list[str]) -> list[SensorSeries | Rejection]:
    path = write_archive(tmp_path / "a.zip", {HOURLY_NAME: "\n".join(lines)})
    return list(UscrnHourlySource().read(path))


def test_midnight_closes_the_last_hour_of_the_day_before(tmp_path: Path) -> None:
    hours = [("20200601", f"{hour:02d}00") for hour in range(1, 24)]
    hours.append(("20200602", "0000"))
    values = [0.10] * 23 + [0.34]
    lines = [
        hourly_line(*hour, SOIL_MOISTURE_5=value)
        for hour, value in zip(hours, values, strict=True)
    ]
    first = hourly(tmp_path, lines)[0]
    assert isinstance(first, SensorSeries)
    daily = average_to_days(first.times, first.values, minimum_count=24)
    # (23 * 0.10 + 0.34) / 24 = 0.11, all on 1 June.
    assert daily.days.astype(str).tolist() == ["2020-06-01"]
    np.testing.assert_allclose(daily.means, [0.11], rtol=1e-12)
    assert UscrnHourlySource.day_definition == "UTC"
    assert UscrnHourlySource.minimum_count is None


def test_hourly_file_may_open_with_the_last_hour_of_the_year_before(
    tmp_path: Path,
) -> None:
    first = hourly(tmp_path, [hourly_line("20200101", "0000")])[0]
    assert isinstance(first, SensorSeries)
    assert first.times.astype(str).tolist() == ["2019-12-31T23:00"]


@pytest.mark.parametrize(
    ("date", "time", "reason"),
    [
        ("20200101", "2400", "date"), ("20200101", "0030", "date"),
        ("20200101", "0160", "date"), ("20210101", "0100", "year"),
        ("20191231", "2300", "year"), ("20200101", "  00", "line"),
    ],
)  # fmt: skip
def test_impossible_hour_rejects_the_file(
    tmp_path: Path, date: str, time: str, reason: str
) -> None:
    found = hourly(tmp_path, [hourly_line(), hourly_line(date, time)])
    assert [item.reason for item in found if isinstance(item, Rejection)] == [reason]
    assert len(found) == 1


def test_flags_of_hourly_radiation_are_delivered(tmp_path: Path) -> None:
    lines = [
        hourly_line("20200601", "0100", SOLARAD="   120", SOLARAD_FLAG="0"),
        hourly_line("20200601", "0200", SOLARAD="   999", SOLARAD_FLAG="3"),
        hourly_line("20200601", "0300"),
    ]
    path = write_archive(tmp_path / "a.zip", {HOURLY_NAME: "\n".join(lines)})
    (series,) = UscrnHourlySource().read(path, variable="SOLARAD")
    assert isinstance(series, SensorSeries)
    assert series.flags() == ["0", "3", "0"]
    np.testing.assert_array_equal(series.values, [120.0, 999.0, np.nan])


def test_real_year_equals_an_independent_reading(shared_data: Path) -> None:
    archive = shared_data / "uscrn" / "daily01_2020.zip"
    series, rejections = read(archive)
    assert rejections == []
    assert len({item.metadata.station for item in series}) == 155
    by_station = {
        (item.metadata.source_file, item.metadata.sensor): item for item in series
    }
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist()[::10]:
            table = pd.read_csv(opened.open(name), sep=r"\s+", header=None)
            for place, depth in enumerate((5, 10, 20, 50, 100)):
                found = by_station[name, f"SM_{depth}"]
                expected = table[18 + place].replace(-99.0, np.nan).to_numpy()
                np.testing.assert_array_equal(found.values, expected)
                dates = found.times.astype("M8[D]").astype(str)
                days = [date.replace("-", "") for date in dates.tolist()]
                assert days == table[1].astype(str).tolist()
                assert found.metadata.longitude == table[3].iloc[0]
