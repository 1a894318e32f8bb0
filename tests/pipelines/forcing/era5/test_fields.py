from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.raw.era5_stores import hours, make_era5
from somobench.pipelines.forcing.era5 import blocks as era5_blocks
from somobench.pipelines.forcing.era5 import fields as era5_fields
from somobench.pipelines.forcing.era5 import parts as era5_parts
from somobench.pipelines.forcing.era5.blocks import read_days
from somobench.pipelines.forcing.era5.daily import (
    MEAN_OF_HOURS,
    SUM_OF_HOURS_ENDING,
    THE_DAYS_OWN,
    DayRule,
    Frequency,
)
from somobench.pipelines.forcing.era5.fields import group_boxes
from somobench.pipelines.forcing.era5.files.layout import normalise
from somobench.pipelines.forcing.era5.files.stores import open_inputs
from somobench.pipelines.forcing.era5.parts import Rectangle
from somobench.pipelines.forcing.era5.variables import (
    RAW,
    Delivery,
    find_derivation,
)
from somobench.schemas.errors import InputError, UnknownNameError, UsageError

DAYS = np.arange("2018-01-01", "2018-01-04", dtype="datetime64[D]")


def read(
    *stores: xr.Dataset,
    variable: str = "precipitation",
    rule: DayRule = SUM_OF_HOURS_ENDING,
    frequency: Frequency = "hourly",
    nodes: tuple[int, ...] = (0, 4, 8),
    delivery: Delivery | None = None,
) -> np.ndarray:
    """Read a variable of ours at some nodes of a box of one or more files."""
    opened = [
        (f"file{number}.nc", normalise(store, f"file{number}.nc"))
        for number, store in enumerate(stores)
    ]
    [box] = group_boxes(opened)
    derivation = find_derivation(variable, {})
    given = delivery or Delivery(
        frequency, "hour_ending" if frequency == "hourly" else "daily_total"
    )
    fields = [box.field(RAW[raw], given) for raw in derivation.raws]
    wanted = np.array(nodes)
    values, _ = read_days(derivation, fields, (box.nodes, wanted), DAYS, rule)
    return values


def hourly_rain(store: xr.Dataset, node: int) -> np.ndarray:
    return store["tp"].to_numpy().astype(float).reshape(len(store["time"]), -1)[:, node]


def test_precipitation_becomes_millimetres_a_day() -> None:
    store = make_era5(names=("tp",))
    found = read(store)
    for column, node in enumerate((0, 4, 8)):
        rain = hourly_rain(store, node)
        # Hours 1..24, 25..48, 49..72 after the first midnight, m to mm.
        expected = [1000 * rain[1 + 24 * d : 25 + 24 * d].sum() for d in range(3)]
        np.testing.assert_allclose(found[:, column], expected, rtol=1e-12)


def test_radiation_adds_its_parts_and_becomes_megajoules() -> None:
    store = make_era5(names=("ssr", "str"))
    store["ssr"][:] = 5e5
    store["str"][:] = -1e5
    # 24 h x (0.5 - 0.1) MJ = 9.6 MJ
    found = read(store, variable="net_radiation")
    np.testing.assert_allclose(found, 9.6, rtol=1e-6)


def test_evaporation_becomes_positive_upward() -> None:
    store = make_era5(names=("e",))
    store["e"][:] = -1e-4
    # 24 h x 0.1 mm = 2.4 mm
    np.testing.assert_allclose(read(store, variable="evaporation"), 2.4, rtol=1e-6)


def test_humidity_is_averaged_after_it_is_derived() -> None:
    store = make_era5(names=("d2m", "sp"))
    store["sp"][:] = 100_000.0
    half = np.where(np.arange(len(store["time"])) % 2 == 0, 273.16, 293.16)
    store["d2m"][:] = half[:, None, None]
    # q(273.16 K) = 0.003810413; at 293.16 K e = 611.21 exp(17.502 x 20 / 260.97)
    # = 611.21 x 3.8240 = 2337.3 Pa, q = 0.6219808 x 2337.3 / (1e5 - 883.5) = 0.014667
    found = read(store, variable="specific_humidity", rule=MEAN_OF_HOURS)
    np.testing.assert_allclose(found, (0.003810413 + 0.014667) / 2, rtol=1e-3)


