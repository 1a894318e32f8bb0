"""The FLUXNET readers: layouts, depths, places, quality; odd and damaged files."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from factories.faults.fuzzed.zips import spoil
from factories.raw.fluxnet_files import (
    BADM_HEADER,
    BIF,
    ERA5,
    FLUXMET,
    SUBSET,
    VARINFO,
    badm_csv,
    daily_csv,
    make_stamps,
    sites_csv,
    write_archive,
    zip_bytes,
)
from somobench.pipelines.stations import (
    Rejection,
    SensorSeries,
    StationSource,
    find_station_source,
)
from somobench.pipelines.stations.fluxnet import FluxnetSource, members
from somobench.pipelines.stations.fluxnet.series import DEPTH_ASSUMED
from somobench.pipelines.stations.selection import select_good
from somobench.pipelines.stations.statics import read_statics
from somobench.schemas.errors import InputError, UnknownNameError

PLACES = sites_csv(DE_Geb=(51.1, 10.91))
OTHER = "FLX_AT-Neu_FLUXNET2015_SUBSET_DD_2002-2012_1-4.csv"
Read = tuple[list[SensorSeries], list[Rejection]]


def read(path: Path, variable: str = "sm", source: StationSource | None = None) -> Read:
    items = list((source or FluxnetSource()).read(path, variable=variable))
    series = [item for item in items if isinstance(item, SensorSeries)]
    return series, [item for item in items if isinstance(item, Rejection)]


def read_members(
    tmp_path: Path, members: dict[str, str | bytes], variable: str = "sm"
) -> Read:
    return read(write_archive(tmp_path / "a.zip", members), variable)


# --- layouts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        SUBSET,
        "FLX_DE-Geb_FLUXNET2015_FULLSET_DD_2001-2014_1-4.csv",
        FLUXMET,
        "FLX_DE-Geb_FLUXNET2015_FET_DD.csv",
        "some/folder/" + SUBSET,
    ],
)
def test_daily_file_of_every_layout_is_read(tmp_path: Path, name: str) -> None:
    series, rejections = read_members(
        tmp_path, {name: daily_csv(), "sites.csv": PLACES}
    )
    assert rejections == []
    assert [item.metadata.station for item in series] == ["DE-Geb"]
    np.testing.assert_allclose(series[0].values, [0.20, 0.21, 0.22, 0.23])
    assert series[0].times.astype("datetime64[D]").astype(str).tolist() == [
        "2004-02-27", "2004-02-28", "2004-02-29", "2004-03-01"
    ]  # fmt: skip


@pytest.mark.parametrize("outer", ["portal", "portal.zip"])
def test_zip_of_each_site_is_read_where_it_lies(tmp_path: Path, outer: str) -> None:
    site = zip_bytes({FLUXMET: daily_csv(), BIF: badm_csv(), "README.txt": "read me"})
    archive = write_archive(
        tmp_path / outer, {"EUF_DE-Geb_FLUXNET_2001-2024_v1.3_r1.zip": site}
    )
    series, rejections = read(archive)
    assert rejections == []
    place = series[0].metadata
    assert (place.latitude, place.longitude, place.elevation) == (51.1, 10.91, 161.5)
    assert place.source_file.endswith(f"_r1.zip/{FLUXMET}")


def test_what_comes_beside_by_design_is_passed_over(tmp_path: Path) -> None:
    beside = {
        FLUXMET.replace("_DD_", "_HH_"): "TIMESTAMP_START,TIMESTAMP_END\n",
        FLUXMET.replace("_DD_", "_YY_"): "TIMESTAMP,TA_F\n2004,9\n",
        ERA5: daily_csv(TA_ERA=9.0),
        VARINFO: badm_csv(),
        "FLX_DE-Geb_FLUXNET2015_AUXMETEO_2001-2014_1-4.csv": "VARIABLE\n",
        "DATA_POLICY_LICENSE_AND_INSTRUCTIONS.txt": "cite",
    }
    series, rejections = read_members(tmp_path, {FLUXMET: daily_csv(), **beside})
    assert len(series) == 1
    assert rejections == []


@pytest.mark.parametrize(
    ("names", "used"),
    [
        # A newer version of one product.
        ([SUBSET, SUBSET.replace("1-4", "2-4")], SUBSET.replace("1-4", "2-4")),
        ([SUBSET, SUBSET.replace("1-4", "1-10")], SUBSET.replace("1-4", "1-10")),
        # The newer product, whatever its version.
        ([SUBSET.replace("1-4", "9-9"), FLUXMET], FLUXMET),
        ([SUBSET, SUBSET.replace("SUBSET", "FULLSET")], SUBSET.replace("SUB", "FULL")),
        # One file twice: the first by name.
        (["b/" + SUBSET, "a/" + SUBSET], "a/" + SUBSET),
    ],
)
def test_of_several_files_of_a_site_one_counts(
    tmp_path: Path, names: list[str], used: str
) -> None:
    members = {name: daily_csv() for name in names} | {"sites.csv": PLACES}
    series, rejections = read_members(tmp_path, members)
    assert [item.metadata.source_file for item in series] == [used]
    assert [(item.reason, item.expected) for item in rejections] == [
        ("superseded", used)
    ]


# --- places and depths ----------------------------------------------------------------


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"sites.csv": sites_csv(AT_Neu=(47.1, 11.3))},
        {"sites.csv": sites_csv(DE_Geb=("", ""))},
        {"sites.csv": sites_csv(DE_Geb=(510.0, 10.9))},
        {BIF: badm_csv(place=("unknown", "n.a."))},
    ],
)
def test_site_without_a_possible_position_is_left_out(
    tmp_path: Path, members: dict[str, str | bytes]
) -> None:
    series, rejections = read_members(tmp_path, {SUBSET: daily_csv(), **members})
    assert series == []
    assert [item.reason for item in rejections] == ["no position"]


def test_position_of_the_recipe_counts_where_the_archive_has_none(
    tmp_path: Path,
) -> None:
    source = FluxnetSource({"DE-Geb": (51.0, 10.0), "AT-Neu": (47.0, 11.0)})
    members = {SUBSET: daily_csv(), OTHER: daily_csv(), "sites.csv": PLACES}
    series, _ = read(write_archive(tmp_path / "a.zip", members), source=source)
    places = {item.metadata.station: item.metadata.latitude for item in series}
    assert places == {"AT-Neu": 47.0, "DE-Geb": 51.1}


def test_depths_come_from_the_badm_table(tmp_path: Path) -> None:
    file = daily_csv(SWC_F_MDS_2=[30.0] * 4, SWC_F_MDS_3=[31.0] * 4)
    depths = {"SWC_F_MDS_1": -0.05, "SWC_F_MDS_2": -0.2}
    series, _ = read_members(
        tmp_path, {FLUXMET: file, BIF: badm_csv(), VARINFO: badm_csv(depths)}
    )
    # Index 3 has no depth, and isn't the shallowest: left out.
    assert [(item.metadata.sensor, item.metadata.depth_from) for item in series] == [
        ("SWC_F_MDS_1", 0.05), ("SWC_F_MDS_2", 0.2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "table",
    [
        badm_csv(),
        badm_csv({"SWC_F_MDS_1": "unknown"}),
        badm_csv({"SWC_F_MDS_1": 2.0}),  # above ground
        badm_csv({"SWC_F_MDS_1": -9999}),
        badm_csv({"SWC_F_MDS_1": "-inf"}),
        badm_csv({"TS_F_MDS_1": -0.05}),
    ],
)
def test_depth_that_no_table_gives_is_assumed_and_marked(
    tmp_path: Path, table: str
) -> None:
    file = daily_csv(SWC_F_MDS_2=[30.0] * 4)
    series, _ = read_members(tmp_path, {FLUXMET: file, BIF: table})
    assert len(series) == 1
    sensor = series[0].metadata
    assert sensor.sensor == f"SWC_F_MDS_1 ({DEPTH_ASSUMED})"
    assert (sensor.depth_from, sensor.depth_to) == (0.0, 0.1)
    said = {note.kind: note.found for note in series[0].notes}
    assert said["no depth is given; deeper sensors are left out"] == "SWC_F_MDS_2"


def test_missing_elevation_and_half_a_position_tell_nothing(tmp_path: Path) -> None:
    half = f"{BADM_HEADER}\nDE-Geb,9,GRP_LOCATION,LOCATION_LAT,10\n"
    table = half + badm_csv().replace("161.5", "-9999").partition("\n")[2]
    (series,), _ = read_members(tmp_path, {FLUXMET: daily_csv(), BIF: table})
    place = series.metadata
    assert (place.latitude, place.longitude) == (51.1, 10.91)
    assert np.isnan(place.elevation)


def test_two_depths_of_one_column_tell_nothing(tmp_path: Path) -> None:
    table = badm_csv({"SWC_F_MDS_1": -0.05}) + (
        "DE-Geb,99,GRP_VAR_INFO,VAR_INFO_VARNAME,SWC_F_MDS_1\n"
        "DE-Geb,99,GRP_VAR_INFO,VAR_INFO_HEIGHT,-0.15\n"
    )
    series, _ = read_members(tmp_path, {FLUXMET: daily_csv(), BIF: table})
    assert DEPTH_ASSUMED in series[0].metadata.sensor


def test_doi_of_the_site_comes_from_its_table(tmp_path: Path) -> None:
    table = badm_csv() + (
        "DE-Geb,70,GRP_DOI,DOI,10.1000/base\n"
        "DE-Geb,70,GRP_DOI,DOI_DATAPRODUCT,AmeriFlux\n"
        "DE-Geb,71,GRP_DOI,DOI,https://doi.org/10.1000/FLX/7\n"
        "DE-Geb,71,GRP_DOI,DOI_DATAPRODUCT,FLUXNET2015\n"
        "DE-Geb,71,GRP_DOI,DOI_CITATION,A. Author (2016) Gebesee (Dataset)\n"
    )
    archive = write_archive(tmp_path / "a.zip", {FLUXMET: daily_csv(), BIF: table})
    series, _ = read(archive)
    _, _, credited = read_statics([("fluxnet", archive)], _stations_table(series))
    assert list(credited.values()) == [
        {"doi": "10.1000/FLX/7", "citation": "A. Author (2016) Gebesee (Dataset)"}
    ]


def test_site_without_a_doi_is_credited_to_nobody(tmp_path: Path) -> None:
    table = badm_csv() + "DE-Geb,70,GRP_DOI,DOI,to be assigned\n"
    archive = write_archive(tmp_path / "a.zip", {FLUXMET: daily_csv(), BIF: table})
    series, _ = read(archive)
    assert read_statics([("fluxnet", archive)], _stations_table(series)).credits == {}


def test_table_of_sites_describes_vegetation_soil_and_aridity(tmp_path: Path) -> None:
    archive = write_archive(
        tmp_path / "a.zip", {SUBSET: daily_csv(), "sites.csv": PLACES}
    )
    series, _ = read(archive)
    stations = _stations_table(series)
    table, rejections, _ = read_statics([("fluxnet", archive)], stations)
    assert rejections == ()
    row = table.iloc[0]
    assert (row["vegetation_class"], row["aridity"]) == ("GRA", 1.25)
    assert (row["clay_fraction"], row["sand_fraction"]) == (0.2, 0.4)


def _stations_table(series: list[SensorSeries]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "station_id": [f"FLUXNET/{item.metadata.station}" for item in series],
            "source_file": [item.metadata.source_file for item in series],
        }
    )


# --- odd and damaged files ------------------------------------------------------------

HEADER = "TIMESTAMP,SWC_F_MDS_1,SWC_F_MDS_1_QC"
GOOD_ROW = "20040227,20,1"


@pytest.mark.parametrize(
    ("content", "reason", "found"),
    [
        ("", "empty", "0 bytes"),
        ("\n \n", "empty", "bytes"),
        (HEADER + "\n", "empty", "a header alone"),
        (b"\xff\xfe\x00T", "text", "utf-8"),
        ("SWC_F_MDS_1\n20\n", "header", "columns SWC_F_MDS_1"),
        ("date,SWC_F_MDS_1\n20040227,20\n", "header", "columns date"),
        ("TIMESTAMP,SWC_F_MDS_1,SWC_F_MDS_1\n20040227,1,2\n", "header", "twice"),
        ("TIMESTAMP;SWC_F_MDS_1\n20040227;20\n", "header", "TIMESTAMP;"),
        (f"{HEADER}\n{GOOD_ROW}\n20040228,2", "line", "line 3: 2 fields"),
        (f"{HEADER}\n{GOOD_ROW},7\n", "line", "line 2: 4 fields"),
        (f'{HEADER}\n{GOOD_ROW}\n20040228,"2"', "line", "line 3: 2 fields"),
        (f"{HEADER}\n20040227,twenty,1\n", "line", "line 2: SWC_F_MDS_1 'twenty'"),
        (f"{HEADER}\n20040227,20,good\n", "line", "SWC_F_MDS_1_QC 'good'"),
        (f"{HEADER}\n200402270030,20,1\n", "sub-daily", "12 digits"),
        (
            "TIMESTAMP_START,TIMESTAMP_END,SWC_F_MDS_1\n200402270000,200402270030,20\n",
            "sub-daily",
            "TIMESTAMP_START",
        ),
        (f"{HEADER}\n200402,20,1\n", "date", "6 digits"),
        (f"{HEADER}\n,20,1\n", "date", "0 digits"),
        (f"{HEADER}\n2004-02-27,20,1\n", "sub-daily", "10 digits"),
        (f"{HEADER}\n20030229,20,1\n", "date", "'20030229'"),
        (f"{HEADER}\n20041301,20,1\n", "date", "'20041301'"),
        (f"{HEADER}\n18990101,20,1\n", "date", "'18990101'"),
        ("TIMESTAMP,TA_F\n20040227,9\n", "no soil moisture", "no SWC_F_MDS_1"),
        ("TIMESTAMP,SWC_F_MDS_2\n20040227,9\n", "no soil moisture", "SWC_F_MDS_n"),
        (f"{HEADER}\n20040227,-9999,0\n", "nothing measured", "missing always"),
        (f"{HEADER}\n20040227,,\n", "nothing measured", "missing always"),
        (f"{HEADER}\n20040227,1.2,1\n", "unit", "maximum 1.2"),
        (f"{HEADER}\n20040227,400,1\n", "unit", "maximum 400"),
        (f"{HEADER}\n20040227,20,3\n", "quality", "3"),
        (f"{HEADER}\n20040227,20,-1\n", "quality", "-1"),
        (f"{HEADER}\n20040227,20,100\n", "quality", "100"),
    ],
)
def test_damaged_file_is_rejected_with_the_reason(
    tmp_path: Path, content: str | bytes, reason: str, found: str
) -> None:
    members: dict[str, str | bytes] = {
        SUBSET: content,
        OTHER: daily_csv(),
        "sites.csv": sites_csv(DE_Geb=(51.1, 10.91), AT_Neu=(47.1, 11.3)),
    }
    series, rejections = read_members(tmp_path, members)
    assert [item.metadata.station for item in series] == ["AT-Neu"]
    assert [(item.file, item.reason) for item in rejections] == [(SUBSET, reason)]
    assert found in rejections[0].found


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("DE-Geb.csv", "file name"),
        ("FLX_DE-Geb_FLUXNET2015_SUBSET_2001-2014_1-4.csv", "file name"),
        ("FLX_DEGeb_FLUXNET2015_SUBSET_DD_2001-2014_1-4.csv", "file name"),
    ],
)
def test_file_of_another_name_is_rejected(
    tmp_path: Path, name: str, reason: str
) -> None:
    series, rejections = read_members(
        tmp_path, {name: daily_csv(), SUBSET: daily_csv(), "sites.csv": PLACES}
    )
    assert len(series) == 1
    assert [(item.file, item.reason) for item in rejections] == [(name, reason)]


def test_zips_within_a_zip_take_no_more_memory_than_they_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = zip_bytes({SUBSET: daily_csv()})
    monkeypatch.setattr(members, "MOST_IN_MEMORY", len(site))
    files = {"a.zip": site, "b.zip": site, "sites.csv": PLACES}
    series, rejections = read(write_archive(tmp_path / "portal.zip", files))
    assert len(series) == 1
    (refused,) = rejections
    assert (refused.file, refused.found) == (
        "b.zip",
        f"zips of {2 * len(site)} bytes within a zip",
    )
    _, rejections = read(write_archive(tmp_path / "portal", files))
    assert "damaged" not in {item.reason for item in rejections}


@pytest.mark.parametrize(
    "damage", ["a name that isn't UTF-8", "LZMA", "an end that claims a trillion"]
)
def test_hostile_zip_within_an_archive_is_rejected_alone(
    tmp_path: Path, damage: str, rng: np.random.Generator
) -> None:
    whole = zip_bytes({SUBSET: daily_csv()})
    files = {"a.zip": whole, "b.zip": spoil(whole, damage, rng), "sites.csv": PLACES}
    series, rejections = read(write_archive(tmp_path / "portal.zip", files))
    assert len(series) == 1
    assert [item.reason for item in rejections] == ["damaged"]


def test_header_of_very_many_columns_is_judged_at_once(tmp_path: Path) -> None:
    header = ",".join(["TIMESTAMP", "SWC_F_MDS_1", *["X"] * 300_000])
    start = time.process_time()
    series, rejections = read_members(tmp_path, {SUBSET: header, "sites.csv": PLACES})
    assert time.process_time() - start < 5
    assert not series
    assert [item.found for item in rejections] == ["X twice"]


def test_more_rows_than_there_are_days_are_rejected(tmp_path: Path) -> None:
    # From 1980 to 2100 there are 121 years: 88,572 lines if each day comes twice.
    rows = "TIMESTAMP,SWC_F_MDS_1\n" + "20040227,20.0\n" * 88_572
    _, rejections = read(
        write_archive(tmp_path / "a", {SUBSET: rows, "sites.csv": PLACES})
    )
    assert [item.found for item in rejections] == ["88573 lines"]


def test_larger_text_than_any_tower_has_is_rejected_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "MOST_TEXT", len(PLACES))
    files = {SUBSET: daily_csv(days=30), "sites.csv": PLACES}
    series, rejections = read(write_archive(tmp_path / "a.zip", files))
    assert not series
    assert [item.expected for item in rejections] == [f"at most {len(PLACES)}"]


def test_damaged_zip_of_a_site_is_rejected_alone(tmp_path: Path) -> None:
    whole = zip_bytes({SUBSET: daily_csv()})
    archive = write_archive(
        tmp_path / "portal",
        {"whole.zip": whole, "cut.zip": whole[:60], "sites.csv": PLACES},
    )
    series, rejections = read(archive)
    assert len(series) == 1
    assert [(item.file, item.reason) for item in rejections] == [("cut.zip", "damaged")]


@pytest.mark.parametrize(
    "table",
    [
        "SITE,LAT\nDE-Geb,51\n",
        BADM_HEADER[:30] + "\n",
        badm_csv().replace("DE-Geb,1,", '"DE-Geb,1,', 1),  # a quote that never ends
    ],
)
def test_damaged_table_of_sites_is_rejected(tmp_path: Path, table: str) -> None:
    name = BIF if table.startswith("SITE_ID") else "sites.csv"
    _, rejections = read_members(tmp_path, {FLUXMET: daily_csv(), name: table})
    assert [item.reason for item in rejections] == ["table of sites", "no position"]


def test_archive_that_is_absent_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a zip or a folder"):
        list(FluxnetSource().read(tmp_path / "absent.zip"))


def test_column_that_nobody_knows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="column such as TA_F"):
        list(FluxnetSource().read(tmp_path, variable="GPP_NT_VUT_REF"))


# --- values that count ----------------------------------------------------------------


def count_drops(
    tmp_path: Path, file: str, minimum_quality: float | None = None
) -> tuple[int, dict[str, int]]:
    """Return how many values of a file count, and what became of others."""
    series, _ = read_members(tmp_path, {SUBSET: file, "sites.csv": PLACES})
    good = select_good(
        series[0],
        good_flags=None,
        start=np.datetime64("2004-01-01"),
        end=np.datetime64("2004-12-31"),
        minimum_quality=minimum_quality,
    )
    return len(good.values), dict(good.dropped)


@pytest.mark.parametrize(
    ("file", "minimum_quality", "kept", "dropped"),
    [
        (daily_csv(), 0.5, 4, {}),
        (
            daily_csv(SWC_F_MDS_1_QC=[0.2, 0.5, -9999, 1.0]),
            0.5,
            2,
            {"quality below 0.5": 1, "quality unknown": 1},
        ),
        (daily_csv(SWC_F_MDS_1_QC=[0.0, 0.0, 0.0, 0.0]), None, 4, {}),
        (
            daily_csv().replace(",SWC_F_MDS_1_QC", ",OTHER"),
            0.5,
            0,
            {"quality unknown": 4},
        ),
        (daily_csv().replace(",SWC_F_MDS_1_QC", ",OTHER"), None, 4, {}),
        (daily_csv(SWC_F_MDS_1=[20, -9999, 21, 22]), None, 3, {"not finite": 1}),
        (daily_csv(SWC_F_MDS_1=[20, "", 21, 22]), None, 3, {"not finite": 1}),
        (daily_csv(SWC_F_MDS_1=[20, -3, 21, 22]), None, 3, {"negative": 1}),
        (daily_csv(SWC_F_MDS_1=[20, 100.5, 21, 22]), None, 3, {"above 1": 1}),
        (
            daily_csv(2, stamps=["20040227", "20040227"]),
            None,
            0,
            {"conflicting time": 2},
        ),
        (
            daily_csv(2, stamps=["20040227"] * 2, SWC_F_MDS_1=[20, 20]),
            None,
            1,
            {"duplicate time": 1},
        ),
        (daily_csv(4, stamps=make_stamps(4)[::-1]), None, 4, {}),
        (daily_csv(2, stamps=["20031231", "20040101"]), None, 1, {"outside period": 1}),
        # A calendar without leap days leaves a gap and no error.
        (daily_csv(2, stamps=["20040228", "20040301"]), None, 2, {}),
        ("\ufeff" + daily_csv(), None, 4, {}),
        (daily_csv().replace("\n", "\r\n"), None, 4, {}),
    ],
)
def test_odd_days_are_used_or_counted(
    tmp_path: Path,
    file: str,
    minimum_quality: float | None,
    kept: int,
    dropped: dict[str, int],
) -> None:
    assert count_drops(tmp_path, file, minimum_quality) == (kept, dropped)


# --- units ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "expected", "unit"),
    [
        # Documented units, and what they are in ours.
        ("VPD_F", 5.0, 500.0, "hPa"),
        ("LE_F_MDS", 40.0, 40.0, "W m-2"),
        ("RH", 60.0, 60.0, "%"),
        ("TA_F", 9.0, 9.0, "degrees Celsius"),
        # Others, told by their size: 40 W m-2 are 3,456,000 J in a day.
        ("VPD_F", 500.0, 500.0, "Pa"),
        ("LE_F_MDS", 3_456_000.0, 40.0, "J m-2 d-1"),
        ("RH", 0.6, 60.0, "1"),
        ("TA_F", 282.15, 9.0, "K"),
    ],
)
def test_unit_is_told_by_size_and_said(
    tmp_path: Path, column: str, value: float, expected: float, unit: str
) -> None:
    members: dict[str, str | bytes] = {
        SUBSET: daily_csv(**{column: value}),
        "sites.csv": PLACES,
    }
    series, rejections = read_members(tmp_path, members, column)
    assert rejections == []
    np.testing.assert_allclose(series[0].values, expected)
    assert [note.found for note in series[0].notes] == [unit]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("VPD_F", 52.0),
        ("VPD_F", 0.1),
        ("LE_F_MDS", 3000.0),
        ("TA_F", 120.0),
        ("WS_F", 90.0),
    ],
)
def test_size_that_fits_no_unit_is_rejected(
    tmp_path: Path, column: str, value: float
) -> None:
    members: dict[str, str | bytes] = {
        SUBSET: daily_csv(**{column: value}),
        "sites.csv": PLACES,
    }
    series, rejections = read_members(tmp_path, members, column)
    assert series == []
    assert [item.reason for item in rejections] == ["unit"]
    assert f"{value:g}" in rejections[0].found


def test_soil_moisture_as_a_fraction_stays_one(tmp_path: Path) -> None:
    members: dict[str, str | bytes] = {
        SUBSET: daily_csv(SWC_F_MDS_1=[0.2, 0.21, 0.22, 0.23]),
        "sites.csv": PLACES,
    }
    series, _ = read_members(tmp_path, members)
    np.testing.assert_allclose(series[0].values, [0.20, 0.21, 0.22, 0.23])
    assert "though FLUXNET documents % by volume" in series[0].notes[0].used


# --- reanalysis -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [ERA5, "FLX_DE-Geb_FLUXNET2015_ERAI_DD_1989-2014_1-4.csv"]
)
def test_reanalysis_beside_the_tower_is_read(tmp_path: Path, name: str) -> None:
    members: dict[str, str | bytes] = {
        SUBSET: daily_csv(),
        name: daily_csv(TA_ERA=[8.0, 9.0, 10.0, 11.0]),
        "sites.csv": PLACES,
    }
    archive = write_archive(tmp_path / "a.zip", members)
    series, rejections = read(
        archive, "TA_ERA", find_station_source("fluxnet_reanalysis")
    )
    assert rejections == []
    np.testing.assert_allclose(series[0].values, [8.0, 9.0, 10.0, 11.0])
    assert series[0].metadata.source_file == name


def test_real_units_and_sites_are_those_of_the_archives(shared_data: Path) -> None:
    series, rejections = read(shared_data / "fluxnet" / "fet_daily.zip")
    assert {item.reason for item in rejections} == {"no position"}
    assert (len(series), len(rejections)) == (58, 2)
    neustift = next(item for item in series if item.metadata.station == "AT-Neu")
    # The file's median of SWC_F_MDS_1 is 30.24 %.
    assert np.nanmedian(neustift.values) == pytest.approx(0.3024, abs=1e-4)
    assert replace(neustift, values=neustift.values).quality is None
