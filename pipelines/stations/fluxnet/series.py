"""From a column of a daily file to a sensor's series: depth, unit, quality."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from somobench.pipelines.stations import Note, SensorMetadata, SensorSeries
from somobench.pipelines.stations.fluxnet.files import QUALITY_SUFFIX, DailyFile
from somobench.pipelines.stations.fluxnet.names import FileName
from somobench.pipelines.stations.fluxnet.sites import Site
from somobench.pipelines.stations.fluxnet.units import (
    Unit,
    UnknownUnit,
    find_quantity,
    find_unit,
)

NETWORK = "FLUXNET"
SOIL_MOISTURE = "sm"
DEPTH_ASSUMED = "depth assumed"
ASSUMED_DEPTHS = (0.0, 0.1)  # m; the layer that index 1 counts for
SHALLOWEST = "1"

_MOISTURE = re.compile(r"SWC_F_MDS_(\d+)")


class Probe(NamedTuple):
    """A column as a sensor; depths in m."""

    column: str
    sensor: str
    depths: tuple[float, float]


class Failure(NamedTuple):
    """Why a column gives no series."""

    reason: str
    found: str
    expected: str


def list_probes(file: DailyFile, site: Site, variable: str) -> list[Probe] | Failure:
    """List the columns of a variable as sensors, or say why there is none.

    Soil-moisture sensors without a depth in the site's table are left out, but for
    index 1. A table that gives several depths for one column tells nothing.
    """
    if variable != SOIL_MOISTURE:
        if variable not in file.columns:
            return Failure("no column", f"no {variable}", "a file that has it")
        return [Probe(variable, variable, (0.0, 0.0))]
    probes = []
    for column in sorted(file.columns):
        index = _MOISTURE.fullmatch(column)
        if index is None:
            continue
        depths = site.depths.get(column, ())
        if len(depths) == 1:
            probes.append(Probe(column, column, (depths[0], depths[0])))
        elif index[1] == SHALLOWEST:
            named = f"{column} ({DEPTH_ASSUMED})"
            probes.append(Probe(column, named, ASSUMED_DEPTHS))
    if not probes:
        found = "no SWC_F_MDS_n with a depth, and no SWC_F_MDS_1"
        return Failure("no soil moisture", found, "a sensor with a depth")
    return probes


def _note_unit(column: str, unit: Unit) -> Note:
    quantity = find_quantity(column)
    documented = unit if quantity is None else quantity.units[0]
    kind = f"unit of {column.partition('_')[0]}, as its size tells"
    if unit == documented:
        return Note(kind, unit.name, "the one that FLUXNET documents")
    return Note(
        kind, unit.name, f"this one, though FLUXNET documents {documented.name}"
    )


def _note_depths(file: DailyFile, site: Site, probe: Probe) -> Iterator[Note]:
    """Say that a depth is assumed, and which deeper sensors are left out for that."""
    if DEPTH_ASSUMED not in probe.sensor:
        return
    kind = "no depth is given; index 1 counts for the uppermost layer"
    yield Note(kind, probe.column, "0 to 10 cm")
    deeper = [
        column
        for column in file.columns
        if _MOISTURE.fullmatch(column)
        and column != probe.column
        and len(site.depths.get(column, ())) != 1
    ]
    if deeper:
        kind = "no depth is given; deeper sensors are left out"
        yield Note(kind, ", ".join(deeper), probe.column)


def make_series(
    file: DailyFile, named: FileName, site: Site, probe: Probe, variable: str
) -> SensorSeries | Failure:
    """Make the series of a column, in our unit, with the quality of each day."""
    values = file.table[probe.column].to_numpy()
    if not np.isfinite(values).any():
        return Failure("nothing measured", f"{probe.column} missing always", "a value")
    unit = find_unit(probe.column, values)
    if isinstance(unit, UnknownUnit):
        return Failure("unit", f"{probe.column} with {unit.found}", unit.expected)
    quality_column = probe.column + QUALITY_SUFFIX
    quality = None
    if quality_column in file.columns:
        quality = file.table[quality_column].to_numpy()
        present = quality[np.isfinite(quality)]
        if ((present < 0) | (present > 1)).any():
            found = f"{quality_column} from {present.min():g} to {present.max():g}"
            return Failure("quality", found, "0 to 1, the share of good half-hours")
    notes = [_note_unit(probe.column, unit)]
    notes += _note_depths(file, site, probe)
    count = len(values)
    return SensorSeries(
        metadata=SensorMetadata(
            network=NETWORK,
            station=named.site,
            sensor=probe.sensor,
            latitude=site.latitude,
            longitude=site.longitude,
            elevation=site.elevation,
            depth_from=probe.depths[0],
            depth_to=probe.depths[1],
            variable=variable,
            source_file=file.name,
        ),
        times=file.times,
        values=unit.factor * values + unit.offset,
        flag_codes=np.zeros(count, np.int16),
        flag_names=("",),
        provider_codes=np.zeros(count, np.int16),
        provider_names=("",),
        notes=tuple(notes),
        quality=quality,
    )
