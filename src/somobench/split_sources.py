"""The sensors behind the targets of each cell, from a report and a table of sensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from somobench.schemas.errors import InputError

SOURCE_COLUMNS = ["station_id", "network", "latitude", "longitude"]


def sources_of(report: Mapping[str, Any], stations: pd.DataFrame) -> pd.DataFrame:
    """List the sensors behind the targets of each cell, fillers of gaps included.

    Parameters
    ----------
    report : content of targets.json
    stations : DataFrame of schema SENSORS

    Returns
    -------
    DataFrame
        cell_id, sensor_id, station_id, network, latitude, longitude; sorted.

    Raises
    ------
    InputError
        If a sensor is absent from `stations`.
    """
    pairs = sorted(
        {
            (str(item["cell_id"]), str(sensor))
            for item in report["sources"]
            for sensor in (item["primary"], *item["gap-filling"])
        }
    )
    used = pd.DataFrame(pairs, columns=["cell_id", "sensor_id"], dtype="str")
    known = stations.set_index("sensor_id")[SOURCE_COLUMNS]
    placed = rows_named(known, used["sensor_id"], "stations.parquet")
    return pd.concat([used, placed], axis=1)


def rows_named(table: pd.DataFrame, names: Iterable[str], what: str) -> pd.DataFrame:
    """Return the rows of some names, in their order.

    Raises
    ------
    InputError
        If the index lacks a name.
    """
    wanted = [str(name) for name in names]
    missing = sorted(set(wanted) - set(table.index.astype(str)))
    if missing:
        raise InputError(
            what,
            found=f"no {', '.join(missing[:5])} ({len(missing)} missing)",
            expected="every cell and sensor of targets.zarr.zip and targets.json",
            hint="run the stages before this one again",
        )
    return table.loc[wanted].reset_index(drop=True)
