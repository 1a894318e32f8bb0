"""Refuse what an audit of a split can't judge: malformed rows, cells, sources.

A table that breaks these rules would leave days or places out of sight, and an audit
that sees nothing finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from somobench.schemas.errors import Failure, InputError, ValidationError
from somobench.schemas.tables import FIRST_DAY, LAST_DAY
from somobench.schemas.variables import ROLES

ROWS = ("cell_id", "start", "end", "role")
CELLS = ("cell_id", "latitude", "longitude")
SOURCES = ("cell_id", "station_id", "latitude", "longitude")
RANGES = {"latitude": 90.0, "longitude": 180.0}  # degrees, either side of 0
NAMED = 5  # examples in an error


def check_audit_inputs(
    rows: pd.DataFrame,
    cells: pd.DataFrame,
    sources: pd.DataFrame,
    target_days: Mapping[str, Any],
    lags: int,
) -> None:
    """Refuse inputs of an audit that it couldn't judge.

    Parameters
    ----------
    rows, cells, sources, target_days, lags
        As of `audit_split`.

    Raises
    ------
    InputError
        If something isn't a table, or lacks a column.
    ValidationError
        With all that is wrong in the tables.
    """
    tables = {"rows": (rows, ROWS), "cells": (cells, CELLS)}
    tables["sources"] = (sources, SOURCES)
    for what, (table, columns) in tables.items():
        _refuse_other_columns(table, columns, what)
    lacking = [role for role in ROLES if role not in target_days]
    if lacking:
        raise InputError(
            "target days of a split",
            found=f"no {', '.join(lacking)}",
            expected=f"counts for {', '.join(ROLES)}",
        )
    if isinstance(lags, bool) or not isinstance(lags, int | np.integer) or lags < 0:
        raise InputError(
            "lags of a split", found=lags, expected="whole days, 0 or more"
        )
    failures = [*_of_rows(rows), *_of_cells(cells), *_of_places(sources, "sources")]
    if failures:
        raise ValidationError("audit of a split", failures)


def _refuse_other_columns(table: object, columns: tuple[str, ...], what: str) -> None:
    if not isinstance(table, pd.DataFrame):
        raise InputError(
            f"{what} of a split", found=type(table).__name__, expected="a DataFrame"
        )
    names = [str(name) for name in table.columns]
    lacking = [name for name in columns if names.count(name) != 1]
    if lacking:
        raise InputError(
            f"{what} of a split",
            found=f"columns {', '.join(names)[:200] or 'none'}",
            expected=f"{', '.join(columns)}, each once",
        )


def _of_rows(rows: pd.DataFrame) -> Iterator[Failure]:
    if rows.empty:
        yield Failure("rows", "none", "at least one")
        return
    yield from _of_texts(rows["cell_id"], "rows, cell_id")
    unknown = sorted(set(rows["role"].map(str)) - set(ROLES))
    if unknown:
        yield Failure("rows, role", _named(unknown), f"one of {', '.join(ROLES)}")
    dates = [name for name in ("start", "end") if not _holds_days(rows[name])]
    for name in dates:
        yield Failure(
            f"rows, {name}",
            f"{rows[name].dtype}, {rows[name].iloc[0]!r} first"[:80],
            f"days at 00:00 without zone, {FIRST_DAY:%Y} to {LAST_DAY:%Y}",
        )
    if not dates:
        turned = rows[(rows["start"] > rows["end"]).to_numpy()]
        named = [
            f"{row.cell_id} before {row.start:%Y-%m-%d}" for row in turned.itertuples()
        ]
        if named:
            yield Failure("rows, end", _named(named), "start or a later day")


def _holds_days(column: pd.Series[Any]) -> bool:
    """Tell whether a column holds days within what a release can cover."""
    if not pd.api.types.is_datetime64_dtype(column) or column.isna().any():
        return False
    whole = column == column.dt.normalize()
    return bool((whole & column.between(FIRST_DAY, LAST_DAY)).all())


def _of_cells(cells: pd.DataFrame) -> Iterator[Failure]:
    yield from _of_places(cells, "cells")
    names = cells["cell_id"].map(str)
    twice = sorted(set(names[names.duplicated()]))
    if twice:
        yield Failure("cells, cell_id", f"{_named(twice)} more than once", "each once")


def _of_places(table: pd.DataFrame, what: str) -> Iterator[Failure]:
    """Refuse an empty table, and places that no distance can be measured to."""
    if table.empty:
        yield Failure(what, "none", "at least one")
        return
    yield from _of_texts(table["cell_id"], f"{what}, cell_id")
    if "station_id" in table:
        yield from _of_texts(table["station_id"], f"{what}, station_id")
    for name, most in RANGES.items():
        numbers = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)
        wrong = ~(np.abs(numbers) <= most)
        if wrong.any():
            found = [str(value) for value in table[name][wrong]]
            yield Failure(f"{what}, {name}", _named(found), f"-{most:g} to {most:g}")


def _of_texts(column: pd.Series[Any], what: str) -> Iterator[Failure]:
    blank = column.isna() | (column.map(str).str.strip() == "")
    if blank.any():
        yield Failure(what, f"{int(blank.sum())} missing or blank", "a text in each")


def _named(items: list[str]) -> str:
    more = f" and {len(items) - NAMED} more" if len(items) > NAMED else ""
    return f"{', '.join(item[:60] for item in items[:NAMED])}{more}"
