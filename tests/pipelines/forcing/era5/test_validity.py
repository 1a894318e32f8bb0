"""Which time a value belongs to: decided from metadata, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.raw.era5_stores import make_era5
from somobench.pipelines.forcing.era5.files.layout import normalise
from somobench.pipelines.forcing.era5.files.validity import list_times
from somobench.schemas.errors import InputError

DAYS = pd.date_range("2018-01-01", periods=3, unit="ns")
NEXT_DAYS = DAYS + pd.Timedelta(days=1)
START = {"standard_name": "forecast_reference_time"}
VALID = {"standard_name": "time"}
ONE_DAY = np.timedelta64(24, "h").astype("timedelta64[ns]")


def store(attrs: dict[str, str] | None = None, **coords: Any) -> xr.Dataset:
    """Return three fields on `time`, 1 to 3 January, and more coordinates."""
    dataset = make_era5(times=DAYS, names=("tp",)).assign_coords(coords)
    dataset["time"].attrs = attrs or {}
    return dataset


def times(dataset: xr.Dataset) -> list[str]:
    found = list_times(normalise(dataset, "box.nc"))
    return [str(time)[:13] for time in found]


SECOND_TO_FOURTH = ["2018-01-02T00", "2018-01-03T00", "2018-01-04T00"]
FIRST_TO_THIRD = ["2018-01-01T00", "2018-01-02T00", "2018-01-03T00"]


@pytest.mark.parametrize(
    ("attrs", "coords", "expected"),
    [
        ({}, {}, FIRST_TO_THIRD),
        (VALID, {}, FIRST_TO_THIRD),
        (START, {"valid_time": ("time", NEXT_DAYS, VALID)}, SECOND_TO_FOURTH),
        ({}, {"valid_time": ("time", NEXT_DAYS)}, SECOND_TO_FOURTH),
        (START, {"step": ((), ONE_DAY)}, SECOND_TO_FOURTH),
        ({}, {"step": ((), 24, {"units": "hours"})}, SECOND_TO_FOURTH),
        ({}, {"step": ((), 1440, {"units": "minutes"})}, SECOND_TO_FOURTH),
        # 23 hours as a part of a day in single precision: 82,799.9998 s
        (
            {},
            {"step": ((), np.float32(23 / 24), {"units": "days"})},
            ["2018-01-01T23", "2018-01-02T23", "2018-01-03T23"],
        ),
        # CF: a time called `time` stays the validity time beside a scalar period.
        (VALID, {"forecast_period": ((), 24, {"units": "hours"})}, FIRST_TO_THIRD),
        (
            VALID,
            {"forecast_reference_time": ("time", DAYS - pd.Timedelta(days=1), START)},
            FIRST_TO_THIRD,
        ),
        (START, {"verification": ("time", NEXT_DAYS, VALID)}, SECOND_TO_FOURTH),
    ],
)
def test_validity_time_is_recognised_by_metadata(
    attrs: dict[str, str], coords: dict[str, Any], expected: list[str]
) -> None:
    assert times(store(attrs, **coords)) == expected


def test_dim_of_another_name_than_its_times_is_followed() -> None:
    turned = store(valid_time=("time", NEXT_DAYS, VALID)).swap_dims(time="valid_time")
    assert times(turned) == SECOND_TO_FOURTH
    assert normalise(turned, "box.nc")["tp"].dims == ("time", "latitude", "longitude")


def test_one_field_with_its_times_as_scalars_is_one_time() -> None:
    single = store(START, valid_time=("time", NEXT_DAYS, VALID)).isel(time=0)
    assert times(single) == ["2018-01-02T00"]
    assert normalise(single, "box.nc")["tp"].shape == (1, 3, 3)


def test_start_and_step_in_any_order_of_dims_make_one_axis() -> None:
    hours = np.arange(1, 25)
    values = np.arange(72.0).reshape(3, 24)
    dataset = xr.Dataset(
        {"tp": (("step", "latitude", "time", "longitude"), values.T[:, None, :, None])},
        coords={
            "time": ("time", DAYS, START),
            "step": ("step", hours, {"units": "hours"}),
            "latitude": [50.0],
            "longitude": [10.0],
        },
    )
    found = normalise(dataset, "box.nc")
    expected = pd.date_range("2018-01-01T01", periods=72, freq="h")
    assert (list_times(found) == expected.to_numpy()).all()


@pytest.mark.parametrize(
    ("attrs", "coords", "message"),
    [
        (START, {}, "time, the start of forecasts, and no step"),
        (
            VALID,
            {"valid_time": ("time", NEXT_DAYS)},
            "valid_time and time, which both say.*ncatted",
        ),
        (
            VALID,
            {"verification": ("time", NEXT_DAYS, VALID)},
            "time and verification, which both",
        ),
        (
            {},
            {"step": ((), 24)},
            r"step of forcing input box\.nc.*dtype int64, unit none",
        ),
        ({}, {"step": ((), 1, {"units": "months"})}, "unit months"),
    ],
)
def test_what_cannot_be_decided_is_refused(
    attrs: dict[str, str], coords: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=rf"(?s){message}"):
        times(store(attrs, **coords))


def test_validity_time_along_start_alone_with_several_steps_is_refused() -> None:
    spread = store(VALID).expand_dims(step=[1, 2])
    with pytest.raises(InputError, match=r"(?s)time along.*also along step"):
        times(spread)


def test_steps_that_reach_the_next_start_are_refused() -> None:
    # Step 24 of one day and step 0 of the next are one hour, with other totals.
    hours = np.arange(25)
    dataset = store(START).expand_dims(step=hours, axis=1)
    dataset["step"].attrs["units"] = "hours"
    with pytest.raises(InputError, match=r"(?s)time twice: 2018-01-02T00.*step 0"):
        times(dataset)
