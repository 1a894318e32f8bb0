"""Sensors against the names of the files that they were read from."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from somobench.schemas.errors import Failure

PERIOD = re.compile(r"_(\d{8})_(\d{8})\.\w+$")
DEPTHS = re.compile(r"_sm_(\d+\.\d+)_(\d+\.\d+)_")
DEPTH_TOLERANCE = 0.01  # m: headers round to centimetres
PLACE = 1e-6  # degrees
HIGHEST = 6500.0  # m; soil is measured up to about 5500 m, in Tibet and the Andes
SHORTEST = 4  # letters and digits of a name that is looked for in others


def find_other_sources(stations: pd.DataFrame) -> list[Failure]:
    """Return sensors whose file, by its name, is of another station, depth or time.

    ISMN's files say station, depths and period, others their station or nothing.
    """
    return [
        *_find_others(stations),
        *_compare_names(stations),
        *_judge_elevations(stations),
    ]


def find_other_positions(stations: pd.DataFrame, cells: pd.DataFrame) -> list[Failure]:
    """Return that stations have the places of their cells instead of their own.

    One may stand in the middle of its cell; not all, where a cell holds several.
    """
    places = ["latitude", "longitude"]
    listed = stations.drop_duplicates("station_id")
    both = listed.merge(cells[["cell_id", *places]], on="cell_id", suffixes=("", "_"))
    central = np.ones(len(both), dtype=bool)
    for name in places:
        central &= np.isclose(both[name], both[f"{name}_"], rtol=0, atol=PLACE)
    if not central.all() or not both["cell_id"].duplicated().any():
        return []
    found = f"{len(both)} stations in the middle of their cells"
    expected = "places of their own"
    return [Failure("stations.parquet latitude, longitude", found, expected)]


def find_other_layers(stations: pd.DataFrame, targets: xr.Dataset) -> list[Failure]:
    """Return sensors in another layer than that which holds their whole interval.

    Below the surface its middle lies below the layer's upper edge, by the rule of
    SoMoBench. Layers without a target have no bounds in a release.
    """
    above, below = (
        np.rint(100 * targets[f"layer_depth_{end}"].to_numpy().astype("float64"))
        for end in ("from", "to")
    )
    layers = targets["layer"].to_numpy()
    upper, lower = (
        stations[f"depth_{end}_cm"].to_numpy()[:, None] for end in ("from", "to")
    )
    inside = (above <= upper) & (lower <= below)
    inside &= (above == 0) | ((upper + lower) / 2 > above)
    due = np.where(inside.any(axis=1), layers[inside.argmax(axis=1)], 0)
    given = stations["layer"].to_numpy()
    wrong = (given != due) & ((given == 0) | np.isin(given, layers) | (due > 0))
    if not wrong.any():
        return []
    row = stations[wrong].iloc[0]
    return [_fail("layer", row, f"{due[wrong][0]}, which holds its depths")]


def _fail(column: str, row: pd.Series, expected: str) -> Failure:
    found = f"{row[column]} of {row['sensor_id']}"
    return Failure(f"stations.parquet {column}", found, expected)


def _judge_elevations(stations: pd.DataFrame) -> Iterator[Failure]:
    high = stations[stations["elevation"] > HIGHEST]
    for _, row in high.head(1).iterrows():
        yield _fail("elevation", row, f"at most {HIGHEST:g} m")


def _find_others(stations: pd.DataFrame) -> Iterator[Failure]:
    names = {str(name): _plain(str(name)) for name in stations["station"].unique()}
    long = [plain for plain in names.values() if len(plain) >= SHORTEST]
    for _, row in stations.iterrows():
        own, file = names[str(row["station"])], _plain(str(row["source_file"]))
        if own in file:
            continue
        if any(other in file for other in long):
            yield _fail("source_file", row, "a file of this station")
            return


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()


def _compare_names(stations: pd.DataFrame) -> Iterator[Failure]:
    for _, row in stations.iterrows():
        file = str(row["source_file"])
        if found := PERIOD.search(file):
            first, last = (
                pd.to_datetime(it, format="%Y%m%d", errors="coerce")
                for it in found.groups()
            )
            if row["start"] < first or row["end"] > last:
                column = "start" if row["start"] < first else "end"
                yield _fail(column, row, f"{first:%Y-%m-%d} to {last:%Y-%m-%d}")
                return
        if found := DEPTHS.search(file):
            depths = map(float, found.groups())
            for column, depth in zip(("depth_from", "depth_to"), depths, strict=True):
                if abs(row[column] - depth) > DEPTH_TOLERANCE:
                    yield _fail(column, row, f"{depth} m, as its file says")
                    return
