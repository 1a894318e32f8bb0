from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from factories.days import make_cells, make_sensors
from factories.good.tables import make_statics
from factories.raw.ismn_files import write_folder, write_zip
from somobench.catalog.view import make_cell_coords
from somobench.pipelines.stations.ismn.statics import parse_static_variables
from somobench.pipelines.stations.statics import (
    append_static_attributes,
    find_nearest_stations,
    read_statics,
)
from somobench.schemas.errors import ValidationError
from somobench.schemas.tables import CELLS, STATICS
from somobench.schemas.validate import validate_table
from somobench.schemas.variables import STATIC_ATTRIBUTES, STATIC_CLASSES

HEAD = "quantity_name;unit;depth_from[m];depth_to[m];value;description;source;\n"
CELL = "41.875_-111.625"


def static_file(*lines: str) -> bytes:
    return (HEAD + "".join(f"{line}\n" for line in lines)).encode()


def sand(percent: str) -> str:
    return f"sand fraction;% weight;0.00;0.30;{percent};;HWSD;"


def cover(code: str, year: int) -> str:
    return f"land cover classification;;;;{code};words;CCI_landcover_{year};"


def climate(code: str, year: int) -> str:
    return f"climate classification;;;;{code};words;koeppen_geiger_{year};"


def stations_at(places: dict[str, tuple[float, float]]) -> pd.DataFrame:
    """Return sensors in one cell, each with a file in its station's folder."""
    first = make_sensors(count=1)
    table = first.loc[[0] * len(places)].reset_index(drop=True)
    table["station"] = pd.Series(list(places), dtype="str")
    table["station_id"] = "NET/" + table["station"]
    table["sensor_id"] = table["station_id"] + "/5-5/probe"
    table[["latitude", "longitude"]] = list(places.values())
    table["cell_id"] = CELL
    table["source_file"] = table["station_id"] + "/probe.stm"
    return table


def cell_table() -> pd.DataFrame:
    return make_cells(count=1)


def test_attributes_are_read_by_station_from_the_folder_of_its_files(
    tmp_path: Path,
) -> None:
    name = "NET/A/A_static_variables.csv"
    path = write_zip(tmp_path / "a.zip", {name: static_file(sand("31.00"))})
    stations = stations_at({"A": (41.9, -111.6), "B": (41.8, -111.6)})
    statics, rejections, _ = read_statics([("ismn", path)], stations)
    validate_table(statics, STATICS, "statics")
    assert statics["station_id"].tolist() == ["NET/A"]  # nothing describes B
    assert statics["sand_fraction"].tolist() == [0.31]
    assert statics["silt_fraction"].isna().all()
    assert rejections == ()


def test_folders_of_several_archives_are_kept_apart(tmp_path: Path) -> None:
    name = "NET/A/A_static_variables.csv"
    paths = [
        write_folder(tmp_path / archive, {name: static_file(sand(percent))})
        for archive, percent in (("one", "10"), ("two", "20"))
    ]
    stations = stations_at({"A": (41.9, -111.6), "B": (41.8, -111.6)})
    stations["source_file"] = ["two/NET/A/probe.stm", "one/NET/A/probe.stm"]
    statics, _, _ = read_statics([("ismn", path) for path in paths], stations)
    assert statics["sand_fraction"].tolist() == [0.2, 0.1]


def test_unreadable_file_is_reported_with_its_archive(tmp_path: Path) -> None:
    name = "NET/A/A_static_variables.csv"
    paths = [
        write_zip(tmp_path / "a.zip", {name: static_file(sand("much"))}),
        write_zip(tmp_path / "b.zip", {}),
    ]
    statics, rejections, _ = read_statics(
        [("ismn", path) for path in paths], stations_at({"A": (41.9, -111)})
    )
    assert statics.empty
    assert [item.file for item in rejections] == [f"a.zip/{name}"]


def test_source_without_attributes_gives_an_empty_table() -> None:
    statics, rejections, _ = read_statics([("uscrn", Path("absent"))], make_sensors())
    validate_table(statics, STATICS, "statics")
    assert len(statics) == len(rejections) == 0


def test_classes_come_from_the_newest_cover_and_from_peel(tmp_path: Path) -> None:
    members = {
        "NET/A/A_static_variables.csv": static_file(
            cover("10", 2000),
            cover("30", 2010),
            climate("ET", 2017),
            climate("Am", 2007),
        ),
        "NET/B/B_static_variables.csv": static_file(
            cover("20", 2005), cover("", 2010), climate("ET", 2017)
        ),
    }
    path = write_zip(tmp_path / "a.zip", members)
    stations = stations_at({"A": (41.9, -111.6), "B": (41.8, -111.6)})
    statics, _, _ = read_statics([("ismn", path)], stations)
    assert statics["land_cover"].tolist() == ["30", "20"]
    assert statics["climate_class"].tolist() == ["Am", ""]


