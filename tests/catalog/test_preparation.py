"""What a model needs beside inputs and target: masks, normalisation, statics."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import somobench
from somobench.catalog.preparation import add_masks, add_normalisation, add_statics
from somobench.schemas.errors import IntegrityError, UnknownNameError, UsageError

VIRTUAL = "virtual-2.0.0"
SPLIT = {"split": "spatial", "scaling": "train"}
ALL = ("masks", "normalisation", "statics")


def view() -> xr.Dataset:
    """Two layers, two cells, four days: cell `a` trains, `b` is tested."""
    target = np.array([[[1, 2, np.nan, 4], [5, 6, 7, 8]]] * 2, dtype="float32")
    return xr.Dataset(
        {
            "soil_moisture": (("layer", "cell", "time"), target),
            "precipitation": (("cell", "time"), [[0.0, np.nan, 2, 3], [4, 5, 6, 7]]),
            "soil_moisture_above": (
                ("layer", "cell", "time"),
                np.stack([np.full((2, 4), np.nan), target[0]]),
            ),
            "role": (("cell", "time"), np.array([[1, 1, 1, 2], [3, 3, 0, 3]], "int8")),
        },
        {"layer": [1, 2], "cell": ["a", "b"], "saturation": ("cell", [0.4, 0.5])},
    )


def test_masks_are_days_of_a_role_with_a_target() -> None:
    found = add_masks(view(), ["precipitation", "soil_moisture_above"])
    first = found.sel(layer=1)
    assert first["is_train"].values.tolist() == [
        [True, True, False, False],
        [False] * 4,
    ]
    assert first["is_validation"].values.tolist() == [[False] * 3 + [True], [False] * 4]
    assert first["is_test"].values.tolist()[1] == [True, True, False, True]
    # The first layer has no layer above; the second needs it.
    assert first["has_inputs"].values.tolist()[0] == [True, False, True, True]
    second = found["has_inputs"].sel(layer=2).values.tolist()
    assert second == [[True, False, False, True], [True] * 4]


def test_moments_are_those_of_the_release_and_of_train_cells() -> None:
    names = ["precipitation", "soil_moisture_layer1", "soil_moisture_layer2"]
    features = xr.Dataset(
        {
            "normalisation_mean": ("variable", [1.0, 0.2, 0.3]),
            "normalisation_std": ("variable", [2.0, 0.05, 0.06]),
        },
        {"variable": names},
    )
    prepared = add_statics(view())
    inputs = ["precipitation", "saturation", "soil_moisture_above"]
    found = add_normalisation(prepared, features, inputs)
    np.testing.assert_equal(
        found["normalisation_mean"].values, [[1.0, 0.4, np.nan], [1.0, 0.4, 0.2]]
    )
    # One train cell has no spread to divide by.
    assert found["normalisation_std"].sel(variable="saturation").values.tolist() == [
        1,
        1,
    ]
    assert found["target_mean"].values.tolist() == [0.2, 0.3]
    assert found["target_std"].values.tolist() == [0.05, 0.06]
    with pytest.raises(IntegrityError, match="no moments of precipitation"):
        add_normalisation(prepared, features.isel(variable=[1, 2]), inputs)


def test_normalised_inputs_of_train_days_have_mean_0_and_spread_1() -> None:
    data = somobench.open_dataset("forcing", release=VIRTUAL, include=ALL, **SPLIT)
    names = data["variable"].values.tolist()
    assert {"precipitation", "clay_fraction"} < set(names)
    inputs = data[names].to_dataarray() - data["normalisation_mean"]
    inputs = (inputs / data["normalisation_std"]).where(data["role"] == 1)
    for moment, expected in (
        (inputs.mean(("cell", "time")), 0),
        (inputs.std(("cell", "time")), 1),
    ):
        np.testing.assert_allclose(moment, expected, atol=1e-3)
    target = (data["soil_moisture"] - data["target_mean"]) / data["target_std"]
    known = target.where(data["is_train"])
    np.testing.assert_allclose(known.mean(("cell", "time")), 0, atol=1e-3)
    np.testing.assert_allclose(known.std(("cell", "time")), 1, atol=1e-3)


@pytest.mark.parametrize(
    ("feature_set", "layer"), [("climatology", None), ("memory", 1), ("state", None)]
)
def test_every_view_takes_all_of_it_through_every_door(
    feature_set: str, layer: int | None
) -> None:
    asked = {"release": VIRTUAL, "layer": layer, **SPLIT}
    plain = somobench.open_dataset(feature_set, lazy=True, **asked)
    found = somobench.open_dataset(feature_set, include=ALL, lazy=True, **asked)
    added = set(found.data_vars) - set(plain.data_vars)
    assert added - set(plain.coords) == {
        *("is_train", "is_validation", "is_test", "has_inputs"),
        *("normalisation_mean", "normalisation_std", "target_mean", "target_std"),
    }
    assert set(found["variable"].values) <= set(found.data_vars)
    door = somobench.open_catalog()[feature_set](include=[*ALL], **asked)
    assert door.to_dask().sizes == found.sizes
    assert bool(found["has_inputs"].any(("cell", "time")).all())


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"include": "masks"}, UsageError, "add split="),
        (
            {"include": ["normalisation"], "split": "temporal"},
            UsageError,
            "scaling 'full'",
        ),
        ({"include": "mask"}, UnknownNameError, "did you mean 'masks'"),
        ({"include": [3]}, UnknownNameError, "masks, normalisation, statics"),
        ({"include": 3}, UnknownNameError, "masks, normalisation, statics"),
    ],
)
def test_what_cannot_be_included_is_refused(
    asked: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        somobench.open_dataset("memory", release=VIRTUAL, **asked)  # type: ignore[arg-type]
