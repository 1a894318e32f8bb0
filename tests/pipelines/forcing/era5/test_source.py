from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from factories.raw.era5_stores import CELLS, make_cell_table, make_era5, make_recipe
from somobench.pipelines.forcing.era5 import Era5Source
from somobench.pipelines.forcing.precision import STORED_STEP
from somobench.pipelines.forcing.source import (
    DailyForcing,
    ForcingRequest,
    find_forcing_source,
)
from somobench.schemas.errors import InputError, UnknownNameError, UsageError

REFERENCE = "reanalysis_soil_moisture"


@pytest.fixture
def build(tmp_path: Path, repository: Path) -> Any:
    """Return a builder of daily forcing from datasets and changed recipe keys."""

    def daily(
        *stores: xr.Dataset,
        cells: Sequence[str] = CELLS,
        references: Sequence[xr.Dataset] = (),
        **blocks: Any,
    ) -> DailyForcing:
        request = ForcingRequest(
            recipe=make_recipe(repository, **blocks),
            cells=make_cell_table(cells=cells),
            inputs=written(tmp_path, "box", stores),
            reference_inputs=written(tmp_path, "soil", references),
        )
        return Era5Source().daily(request)

    return daily


def written(folder: Path, name: str, stores: Sequence[xr.Dataset]) -> tuple[Path, ...]:
    paths = [folder / f"{name}{number}.nc" for number in range(len(stores))]
    for store, path in zip(stores, paths, strict=True):
        store.to_netcdf(path)
    return tuple(paths)


def slow_total(store: xr.Dataset, cell: str, day: str) -> float:
    """Add the 24 hours after 00 UTC of a day at four corners, one by one."""
    latitude, longitude = (float(part) for part in cell.split("_"))
    total = 0.0
    for north in (-0.125, 0.125):
        for east in (-0.125, 0.125):
            series = store["tp"].sel(
                latitude=latitude + north, longitude=longitude + east
            )
            for hour in range(1, 25):
                time = np.datetime64(day) + np.timedelta64(hour, "h")
                total += float(series.sel(time=time))
    return 1000 * total / 4


def test_precipitation_is_the_corner_mean_of_daily_totals(build: Any) -> None:
    store = make_era5()
    forcing = build(store).dataset
    for cell in CELLS:
        for day in ("2018-01-01", "2018-01-03"):
            found = float(forcing["precipitation"].sel(cell=cell, time=day))
            expected = slow_total(store, cell, day)
            # The result is stored in steps of 1/128 mm.
            assert abs(found - expected) <= STORED_STEP["precipitation"] / 2 + 1e-6


def test_layers_are_weighted_levels(build: Any) -> None:
    store = make_era5()
    for level, water in (("swvl1", 0.1), ("swvl2", 0.2), ("swvl3", 0.4)):
        store[level][:] = water
    reference = build(store).dataset[REFERENCE]
    # 0.7 x 0.1 + 0.3 x 0.2 = 0.13; 0.9 x 0.2 + 0.1 x 0.4 = 0.22; 0.4
    for layer, expected in ((1, 0.13), (2, 0.22), (3, 0.4)):
        found = reference.sel(layer=layer).to_numpy()
        np.testing.assert_allclose(found, expected, atol=STORED_STEP[REFERENCE] / 2)


def test_layer_not_listed_stays_missing(build: Any) -> None:
    reference = build(make_era5(), reference={"layers": [1]}).dataset[REFERENCE]
    assert reference.sel(layer=1).notnull().all()
    assert reference.sel(layer=[2, 3]).isnull().all()


def test_layer_of_fewer_levels_says_which_are_missing(build: Any) -> None:
    store = make_era5().drop_vars(["swvl2", "swvl3"])
    given = build(store, reference={"layers": [1]})
    attrs = given.dataset[REFERENCE].attrs
    assert attrs["layer_weights"] == "1: 1 swvl1"
    assert attrs["levels_missing"] == "1: swvl2"
    assert given.report["reference"]["layers"]["1"]["levels_missing"] == ["swvl2"]


def test_listed_layer_without_any_level_is_refused(build: Any) -> None:
    store = make_era5().drop_vars(["swvl2", "swvl3"])
    with pytest.raises(InputError, match=r"(?s)10 to 30 cm.*levels swvl1"):
        build(store)


