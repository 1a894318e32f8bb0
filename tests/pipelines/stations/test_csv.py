"""Station source `csv`: what a file says, days and hours, and why one is rejected."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from factories.raw.csv_files import ROWS, csv_file
from factories.raw.ismn_files import file_name, rows, station_file, write_zip
from somobench.pipelines.stations import Rejection, SensorSeries, find_station_source
from somobench.pipelines.stations.csv import CsvSource
from somobench.pipelines.stations.csv.files import read_sensor_file
from somobench.pipelines.stations.daily import average_to_days
from somobench.pipelines.stations.ismn import IsmnSource
from somobench.pipelines.stations.selection import select_good
from somobench.schemas.errors import UnknownNameError


def read(text: str | bytes) -> SensorSeries | Rejection:
    content = text.encode() if isinstance(text, str) else text
    return read_sensor_file(content, "field.csv")


def read_good(text: str | bytes) -> SensorSeries:
    found = read(text)
    assert isinstance(found, SensorSeries), found
    return found


def test_a_file_of_days_gives_its_sensor_place_and_values() -> None:
    found = read_good("# a remark\n" + csv_file(elevation="12"))
    place = found.metadata
    assert (place.network, place.station, place.sensor) == (
        "MYFARM",
        "Field 1",
        "TDR-a",
    )
    assert (place.latitude, place.longitude, place.elevation) == (53.6, 10.2, 12)
    assert (place.depth_from, place.depth_to) == (0.05, 0.05)
    assert found.times.astype("datetime64[D]").astype(str).tolist() == [
        "2020-01-01",
        "2020-01-02",
    ]
    assert found.values.tolist() == [0.21, 0.22]
    assert found.flags() == ["G", "G"]
    assert found.minimum_count == 1


def test_lines_may_end_in_any_way() -> None:
    text = csv_file(heads="time,soil_moisture,flag", rows=["2020-01-01,0.2,G"] * 2)
    for end in ("\r", "\r\n"):
        assert read_good(text.replace("\n", end)).flags() == ["G", "G"]
    joined = text.replace("2020-01-01,0.2,G\n", "2020-01-01,0.2\r2020-01-02,0.3\n", 1)
    assert isinstance(read(joined), Rejection)


def test_rows_count_where_a_recipe_asks_for_quality() -> None:
    span = {"start": np.datetime64("2020-01-01"), "end": np.datetime64("2020-12-31")}
    good = select_good(
        read_good(csv_file()), good_flags=("G",), minimum_quality=0.5, **span
    )
    assert good.values.tolist() == [0.21, 0.22]


@pytest.mark.parametrize(
    "time", ["2020-02-30", "2020-01-01T24:00", "2020-02-30T13:00+01:00"]
)
def test_a_row_without_a_real_time_is_named(time: str) -> None:
    hour = "2020-01-01T10:00" if "T" in time else "2020-01-01"
    found = read(csv_file(rows=[f"{hour},0.2", f"{time},0.2"]))
    assert isinstance(found, Rejection)
    assert found.found == f"row 2 after line 8: {time!r}"


def test_hours_follow_the_rule_of_the_recipe_and_flags_are_kept() -> None:
    rows = ("2020-01-01T00:00Z,0.2,G", "2020-01-01 01:30,,D03", "2020-01-01T02:00,NA,")
    found = read_good(csv_file(rows=rows, heads="time,soil_moisture,flag"))
    assert found.minimum_count is None
    minutes = (found.times - np.datetime64("2020-01-01")).astype(int).tolist()
    assert minutes == [0, 90, 120]
    assert found.flags() == ["G", "D03", "G"]
    assert np.isnan(found.values).tolist() == [False, True, True]


@pytest.mark.parametrize("change", ["mark", "crlf", "blank lines"])
def test_bytes_that_programs_add_do_not_matter(change: str) -> None:
    text = csv_file()
    changed = {
        "mark": b"\xef\xbb\xbf" + text.encode(),
        "crlf": text.replace("\n", "\r\n").encode(),
        "blank lines": (text + "\n\n").encode(),
    }[change]
    assert read_good(changed).values.tolist() == [0.21, 0.22]


REJECTED = {
    "two values a minute": (
        csv_file(rows=["2020-01-01T10:00:05,0.2", "2020-01-01T10:00:35,0.3"]),
        "time",
        "one value a minute",
    ),
    "elevation of no place": (csv_file(elevation="1e300"), "elevation", "9000 m"),
    "no station": (csv_file(without="station"), "header", "# station: Field 1"),
    "another key": (csv_file(depth="5"), "header", "elevation (which is optional)"),
    "a key twice": ("# network: A\n" + csv_file(), "header", "once each"),
    "a folder in a name": (csv_file(station="a/b"), "station", "without /"),
    "to 360": (csv_file(longitude="350.5"), "longitude", "write -9.5"),
    "decimal comma": (csv_file(latitude="53,6"), "latitude", "decimal point"),
    "no number": (csv_file(latitude="nan"), "latitude", "a number"),
    "south of the pole": (csv_file(latitude="-91"), "latitude", "-90 to 90"),
    "centimetres": (csv_file(depth_to="50"), "depth", "metres"),
    "upside down": (csv_file(depth_from="0.1"), "depth", "upper edge first"),
    "extra column": (
        csv_file(heads="time,soil_moisture,ec", rows=["2020-01-01,0.2,3"]),
        "columns",
        "leave out ec",
    ),
    "other heads": (csv_file(heads="date,sm"), "columns", "time,soil_moisture"),
    "a comma more": (csv_file(rows=["2020-01-01,0,21"]), "row", "decimal points"),
    "local time": (
        csv_file(rows=["2020-01-01T01:00+02:00,0.2"]),
        "time",
        "UTC: this is 2019-12-31T23:00",
    ),
    "day first": (csv_file(rows=["01.02.2020,0.2"]), "time", "2015-01-31"),
    "29 February": (csv_file(rows=["2019-02-29,0.2"]), "time", "days of the calendar"),
    "year 1": (csv_file(rows=["0001-01-01,0.2"]), "time", "1900"),
    "days and hours": (
        csv_file(rows=["2020-01-01,0.2", "2020-01-02T00:00,0.2"]),
        "time",
        "all days, or all times",
    ),
    "a word": (csv_file(rows=["2020-01-01,dry"]), "value", "a number in m3 m-3"),
    "header only": (csv_file(rows=[]), "no rows", "rows after it"),
    "empty": ("", "header", "# station: Field 1"),
    "latin-1": (
        csv_file(station="Mühle").encode("latin-1"),
        "unreadable text",
        "UTF-8",
    ),
}


@pytest.mark.parametrize("case", REJECTED)
def test_a_file_is_rejected_with_what_would_do(case: str) -> None:
    content, reason, expected = REJECTED[case]
    found = read(content)
    assert isinstance(found, Rejection), found
    assert found.reason == reason
    assert expected in found.expected


def test_a_file_a_folder_and_a_zip_give_the_same_series(tmp_path: Path) -> None:
    folder = tmp_path / "fields"
    folder.mkdir()
    (folder / "a.csv").write_text(csv_file())
    (folder / "b.txt").write_text("notes")
    with zipfile.ZipFile(tmp_path / "fields.zip", "w") as archive:
        archive.writestr("a.csv", csv_file())
    source = find_station_source("csv")
    assert isinstance(source, CsvSource)
    (alone,) = source.read(folder / "a.csv")
    (packed,) = source.read(tmp_path / "fields.zip")
    first, second = source.read(folder)
    assert isinstance(second, Rejection)
    for found in (alone, packed, first):
        assert isinstance(found, SensorSeries)
        assert found.metadata.source_file == "a.csv"
        assert len(found.values) == len(ROWS)
    with pytest.raises(UnknownNameError, match="sm"):
        list(source.read(folder, variable="ta"))


def test_a_series_of_ismn_gives_the_same_days_as_csv(tmp_path: Path) -> None:
    values = [round(0.2 + 0.001 * hour, 4) for hour in range(72)]
    lines = rows(values)
    lines[30] = lines[30].replace(" G ", " D03,D05 ")
    archive = write_zip(tmp_path / "a.zip", {file_name(): station_file(lines)})
    (given,) = IsmnSource().read(archive)
    assert isinstance(given, SensorSeries)
    table = zip(given.times.astype(str), given.values, given.flags(), strict=True)
    own = read_good(
        csv_file(
            rows=[
                f"{time},{value},{flag.replace(',', '+')}"
                for time, value, flag in table
            ],
            heads="time,soil_moisture,flag",
        )
    )
    span = {"start": np.datetime64("2020-01-01"), "end": np.datetime64("2020-12-31")}
    theirs, ours = (
        select_good(series, good_flags=("G",), **span) for series in (given, own)
    )
    assert len(theirs.values) == 71
    np.testing.assert_array_equal(ours.times, theirs.times)
    first, second = (average_to_days(g.times, g.values, 6) for g in (theirs, ours))
    np.testing.assert_array_equal(first.means, second.means)
    np.testing.assert_array_equal(first.counts, second.counts)
