"""Stage ingest: tables that hold their schema, and an account that adds up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from factories.raw.csv_files import csv_file
from factories.raw.fluxnet_files import SUBSET, daily_csv, write_archive
from factories.raw.input_records import record, write_inputs
from factories.raw.ismn_files import (
    ceop_file,
    file_name,
    header,
    rows,
    station_file,
    write_zip,
)
from somobench.pipelines.ingest import ingest
from somobench.pipelines.ingest.reading import read_stations
from somobench.schemas.errors import InputError, IntegrityError
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.tables import OBSERVATIONS, SENSORS
from somobench.schemas.validate import validate_table

DAYS = 4
TABLES = ("stations.parquet", "observations.parquet", "ingest.json")


@pytest.fixture
def recipe(repository: Path) -> Recipe:
    """Return the virtual recipe, cut to four days and at least two valid ones."""
    content = load_recipe(repository / "conf/recipe/virtual.yaml").model_dump()
    content["period"] = {"start": "2020-01-01", "end": "2020-01-04"}
    content["stations"]["minimum_days"] = 2
    return Recipe.model_validate(content)


def values(count: int = 24 * DAYS, *, start: float = 0.1) -> list[float]:
    """Return one value an hour, rising by 0.001."""
    return [round(start + 0.001 * hour, 4) for hour in range(count)]


def run(
    tmp_path: Path, recipe: Recipe, members: Mapping[str, bytes]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Ingest one archive and return the three outputs."""
    archive = write_zip(tmp_path / "ismn.zip", members)
    ingest(recipe, write_inputs(tmp_path, [record(archive)]), tmp_path / "data")
    stations, observations, report = (tmp_path / "data" / name for name in TABLES)
    return (
        pd.read_parquet(stations),
        pd.read_parquet(observations),
        json.loads(report.read_text(encoding="utf-8")),
    )


def assert_adds_up(
    stations: pd.DataFrame, observations: pd.DataFrame, report: Mapping[str, Any]
) -> None:
    """Check every identity of the account against the tables."""
    files, read, days = report["files"], report["values"], report["days"]
    sensors = report["sensors"]
    assert files["found"] == files["read"] + files["rejected"]
    assert files["rejected"] == len(report["rejected_files"])
    assert files["rejected"] == sum(report["rejected_by_reason"].values())
    assert files["read"] == len(stations)
    assert files["read"] == sensors["kept"] + sum(sensors["dropped"].values())
    assert sum(sensors["dropped"].values()) == len(report["dropped_sensors"])
    assert sensors["kept"] == observations["sensor_id"].nunique()
    assert read["read"] == read["good"] + sum(read["dropped"].values())
    assert read["good"] == stations["value_count"].sum()
    assert days["kept"] == len(observations)
    below = sum(n for why, n in days["dropped"].items() if why.startswith("fewer"))
    assert stations["valid_days"].sum() == days["kept"] + (
        sum(days["dropped"].values()) - below
    )


def test_what_the_archive_writes_in_two_ways_is_reported(
    tmp_path: Path, recipe: Recipe
) -> None:
    span = (0.0508, 0.0508)
    content = station_file(rows(values()), first=header(station="CST_01"))
    members = {
        file_name(station="CST-01", depths=span, sensor=sensor): content
        for sensor in ("A", "B")
    }
    stations, _, report = run(tmp_path, recipe, members)
    assert report["notes"] == {
        "depth is that of the file's name, not of the header": [
            {"found": "0.05 to 0.05 m", "used": "0.0508 to 0.0508 m", "sensors": 1}
        ],
        "station is named by the header, not by the folder": [
            {"found": "CST-01", "used": "CST_01", "sensors": 1}
        ],
    }
    # Both files name the probe of the header, so the second is the first again.
    assert stations["station_id"].tolist() == ["NET/CST_01"]
    assert report["rejected_by_reason"] == {"duplicate sensor": 1}


MIXED = {
    # Kept: a day of 24, then D03 all day but 5 values, then two whole days.
    file_name(): station_file(
        rows(values(24))
        + rows(values(5), start="2020-01-02T00:00")
        + rows(values(19), flag="D05,D03", start="2020-01-02T05:00")
        + rows(values(48), start="2020-01-03T00:00")
        + rows(values(3), start="2020-01-05T00:00")
    ),
    # In no layer, read nevertheless.
    file_name(depths=(0.05, 0.15)): station_file(
        rows(values()), first=header(depths=(0.05, 0.15))
    ),
    # One valid day only.
    file_name(depths=(0.2, 0.2)): station_file(
        rows(values(24)), first=header(depths=(0.2, 0.2))
    ),
    # The same sensor as the first, in the other layout and shorter: not read.
    file_name(days="20200101_20200601"): ceop_file(rows(values(48))),
    file_name(station="ST02"): station_file(
        rows([f"{30 + hour / 10:.1f}" for hour in range(96)]),
        first=header(station="ST02"),
    ),
    file_name(station="ST03"): b"",
    file_name(station="ST04"): station_file(
        rows(values()), first=header(station="ST04", place=(10.02480, 53.67728))
    ),
    file_name(variable="p"): b"not looked at",
}


