"""Damaged station files, every kind: a typed error, or reported and counted drops.

Each damaged file lies in an archive beside a good one. After `ingest` the good one's
days are what they are without it, and the account says what became of the other.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from factories.raw.input_records import record, write_inputs
from factories.raw.ismn_files import file_name, header, rows, station_file, write_zip
from factories.raw.station_damages import (
    DAMAGED,
    GOOD_NAME,
    Dropped,
    Files,
    Outcome,
    Refused,
    Rejected,
    Same,
    headed,
)
from somobench.pipelines.ingest import ingest
from somobench.schemas.errors import InputError, ValidationError
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.released import RELEASED_TABLES
from somobench.schemas.validate import validate_table

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """Return the virtual recipe, cut to four days, two of them needed."""
    root = Path(__file__).resolve().parents[3]
    content = load_recipe(root / "conf/recipe/virtual.yaml").model_dump()
    content["period"] = {"start": "2020-01-01", "end": "2020-01-04"}
    content["stations"]["minimum_days"] = 2
    return Recipe.model_validate(content)


def run(
    folder: Path, recipe: Recipe, files: Files
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Ingest an archive of these files; return stations, observations, account."""
    archive = write_zip(folder / "ismn.zip", files)
    inputs = write_inputs(folder, [record(archive)])
    ingest(recipe, inputs, folder / "data")
    stations, observations = (
        pd.read_parquet(folder / "data" / f"{name}.parquet")
        for name in ("stations", "observations")
    )
    report = json.loads((folder / "data" / "ingest.json").read_text("utf-8"))
    return stations, observations, report


@pytest.mark.parametrize("damage", DAMAGED)
def test_damage_ends_as_an_error_or_in_the_account(
    tmp_path: Path, recipe: Recipe, damage: str
) -> None:
    files, expected = DAMAGED[damage]
    neighbour = headed(station="GOOD")
    if isinstance(expected, Refused):
        with pytest.raises(InputError, match=expected.match):
            run(tmp_path, recipe, {GOOD_NAME: neighbour} | files)
        assert not (tmp_path / "data").exists()
        return
    _, observations, report = run(tmp_path, recipe, {GOOD_NAME: neighbour} | files)
    assert_accounted_for(report, expected)
    by_sensor = observations.groupby("sensor_id")["soil_moisture"]
    # The means of 24 values that rise by 0.001 from 0.1 + day x 0.024.
    undamaged = [0.1115, 0.1355, 0.1595, 0.1835]
    assert by_sensor.get_group("NET/GOOD/5-5/Probe").tolist() == pytest.approx(
        undamaged
    )
    if isinstance(expected, Same):
        assert by_sensor.ngroups == expected.sensors
        assert all(days.tolist() == pytest.approx(undamaged) for _, days in by_sensor)


def assert_accounted_for(report: dict[str, Any], expected: Outcome) -> None:
    values, files = report["values"], report["files"]
    assert values["read"] == values["good"] + sum(values["dropped"].values())
    assert files["found"] == files["read"] + files["rejected"]
    if isinstance(expected, Rejected):
        assert report["rejected_by_reason"] == {expected.reason: 1}, report
        (rejected,) = report["rejected_files"]
        assert rejected["found"]
        assert rejected["expected"]
        assert rejected["found"].isprintable()
        return
    assert report["rejected_files"] == []
    if isinstance(expected, Dropped):
        assert values["dropped"] == dict(expected.reasons)
        reasons = {expected.sensor: 1} if expected.sensor else {}
        assert report["sensors"]["dropped"] == reasons
        assert report["repaired"] == {"rows out of order": expected.repaired}
    else:
        assert values["dropped"] == {}
        assert report["sensors"] == {"kept": expected.sensors, "dropped": {}}


def test_there_are_at_least_48_kinds_of_damage() -> None:
    assert len(DAMAGED) >= 48


def test_station_that_moved_stays_out_of_a_release(
    tmp_path: Path, recipe: Recipe
) -> None:
    files = DAMAGED["station moved"][0] | {GOOD_NAME: headed(station="GOOD")}
    stations, _, _ = run(tmp_path, recipe, files)
    with pytest.raises(ValidationError, match="every station in one place"):
        validate_table(stations, RELEASED_TABLES["stations"], "stations")


def test_sensor_stuck_under_a_good_flag_stays_out_of_a_release(
    tmp_path: Path, recipe: Recipe
) -> None:
    content = recipe.model_dump()
    content["period"] = {"start": "2020-01-01", "end": "2020-12-31"}
    files = {
        GOOD_NAME: station_file(rows([0.25] * 24 * 61), first=header(station="GOOD"))
    }
    _, observations, report = run(tmp_path, Recipe.model_validate(content), files)
    assert report["days"]["kept"] == 61
    with pytest.raises(ValidationError, match="0.25000 on 61 days in a row"):
        validate_table(observations, RELEASED_TABLES["observations"], "observations")


@pytest.mark.slow
@pytest.mark.once
def test_ten_million_rows_are_read_and_counted(tmp_path: Path, recipe: Recipe) -> None:
    # 10 million minutes from 2005-01-01 on; they end on 2024-01-06.
    count = 10_000_000
    rest = [
        f" {minute // 60:02}:{minute % 60:02} 0.2500 G M\r\n" for minute in range(1440)
    ]
    days = pd.date_range("2005-01-01", "2024-01-06").strftime("%Y/%m/%d")
    lines = [day + text for day in days for text in rest][:count]
    name = file_name(days="20050101_20241231")
    content = f"{header()}\n\r{''.join(lines)}".encode()
    _, _, report = run(tmp_path, recipe, {name: content})
    # Four days of 1,440 minutes lie in the period.
    assert report["values"] == {
        "read": count,
        "good": 5760,
        "dropped": {"outside period": count - 5760},
    }
