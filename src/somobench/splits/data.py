"""What every kind of split starts from and gives back, and rows as days of cells."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.schemas.errors import Failure, InputError, ValidationError
from somobench.schemas.tables import CELL_PLACES, SOURCE_PLACES, SPLIT_ROWS
from somobench.schemas.validate import validate_table
from somobench.schemas.variables import ROLES

SOURCE_COLUMNS = ["station_id", "network", "latitude", "longitude"]


def list_sources(report: Mapping[str, Any], stations: pd.DataFrame) -> pd.DataFrame:
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
    placed = select_rows(known, used["sensor_id"], "stations.parquet")
    return pd.concat([used, placed], axis=1)


def select_rows(table: pd.DataFrame, names: Iterable[str], what: str) -> pd.DataFrame:
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


MINIMUM_TRAIN_DAYS = 90  # target days of one layer, as the target rule asks of a series
DAY = pd.Timedelta(days=1)

Available = NDArray[np.bool_]
"""Whether a target exists: (layer, cell, day)."""

Mask = NDArray[np.bool_]
Row = tuple[str, pd.Timestamp, pd.Timestamp, str]
"""Cell, first and last day (both inside), role."""


@dataclass(frozen=True, eq=False)
class SplitData:
    """What splits are made from.

    Parameters
    ----------
    cells : DataFrame
        cell_id, latitude, longitude, region, dryness: the cells with a target.
    days : DatetimeIndex
        Every day of the period.
    available : array, (layer, cell, day), bool
        Where a target exists; cells as in `cells`.
    sources : DataFrame
        cell_id, station_id, network, latitude, longitude: a row for each sensor that
        stands behind a target of the cell, as primary or by filling gaps.
    lags : int, days
        How far feature set `memory` looks back: the embargo between roles of a cell.
    forcing : mapping of name to array, (cell, day)
        `precipitation` (mm d-1) and `net_radiation` (MJ m-2 d-1), where there are any.
    filled : array, (layer, cell, day), bool, optional
        Where another sensor than the primary gave the target: nowhere by default.
    """

    cells: pd.DataFrame
    days: pd.DatetimeIndex
    available: Available
    sources: pd.DataFrame
    lags: int
    forcing: Mapping[str, NDArray[np.floating[Any]]] = field(default_factory=dict)
    filled: Available | None = None

    @property
    def measured(self) -> Available:
        """Where the primary itself gave the target: what a split by time trains on."""
        return self.available if self.filled is None else self.available & ~self.filled

    @property
    def names(self) -> NDArray[np.str_]:
        """Ids of the cells."""
        return self.cells["cell_id"].to_numpy().astype(str)

    def ordered(self) -> SplitData:
        """Return the same data with cells sorted by id."""
        return self.chosen(np.argsort(self.names, kind="stable"))

    def chosen(self, places: NDArray[np.intp]) -> SplitData:
        """Return the data of some cells, in the order of `places`."""
        return replace(
            self,
            cells=self.cells.iloc[places].reset_index(drop=True),
            available=self.available[:, places],
            forcing={name: values[places] for name, values in self.forcing.items()},
            filled=None if self.filled is None else self.filled[:, places],
        )


class Assignment(NamedTuple):
    """A split that the data carry.

    `rows` has the columns cell_id, start, end (both inside) and role; `without` gives
    a reason for each cell that takes no part; `notes` adds to the published definition.
    """

    rows: pd.DataFrame
    without: Mapping[str, str]
    notes: Mapping[str, Any]


class LeftOut(NamedTuple):
    """A split that the data can't carry, and why."""

    reason: str


Kind = Callable[[SplitData, Any], Assignment | LeftOut]


