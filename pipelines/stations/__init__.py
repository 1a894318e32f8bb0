"""What a station source gives: sensor series and rejections, one file at a time.

A source only reads. Which values count, how they become days and where they go is
decided after it, so that every source passes through the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.adapters import make_adapter
from somobench.pipelines.stations.archive import Archive, Member
from somobench.schemas.recipe import StationParams

DayDefinition = Literal["UTC", "local_standard_time"]

FILE_SEPARATOR = ";"
"""Between the names of files that make up one series."""

STATION_SOURCES: Mapping[str, str] = {
    "csv": "somobench.pipelines.stations.csv:CsvSource",
    "fluxnet": "somobench.pipelines.stations.fluxnet:FluxnetSource",
    "ismn": "somobench.pipelines.stations.ismn:IsmnSource",
    "uscrn": "somobench.pipelines.stations.uscrn:UscrnSource",
    "uscrn_hourly": "somobench.pipelines.stations.uscrn:UscrnHourlySource",
}
"""What a recipe may name."""

REANALYSIS_SOURCES: Mapping[str, str] = {
    "fluxnet_reanalysis": "somobench.pipelines.stations.fluxnet:ReanalysisSource",
}
"""Readers of the reanalysis that lies beside a source's measurements."""


@dataclass(frozen=True)
class SensorMetadata:
    """A probe and its place; names as delivered, depths in m, positive down."""

    network: str
    station: str
    sensor: str
    latitude: float
    longitude: float
    elevation: float
    """Metres; NaN where the source gives none."""
    depth_from: float
    depth_to: float
    variable: str
    """The source's own code, such as `sm`."""
    source_file: str
    """Name in the archive; several, where a source joins files to one series."""


@dataclass(frozen=True, order=True)
class Note:
    """Where two places of an archive differ: what else was found, and what counts."""

    kind: str
    found: str
    used: str


@dataclass(frozen=True)
class SensorSeries:
    """All rows of one sensor in the order of the file, nothing dropped.

    `flag_codes` and `provider_codes` index `flag_names` and `provider_names`, the
    flag texts as delivered; an absent flag is the empty text.
    """

    metadata: SensorMetadata
    times: NDArray[np.datetime64]
    """datetime64[m], in the source's day definition."""
    values: NDArray[np.float64]
    flag_codes: NDArray[np.int16]
    flag_names: tuple[str, ...]
    provider_codes: NDArray[np.int16]
    provider_names: tuple[str, ...]
    declared_start: np.datetime64 | None = None
    declared_end: np.datetime64 | None = None
    """First and last day that the file claims to hold, where it says so."""
    notes: tuple[Note, ...] = ()
    minimum_count: int | None = None
    """Values that make a day of this series, where it isn't what the source says."""
    quality: NDArray[np.float64] | None = None
    """Share of good values behind each row, 0 to 1; None where the source has none."""

    def flags(self) -> list[str]:
        """Return the flag text of each row."""
        return [self.flag_names[code] for code in self.flag_codes.tolist()]

    def provider_flags(self) -> list[str]:
        """Return the provider's flag text of each row."""
        return [self.provider_names[code] for code in self.provider_codes.tolist()]


@dataclass(frozen=True)
class Rejection:
    """A file that gives no series, and why."""

    file: str
    reason: str
    found: str
    expected: str


class StationSource(Protocol):
    """A reader of one kind of station archive."""

    day_definition: DayDefinition
    has_flags: bool
    """False: every value counts as good, the recipe's flags don't apply."""
    minimum_count: int | None
    """Values that make a day where the source is daily already; None: the recipe's."""

    def read(
        self, path: Path, *, variable: str = "sm"
    ) -> Iterator[SensorSeries | Rejection]:
        """Give each file of `variable` in member order, read when it is asked for."""
        ...


@runtime_checkable
class Divisible(Protocol):
    """A source whose files are series of their own, to be read in any portions."""

    def read_members(
        self, archive: Archive, members: Sequence[Member], *, variable: str = "sm"
    ) -> Iterator[SensorSeries | Rejection]:
        """Give each file of `variable` among some members, in their order."""
        ...


@runtime_checkable
class Configurable(Protocol):
    """A source that takes something from the recipe's `stations`."""

    def configure(self, params: StationParams) -> StationSource:
        """Return the source as a recipe wants it."""
        ...


def find_station_source(
    name: str, params: StationParams | None = None
) -> StationSource:
    """Find a station source by its name in the recipe, set up as the recipe says.

    Raises
    ------
    UnknownNameError
        If there is no such source.
    """
    known = {**STATION_SOURCES, **REANALYSIS_SOURCES}
    source = cast(StationSource, make_adapter("station source", name, known))
    if params is not None and isinstance(source, Configurable):
        return source.configure(params)
    return source