def test_dims_in_any_order_give_the_same_values() -> None:
    store = make_era5(names=("tp",))
    turned = store.transpose("longitude", "time", "latitude")
    np.testing.assert_array_equal(read(turned), read(store))


def test_blocks_of_any_size_give_the_same_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = make_era5(names=("tp",))
    whole = read(store)
    monkeypatch.setattr(era5_blocks, "BLOCK_VALUES", 1)
    monkeypatch.setattr(era5_parts, "TILE", 1)
    np.testing.assert_array_equal(read(store), whole)


def test_only_the_rectangle_of_wanted_nodes_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_era5(names=("tp",)).to_netcdf(tmp_path / "box.nc")
    with open_inputs([tmp_path / "box.nc"]) as opened:
        loaded = shapes_loaded(opened.stores, monkeypatch)
    assert loaded == [(24, 2)]


def shapes_loaded(
    stores: Sequence[tuple[str, xr.Dataset]], monkeypatch: pytest.MonkeyPatch
) -> list[tuple[int, int]]:
    """Read a day at two nodes and return the time steps and nodes of each read."""
    [box] = group_boxes(stores)
    loaded: list[tuple[int, int]] = []
    original = era5_fields.Field.read

    def spying(
        self: era5_fields.Field, start: int, stop: int, rectangle: Rectangle
    ) -> tuple[np.ndarray, np.ndarray]:
        loaded.append((stop - start, rectangle.size))
        return original(self, start, stop, rectangle)

    monkeypatch.setattr(era5_fields.Field, "read", spying)
    field = box.field(RAW["tp"], Delivery())
    wanted = np.array([4, 5])  # the middle row's last two nodes
    read_days(
        find_derivation("precipitation", {}),
        [field],
        (box.nodes, wanted),
        DAYS[:1],
        SUM_OF_HOURS_ENDING,
    )
    return loaded


def test_files_that_divide_the_period_are_joined_in_order() -> None:
    store = make_era5(names=("tp",))
    parts = store.isel(time=slice(30, None)), store.isel(time=slice(0, 30))
    np.testing.assert_array_equal(read(*parts), read(store))


def test_files_that_divide_the_variables_are_joined() -> None:
    store = make_era5(names=("ssr", "str"))
    found = read(store[["ssr"]], store[["str"]], variable="net_radiation")
    np.testing.assert_array_equal(found, read(store, variable="net_radiation"))


def test_files_of_different_positions_are_different_boxes() -> None:
    here = normalise(make_era5(days=1, names=("tp",)), "a")
    there = normalise(make_era5(days=1, latitudes=(1.0,), names=("tp",)), "b")
    assert [box.what for box in group_boxes([("a", here), ("b", there)])] == ["a", "b"]


def test_files_that_overlap_in_time_and_agree_are_joined() -> None:
    store = make_era5(names=("tp",))
    parts = store.isel(time=slice(0, 31)), store.isel(time=slice(29, None))
    np.testing.assert_array_equal(read(*parts), read(store))


def test_files_that_overlap_in_time_and_differ_are_refused() -> None:
    store = make_era5(names=("tp",))
    first, second = store.isel(time=slice(0, 31)), store.isel(time=slice(29, None))
    first = first.copy(deep=True)
    first["tp"][30] += 1e-5  # 2018-01-02T06
    with pytest.raises(
        InputError, match=r"(?s)file0\.nc and file1\.nc.*2018-01-02T06.*the same value"
    ):
        read(first, second)


def test_value_that_one_file_lacks_is_taken_from_another() -> None:
    store = make_era5(names=("tp",))
    first, second = store.isel(time=slice(0, 31)), store.isel(time=slice(29, None))
    second = second.copy(deep=True)
    second["tp"][:2] = np.nan
    np.testing.assert_array_equal(read(first, second), read(store))


