"""What a release proves about itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.days import make_forcing, make_sensors, make_targets
from somobench.pipelines.release.promises import (
    compare_moments,
    list_failed_promises,
    score_against_truth,
)

LENGTH = 200


def _scaled(length: int = LENGTH) -> tuple[xr.Dataset, xr.Dataset]:
    """Return targets whose layer 1 is matched to the reference, and the forcing."""
    targets = make_targets(length=length)
    forcing = make_forcing(length=length)
    raw = np.sin(np.arange(length) / 9.0)
    for cell in range(targets.sizes["cell"]):
        reference = forcing["reanalysis_soil_moisture"].to_numpy()[0, cell]
        reference = reference.astype("float64")
        scaled = reference.mean() + (raw - raw.mean()) * (
            reference.std(ddof=1) / raw.std(ddof=1)
        )
        targets["soil_moisture"][0, cell] = np.round(scaled, 5)
    targets["overlap_days"][:] = 0
    targets["overlap_days"][0] = length
    return targets, forcing


def test_matched_moments_are_found_within_tolerance() -> None:
    report = compare_moments(*_scaled())
    assert report["compared"] == 2
    assert report["went_negative"] == 0
    assert report["largest_mean_difference"] < 1e-5
    assert report["largest_std_difference"] < 1e-5


def test_shifted_targets_break_the_promise() -> None:
    targets, forcing = _scaled()
    targets["soil_moisture"][0, 1] += 0.001
    report = compare_moments(targets, forcing)
    assert report["largest_mean_difference"] == pytest.approx(0.001, abs=1e-5)
    failed = list_failed_promises({"scaled_targets_against_reference": report})
    assert [where for where, _, _ in failed] == ["largest_mean_difference"]


def test_series_that_lost_negative_days_is_counted_not_compared() -> None:
    targets, forcing = _scaled()
    targets["soil_moisture"][0, 0, 7] = np.nan
    report = compare_moments(targets, forcing)
    assert (report["compared"], report["went_negative"]) == (1, 1)


def test_unscaled_targets_have_no_moments_to_compare() -> None:
    targets, forcing = _scaled()
    targets["overlap_days"][:] = 0
    report = compare_moments(targets, forcing)
    assert report["largest_mean_difference"] is None
    assert list_failed_promises({"scaled_targets_against_reference": report}) == []


def _truth_case(sensor_bias: float, target_bias: float) -> dict:
    targets = make_targets(length=LENGTH)
    wave = 0.3 + 0.1 * np.sin(np.arange(LENGTH) / 9.0)
    shape = targets["soil_moisture"].shape
    truth = xr.DataArray(
        np.broadcast_to(wave, shape),
        dims=("layer", "cell", "time"),
        coords={name: targets[name] for name in ("layer", "cell", "time")},
    )
    noise = 0.01 * np.cos(np.arange(LENGTH))
    targets["soil_moisture"][:] = wave + target_bias + noise / 2
    sensors = make_sensors()
    observations = pd.concat(
        pd.DataFrame(
            {
                "sensor_id": sensor,
                "time": targets["time"].to_numpy(),
                "soil_moisture": wave + sensor_bias + noise,
            }
        )
        for sensor in sensors["sensor_id"]
    )
    return score_against_truth(targets, truth, sensors, observations)


def test_bias_against_the_truth_is_what_was_put_in() -> None:
    report = _truth_case(sensor_bias=-0.05, target_bias=0.02)
    assert report["1"]["targets"]["count"] == 2
    assert report["1"]["sensors"]["count"] == 2
    assert report["1"]["targets"]["absolute_bias"] == pytest.approx(0.02, abs=2e-4)
    assert report["1"]["sensors"]["absolute_bias"] == pytest.approx(0.05, abs=2e-4)
    assert report["2"]["sensors"] == {"count": 0}


def test_targets_worse_than_single_sensors_break_the_promise() -> None:
    moments = {"largest_mean_difference": None, "largest_std_difference": None}
    report = {
        "scaled_targets_against_reference": moments,
        "targets_against_truth": _truth_case(sensor_bias=0.01, target_bias=0.02),
    }
    assert [where for where, _, _ in list_failed_promises(report)] == [
        "layer 1 absolute_bias against the truth"
    ]
