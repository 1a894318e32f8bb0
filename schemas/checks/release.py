"""Checks between the files of one release: the same cells, days, layers and splits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from somobench.schemas.errors import Failure, ValidationError

SHOWN = 3
PLACE = ("latitude", "longitude")


def validate_together(
    tables: Mapping[str, pd.DataFrame], grids: Mapping[str, xr.Dataset], what: str
) -> None:
    """Check that the files of a release agree; absent ones are left aside.

    Parameters
    ----------
    tables : mapping
        `cells`, `splits`, `stations`, each valid by its own schema.
    grids : mapping
        `targets`, `forcing`, `features`, each valid by its own schema.

    Raises
    ------
    ValidationError
        With every contradiction.
    """
    failures = [
        *_compare_cells(tables, grids),
        *_compare_axes(grids),
        *_compare_splits(tables, grids),
        *_compare_stations(tables, grids),
    ]
    if failures:
        raise ValidationError(what, failures)


def _find_unknown(
    where: str, items: Iterable[object], known: Iterable[object], among: str
) -> list[Failure]:
    missing = sorted({str(item) for item in items} - {str(item) for item in known})
    if not missing:
        return []
    shown = ", ".join(missing[:SHOWN]) + (", …" if len(missing) > SHOWN else "")
    return [Failure(where, f"{len(missing)} others: {shown}", f"only those of {among}")]


def _compare_cells(
    tables: Mapping[str, pd.DataFrame], grids: Mapping[str, xr.Dataset]
) -> list[Failure]:
    """Cells of a file lie in the wider file: outside there is no forcing, no place."""
    named: dict[str, list[object]] = {
        f"{name}.zarr.zip": grid["cell"].to_numpy().tolist()
        for name, grid in grids.items()
    }
    named |= {
        f"{name}.parquet": tables[name]["cell_id"].unique().tolist()
        for name in ("cells", "splits")
        if name in tables
    }
    inside = (
        ("targets.zarr.zip", "forcing.zarr.zip"),
        ("targets.zarr.zip", "cells.parquet"),
        ("targets.zarr.zip", "features.zarr.zip"),
        ("features.zarr.zip", "targets.zarr.zip"),
        ("forcing.zarr.zip", "cells.parquet"),
        ("splits.parquet", "targets.zarr.zip"),
    )
    failures: list[Failure] = []
    for narrow, wide in inside:
        if narrow in named and wide in named:
            failures += _find_unknown(
                f"{narrow} cell", named[narrow], named[wide], wide
            )
    return failures


def _compare_axes(grids: Mapping[str, xr.Dataset]) -> list[Failure]:
    """Compare each axis with that of the first grid that has it."""
    failures = []
    for axis in ("time", "layer", "layer_depth_from", "layer_depth_to"):
        having = [(name, grid[axis]) for name, grid in grids.items() if axis in grid]
        for name, values in having[1:]:
            if not np.array_equal(values.to_numpy(), having[0][1].to_numpy()):
                found = f"{values.size} from {values.to_numpy().ravel()[:1]}"
                expected = f"that of {having[0][0]}.zarr.zip"
                failures.append(Failure(f"{name}.zarr.zip {axis}", found, expected))
    return failures


def _compare_splits(
    tables: Mapping[str, pd.DataFrame], grids: Mapping[str, xr.Dataset]
) -> list[Failure]:
    if "splits" not in tables:
        return []
    splits, failures = tables["splits"], []
    if "features" in grids:
        named = set(splits["split"].unique())
        given = {str(name) for name in grids["features"]["split"].to_numpy()}
        if named != given:
            expected = f"those of splits.parquet, {sorted(named)}"
            failures.append(
                Failure("features.zarr.zip split", str(sorted(given)), expected)
            )
    if "targets" in grids and len(splits):
        time = grids["targets"]["time"].to_numpy()
        first, last = splits["start"].min(), splits["end"].max()
        if first < time[0] or last > time[-1]:
            found = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
            expected = (
                f"days of targets.zarr.zip, {str(time[0])[:10]} to {str(time[-1])[:10]}"
            )
            failures.append(Failure("splits.parquet days", found, expected))
    return failures


def _compare_stations(
    tables: Mapping[str, pd.DataFrame], grids: Mapping[str, xr.Dataset]
) -> list[Failure]:
    """Compare layers, cells and primary stations of targets with the sensors."""
    if "stations" not in tables or "targets" not in grids:
        return []
    stations, targets = tables["stations"], grids["targets"]
    layers = targets["layer"].to_numpy().tolist()
    valued = targets["primary_station"].transpose("layer", "cell").to_numpy() != ""
    cells = targets["cell"].to_numpy()
    measured = [
        f"layer {layers[layer]} of {cells[cell]}"
        for layer, cell in np.argwhere(valued).tolist()
    ]
    used = stations[stations["layer"] > 0]
    present = [
        f"layer {layer} of {cell}"
        for layer, cell in zip(used["layer"], used["cell_id"], strict=True)
    ]
    primaries = targets["primary_station"].to_numpy().ravel().tolist()
    return [
        *_find_unknown("targets.zarr.zip", measured, present, "stations.parquet"),
        *_find_unknown(
            "targets.zarr.zip primary_station",
            (name for name in primaries if name),
            stations["station"],
            "stations.parquet",
        ),
    ]
