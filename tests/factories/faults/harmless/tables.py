"""Tables written by other programs: the same rows and columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from factories.faults.vouched import Defect, in_table

TABLES = ("splits", "cells", "stations", "scores", "shift_costs")
Change = Callable[[pa.Table], pa.Table]


def write_table(name: str, change: Change = lambda it: it, **options: Any) -> Defect:
    """Write a table by Arrow itself, as programs without pandas do."""

    def spoil(folder: Path) -> None:
        path = folder / f"{name}.parquet"
        table = change(pq.read_table(path))
        path.unlink()
        pq.write_table(table, path, **options)

    return spoil


def cast(old: Callable[[pa.DataType], bool], new: pa.DataType) -> Change:
    def change(table: pa.Table) -> pa.Table:
        return table.cast(
            pa.schema(
                field.with_type(new) if old(field.type) else field
                for field in table.schema
            )
        )

    return change


def is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def encode(is_meant: Callable[[pa.DataType], bool]) -> Change:
    """Keep columns of a type as codes of a dictionary."""

    def change(table: pa.Table) -> pa.Table:
        for place, field in enumerate(table.schema):
            if is_meant(field.type):
                column = table.column(place).dictionary_encode()
                table = table.set_column(place, field.name, column)
        return table

    return change


def require(table: pa.Table) -> pa.Table:
    """Say of columns without a missing value that they can have none."""
    fields = [
        field.with_nullable(table[field.name].null_count > 0) for field in table.schema
    ]
    return pa.table(table.columns, schema=pa.schema(fields))


def append(*columns: tuple[str, Callable[[int], pa.Array]]) -> Change:
    def change(table: pa.Table) -> pa.Table:
        for name, make in columns:
            table = table.append_column(name, make(len(table)))
        return table

    return change


def describe(table: pa.Table) -> pa.Table:
    """Add metadata of a table and of its fields, as catalogues do."""
    fields = [
        field.with_metadata({"comment": f"{field.name}!"}) for field in table.schema
    ]
    metadata = {"geo": '{"version": "1.0.0"}', "note": "x" * 10_000}
    return pa.table(table.columns, schema=pa.schema(fields, metadata))


def as_polars(table: pa.Table) -> pa.Table:
    """Return a table as polars hands it to Arrow: large texts, days in microseconds."""
    plain = table.replace_schema_metadata(None)
    plain = cast(is_text, pa.large_string())(plain)
    return cast(pa.types.is_timestamp, pa.timestamp("us"))(plain)


WRITERS: dict[str, dict[str, Any]] = {
    "gzip, small row groups": {"compression": "gzip", "row_group_size": 50},
    "a row group a row": {"row_group_size": 1},
    "no compression, no dictionary": {"compression": "none", "use_dictionary": False},
    "brotli, no statistics": {"compression": "brotli", "write_statistics": False},
    "lz4": {"compression": "lz4"},
    "an old version of Parquet": {"version": "1.0"},
    "pages of version 2": {"data_page_version": "2.0", "compression": "zstd"},
    "index and checksums of pages": {
        "write_page_index": True,
        "write_page_checksum": True,
        "data_page_size": 100,
    },
    "no schema of Arrow": {"store_schema": False},
    "no pandas metadata": {"change": lambda it: it.replace_schema_metadata(None)},
    "large texts": {"change": cast(is_text, pa.large_string())},
    "texts as views": {"change": cast(is_text, pa.string_view())},
    "texts by a dictionary": {"change": encode(is_text)},
    "whole numbers by a dictionary": {"change": encode(pa.types.is_integer)},
    "days by a dictionary": {"change": encode(pa.types.is_timestamp)},
    "as polars": {"change": as_polars, "compression": "zstd"},
    "days in milliseconds": {"change": cast(pa.types.is_timestamp, pa.timestamp("ms"))},
    "days as Impala has them": {"use_deprecated_int96_timestamps": True},
    "columns backwards": {"change": lambda it: it.select(it.column_names[::-1])},
    "columns that can't miss": {"change": require},
    "further metadata": {"change": describe},
    "a column more": {"change": append(("note_2", lambda n: pa.array(["x"] * n)))},
    "columns more": {
        "change": append(
            ("remark", pa.nulls),
            ("number", lambda n: pa.array([1] * n, pa.decimal128(9, 2))),
            ("hour", lambda n: pa.array([0] * n, pa.time64("us"))),
            ("geometry", lambda n: pa.array([b"\1\1"] * n, pa.binary())),
            ("is_seen", lambda n: pa.array([True] * n)),
            ("seen", lambda n: pa.array([0] * n, pa.date32())),
        )
    },
}


def categorical(frame: pd.DataFrame) -> pd.DataFrame:
    texts = [name for name in frame if frame[name].dtype == "str"]
    return frame.astype(dict.fromkeys(texts, "category"))


def objects(frame: pd.DataFrame) -> pd.DataFrame:
    texts = [name for name in frame if frame[name].dtype == "str"]
    return frame.astype(dict.fromkeys(texts, "object"))


def attributed(frame: pd.DataFrame) -> pd.DataFrame:
    frame.attrs = {"seen": True, "by": ["x"]}
    return frame


def write_by_pandas(
    name: str, change: Callable[[pd.DataFrame], pd.DataFrame], **options: Any
) -> Defect:
    """Write a table by pandas with other options than ours."""

    def spoil(folder: Path) -> None:
        path = folder / f"{name}.parquet"
        changed = change(pd.read_parquet(path))
        path.unlink()
        changed.to_parquet(path, **options)

    return spoil


PANDAS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], dict[str, Any]]] = {
    "categories": (categorical, {"index": False}),
    "texts as objects": (objects, {"index": False}),
    "an index as pandas keeps it": (lambda it: it, {}),
    "an index as a column": (lambda it: it, {"index": True}),
    "an index of other numbers": (lambda it: it.set_axis(range(5, 5 + len(it))), {}),
    "attributes of a frame": (attributed, {"index": False}),
}


def list_table_changes() -> Iterator[tuple[str, str, Defect]]:
    """Give changes of tables, written by Arrow or by pandas."""
    for name in TABLES:
        file = f"{name}.parquet"
        for what, options in WRITERS.items():
            yield file, what, write_table(name, **options)
        for what, (change, options) in PANDAS.items():
            yield file, what, write_by_pandas(name, change, **options)
        yield file, "by pandas again", in_table(name, lambda it: it.copy())
