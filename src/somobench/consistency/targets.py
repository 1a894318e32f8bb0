"""Targets against the reanalysis that they are scaled to, and their sensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import Failure

GRID, SERIES = ("layer", "cell"), ("layer", "cell", "time")
MOMENT_TOLERANCE = 1e-4  # m3 m-3; values have five decimals, and so has their mean
DEPTH_TOLERANCE = 1e-5  # m, of float32
LEAST_VALUES = 0.5  # of a sensor's, on its days with enough of them
FEWEST_DAYS = 2  # that have a deviation
REANALYSIS = "reanalysis_soil_moisture"
SENSOR_KEY = ["network", "station", "sensor", "layer", "cell_id"]
Array = NDArray[Any]


def find_other_targets(
    reports: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> list[Failure]:
    """Compare targets with reanalysis, sensors and the reports of their stages."""
    if "targets" not in grids:
        return []
    targets = grids["targets"]
    failures = [*_judge_counts(targets)]
    if "forcing" in grids:
        failures += _compare_moments(targets, grids["forcing"])
        failures += _compare_nodes(reports, grids["forcing"], tables)
    if "stations" in tables:
        failures += _compare_sensors(targets, tables["stations"])
    return [*failures, *_compare_report(reports, targets)]


def _fail(where: str, found: object, expected: object) -> Failure:
    return Failure(f"targets.zarr.zip {where}", str(found), str(expected))


def get_arrays(grid: xr.Dataset, *names: str) -> Iterator[Array]:
    """Give arrays of a grid with its dims in the usual order."""
    for name in names:
        dims = [dim for dim in SERIES if dim in grid[name].dims]
        yield grid[name].transpose(*dims).to_numpy()


def _name_place(targets: xr.Dataset, wrong: Array) -> str:
    layer, cell = np.argwhere(wrong)[0][:2]
    layers, cells = targets["layer"].to_numpy(), targets["cell"].to_numpy()
    return f"layer {layers[layer]} of {cells[cell]}, and {int(wrong.sum()) - 1} more"


def _judge_counts(targets: xr.Dataset) -> Iterator[Failure]:
    """Judge counts of stations: of candidates all but the primary can be accepted."""
    candidates, accepted, used, filled, measured, spread = get_arrays(
        targets,
        *("station_count", "accepted_count", "used_count", "is_gapfilled"),
        *("soil_moisture_in_situ", "station_spread"),
    )
    present = np.isfinite(measured).any(axis=-1)
    for name, wrong, expected in (
        (
            "station_count",
            (candidates > 0) != present,
            "some exactly where it measures",
        ),
        (
            "accepted_count",
            present & (accepted >= candidates),
            "fewer than station_count, which counts the primary as well",
        ),
        (
            "station_spread",
            present & (np.isfinite(spread) != (accepted > 0))
            | (spread > np.sqrt(accepted + 1.0)),
            "of several sensors, and at most the root of their number",
        ),
        (
            "used_count",
            (used > 0) != (filled == 1).any(-1),
            "some exactly where filled",
        ),
    ):
        if wrong.any():
            yield _fail(name, f"otherwise in {_name_place(targets, wrong)}", expected)


def select_reanalysis(forcing: xr.Dataset, targets: xr.Dataset) -> Array | None:
    """Return the reanalysis in the place of each target, or nothing."""
    if REANALYSIS not in forcing:
        return None
    places = {dim: targets[dim].to_numpy() for dim in SERIES}
    try:
        chosen = forcing[REANALYSIS].sel(places)
    except KeyError:  # other layers, cells or days, which are refused elsewhere
        return None
    return chosen.transpose(*SERIES).to_numpy().astype("float64")


def measure_moments(values: Array, shared: Array) -> tuple[Array, Array, Array]:
    """Return count, mean and deviation (ddof 1) of days along the last axis."""
    count = shared.sum(axis=-1)
    divisor = np.maximum(count, 1)
    mean = np.where(shared, values, 0).sum(axis=-1) / divisor
    rest = np.where(shared, values - mean[..., None], 0)
    spread = np.sqrt((rest**2).sum(axis=-1) / np.maximum(count - 1, 1))
    return count, mean, spread


def _compare_moments(targets: xr.Dataset, forcing: xr.Dataset) -> Iterator[Failure]:
    """Scaled targets have mean and deviation of the reanalysis on days of both."""
    reference = select_reanalysis(forcing, targets)
    if reference is None:
        return
    measured, filled, slope, offset, overlap = get_arrays(
        targets,
        *("soil_moisture_in_situ", "is_gapfilled", "scale_slope", "scale_offset"),
        "overlap_days",
    )
    shared = np.isfinite(measured) & np.isfinite(reference) & (filled == 0)
    scaled = offset[..., None] + slope[..., None] * measured.astype("float64")
    count, mean, spread = measure_moments(scaled, shared)
    _, its_mean, its_spread = measure_moments(reference, shared)
    matched = overlap > 0
    if (matched & (count != overlap)).any():
        place = _name_place(targets, matched & (count != overlap))
        yield _fail("overlap_days", f"other counts in {place}", "days of both series")
    off = np.maximum(np.abs(mean - its_mean), np.abs(spread - its_spread))
    wrong = matched & (count >= FEWEST_DAYS) & (off > MOMENT_TOLERANCE)
    if wrong.any():
        largest = f"{off[wrong].max():.4f} m3 m-3 off in {_name_place(targets, wrong)}"
        expected = "mean and deviation of the reanalysis on the same days"
        yield _fail("soil_moisture", largest, expected)
    lacking = (overlap == 0) & np.isfinite(slope) & ((slope != 1) | (offset != 0))
    if lacking.any():
        place = _name_place(targets, lacking)
        yield _fail("overlap_days", f"0 in {place}", "days of both series")


def _compare_sensors(targets: xr.Dataset, stations: pd.DataFrame) -> Iterator[Failure]:
    """Compare every series with the sensor that is named as its primary."""
    known = stations.groupby(SENSOR_KEY).indices
    names = [f"primary_{part}" for part in ("network", "station", "sensor")]
    network, station, sensor, count, filled = get_arrays(
        targets, *names, "observation_count", "is_gapfilled"
    )
    candidates, above, below = get_arrays(
        targets, "station_count", "depth_from", "depth_to"
    )
    layers, cells = (targets[dim].to_numpy() for dim in GRID)
    days = targets["time"].to_numpy()
    beside = stations.groupby(["layer", "cell_id"]).size()
    for place in map(tuple, np.argwhere(station != "")):
        here = (layers[place[0]], str(cells[place[1]]))
        where = f"layer {here[0]} of {here[1]}"
        named = (str(network[place]), str(station[place]), str(sensor[place]))
        if (*named, *here) not in known:
            yield _fail(where, "/".join(named), "a sensor there in stations.parquet")
            continue
        rows = stations.iloc[known[*named, *here]]
        near = (rows["depth_from"] - above[place]).abs() < DEPTH_TOLERANCE
        near &= (rows["depth_to"] - below[place]).abs() < DEPTH_TOLERANCE
        rows = rows[near.to_numpy()]
        if rows.empty:
            found = f"{above[place]:.3f} to {below[place]:.3f} m"
            yield _fail(f"{where}, depth", found, f"that of {'/'.join(named)}")
            continue
        if candidates[place] > beside[here]:
            yield _fail(f"{where}, station_count", candidates[place], beside[here])
        own = (count[place] > 0) & (filled[place] == 0)
        yield from _compare_days(where, days[own], count[place][own], rows)


def _compare_days(
    where: str, days: Array, count: Array, sensors: pd.DataFrame
) -> Iterator[Failure]:
    """Find days and values of a series that its sensor doesn't have."""
    if not days.size:
        return
    values, most = int(count.sum()), sensors["value_count"].max()
    if values > most:
        yield _fail(f"{where}, values", values, f"at most {most}, of its sensor")
    if values < LEAST_VALUES * sensors["value_count"].min():
        found = f"{values} of {most} values of its sensor"
        yield _fail(f"{where}, values", found, f"at least {LEAST_VALUES:.0%}")
    if days.size not in {*sensors["valid_days"]}:
        expected = f"{sensors['valid_days'].max()}, all of its sensor"
        yield _fail(f"{where}, days", days.size, expected)
    first, last = pd.Timestamp(days[0]), pd.Timestamp(days[-1])
    if first < sensors["start"].min() or last > sensors["end"].max():
        taken = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
        yield _fail(f"{where}, days", taken, "days of its sensor in stations.parquet")


