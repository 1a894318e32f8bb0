"""Station meteorology as forcing: days, gaps, the primary station, honest reports."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from factories.raw.uscrn_files import daily_line, write_archive
from somobench.pipelines.forcing.source import DailyForcing, ForcingRequest
from somobench.pipelines.forcing.station import StationMeteorology
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.recipe import PeriodParams, Recipe, load_recipe

CELLS = {
    "31.625_-102.875": (31.625, -102.875),
    "46.125_-92.875": (46.125, -92.875),
}
DAYS = pd.date_range("2020-06-01", "2020-06-30")
MEASURED = {
    "P_DAILY_CALC": 2.4, "T_DAILY_AVG": 20.0, "SOLARAD_DAILY": 25.0,
    "RH_DAILY_AVG": 50.0, "SUR_TEMP_DAILY_AVG": 30.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def recipe(repository: Path) -> Recipe:
    """Return the recipe `uscrn` cut to June 2020."""
    period = PeriodParams(start=dt.date(2020, 6, 1), end=dt.date(2020, 6, 30))
    whole = load_recipe(repository / "conf" / "recipe" / "uscrn.yaml")
    return whole.model_copy(update={"period": period})


def with_forcing(recipe: Recipe, **changed: Any) -> Recipe:
    forcing = recipe.forcing.model_copy(update=changed)
    return recipe.model_copy(update={"forcing": forcing})


def station(
    *,
    place: tuple[float, float] = (31.62, -102.81),
    missing: dict[str, range] | None = None,
    **fields: float,
) -> str:
    """Return a file of June; `missing` says by field which positions have no value."""
    lines = []
    for position, day in enumerate(DAYS):
        values: dict[str, object] = dict(MEASURED | fields)
        for name, positions in (missing or {}).items():
            if position in positions:
                values[name] = None
        values |= {"LATITUDE": place[0], "LONGITUDE": place[1]}
        lines.append(daily_line(day.strftime("%Y%m%d"), fields=values))
    return "\n".join(lines)


def daily(tmp_path: Path, recipe: Recipe, **stations: str) -> DailyForcing:
    members = {f"CRND0103-2020-{name}.txt": text for name, text in stations.items()}
    cells = pd.DataFrame(
        [(name, *place) for name, place in sorted(CELLS.items())],
        columns=["cell_id", "latitude", "longitude"],
    )
    archive = write_archive(tmp_path / "a.zip", members)
    request = ForcingRequest(recipe=recipe, cells=cells, inputs=(archive,))
    return StationMeteorology().daily(request)


NORTH = (46.11, -92.99)


def test_complete_stations_give_their_own_days_in_our_units(
    tmp_path: Path, recipe: Recipe
) -> None:
    given = daily(
        tmp_path, recipe, A=station(), B=station(place=NORTH, P_DAILY_CALC=0.0)
    )
    assert given.dropped == {}
    assert given.node_count.tolist() == [0, 0]
    dataset = given.dataset
    assert dataset.attrs["day_definition"] == "local_standard_time"
    assert dict(dataset.sizes) == {"cell": 2, "time": 30}
    # 20 and 30 degrees Celsius are 293.15 and 303.15 K; stored in steps of 1/64 K and
    # 1/128 mm, so within half a step.
    first = dataset.isel(cell=0, time=0)
    assert float(first["air_temperature"]) == pytest.approx(293.15, abs=1 / 128)
    assert float(first["skin_temperature"]) == pytest.approx(303.15, abs=1 / 128)
    assert float(first["precipitation"]) == pytest.approx(2.4, abs=1 / 256)
    assert float(first["shortwave_radiation"]) == 25.0
    assert float(first["relative_humidity"]) == 50.0
    assert float(dataset["precipitation"].isel(cell=1).max()) == 0.0
    assert given.report["not_of_the_primary_station"] == []
    assert given.report["variables"]["precipitation"]["days"] == {
        "filled": 0, "of_other_stations": 0, "of_primary_stations": 60
    }  # fmt: skip


def test_short_gaps_are_filled_and_every_one_is_listed(
    tmp_path: Path, recipe: Recipe
) -> None:
    missing = {"P_DAILY_CALC": range(10, 13), "T_DAILY_AVG": range(20, 25)}
    given = daily(tmp_path, recipe, A=station(missing=missing), B=station(place=NORTH))
    assert given.dropped == {}
    assert np.isfinite(given.dataset.to_array()).all()
    assert given.report["not_of_the_primary_station"] == [
        {
            "cell_id": "31.625_-102.875", "variable": "precipitation",
            "start": "2020-06-11", "end": "2020-06-13", "from": "window mean",
        },
        {
            "cell_id": "31.625_-102.875", "variable": "air_temperature",
            "start": "2020-06-21", "end": "2020-06-25", "from": "linear",
        },
    ]  # fmt: skip
    days = given.report["variables"]["precipitation"]["days"]
    assert days == {"filled": 3, "of_other_stations": 0, "of_primary_stations": 57}
    assert given.report["variables"]["precipitation"]["values_dropped"] == {
        "not finite": 3
    }


@pytest.mark.parametrize(
    ("field", "positions", "reason"),
    [
        ("P_DAILY_CALC", range(10, 14), "precipitation: a gap longer than 3 days"),
        ("T_DAILY_AVG", range(24, 30), "air_temperature: a gap longer than 5 days"),
        ("RH_DAILY_AVG", range(30), "relative_humidity: no station measures it"),
    ],
)
def test_longer_gap_drops_the_cell_with_the_reason(
    tmp_path: Path, recipe: Recipe, field: str, positions: range, reason: str
) -> None:
    damaged = station(missing={field: positions})
    given = daily(tmp_path, recipe, A=damaged, B=station(place=NORTH))
    assert given.dropped == {"31.625_-102.875": reason}
    assert given.report["dropped_by_reason"] == {reason: 1}
    assert list(given.report["primary_stations"]) == ["46.125_-92.875"]


def test_cell_without_station_is_dropped_for_every_variable(
    tmp_path: Path, recipe: Recipe
) -> None:
    given = daily(tmp_path, recipe, A=station())
    assert set(given.dropped) == {"46.125_-92.875"}
    assert given.dropped["46.125_-92.875"].count("no station measures it") == 5


def test_second_station_fills_what_the_primary_lacks(
    tmp_path: Path, recipe: Recipe
) -> None:
    # B has more days of rain and is primary although A comes first by name.
    first = station(missing={"P_DAILY_CALC": range(10)})
    second = station(P_DAILY_CALC=8.0, missing={"P_DAILY_CALC": range(20, 26)})
    given = daily(tmp_path, recipe, A=first, B=second, C=station(place=NORTH))
    rain = given.dataset["precipitation"].isel(cell=0).to_numpy()
    # 24 days of B (8 mm) and the 6 days that it lacks from A (2.4 mm).
    np.testing.assert_allclose(rain[:20], 8.0)
    np.testing.assert_allclose(rain[20:26], 2.4, atol=1 / 256)
    np.testing.assert_allclose(rain[26:], 8.0)
    primary = given.report["primary_stations"]["31.625_-102.875"]
    assert primary["precipitation"] == "USCRN/B/P_DAILY_CALC"
    assert primary["air_temperature"] == "USCRN/A/T_DAILY_AVG"
    (entry,) = given.report["not_of_the_primary_station"]
    assert entry["from"] == "USCRN/A/P_DAILY_CALC"
    assert given.report["variables"]["precipitation"]["days"] == {
        "filled": 0, "of_other_stations": 6, "of_primary_stations": 54
    }  # fmt: skip


def test_rejected_file_is_reported(tmp_path: Path, recipe: Recipe) -> None:
    given = daily(tmp_path, recipe, A="truncated", B=station(), C=station(place=NORTH))
    (rejected,) = given.report["variables"]["precipitation"]["files_rejected"]
    assert rejected["file"] == "CRND0103-2020-A.txt"
    assert rejected["reason"] == "line"


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"frequency": "hourly"}, "hourly, daily_total"),
        ({"accumulation": "hour_ending"}, "daily, hour_ending"),
        ({"variables": ("precipitation", "net_radiation")}, "net_radiation"),
    ],
)
def test_keys_that_do_not_fit_the_stations_are_refused(
    tmp_path: Path, recipe: Recipe, changed: dict[str, Any], found: str
) -> None:
    with pytest.raises(UsageError, match=found):
        daily(tmp_path, with_forcing(recipe, **changed), A=station())


def test_archive_without_a_station_in_any_cell_is_refused(
    tmp_path: Path, recipe: Recipe
) -> None:
    with pytest.raises(InputError, match="no station in any of 2 cells"):
        daily(tmp_path, recipe, A=station(place=(20.0, -155.0)))


@pytest.mark.parametrize("name", ["uscrn", "hawaii"])
def test_recipe_takes_meteorology_of_its_own_stations(
    repository: Path, name: str
) -> None:
    found = load_recipe(repository / "conf" / "recipe" / f"{name}.yaml")
    assert found.release.recipe == name
    assert found.forcing.source == "station"
    stations = {item.path: item.sha256 for item in found.stations.inputs}
    forcing = {item.path: item.sha256 for item in found.forcing.inputs}
    assert stations.items() <= forcing.items()


@pytest.mark.slow
@pytest.mark.once
def test_real_year_keeps_most_cells(repository: Path, shared_data: Path) -> None:
    real = load_recipe(repository / "conf" / "recipe" / "uscrn.yaml")
    # Cells of six stations: complete ones, one whose hygrometer never worked, one
    # pair in one cell of which one lacks nine days, one with a gap of 91 days.
    names = [
        "31.625_-102.875", "36.125_-97.125", "46.125_-92.875", "38.875_-100.875",
    ]  # fmt: skip
    cells = pd.DataFrame(
        [(name, *(float(part) for part in name.split("_"))) for name in sorted(names)],
        columns=["cell_id", "latitude", "longitude"],
    )
    archive = shared_data / "uscrn" / "daily01_2020.zip"
    given = StationMeteorology().daily(
        ForcingRequest(recipe=real, cells=cells, inputs=(archive,))
    )
    assert set(given.dropped) == {"38.875_-100.875", "46.125_-92.875"}
    assert (
        given.dropped["46.125_-92.875"] == "relative_humidity: no station measures it"
    )
    kept = given.dataset.sel(cell=["31.625_-102.875", "36.125_-97.125"])
    assert np.isfinite(kept.to_array()).all()
    origins = {
        entry["from"]
        for entry in given.report["not_of_the_primary_station"]
        if entry["cell_id"] == "36.125_-97.125"
    }
    assert origins <= {"linear", "window mean"}