@pytest.mark.parametrize(
    ("name", "variable", "value", "hint"),
    [
        ("t2m", "air_temperature", 12.0, "150 to 340 K"),  # degrees Celsius
        ("sp", "specific_humidity", 980.0, "30000 to 110000 Pa"),  # hPa
        ("tp", "precipitation", 9.96921e36, "-0.0001 to 2 m"),  # netCDF's default fill
        ("tp", "precipitation", -9999.0, "-0.0001 to 2 m"),
        ("tp", "precipitation", np.inf, "-0.0001 to 2 m"),
        ("tp", "precipitation", 5.0, "-0.0001 to 2 m"),  # mm
        ("ssrd", "shortwave_radiation", 9e7, "-50000 to 6e\\+07 J"),
        ("t2m", "air_temperature", 285 * 0.0018, "scale factor applied twice"),
    ],
)
def test_impossible_values_are_refused_with_time_and_bounds(
    name: str, variable: str, value: float, hint: str
) -> None:
    store = make_era5(names=tuple(find_derivation(variable, {}).raws))
    store[name][40, 1, 1] = value
    pattern = rf"(?s){name} in forcing input file0.*2018-01-02T16.*{hint}"
    with pytest.raises(InputError, match=pattern):
        read(store, variable=variable)


def test_impossible_values_elsewhere_in_the_store_do_not_matter() -> None:
    store = make_era5(names=("tp",))
    store["tp"][40, 0, 1] = 5.0  # within the rectangle of the nodes read
    assert np.isfinite(read(store, nodes=(0, 4))).all()


def test_values_packed_to_16_bits_are_unpacked(tmp_path: Path) -> None:
    store = make_era5(names=("t2m",))
    packing = {"dtype": "int16", "scale_factor": 0.001, "add_offset": 285.0}
    store.to_netcdf(
        tmp_path / "packed.nc", encoding={"t2m": packing | {"_FillValue": -32767}}
    )
    with xr.open_dataset(tmp_path / "packed.nc") as packed:
        found = read(packed, variable="air_temperature", rule=MEAN_OF_HOURS)
    expected = read(store, variable="air_temperature", rule=MEAN_OF_HOURS)
    np.testing.assert_allclose(found, expected, atol=0.001)


def test_three_hourly_input_is_refused_as_hourly() -> None:
    times = pd.date_range("2018-01-01", periods=25, freq="3h")
    with pytest.raises(InputError, match=r"(?s)time step of tp.*3 hours.*1 hours"):
        read(make_era5(times=times, names=("tp",)))


def test_hourly_input_is_refused_as_daily() -> None:
    with pytest.raises(InputError, match=r"(?s)time step of tp.*1 hours.*24 hours"):
        read(make_era5(names=("tp",)), frequency="daily", rule=THE_DAYS_OWN)


def test_times_beside_the_hour_are_refused() -> None:
    times = hours(3) + pd.Timedelta(minutes=30)
    with pytest.raises(InputError, match="on the hour"):
        read(make_era5(times=times, names=("tp",)))


def test_extra_dim_is_refused() -> None:
    store = make_era5(names=("tp",)).expand_dims(number=[0, 1])
    with pytest.raises(InputError, match=r"(?s)dims.*number.*select one member"):
        read(store)


def test_absent_variable_is_refused_with_what_there_is() -> None:
    with pytest.raises(InputError, match=r"(?s)t2m.*tp, named tp or total_precip"):
        read(make_era5(names=("t2m",)))


def test_long_names_of_arco_stores_are_found() -> None:
    store = make_era5(names=("tp",))
    renamed = store.rename(tp="total_precipitation")
    np.testing.assert_array_equal(read(renamed), read(store))


def test_name_in_the_recipe_replaces_the_usual_ones() -> None:
    assert Delivery(names={"precipitation": "rain"}).get_names(RAW["tp"]) == ("rain",)
    assert Delivery(names={"t2m": "warmth"}).get_names(RAW["t2m"]) == ("warmth",)
    assert find_derivation("net_radiation", {"net_radiation": "nr"}).raws == ("nr",)
    assert Delivery(names={"net_radiation": "rn"}).get_names(RAW["nr"]) == ("rn",)


@pytest.mark.parametrize("key", ["names", "units"])
def test_unknown_key_in_the_recipe_is_refused(key: str) -> None:
    given = Delivery(**{key: {"rainfall": "rain"}})
    look = given.get_names if key == "names" else given.get_unit
    with pytest.raises(UsageError, match=rf"(?s)forcing\.{key}.*rainfall"):
        look(RAW["tp"])


def test_variable_that_era5_lacks_is_refused() -> None:
    with pytest.raises(
        UnknownNameError, match=r"(?s)relative_humidity.*forcing\.names"
    ):
        find_derivation("relative_humidity", {})