@pytest.mark.parametrize("value", ["101", "inf", "1e30"])
def test_share_above_the_whole_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=f"sand fraction {value}"):
        parse_static_variables(static_file(sand(value)).decode())


def test_file_that_is_not_utf_8_is_refused_by_its_byte(tmp_path: Path) -> None:
    name = "NET/A/A_static_variables.csv"
    path = write_zip(tmp_path / "a.zip", {name: b"clay fraction;\xe4"})
    _, (rejection,), _ = read_statics(
        [("ismn", path)], stations_at({"A": (41.9, -111)})
    )
    assert rejection.found == "byte 14 isn't UTF-8"


@pytest.mark.parametrize("value", ["", "nan", "None", "-9999"])
def test_unknown_number_is_not_given(value: str) -> None:
    assert parse_static_variables(static_file(sand(value)).decode()) == {}


def test_nearest_described_station_stands_for_the_cell() -> None:
    # Centre 41.875, -111.625. East-west degrees count cos(41.875) = 0.74: B lies
    # 0.05 * 0.74 = 0.037 away, A 0.04, C nowhere described.
    places = {
        "A": (41.915, -111.625),
        "B": (41.875, -111.575),
        "C": (41.875, -111.625),
    }
    stations = stations_at(places)
    assert find_nearest_stations(cell_table(), stations, ["NET/A", "NET/B"]) == {
        CELL: "NET/B"
    }


def test_first_of_equally_near_stations_stands_for_the_cell() -> None:
    stations = stations_at({"B": (41.9, -111.625), "A": (41.85, -111.625)})
    found = find_nearest_stations(cell_table(), stations, ["NET/B", "NET/A"])
    assert found == {CELL: "NET/A"}


def test_cell_gets_all_attributes_from_one_station() -> None:
    stations = stations_at({"A": (41.875, -111.625), "B": (41.9, -111.6)})
    statics = make_statics(stations=["NET/A", "NET/B"], sand=[np.nan, 0.4])
    cells, described = append_static_attributes(cell_table(), stations, statics)
    validate_table(cells, CELLS, "cells")
    assert described == {CELL: "NET/A"}
    assert cells["land_cover"].tolist() == ["10"]
    # A has no sand, so no cell has: the column is left out, and B's is not taken.
    assert "sand_fraction" not in cells
    assert "climate_class" not in cells


def test_cell_without_a_described_station_has_missing_attributes() -> None:
    stations = make_sensors(count=2)
    statics = make_statics(stations=[stations["station_id"][0]], sand=[0.4])
    cells, _ = append_static_attributes(make_cells(count=2), stations, statics)
    validate_table(cells, CELLS, "cells")
    np.testing.assert_array_equal(cells["sand_fraction"], [0.4, np.nan])
    assert cells["land_cover"].tolist() == ["10", ""]


def test_cells_keep_their_columns_where_nothing_is_described() -> None:
    statics = make_statics(stations=())
    cells, described = append_static_attributes(make_cells(), make_sensors(), statics)
    pd.testing.assert_frame_equal(cells, make_cells())
    assert described == {}


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        ("saturation", [0.4, 45.0], "saturation 45.0"),  # per cent
        ("sand_fraction", np.array([0.4, 0.5], "float32"), "as float32"),
        ("land_cover", pd.Series([10, 20]), "land_cover as int64"),
    ],
)
def test_attribute_that_is_no_fraction_or_text_is_refused(
    column: str, values: object, found: str
) -> None:
    cells = make_cells()
    cells[column] = values
    with pytest.raises(ValidationError, match=found):
        validate_table(cells, CELLS, "cells")


def test_texture_that_does_not_sum_to_one_is_refused() -> None:
    cells = make_cells()
    for name, share in (("sand", 0.5), ("silt", 0.2), ("clay", 0.2)):
        cells[f"{name}_fraction"] = share
    with pytest.raises(ValidationError, match=r"= 0\.900"):
        validate_table(cells, CELLS, "cells")
    cells["clay_fraction"] = 0.3
    validate_table(cells, CELLS, "cells")


def test_view_has_attributes_as_coordinates_where_the_release_does() -> None:
    cells = make_cells()
    coords = make_cell_coords(cells.set_index("cell_id"))
    assert not {*STATIC_ATTRIBUTES, *STATIC_CLASSES} & set(coords)
    cells["saturation"] = [0.4, np.nan]
    cells["land_cover"] = pd.Series(["10", ""], dtype="str")
    coords = make_cell_coords(cells.set_index("cell_id"))
    np.testing.assert_array_equal(coords["saturation"].to_numpy(), [0.4, np.nan])
    assert coords["saturation"].attrs["units"] == "m3 m-3"
    assert coords["land_cover"].to_numpy().tolist() == ["10", ""]
