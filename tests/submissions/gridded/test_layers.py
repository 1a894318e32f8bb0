"""Depths of a file's soil moisture, and their weights, derived by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from factories.raw.own_grids import LAYER_STEP, make_globe, make_wanted, moisture
from somobench.submissions.gridded.arrange import arrange_gridded
from somobench.submissions.gridded.layers import ModelLayer, weigh_layers

EXPECTED = moisture(40.0, 10.0, np.arange(4), 9.0)
GLDAS = ((0, 10), (10, 40), (40, 100), (100, 200))  # cm


def arranged(grid: xr.Dataset, layer: int = 1, **options: Any) -> np.ndarray:
    found = arrange_gridded(grid, make_wanted(**options)).grid["soil_moisture"]
    return found.sel(layer=layer)[0].to_numpy()


def make_noah() -> xr.Dataset:
    """Return water of four layers in mm, named as GLDAS names them."""
    grid = make_globe()
    upper = grid["mrsol"].isel(depth=0, drop=True)
    layers = {
        f"SoilMoi{top}_{bottom}cm_inst": (
            (upper + number * LAYER_STEP) * 10.0 * (bottom - top)
        ).assign_attrs(units="kg m-2")
        for number, (top, bottom) in enumerate(GLDAS)
    }
    return grid.drop_vars(["mrsol", "depth", "depth_bnds"]).assign(layers)


@pytest.mark.parametrize("layers", [None, "noah", "0,0.1,0.4,1,2"])
def test_layers_of_a_name_each_are_ordered_by_depth_not_by_letters(
    layers: str | None,
) -> None:
    # By letters 100-200 cm comes before 10-40 cm.
    np.testing.assert_allclose(
        arranged(make_noah(), 2, layers=layers), EXPECTED + LAYER_STEP, 1e-6
    )


def test_edges_are_those_of_layers_from_the_top_whichever_is_stored_first() -> None:
    turned = make_globe().isel(depth=[1, 0])
    turned["depth"].attrs["bounds"] = ""
    found = arranged(turned, layers="0,0.1,0.4")
    np.testing.assert_allclose(found, EXPECTED, 1e-6)


def test_bounds_below_zero_are_heights() -> None:
    grid = make_globe()
    grid["depth_bnds"] = -100 * grid["depth_bnds"]
    grid["depth"].attrs |= {"units": "cm", "positive": "up"}
    np.testing.assert_allclose(arranged(grid), EXPECTED, 1e-6)


def test_packed_bounds_are_unpacked() -> None:
    grid = make_globe()
    packed = (100 * grid["depth_bnds"]).round().astype("int16")
    grid["depth_bnds"] = packed.assign_attrs(scale_factor=0.01)
    np.testing.assert_allclose(arranged(grid, 2), EXPECTED + LAYER_STEP, 1e-6)


def test_a_gap_between_layers_counts_as_not_covered() -> None:
    # 4 of 10 cm in the upper layer, 3 of 10 in the lower one.
    model = [
        ModelLayer("sm", 0, 0.0, 0.04, "m3 m-3", 1.0, "depth"),
        ModelLayer("sm", 1, 0.07, 0.5, "m3 m-3", 1.0, "depth"),
    ]
    weights, covered = weigh_layers(model, (0.0, 0.1))
    assert covered == pytest.approx(0.7)
    assert [*weights.values()] == pytest.approx([4 / 7, 3 / 7])


def test_water_of_a_thick_layer_keeps_its_own_thickness() -> None:
    # 84 mm in 7 to 28 cm are 0.4 m3 m-3, of which the release's layer has 18 cm of 20.
    grid = make_globe()
    grid["depth_bnds"][:] = [[0.0, 0.07], [0.07, 0.28]]
    water = xr.zeros_like(grid["mrsol"]) + xr.DataArray([14.0, 84.0], dims="depth")
    grid["mrsol"] = water.transpose(*grid["mrsol"].dims).assign_attrs(units="mm")
    # 0.7 x 14 mm / 70 mm + 0.3 x 84 mm / 210 mm
    np.testing.assert_allclose(arranged(grid), 0.7 * 0.2 + 0.3 * 0.4, 1e-6)
    np.testing.assert_allclose(arranged(grid, 2), 0.4, 1e-6)