def rows_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Return rows as a frame, sorted by cell and first day."""
    frame = pd.DataFrame(list(rows), columns=["cell_id", "start", "end", "role"])
    typed = frame.astype({"start": "datetime64[ns]", "end": "datetime64[ns]"})
    return typed.sort_values(["cell_id", "start"], ignore_index=True)


def make_whole_period_rows(
    names: Iterable[str], roles: Iterable[str], days: pd.DatetimeIndex
) -> pd.DataFrame:
    """Return rows of cells that keep one role all the time."""
    return rows_frame(
        (str(name), days[0], days[-1], role)
        for name, role in zip(names, roles, strict=True)
    )


def role_masks(
    rows: pd.DataFrame, names: Iterable[str], days: pd.DatetimeIndex
) -> dict[str, Mask]:
    """Return, for each role, whether a cell has it on a day, (cell, day).

    Rows of cells that aren't in `names` are passed over.
    """
    index = pd.Index([str(name) for name in names])
    masks = {role: np.zeros((len(index), len(days)), dtype=bool) for role in ROLES}
    places = index.get_indexer(pd.Index(rows["cell_id"].astype(str)))
    first = days.searchsorted(rows["start"].to_numpy(), "left")
    after = days.searchsorted(rows["end"].to_numpy(), "right")
    for place, start, end, role in zip(
        places, first, after, rows["role"].astype(str), strict=True
    ):
        if place >= 0:
            masks[role][place, start:end] = True
    return masks


def target_days(rows: pd.DataFrame, data: SplitData) -> dict[str, NDArray[np.int64]]:
    """Count the days with a target by role and layer, summed over cells."""
    masks = role_masks(rows, data.names, data.days)
    return {
        role: (data.available & mask).sum(axis=(1, 2)) for role, mask in masks.items()
    }


def hash_order(seed: int, *parts: object) -> str:
    """Return a text that orders things at random, but always alike."""
    text = ":".join(str(part) for part in (seed, *parts))
    return hashlib.sha256(text.encode()).hexdigest()


def check_audit_inputs(rows: pd.DataFrame, data: SplitData) -> pd.DataFrame:
    """Refuse what an audit can't judge; return the rows with days in nanoseconds.

    A malformed table would leave days or places out of sight, and an audit that sees
    nothing finds nothing.

    Raises
    ------
    InputError
        If something isn't a table, or the lags or the targets aren't those of one.
    ValidationError
        With all that is wrong in the tables.
    """
    tables = (
        ("rows", rows, SPLIT_ROWS),
        ("cells", data.cells, CELL_PLACES),
        ("sources", data.sources, SOURCE_PLACES),
    )
    failures: list[Failure] = []
    typed: dict[str, pd.DataFrame] = {}
    for what, table, schema in tables:
        typed[what] = _type_columns(table, what)
        try:
            validate_table(typed[what], schema, what)
        except ValidationError as error:
            failures += [
                item._replace(where=", ".join(dict.fromkeys((what, item.where))))
                for item in error.failures
            ]
    if failures:
        raise ValidationError("audit of a split", failures)
    _refuse_other_shape(data)
    return typed["rows"]


def _refuse_other_shape(data: SplitData) -> None:
    wanted = (len(data.cells), len(data.days))
    shape = np.shape(data.available)
    if len(shape) != len(wanted) + 1 or shape[1:] != wanted:
        raise InputError(
            "available targets of a split",
            found=f"shape {shape}",
            expected=f"(layer, cell, day) of {wanted[0]} cells and {wanted[1]} days",
        )
    if isinstance(data.lags, bool) or not data.lags >= 0:
        raise InputError("lags of a split", found=data.lags, expected="0 days or more")


def _type_columns(table: object, what: str) -> pd.DataFrame:
    """Return texts as texts, days in nanoseconds and places as floats."""
    if not isinstance(table, pd.DataFrame):
        found = type(table).__name__
        raise InputError(f"{what} of a split", found=found, expected="a DataFrame")
    texts = {"cell_id", "station_id", "role"} & set(table.columns)
    dates = [
        name
        for name in ("start", "end")
        if name in table and pd.api.types.is_datetime64_dtype(table[name])
    ]
    places = [
        name
        for name in ("latitude", "longitude")
        if name in table and pd.api.types.is_numeric_dtype(table[name])
    ]
    dtypes = dict.fromkeys(texts, "str") | dict.fromkeys(dates, "datetime64[ns]")
    return table.astype(dtypes | dict.fromkeys(places, "float64"))