def test_mixed_archive_is_accounted_for_to_the_last_value(
    tmp_path: Path, recipe: Recipe
) -> None:
    stations, observations, report = run(tmp_path, recipe, MIXED)
    assert_adds_up(stations, observations, report)
    assert report["files"] == {"found": 7, "read": 3, "rejected": 4}
    assert report["rejected_by_reason"] == {
        "duplicate sensor": 1,
        "empty file": 1,
        "not m3 m-3": 1,
        "swapped coordinates": 1,
    }
    # 99 + 96 + 24 rows read; 19 flagged, 3 after the period.
    assert report["values"] == {
        "read": 219,
        "good": 197,
        "dropped": {"flag D03,D05": 19, "outside period": 3},
    }
    # Sensor 1: 3 days; the second has too few. No layer: 4 days. Too short: 1 day.
    assert report["days"] == {
        "kept": 3,
        "dropped": {
            "fewer than 6 good values": 1,
            "sensor in no layer": 4,
            "sensor fewer than 2 valid days": 1,
        },
    }
    assert report["sensors"] == {
        "kept": 1,
        "dropped": {"in no layer": 1, "fewer than 2 valid days": 1},
    }
    assert report["dropped_sensors"] == [
        {"sensor_id": "NET/ST01/20-20/Probe", "reason": "fewer than 2 valid days"},
        {"sensor_id": "NET/ST01/5-15/Probe", "reason": "in no layer"},
    ]


def test_tables_hold_their_schemas_and_the_daily_rule(
    tmp_path: Path, recipe: Recipe
) -> None:
    stations, observations, _ = run(tmp_path, recipe, MIXED)
    validate_table(stations, SENSORS, "stations")
    validate_table(observations, OBSERVATIONS, "observations")
    sensor = stations.set_index("sensor_id").loc["NET/ST01/5-5/Probe"]
    assert sensor["station_id"] == "NET/ST01"
    assert sensor["cell_id"] == "53.625_10.125"
    assert (sensor["layer"], sensor["valid_days"], sensor["value_count"]) == (1, 3, 77)
    assert sensor["end"] == pd.Timestamp("2020-01-05")
    assert sensor["day_definition"] == "UTC"
    assert observations["time"].dt.day.tolist() == [1, 3, 4]
    assert observations["observation_count"].tolist() == [24, 24, 24]
    # Hours 0 to 23 rise by 0.001 from 0.1: mean 0.1 + 0.0115; hours 24 to 47 of the
    # last two days: 0.124 + 0.0115.
    assert observations["soil_moisture"].tolist() == pytest.approx(
        [0.1115, 0.1115, 0.1355]
    )


def test_ingest_twice_gives_the_same_bytes(tmp_path: Path, recipe: Recipe) -> None:
    digests = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        run(folder, recipe, MIXED)
        digests.append(
            [
                hashlib.sha256((folder / "data" / table).read_bytes()).hexdigest()
                for table in TABLES
            ]
        )
    assert digests[0] == digests[1]


def test_shuffled_rows_give_the_same_days_and_are_counted(
    tmp_path: Path, recipe: Recipe, rng: np.random.Generator
) -> None:
    lines = rows(values())
    shuffled = [lines[index] for index in rng.permutation(len(lines))]
    results = []
    for name, content in (("a", lines), ("b", shuffled)):
        (tmp_path / name).mkdir()
        members = {file_name(): station_file(content)}
        results.append(run(tmp_path / name, recipe, members))
    pd.testing.assert_frame_equal(results[0][1], results[1][1])
    assert results[0][2]["repaired"] == {"rows out of order": 0}
    assert results[1][2]["repaired"]["rows out of order"] > 0


def test_depth_rounding_of_the_recipe_decides_the_layer(
    tmp_path: Path, recipe: Recipe
) -> None:
    # 50.8 cm is 51 cm to the nearest and below layer 3; rounded down it is inside.
    name = file_name(depths=(0.508, 0.508))
    content = station_file(rows(values()), first=header(depths=(0.508, 0.508)))
    changed = recipe.model_dump()
    changed["stations"]["depth_rounding"] = "down"
    with pytest.raises(InputError, match="1 in no layer"):
        run(tmp_path, recipe, {name: content})
    stations, _, _ = run(tmp_path, Recipe.model_validate(changed), {name: content})
    assert stations["depth_to_cm"].tolist() == [50]
    assert stations["layer"].tolist() == [3]
    assert stations["depth_to"].tolist() == [0.508]


def test_several_archives_are_read_as_one(tmp_path: Path, recipe: Recipe) -> None:
    records = []
    for station in ("ST01", "ST02"):
        content = station_file(rows(values()), first=header(station=station))
        members = {file_name(station=station): content}
        records.append(record(write_zip(tmp_path / f"{station}.zip", members)))
    ingest(recipe, write_inputs(tmp_path, records), tmp_path / "data")
    stations = pd.read_parquet(tmp_path / "data" / "stations.parquet")
    assert stations["station"].tolist() == ["ST01", "ST02"]
    assert stations["source_file"].tolist() == [
        f"{station}.zip/{file_name(station=station)}" for station in ("ST01", "ST02")
    ]