def _compare_nodes(
    reports: Mapping[str, Any],
    forcing: xr.Dataset,
    tables: Mapping[str, pd.DataFrame],
) -> Iterator[Failure]:
    said = reports.get("forcing", {}).get("cells", {}).get("by_node_count")
    if not said or "cells" not in tables:
        return
    cells = tables["cells"].set_index("cell_id")["node_count"]
    found = cells.reindex(forcing["cell"].to_numpy().astype(str)).value_counts()
    counted = {str(count): int(number) for count, number in found.items()}
    if counted != said:
        yield Failure("cells.parquet node_count", str(counted), f"{said}, as reported")


def _compare_report(
    reports: Mapping[str, Any], targets: xr.Dataset
) -> Iterator[Failure]:
    """Compare what the stage counted, by layer, with what is there."""
    said = reports.get("targets", {})
    kept = said.get("cells", {}).get("kept", targets.sizes["cell"])
    if kept != targets.sizes["cell"]:
        cells = f"{targets.sizes['cell']} cells"
        yield _fail("cell", cells, f"{kept}, as in validation.json")
    values, filled = get_arrays(targets, "soil_moisture", "is_gapfilled")
    for place, layer in enumerate(targets["layer"].to_numpy().tolist()):
        record = said.get("layers", {}).get(str(layer), {})
        for name, found in (
            ("days", int(np.isfinite(values[place]).sum())),
            ("gapfilled_days", int((filled[place] == 1).sum())),
        ):
            expected = record.get(name, found)
            if found != expected:
                where = f"layer {layer} {name}"
                yield _fail(where, found, f"{expected}, as in validation.json")