def test_reference_of_other_inputs_may_have_another_frequency(build: Any) -> None:
    store = make_era5()
    soil = ["swvl1", "swvl2", "swvl3"]
    at_six = store[soil].isel(time=slice(6, 72, 24))
    input_block = dict.fromkeys(("name", "producer", "licence", "citation"), "x")
    given = build(
        store.drop_vars(soil),
        references=[at_six],
        reference={"inputs": [input_block | {"path": "soil0.nc"}]},
    )
    box = at_six["swvl3"].to_numpy()[0, :2, :2]  # corners of the north-west cell
    found = float(given.dataset[REFERENCE].sel(cell="50.125_10.125", layer=3)[0])
    assert found == pytest.approx(float(box.mean()), abs=STORED_STEP[REFERENCE])
    assert given.report["reference"]["daily"] == "value of the day itself"


@pytest.mark.parametrize("shift", [0.0, 360.0])
def test_longitude_convention_and_order_of_rows_change_nothing(
    build: Any, shift: float
) -> None:
    west = make_era5(longitudes=(-10.5, -10.25, -10.0))
    cells = ("49.875_-10.375", "50.125_-10.125")
    expected = build(west, cells=cells).dataset
    turned = west.assign_coords(longitude=west["longitude"] + shift).isel(
        latitude=slice(None, None, -1)
    )
    xr.testing.assert_identical(build(turned, cells=cells).dataset, expected)


@pytest.mark.parametrize("middle", [0.0, 180.0])
def test_months_may_number_longitudes_from_0_or_from_minus_180(
    build: Any, middle: float
) -> None:
    store = make_era5(longitudes=(middle - 0.25, middle, middle + 0.25))
    east = (middle + 0.125 + 180) % 360 - 180
    cells = (f"49.875_{east}", f"50.125_{middle - 0.125}")
    expected = build(store, cells=cells).dataset
    months = [
        part.assign_coords(longitude=(part["longitude"] - start) % 360 + start)
        for part, start in (
            (store.isel(time=slice(0, 30)), 0.0),
            (store.isel(time=slice(30, None)), -180.0),
        )
    ]
    found = build(*(part.sortby("longitude") for part in months), cells=cells)
    xr.testing.assert_identical(found.dataset, expected)


def test_boxes_are_put_together(build: Any) -> None:
    here, there = make_era5(), make_era5(latitudes=(-10.0, -10.25))
    cells = (*CELLS, "-10.125_10.125")
    both = build(here, there, cells=cells).dataset
    xr.testing.assert_equal(
        both.sel(cell=list(CELLS)).transpose(), build(here).dataset.transpose()
    )
    alone = build(there, cells=("-10.125_10.125",)).dataset
    xr.testing.assert_equal(both.sel(cell=["-10.125_10.125"]), alone)


def test_cell_between_two_boxes_takes_nodes_of_both(build: Any) -> None:
    whole = make_era5()
    west, east = whole.isel(longitude=[0, 1]), whole.isel(longitude=[2])
    given = build(west, east)
    xr.testing.assert_identical(given.dataset, build(whole).dataset)
    assert given.node_count.tolist() == [4, 4, 4, 4]


def test_sea_node_leaves_the_mean_of_the_rest(build: Any) -> None:
    store = make_era5()
    for name in store.data_vars:
        store[name][:, 0, 0] = np.nan  # a corner of one cell only
    given = build(store)
    counts = dict(zip(given.dataset["cell"].to_numpy(), given.node_count, strict=True))
    assert counts == {
        "49.875_10.125": 4,
        "49.875_10.375": 4,
        "50.125_10.125": 3,
        "50.125_10.375": 4,
    }
    warm = store["t2m"].isel(time=slice(0, 24)).mean("time")
    expected = np.mean([warm[0, 1], warm[1, 0], warm[1, 1]])
    found = float(given.dataset["air_temperature"].sel(cell="50.125_10.125")[0])
    assert found == pytest.approx(expected, abs=STORED_STEP["air_temperature"])


def test_soil_water_of_exactly_zero_is_sea(build: Any) -> None:
    store = make_era5()
    for level in ("swvl1", "swvl2", "swvl3"):
        store[level][:] = 0.3
        store[level][:, 0, 0] = 0.0
    given = build(store)
    found = given.dataset[REFERENCE].sel(cell="50.125_10.125").to_numpy()
    np.testing.assert_allclose(found, 0.3, atol=STORED_STEP[REFERENCE] / 2)
    assert given.report["reference"]["sea_nodes_left_out"] == 1