def test_sensor_in_two_archives_is_read_once_and_counted(
    tmp_path: Path, recipe: Recipe
) -> None:
    # The second download holds a day more of the same member.
    records = []
    for name, length in (("old", 72), ("new", 96)):
        members = {file_name(): station_file(rows(values(length)))}
        records.append(record(write_zip(tmp_path / f"{name}.zip", members)))
    ingest(recipe, write_inputs(tmp_path, records), tmp_path / "data")
    report = json.loads((tmp_path / "data" / "ingest.json").read_text("utf-8"))
    assert report["files"] == {"found": 2, "read": 1, "rejected": 1}
    (rejected,) = report["rejected_files"]
    assert rejected["file"] == f"old.zip/{file_name()}"
    assert rejected["reason"] == "duplicate sensor"
    assert report["days"]["kept"] == 4


def test_archive_with_other_bytes_is_refused_and_nothing_written(
    tmp_path: Path, recipe: Recipe
) -> None:
    archive = write_zip(tmp_path / "ismn.zip", MIXED)
    inputs = write_inputs(tmp_path, [record(archive, sha256="0" * 64)])
    with pytest.raises(IntegrityError, match="0" * 64):
        ingest(recipe, inputs, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_archive_without_usable_sensor_is_refused_with_reasons(
    tmp_path: Path, recipe: Recipe
) -> None:
    members = {file_name(): b"", file_name(sensor="B"): station_file([])}
    with pytest.raises(InputError, match=r"1 empty file, 1 no rows"):
        run(tmp_path, recipe, members)


def test_every_value_flagged_bad_leaves_a_sensor_without_days(
    tmp_path: Path, recipe: Recipe
) -> None:
    members = {
        file_name(): station_file(rows(values())),
        file_name(sensor="B"): station_file(
            rows(values(), flag="C02"), first=header(sensor="B")
        ),
    }
    stations, observations, report = run(tmp_path, recipe, members)
    assert_adds_up(stations, observations, report)
    assert stations["sensor"].tolist() == ["B", "Probe"]
    assert stations["valid_days"].tolist() == [0, 4]
    assert observations["sensor_id"].unique().tolist() == ["NET/ST01/5-5/Probe"]


def test_hamburg_archive_is_ingested_whole(
    tmp_path: Path, shared_data: Path, repository: Path
) -> None:
    recipe = load_recipe(repository / "conf/recipe/hamburg.yaml")
    archive = shared_data / recipe.stations.inputs[0].path
    (tmp_path / archive.name).symlink_to(archive)
    inputs = write_inputs(tmp_path, [record(archive)])
    ingest(recipe, inputs, tmp_path / "data")
    stations, observations = (
        pd.read_parquet(tmp_path / "data" / name) for name in TABLES[:2]
    )
    report = json.loads((tmp_path / "data" / TABLES[2]).read_text(encoding="utf-8"))
    assert_adds_up(stations, observations, report)
    # The archive holds 64 soil-moisture files of 15 stations, none of them damaged.
    assert report["files"] == {"found": 64, "read": 64, "rejected": 0}
    assert stations["station"].nunique() == 15
    assert set(report["values"]["dropped"]) == {
        "flag C02",
        "flag D06",
        "outside period",
    }


def test_own_file_beside_an_archive_follows_the_same_rules(
    tmp_path: Path, recipe: Recipe
) -> None:
    archive = write_zip(tmp_path / "a.zip", {file_name(): station_file(rows(values()))})
    own = tmp_path / "field.csv"
    days = [f"2020-01-0{day},0.2{day}" for day in range(1, DAYS + 1)]
    own.write_text(csv_file(rows=[*days, "2020-01-05,0.3"]))
    records = [record(archive), record(own, source="csv")]
    report = ingest(recipe, write_inputs(tmp_path, records), tmp_path / "out")
    assert report["sensors"]["kept"] == 2
    assert report["values"]["dropped"]["outside period"] == 1
    stations = pd.read_parquet(tmp_path / "out/stations.parquet")
    assert set(stations["source_file"]) == {
        f"a.zip/{file_name()}",
        "field.csv/field.csv",
    }
    observed = pd.read_parquet(tmp_path / "out/observations.parquet")
    mine = observed[observed["sensor_id"].str.startswith("MYFARM")]
    assert mine["soil_moisture"].tolist() == [0.21, 0.22, 0.23, 0.24]
    assert mine["observation_count"].tolist() == [1] * DAYS


def test_sites_lie_where_the_recipe_says(tmp_path: Path, repository: Path) -> None:
    towers = load_recipe(repository / "conf/recipe/fluxnet.yaml")
    archive = write_archive(tmp_path / "a.zip", {SUBSET: daily_csv()})
    found = read_stations([("fluxnet", archive)], towers)
    assert found.rejections == ()
    (sensor,) = found.sensors
    place = sensor.metadata.latitude, sensor.metadata.longitude
    assert place == towers.stations.positions["DE-Geb"]
