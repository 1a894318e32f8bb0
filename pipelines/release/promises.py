"""Check a built release against its own promises, and against the truth if known.

Pure functions from tables and grids to a report that holds numbers only; the
release stage refuses to write what fails here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

MOMENT_TOLERANCE = 1e-5  # m3 m-3: targets are published to five decimals
MINIMUM_PAIRS = 90  # days below which a comparison says nothing
DIGITS = 6


def compare_moments(targets: xr.Dataset, forcing: xr.Dataset) -> dict[str, Any]:
    """Compare mean and standard deviation of scaled targets with the reference's.

    Only layers and cells with a reference count, on the days that the primary sensor
    and the reference share. Where a scaled value went negative it is missing, so the
    moments differ by design; such series are counted and not compared.

    Returns
    -------
    dict
        `compared`, `went_negative`, and the largest absolute differences of mean and
        standard deviation (ddof 1), m3 m-3; None where nothing could be compared.
    """
    differences: list[tuple[float, float]] = []
    negative = 0
    for layer, cell in _find_scaled_series(targets):
        values, reference = _select_primary_overlap(targets, forcing, layer, cell)
        if values.size < int(targets["overlap_days"].to_numpy()[layer, cell]):
            negative += 1
            continue
        differences.append(_compare_moments(values, reference))
    largest = np.max(differences, axis=0) if differences else (None, None)
    return {
        "compared": len(differences),
        "went_negative": negative,
        "largest_mean_difference": _round_number(largest[0], 9),
        "largest_std_difference": _round_number(largest[1], 9),
        "tolerance": MOMENT_TOLERANCE,
    }


def _find_scaled_series(targets: xr.Dataset) -> list[tuple[int, int]]:
    scaled = targets["overlap_days"].to_numpy() > 0
    return [(int(layer), int(cell)) for layer, cell in np.argwhere(scaled)]


def _select_primary_overlap(
    targets: xr.Dataset, forcing: xr.Dataset, layer: int, cell: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    values = targets["soil_moisture"].to_numpy()[layer, cell].astype("float64")
    name = targets["cell"].to_numpy()[cell]
    reference = (
        forcing["reanalysis_soil_moisture"]
        .sel(cell=name)
        .to_numpy()[layer]
        .astype("float64")
    )
    primary = targets["is_gapfilled"].to_numpy()[layer, cell] == 0
    shared = np.isfinite(values) & np.isfinite(reference) & primary
    return values[shared], reference[shared]


def _compare_moments(
    values: np.ndarray[Any, Any], reference: np.ndarray[Any, Any]
) -> tuple[float, float]:
    mean = abs(float(values.mean() - reference.mean()))
    std = abs(float(values.std(ddof=1) - reference.std(ddof=1)))
    return mean, std


def score_against_truth(
    targets: xr.Dataset,
    truth: xr.DataArray,
    stations: pd.DataFrame,
    observations: pd.DataFrame,
) -> dict[str, Any]:
    """Score targets, and every single sensor's raw series, against the known truth.

    Parameters
    ----------
    targets : Dataset
        `soil_moisture` on (layer, cell, time), m3 m-3.
    truth : DataArray, (layer, cell, time), m3 m-3
        The simulated world's soil moisture.
    stations, observations : DataFrame
        The sensors that went into the targets, and their daily values, m3 m-3.

    Returns
    -------
    dict
        By layer, medians over cells (`targets`) and over sensors (`sensors`) of
        Pearson r, ubRMSE and absolute bias, m3 m-3.
    """
    known = truth.sel(cell=targets["cell"], time=targets["time"])
    by_sensor = observations.set_index("sensor_id")
    return {
        str(int(layer)): {
            "targets": _take_median_scores(
                _pair_targets(targets["soil_moisture"].sel(layer=layer), known, layer)
            ),
            "sensors": _take_median_scores(
                _pair_sensors(stations[stations["layer"] == layer], by_sensor, known)
            ),
        }
        for layer in targets["layer"].to_numpy()
    }


Pairs = list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]


def _pair_targets(target: xr.DataArray, known: xr.DataArray, layer: int) -> Pairs:
    truth = known.sel(layer=layer).transpose("cell", "time").to_numpy()
    values = target.transpose("cell", "time").to_numpy()
    return list(zip(values.astype("float64"), truth.astype("float64"), strict=True))


def _pair_sensors(
    sensors: pd.DataFrame, by_sensor: pd.DataFrame, known: xr.DataArray
) -> Pairs:
    cells = set(known["cell"].to_numpy().tolist())
    pairs: Pairs = []
    for row in sensors.itertuples(index=False):
        if row.sensor_id not in by_sensor.index or row.cell_id not in cells:
            continue
        series = by_sensor.loc[[row.sensor_id]].set_index("time")["soil_moisture"]
        truth = known.sel(layer=row.layer, cell=row.cell_id).to_series()
        both = pd.concat([series, truth], axis=1, join="inner").to_numpy("float64")
        pairs.append((both[:, 0], both[:, 1]))
    return pairs


def _take_median_scores(pairs: Pairs) -> dict[str, Any]:
    scores = [score for score in map(_score_pair, pairs) if score is not None]
    if not scores:
        return {"count": 0}
    correlation, ubrmse, bias = np.median(np.array(scores), axis=0)
    return {
        "count": len(scores),
        "r": _round_number(correlation),
        "ubrmse": _round_number(ubrmse),
        "absolute_bias": _round_number(bias),
    }


def _score_pair(
    pair: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
) -> tuple[float, float, float] | None:
    both = np.isfinite(pair[0]) & np.isfinite(pair[1])
    value, truth = pair[0][both], pair[1][both]
    if value.size < MINIMUM_PAIRS or value.std() == 0 or truth.std() == 0:
        return None
    error = value - truth
    correlation = float(np.corrcoef(value, truth)[0, 1])
    return correlation, float(error.std()), abs(float(error.mean()))


def _round_number(value: float | None, digits: int = DIGITS) -> float | None:
    return None if value is None else round(float(value), digits)


def list_failed_promises(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """List what the report shows to be broken: where, found, expected."""
    failures: list[tuple[str, str, str]] = []
    moments = report["scaled_targets_against_reference"]
    for name in ("largest_mean_difference", "largest_std_difference"):
        if moments[name] is not None and moments[name] > MOMENT_TOLERANCE:
            failures.append((name, str(moments[name]), f"<= {MOMENT_TOLERANCE}"))
    for layer, scores in report.get("targets_against_truth", {}).items():
        failures += _find_worse_than_sensors(layer, scores)
    return failures


def _find_worse_than_sensors(
    layer: str, scores: dict[str, dict[str, Any]]
) -> list[tuple[str, str, str]]:
    targets, sensors = scores["targets"], scores["sensors"]
    if not (targets["count"] and sensors["count"]):
        return []
    worse = [
        ("r", targets["r"] < sensors["r"]),
        ("ubrmse", targets["ubrmse"] > sensors["ubrmse"]),
        ("absolute_bias", targets["absolute_bias"] > sensors["absolute_bias"]),
    ]
    return [
        (
            f"layer {layer} {name} against the truth",
            str(targets[name]),
            f"better than the median single sensor, {sensors[name]}",
        )
        for name, is_worse in worse
        if is_worse
    ]
