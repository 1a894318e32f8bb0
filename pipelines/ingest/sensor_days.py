"""One sensor's days, and what was kept or dropped on the way to them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from somobench.pipelines.ingest.parts import StoredDays
from somobench.pipelines.stations import (
    DayDefinition,
    Note,
    Rejection,
    SensorMetadata,
    SensorSeries,
    StationSource,
)
from somobench.pipelines.stations.daily import (
    DailyMeans,
    average_to_days,
    drop_standing_days,
    reject_other_unit,
)
from somobench.pipelines.stations.selection import select_good
from somobench.schemas.recipe import Recipe

Rounding = Literal["nearest", "down", "up"]

CENTIMETRE_DECIMALS = 6  # hides binary fractions, far finer than any delivered depth


class Layer(Protocol):
    """A nominal target layer in whole centimetres, as the recipe has it."""

    @property
    def layer(self) -> int:
        """Number of the layer."""
        ...

    @property
    def depth_from_cm(self) -> int:
        """Upper edge."""
        ...

    @property
    def depth_to_cm(self) -> int:
        """Lower edge."""
        ...


def round_to_centimetres(depth: float, rounding: Rounding = "nearest") -> int:
    """Round a depth in m to whole centimetres.

    Half centimetres go down the profile with `nearest` (2.5 cm gives 3), the way a
    person rounds, not to the even number.

    Examples
    --------
    >>> [round_to_centimetres(depth) for depth in (0.0508, 0.1016, 0.3048, 0.508)]
    [5, 10, 30, 51]
    >>> round_to_centimetres(0.508, "down")
    50
    """
    centimetres = round(depth * 100, CENTIMETRE_DECIMALS)
    if rounding == "down":
        return math.floor(centimetres)
    if rounding == "up":
        return math.ceil(centimetres)
    return math.floor(centimetres + 0.5)


def find_layer(depth_from_cm: int, depth_to_cm: int, layers: Iterable[Layer]) -> int:
    """Find the layer that holds the whole interval of a sensor; 0 where none does.

    Below the surface layer the middle of the interval must lie below the upper
    edge, so that a point sensor on an edge belongs to the layer above it.

    Notes
    -----
    The SoMoBench rule: layer 1 `0 <= from, to <= 10`; layer 2 `10 <= from, to <= 30,
    middle > 10`; layer 3 `30 <= from, to <= 50, middle > 30` (cm).
    """
    middle = (depth_from_cm + depth_to_cm) / 2
    for layer in layers:
        inside = (
            layer.depth_from_cm <= depth_from_cm and depth_to_cm <= layer.depth_to_cm
        )
        if inside and (layer.depth_from_cm == 0 or middle > layer.depth_from_cm):
            return layer.layer
    return 0


IN_NO_LAYER = "in no layer"


@dataclass(frozen=True)
class SensorRecord:
    """A sensor that was read, and what became of its values and days.

    `read = good + sum(dropped.values())`; `good` values make up the valid days, the
    `days_below` and the `days_standing` ones.
    """

    metadata: SensorMetadata
    day_definition: DayDefinition
    depth_from_cm: int
    depth_to_cm: int
    layer: int
    start: np.datetime64
    end: np.datetime64
    days: StoredDays
    """Where its valid days are."""
    days_below: int
    days_standing: int
    read: int
    good: int
    dropped: Counter[str]
    out_of_order: int
    drop_reason: str | None
    """Why its days are not used; None where they are."""
    notes: tuple[Note, ...] = ()

    @property
    def station_id(self) -> str:
        """`network/station`."""
        return f"{self.metadata.network}/{self.metadata.station}"

    @property
    def sensor_id(self) -> str:
        """`network/station/from-to/sensor`, depths in whole centimetres."""
        depths = f"{self.depth_from_cm}-{self.depth_to_cm}"
        return f"{self.station_id}/{depths}/{self.metadata.sensor}"

    @property
    def valid_days(self) -> int:
        """Days with enough good values."""
        return self.days.count


def make_sensor_record(
    series: SensorSeries, source: StationSource, recipe: Recipe
) -> tuple[SensorRecord, DailyMeans] | Rejection:
    """Apply a recipe's station rules to one sensor; its valid days are not stored yet.

    A file whose good values mostly exceed 1 is rejected: they are in another unit.
    """
    rules = recipe.stations
    flags = rules.good_flags if source.has_flags else None
    rejection = reject_other_unit(series, flags)
    if rejection is not None:
        return rejection
    good = select_good(
        series,
        good_flags=flags,
        start=np.datetime64(recipe.period.start, "D"),
        end=np.datetime64(recipe.period.end, "D"),
        minimum_quality=rules.minimum_quality,
    )
    every = average_to_days(
        good.times,
        good.values,
        series.minimum_count or source.minimum_count or rules.minimum_count,
    )
    daily = drop_standing_days(every, rules.maximum_repeats)
    depths = [
        round_to_centimetres(depth, rules.depth_rounding)
        for depth in (series.metadata.depth_from, series.metadata.depth_to)
    ]
    layer = find_layer(depths[0], depths[1], recipe.layers)
    first, last = series.times[[0, -1]]
    if good.out_of_order:
        first, last = series.times.min(), series.times.max()
    record = SensorRecord(
        metadata=series.metadata,
        day_definition=source.day_definition,
        depth_from_cm=depths[0],
        depth_to_cm=depths[1],
        layer=layer,
        start=first.astype("datetime64[D]"),
        end=last.astype("datetime64[D]"),
        days=StoredDays(0, 0, len(daily.days)),
        days_below=daily.days_below,
        days_standing=daily.days_standing,
        read=len(series.values),
        good=len(good.values),
        dropped=good.dropped,
        out_of_order=good.out_of_order,
        drop_reason=_drop_reason(layer, len(daily.days), rules.minimum_days),
        notes=series.notes,
    )
    return record, daily


def _drop_reason(layer: int, valid_days: int, minimum_days: int) -> str | None:
    if layer == 0:
        return IN_NO_LAYER
    if valid_days < minimum_days:
        return f"fewer than {minimum_days} valid days"
    return None
