"""Views of feature sets, on numbers that can be checked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import somobench
from factories.days import make_forcing, make_splits
from factories.releases import RELEASE, make_targets
from somobench.catalog.scaling import (
    KNOWS_OTHER_DAYS,
    LEFT_OUT,
    rescale,
    scale_by_train_days,
)
from somobench.catalog.view import (
    add_lags,
    align_to_targets,
    day_of_year,
    make_cell_coords,
    take_layer_above,
    view_roles,
)
from somobench.schemas.errors import IntegrityError


def a_series(*, values: list[list[float]], chunks: dict[str, int] | None) -> Any:
    series = xr.DataArray(
        np.array(values, "float32"), dims=("cell", "time"), attrs={"units": "K"}
    )
    return series if chunks is None else series.chunk(chunks)


@pytest.mark.parametrize("chunks", [None, {"cell": 1}, {"time": 2}])
def test_lag_k_is_the_value_k_days_before_and_missing_before_the_first(
    chunks: dict[str, int] | None,
) -> None:
    series = a_series(values=[[1, 2, 3], [4, 5, 6]], chunks=chunks)
    result = add_lags(series, (0, 1, 2))
    nan = np.nan
    expected = [
        [[1, nan, nan], [2, 1, nan], [3, 2, 1]],
        [[4, nan, nan], [5, 4, nan], [6, 5, 4]],
    ]
    np.testing.assert_array_equal(result.values, np.array(expected, "float32"))
    assert result.dims == ("cell", "time", "lag")
    assert result.dtype == np.float32
    assert result.attrs == {"units": "K"}
    assert result["lag"].values.tolist() == [0, 1, 2]
    assert (result.chunks is None) == (chunks is None)


def test_lags_with_gaps_are_selected() -> None:
    series = a_series(values=[[1, 2, 3, 4]], chunks=None)
    result = add_lags(series, (0, 3))
    assert result.values[0, 3].tolist() == [4, 1]
    assert np.isnan(result.values[0, 2, 1])


@pytest.mark.parametrize("lags", [(0, 1, 2, 3, 4, 5, 6, 7), (0, 2, 7)])
def test_lags_equal_shifting_by_xarray(lags: tuple[int, ...]) -> None:
    values = np.random.default_rng(1).normal(size=(3, 40)).astype("float32")
    series = xr.DataArray(values, dims=("cell", "time"))
    oracle = xr.concat([series.shift(time=lag) for lag in lags], dim="lag")
    expected = oracle.transpose("cell", "time", "lag").values
    np.testing.assert_array_equal(add_lags(series, lags).values, expected)


def two_cells(flag: dict[str, str]) -> tuple[xr.Dataset, xr.Dataset, xr.DataArray]:
    """Return 3 days of 2 cells, the first filled on all: train, validation, test."""
    series, grid = ("layer", "cell", "time"), ("layer", "cell")
    targets = xr.Dataset(
        {
            "soil_moisture_in_situ": (series, [[[0.1, 0.2, 0.3]] * 2]),
            "is_gapfilled": (series, [[[1, 1, 1], [0, 0, 0]]]),
        }
    )
    factors = xr.Dataset(
        {
            "scale_slope": (grid, [[1.0, 1.0]]),
            "scale_offset": (grid, [[0.0, 0.0]]),
            "scale_is_full_record": (grid, [[0, 0]], flag),
        }
    )
    role = xr.DataArray([[1, 2, 3], [1, 2, 3]], dims=("cell", "time"))
    return targets, factors, role


def test_train_scaling_leaves_out_what_other_days_had_a_part_in() -> None:
    targets, factors, role = two_cells({LEFT_OUT: KNOWS_OTHER_DAYS})
    nan = np.nan
    given = scale_by_train_days(targets, factors, role).values[0]
    np.testing.assert_allclose(given, [[nan, nan, 0.3], [0.1, 0.2, 0.3]])
    factors["scale_is_full_record"][:] = 1
    given = scale_by_train_days(targets, factors, role).values[0]
    np.testing.assert_allclose(given, [[nan, nan, 0.3], [nan, nan, 0.3]])
    whole = scale_by_train_days(targets, factors, role * 0 + 1).values[0]
    np.testing.assert_allclose(whole, [[0.1, 0.2, 0.3]] * 2)


def test_releases_without_the_attribute_keep_their_values() -> None:
    targets, factors, role = two_cells({})
    for given in (role, None):
        values = scale_by_train_days(targets, factors, given).values[0]
        np.testing.assert_allclose(values, [[0.1, 0.2, 0.3]] * 2)


def test_rescaling_rounds_to_five_decimals_and_drops_negatives() -> None:
    measured = xr.DataArray(
        np.array([[[0.1, 0.3, np.nan]]], "float32"), dims=("layer", "cell", "time")
    )
    slope = xr.DataArray([[2.0]], dims=("layer", "cell"))
    offset = xr.DataArray([[-0.4]], dims=("layer", "cell"))
    result = rescale(measured, slope, offset)
    # -0.4 + 2 x 0.1 = -0.2, below zero; -0.4 + 2 x 0.3 = 0.2
    np.testing.assert_array_equal(
        result.values, np.array([[[np.nan, 0.2, np.nan]]], "float32")
    )
    assert result.dtype == np.float32


def test_roles_follow_the_ranges_and_other_days_have_none() -> None:
    splits = make_splits()
    splits = splits[splits["role"] != "validation"]
    targets = make_targets()
    role = view_roles(splits, targets, "temporal")
    # 1 to 5 January train, 6 and 7 in no range, 8 to 10 test
    assert role.values.tolist() == [[1, 1, 1, 1, 1, 0, 0, 3, 3, 3]] * 2
    assert role.dtype == np.int8
    assert role.attrs["flag_meanings"] == "none train validation test"


def test_roles_of_ranges_beyond_the_period_are_cut_to_it() -> None:
    splits = pd.DataFrame(
        {
            "split": "s",
            "cell_id": make_targets()["cell"].values[1],
            "start": pd.to_datetime(["2017-06-01"]),
            "end": pd.to_datetime(["2018-01-02"]),
            "role": "test",
        }
    )
    role = view_roles(splits, make_targets(), "s")
    assert role.values.tolist() == [[0] * 10, [3, 3, *[0] * 8]]


@pytest.mark.parametrize(
    ("day", "number"),
    [("2018-03-01", 60), ("2020-02-29", 60), ("2020-03-01", 61), ("2020-12-31", 366)],
)
def test_day_of_year_is_that_of_the_calendar(day: str, number: int) -> None:
    time = xr.DataArray(pd.to_datetime([day]).as_unit("ns"), dims="time")
    assert day_of_year(time).values.tolist() == [number]


def test_a_grid_that_lacks_a_cell_of_the_targets_is_refused() -> None:
    forcing = make_forcing().isel(cell=[0])
    with pytest.raises(IntegrityError, match="no cell"):
        align_to_targets(forcing, make_targets(), "forcing")


def test_a_grid_with_more_cells_and_days_is_cut_to_the_targets() -> None:
    forcing = make_forcing(count=3, length=20)
    targets = make_targets(count=2)
    cut = align_to_targets(forcing, targets, "forcing")
    assert cut["cell"].values.tolist() == targets["cell"].values.tolist()
    assert cut.sizes["time"] == 10


def open_toy(feature_set: str, **chosen: Any) -> xr.Dataset:
    return somobench.open_dataset(feature_set, release=RELEASE, **chosen)


def test_scaling_chooses_the_target(toy: Path) -> None:
    first = {"layer": 0, "cell": 1, "time": 2}
    # in situ of layer 1 on day 2: 1/8 + 2/64 = 0.15625
    expected = {
        "none": 0.15625,
        "full": 0.17812,  # 0.1 + 0.5 x 0.15625 = 0.178125, rounded to even
        "train": 0.23906,  # 0.2 + 0.25 x 0.15625 = 0.2390625
    }
    for scaling, value in expected.items():
        split = "temporal" if scaling == "train" else None
        target = open_toy("forcing", scaling=scaling, split=split)["soil_moisture"]
        assert float(target[first]) == pytest.approx(value, abs=6e-6)
        assert target.dtype == np.float32
        assert target.attrs["scaling"] == scaling
        assert np.isnan(target.isel(cell=0, time=4)).all()


def test_train_scaling_flags_cells_that_keep_the_full_record(toy: Path) -> None:
    dataset = open_toy("forcing", scaling="train", split="temporal", layer=1)
    assert dataset["scale_is_full_record"].values.tolist() == [0, 1]
    assert "scale_is_full_record" not in open_toy("forcing", split="temporal")


def test_where_target_moments_come_from_is_said_for_machines(toy: Path) -> None:
    def moments(**chosen: Any) -> str:
        return str(
            open_toy("forcing", **chosen)["soil_moisture"].attrs["target_moments_from"]
        )

    assert moments(layer=1) == "reanalysis"
    assert moments(layer=3) == "observations"
    assert moments(layer=1, scaling="none") == "observations"
    assert '"3": "observations"' in moments()


def test_state_holds_the_target_of_the_layer_above(toy: Path) -> None:
    dataset = open_toy("state", scaling="none")
    above = dataset["soil_moisture_above"]
    target = dataset["soil_moisture"]
    np.testing.assert_array_equal(above.sel(layer=3), target.sel(layer=2))
    np.testing.assert_array_equal(above.sel(layer=2), target.sel(layer=1))
    assert np.isnan(above.sel(layer=1)).all()
    one = open_toy("state", scaling="none", layer=2)
    np.testing.assert_array_equal(one["soil_moisture_above"], target.sel(layer=1))
    assert "soil_moisture_above" not in open_toy("state", layer=1)
    assert one["skin_temperature"].dims == ("cell", "time")
    assert one["precipitation"].dims == ("cell", "time", "lag")


def test_climatology_follows_the_day_of_the_year(toy: Path) -> None:
    dataset = open_toy("climatology", split="temporal", scaling="train")
    # layer/10 + day/1000: layer 2 on 3 January
    value = dataset["climatology"].sel(layer=2, time="2018-01-03")
    assert value.values == pytest.approx([0.203, 0.203], abs=1e-6)
    assert dataset["climatology"].dtype == np.float32
    assert dataset["day_of_year"].values.tolist() == list(range(1, 11))
    assert "climatology" not in open_toy("climatology")


def test_climatology_has_the_scale_of_the_target(toy: Path) -> None:
    # Layer 2 on 3 January is 0.203 in train scaling, (0.203 - 0.2) / 0.25 = 0.012 as
    # measured, and 0.1 + 0.5 * 0.012 = 0.106 on the full record's line.
    for scaling, expected in (("train", 0.203), ("none", 0.012), ("full", 0.106)):
        dataset = open_toy("climatology", split="temporal", scaling=scaling)
        value = dataset["climatology"].sel(layer=2, time="2018-01-03")
        assert value.values == pytest.approx([expected] * 2, abs=1e-6), scaling


def test_layer_above_a_missing_layer_is_missing() -> None:
    layers = xr.DataArray(
        [[0.1], [0.3]], dims=("layer", "time"), coords={"layer": np.int8([1, 3])}
    )
    assert np.isnan(take_layer_above(layers)).all()


def test_attributes_name_the_release_and_its_manifest(toy: Path) -> None:
    attrs = open_toy("memory", layer=2).attrs
    assert attrs["release"] == RELEASE
    assert attrs["feature_set"] == "memory"
    assert attrs["layer"] == 2
    assert attrs["licence"] == "CC0-1.0"
    assert len(attrs["manifest_sha256"]) == 64
    assert "Made by hand." in attrs["citation"]


def test_every_number_carries_its_unit(toy: Path) -> None:
    dataset = open_toy("state", split="temporal")
    named = {"is_gapfilled", "role"}
    for name, array in dataset.data_vars.items():
        assert name in named or array.attrs["units"], name
    assert dataset["soil_moisture"].attrs["units"] == "m3 m-3"


def test_cells_carry_region_regime_and_dryness(toy: Path) -> None:
    dataset = open_toy("forcing")
    assert dataset["region"].values.tolist() == ["europe", "europe"]
    assert dataset["regime"].values.tolist() == ["water-limited"] * 2
    assert dataset["dryness"].values.tolist() == [2.0, 2.0]


def test_dryness_of_another_source_says_so() -> None:
    table = pd.DataFrame({"region": ["a"], "regime": ["unknown"], "dryness": [1.2]})
    by_radiation = make_cell_coords(table)["dryness"].attrs["long_name"]
    assert by_radiation.startswith("net radiation over latent heat")
    other = table.assign(dryness_source="reference_evapotranspiration")
    found = make_cell_coords(other)["dryness"].attrs["long_name"]
    assert found.startswith("reference evapotranspiration over precipitation")