def test_cells_without_data_are_named_with_the_reason(build: Any) -> None:
    store = make_era5()
    store["t2m"][:, :2, :2] = np.nan
    given = build(store, cells=(*CELLS, "0.125_0.125"))
    assert given.dropped == {
        "0.125_0.125": "no node of the input lies at the cell",
        "50.125_10.125": "all nodes are missing (sea)",
    }


def test_no_cell_within_the_input_is_refused(build: Any) -> None:
    with pytest.raises(InputError, match=r"(?s)no node at any of 1 cells.*area"):
        build(make_era5(), cells=("0.125_0.125",))


def test_half_cell_shift_is_refused(build: Any) -> None:
    shifted = make_era5(latitudes=(50.125, 49.875), longitudes=(10.125, 10.375))
    with pytest.raises(InputError, match=r"(?s)50\.125.*multiples of 0\.25"):
        build(shifted)


def test_cell_grid_is_taken_as_it_is(build: Any) -> None:
    store = make_era5(latitudes=(50.125, 49.875), longitudes=(10.125, 10.375))
    given = build(store, forcing={"registration": "cell", "remapping": "none"})
    expected = store["t2m"].isel(time=slice(0, 24), latitude=1, longitude=0).mean()
    found = float(given.dataset["air_temperature"].sel(cell="49.875_10.125")[0])
    assert found == pytest.approx(float(expected), abs=STORED_STEP["air_temperature"])
    assert given.node_count.tolist() == [0, 0, 0, 0]


def test_remapping_that_shifts_the_grid_is_refused(build: Any) -> None:
    with pytest.raises(UsageError, match=r"(?s)none with registration: node"):
        build(make_era5(), forcing={"remapping": "none"})


def test_era5_land_total_is_the_value_at_next_midnight(build: Any) -> None:
    store = make_era5()
    hour = np.arange(73) % 24
    since_midnight = np.where(hour == 0, 24, hour) * 1e-3  # 1 mm an hour
    store["tp"][:] = since_midnight[:, None, None]
    store["ssr"][:] = store["ssrd"][:] = (since_midnight * 1e8)[:, None, None]
    given = build(store, forcing={"accumulation": "since_00_utc"})
    np.testing.assert_allclose(given.dataset["precipitation"], 24.0, atol=0.004)


def test_small_negatives_of_packing_become_zero_and_are_counted(build: Any) -> None:
    store = make_era5()
    store["tp"][:] = -1e-6  # -0.024 mm in a day
    given = build(store)
    rain = given.dataset["precipitation"].to_numpy()
    assert (rain == 0).all()
    assert not np.signbit(rain).any()
    counted = given.report["variables"]["precipitation"]
    assert counted["small_negatives_set_to_zero"] == 12  # 4 cells x 3 days


def test_source_is_found_by_name() -> None:
    assert isinstance(find_forcing_source("era5"), Era5Source)
    with pytest.raises(UnknownNameError, match=r"(?s)era6.*did you mean era5"):
        find_forcing_source("era6")


def sunny(store: xr.Dataset) -> xr.Dataset:
    """Give radiation the course of a day with its noon at 12 UTC."""
    height = np.sin((np.arange(73) % 24 - 6) * np.pi / 12)
    for name in ("ssrd", "ssr"):
        store[name][:] = (np.maximum(height, 0.0) * 2e6)[:, None, None]
    return store


def test_hourly_radiation_taken_for_a_growing_total_is_refused(build: Any) -> None:
    with pytest.raises(
        InputError, match=r"(?s)ssrd.*fall within the day.*accumulation to hour_ending"
    ):
        build(sunny(make_era5()), forcing={"accumulation": "since_00_utc"})


def test_growing_radiation_taken_for_an_hourly_total_is_refused(build: Any) -> None:
    store = sunny(make_era5())
    for name in ("ssrd", "ssr"):
        for day in range(3):
            hours = slice(24 * day + 1, 24 * day + 25)
            store[name][hours] = np.cumsum(store[name].to_numpy()[hours], axis=0)
    with pytest.raises(
        InputError,
        match=r"(?s)ssrd.*grow through the day.*accumulation to since_00_utc",
    ):
        build(store)


def test_polar_night_says_nothing_of_accumulation(build: Any) -> None:
    store = make_era5()
    for name in ("ssrd", "ssr"):
        store[name][:] = 0.0
    build(store)
