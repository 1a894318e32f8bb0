"""What `somobench validate` says of ERA5: what it holds and lacks, which key fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.raw import era5_deliveries as deliveries
from factories.raw.era5_stores import hours, make_era5, make_recipe
from somobench.pipelines.forcing.era5.account import account_for


def folder_of(path: Path, *stores: xr.Dataset) -> Path:
    names = (f"{number:02d}/data.nc" for number in range(len(stores)))
    return deliveries.write_files(path, dict(zip(names, stores, strict=True)))


def test_account_names_variables_grid_period_gaps_and_files(tmp_path: Path) -> None:
    store = make_era5(names=("tp", "t2m", "ssrd")).assign(
        rain=make_era5(names=("tp",))["tp"]
    )
    late = deliveries.new_cds(store.isel(time=slice(34, None)), "0005")
    folder = folder_of(tmp_path, store.isel(time=slice(0, 30)), late)
    (folder / "readme.txt").write_text("x")
    (folder / "broken.nc").write_bytes(b"<html>")
    account = account_for(folder)
    assert account["files"] == {
        "found": 4,
        "read": 2,
        "rejected": 1,
        "passed over": 1,
    }
    [grid] = account["grids"]
    assert (grid["spacing"], grid["registration"], grid["nodes"]) == (0.25, "node", 9)
    [rain, warmth, sun] = account["variables"]
    assert (rain["variable"], warmth["variable"]) == ("tp", "t2m")
    assert sun["accumulates"] == "hour_ending"
    assert rain["gaps"] == [{"after": "2018-01-02T05:00", "before": "2018-01-02T10:00"}]
    assert (rain["times"], rain["preliminary_times"]) == (69, 39)
    assert account["unknown_variables"] == ["rain"]
    assert account["keys"] == {
        "forcing.frequency": "hourly",
        "forcing.accumulation": "hour_ending",
        "forcing.registration": "node",
        "forcing.remapping": "corner_mean",
        "forcing.preliminary": "accept (counted), or refuse",
    }
    lines = "\n".join(account["lines"])
    assert "gaps: after 2018-01-02T05:00 until 2018-01-02T10:00" in lines
    assert "lacks for every variable: specific_humidity: no d2m, sp" in lines
    assert "not known: rain" in lines


def growing() -> xr.Dataset:
    store = make_era5(names=("ssrd",))
    hour = np.arange(73) % 24
    store["ssrd"][:] = (np.where(hour == 0, 24, hour) * 1e5)[:, None, None]
    return store


def test_totals_that_grow_through_the_day_are_seen(tmp_path: Path) -> None:
    keys = account_for(folder_of(tmp_path, growing()))["keys"]
    assert keys["forcing.accumulation"] == "since_00_utc"


def lacks(folder: Path, repository: Path, **blocks: Any) -> list[str]:
    found: list[str] = account_for(folder, make_recipe(repository, **blocks))["lacks"]
    return found


def test_a_complete_delivery_lacks_nothing(tmp_path: Path, repository: Path) -> None:
    assert lacks(folder_of(tmp_path, make_era5()), repository) == []


@pytest.mark.parametrize(
    ("change", "blocks", "expected"),
    [
        (
            lambda store: store.rename(tp="rain"),
            {},
            "precipitation: no tp (looked for tp or total_precipitation; another name "
            "goes into forcing.names: {tp: ...})",
        ),
        (
            lambda store: store.drop_vars("swvl3"),
            {},
            "reference of layer 3: no any level",
        ),
        (
            lambda store: store.isel(time=slice(0, -1)),
            {},
            "tp, ssrd, ssr, str, e: ends at 2018-01-03T23:00, the period needs "
            "2018-01-04T00",
        ),
        (
            lambda store: store,
            {"start": "2017-12-31"},
            "tp, t2m, d2m, sp, ssrd, ssr, str, e, skt, swvl1, swvl2, swvl3: begins at "
            "2018-01-01T00:00, the period on 2017-12-31",
        ),
        (
            lambda store: store.drop_isel(time=[30]),
            {},
            "tp, t2m, d2m, sp, ssrd, ssr, str, e, skt, swvl1, swvl2, swvl3: 1 gaps "
            "within the period",
        ),
        (
            lambda store: store,
            {"forcing": {"accumulation": "since_00_utc"}},
            "forcing.accumulation: since_00_utc in the recipe; the files look like "
            "hour_ending",
        ),
        (
            lambda store: store,
            {"forcing": {"registration": "cell", "remapping": "none"}},
            "forcing.registration: cell in the recipe; the files look like node",
        ),
    ],
)
def test_what_a_recipe_lacks_is_named_with_the_key_that_helps(
    change: Any, blocks: dict[str, Any], expected: str, tmp_path: Path, repository: Path
) -> None:
    folder = folder_of(tmp_path, change(make_era5()))
    assert expected in lacks(folder, repository, **blocks)


def test_name_in_the_recipe_is_looked_for(tmp_path: Path, repository: Path) -> None:
    folder = folder_of(tmp_path, make_era5().rename(tp="rain"))
    assert lacks(folder, repository, forcing={"names": {"tp": "rain"}}) == []


def test_unit_that_cannot_be_converted_is_rejected_with_the_key(tmp_path: Path) -> None:
    store = make_era5(names=("tp",))
    store["tp"].attrs["units"] = "furlong"
    [rejected] = account_for(folder_of(tmp_path, store))["rejected_files"]
    assert rejected["found"] == "furlong"
    assert "forcing.units of the recipe: {tp: ...}" in rejected["expected"]


def test_daily_files_are_distinguished_from_hourly_ones(tmp_path: Path) -> None:
    days = pd.date_range("2018-01-01", periods=4)
    keys = account_for(folder_of(tmp_path, make_era5(times=days)))["keys"]
    assert keys["forcing.frequency"] == "daily"
    assert keys["forcing.accumulation"].startswith("daily_total, or since_00_utc")


def test_single_points_are_points(tmp_path: Path) -> None:
    store = make_era5(times=hours(1), names=("t2m",))
    points = store.isel(latitude=0).rename(longitude="location")
    points = points.assign_coords(
        latitude=("location", [50.0, 50.1, 50.3]),
        longitude=("location", [10.0, 10.7, 10.9]),
    ).drop_vars("location")
    account = account_for(folder_of(tmp_path, points))
    assert account["keys"]["forcing.registration"] == "points"
    assert account["grids"][0]["nodes"] == 3
