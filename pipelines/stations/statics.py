"""What doesn't change over time: from the stations' archives to the cells.

A cell has the attributes of one station, so that its fractions of sand, silt and clay
are one soil's: of the stations whose sensors are used and that have attributes, the
one nearest to the cell's centre. What that station lacks is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd

from somobench.pipelines.stations import FILE_SEPARATOR, Rejection
from somobench.pipelines.stations.fluxnet import statics as fluxnet
from somobench.pipelines.stations.ismn.statics import StaticValue, read_static_variables
from somobench.schemas.variables import STATIC_ATTRIBUTES, STATIC_CLASSES

Found = tuple[Mapping[str, Mapping[str, StaticValue]], tuple[Rejection, ...]]

STATIC_READERS: Mapping[str, Callable[[Path], Found]] = {
    "fluxnet": fluxnet.read_static_variables,
    "ismn": read_static_variables,
}
"""By station source; other sources deliver no attributes. Each gives attributes by
file, or by folder."""

CLASS_SOURCES: Mapping[str, tuple[str, ...]] = {
    "climate_class": ("climate_koeppen_geiger_2007",),
    "land_cover": (
        "land_cover_CCI_landcover_2010",
        "land_cover_CCI_landcover_2005",
        "land_cover_CCI_landcover_2000",
    ),
    "vegetation_class": ("vegetation_class",),
}
"""What a class is taken from, the first that a station has: maps that every version of
the archive delivers, so that releases agree; `insitu` classes are no common legend."""

CREDITS = ("doi", "citation")
DEGREE_DECIMALS = 9  # distances nearer than that are equal on every processor


class Statics(NamedTuple):
    """What archives say of stations.

    Attributes
    ----------
    table : DataFrame of schema STATICS
        Stations without attributes are left out.
    rejections : files that can't be read
    credits : by station, the DOI of its data and their citation, where there is one
    """

    table: pd.DataFrame
    rejections: tuple[Rejection, ...]
    credits: Mapping[str, Mapping[str, str]]


def read_statics(
    archives: Sequence[tuple[str, Path]], stations: pd.DataFrame
) -> Statics:
    """Read the attributes of the stations in a table from their archives.

    Parameters
    ----------
    archives : name of the station source and path of each archive, in the order in
        which they gave `stations`
    stations : table SENSORS

    """
    by_folder: dict[str, Mapping[str, StaticValue]] = {}
    rejections: list[Rejection] = []
    for source, path in archives:
        if source not in STATIC_READERS:
            continue
        within = f"{path.name}/" if len(archives) > 1 else ""
        found, bad = STATIC_READERS[source](path)
        by_folder |= {within + folder: values for folder, values in found.items()}
        rejections += [replace(item, file=within + item.file) for item in bad]
    found_by_station = _collect_by_station(by_folder, stations)
    credited = {
        station: {name: str(values[name]) for name in CREDITS}
        for station, values in sorted(found_by_station.items())
        if values.get("doi")
    }
    return Statics(_build_table(found_by_station), tuple(rejections), credited)


def _collect_by_station(
    by_folder: Mapping[str, Mapping[str, StaticValue]], stations: pd.DataFrame
) -> dict[str, Mapping[str, StaticValue]]:
    """Give each station the attributes of the first of its folders that has some."""
    result: dict[str, Mapping[str, StaticValue]] = {}
    files = stations[["station_id", "source_file"]].sort_values(
        ["station_id", "source_file"]
    )
    for station, names in files.itertuples(index=False):
        for name in names.split(FILE_SEPARATOR):
            values = by_folder.get(name) or by_folder.get(
                str(PurePosixPath(name).parent)
            )
            if values:
                result.setdefault(station, values)
    return result


def _build_table(by_station: Mapping[str, Mapping[str, StaticValue]]) -> pd.DataFrame:
    values = by_station.values()
    numbers = {
        name: pd.Series([item.get(name, np.nan) for item in values], dtype="float64")
        for name in STATIC_ATTRIBUTES
    }
    classes = {
        name: pd.Series([_choose_class(name, item) for item in values], dtype="str")
        for name in STATIC_CLASSES
    }
    stations = pd.Series(list(by_station), dtype="str")
    return pd.DataFrame({"station_id": stations, **numbers, **classes})


def _choose_class(name: str, values: Mapping[str, StaticValue]) -> str:
    given = (str(values[key]) for key in CLASS_SOURCES[name] if values.get(key))
    return next(given, "")


def find_nearest_stations(
    cells: pd.DataFrame, stations: pd.DataFrame, described: Sequence[str]
) -> dict[str, str]:
    """Find, by cell, the described station nearest to the centre.

    Parameters
    ----------
    cells : cell_id, latitude, longitude (degrees)
    stations : table SENSORS, sensors in use alone
    described : station ids that have attributes

    Returns
    -------
    dict
        Station by cell; the id that sorts first where two are equally near.
    """
    known = stations[stations["station_id"].isin(list(described))]
    both = known.merge(cells, on="cell_id", suffixes=("", "_of_cell"))
    north = both["latitude"] - both["latitude_of_cell"]
    east = (both["longitude"] - both["longitude_of_cell"] + 180) % 360 - 180
    east *= np.cos(np.radians(both["latitude_of_cell"]))
    both["distance"] = np.hypot(north, east).round(DEGREE_DECIMALS)
    first = both.sort_values(["cell_id", "distance", "station_id"])
    first = first.drop_duplicates("cell_id")
    return dict(zip(first["cell_id"], first["station_id"], strict=True))


def append_static_attributes(
    cells: pd.DataFrame, stations: pd.DataFrame, statics: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Append to a table of cells the attributes that any of its cells has.

    Parameters
    ----------
    cells : table CELLS
    stations : table SENSORS, sensors in use alone
    statics : table STATICS

    Returns
    -------
    tuple
        The cells, NaN and empty text where an attribute is unknown; and by cell the
        station that its attributes are of.
    """
    chosen = find_nearest_stations(cells, stations, statics["station_id"].tolist())
    station = cells["cell_id"].map(chosen)
    values = statics.set_index("station_id").reindex(station)
    result = cells.copy()
    for name in STATIC_ATTRIBUTES:
        if values[name].notna().any():
            result[name] = values[name].to_numpy("float64")
    for name in STATIC_CLASSES:
        texts = values[name].fillna("")
        if (texts != "").any():
            result[name] = pd.Series(texts.to_numpy(), dtype="str", index=cells.index)
    return result, chosen
