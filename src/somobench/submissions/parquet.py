"""What a Parquet submission may hold, a file or a folder of parts, from footers."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from somobench.schemas.submission_names import OPTIONAL_DIMS, PREDICTION
from somobench.submissions.layout import COLUMNS, suggest_columns
from somobench.submissions.limits import (
    MAXIMUM_OBJECTS,
    Contents,
    refuse,
    refuse_emptiness,
    refuse_size,
)
from somobench.submissions.members import list_folder_members

MAXIMUM_FOOTER = 16_000_000  # bytes
BYTES_A_VALUE = 8
BYTES_A_ROW = BYTES_A_VALUE * 6
SUFFIXES = (".parquet", ".pq", ".parq")
_TAIL = struct.Struct("<I4s")
_INDEX = "__index_level_0__"
_ALLOWED = frozenset({PREDICTION, *COLUMNS, *COLUMNS.values(), _INDEX})
_WHOLE_NUMBERS = ("layer", *OPTIONAL_DIMS)


def inspect_parquet(path: Path) -> Contents:
    """Return about how many bytes the rows of a table take, unpacked, and its columns.

    Raises
    ------
    InputError
        For an encrypted file, an unknown or nested type, too many rows or columns, rows
        that are far larger than what the files hold.
    """
    declared = stored = 0
    names: set[str] = set()
    for file, given in list_parts(path):
        schema = _read_schema(file)
        refuse_columns(schema, given)
        declared += _measure_rows(file, BYTES_A_ROW)
        stored += file.stat().st_size
        names |= {*schema.names, *given}
        refuse_size(declared)
    refuse_emptiness(declared, stored, f"submission {path.name}")
    return Contents(declared, tuple(sorted(names)))


def inspect_table(path: Path) -> Contents:
    """Return about how many bytes a table of any columns takes, unpacked.

    A column without a value has no type where Arrow chose it.

    Raises
    ------
    InputError
        For an encrypted file, nested types, and rows far larger than what it holds.
    """
    schema = _read_schema(path)
    for field in schema:
        if not (is_text(field.type) or _is_plain(field.type) or _is_other(field.type)):
            raise refuse(f"column {field.name}", field.type, "texts, days or numbers")
    declared = _measure_rows(path, BYTES_A_VALUE * max(1, len(schema)))
    refuse_size(declared, path.name)
    refuse_emptiness(declared, path.stat().st_size, path.name)
    return Contents(declared, tuple(schema.names))


def _measure_rows(path: Path, bytes_a_row: int) -> int:
    metadata = pq.read_metadata(path)
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    unpacked = sum(max(0, group.total_byte_size) for group in groups)
    return int(metadata.num_rows) * bytes_a_row + unpacked


def list_parts(path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Give the files of a table with the labels that their folders name.

    Parts of a folder lie as Hive, Spark and Arrow write them: `layer=1/part-0.parquet`.

    Raises
    ------
    InputError
        If a folder names anything but a label, or there are too many parts.
    """
    if not path.is_dir():
        yield path, {}
        return
    names = [
        name
        for name in sorted(list_folder_members(path))
        if name.endswith(SUFFIXES) and not Path(name).name.startswith((".", "_"))
    ]
    if len(names) > MAXIMUM_OBJECTS:
        raise refuse(path.name, f"{len(names)} parts", f"at most {MAXIMUM_OBJECTS}")
    for name in names:
        labels: dict[str, str] = {}
        for folder in Path(name).parts[:-1]:
            column, equals, label = folder.partition("=")
            if equals and column not in _ALLOWED - {PREDICTION, _INDEX}:
                raise refuse(f"folder {folder[:80]}", column, COLUMNS.values())
            if equals:
                labels[column] = unquote(label)
        yield path / name, labels


def _read_schema(path: Path) -> pa.Schema:
    """Return the columns of a file, once its footer proves small and plain."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _TAIL.size))
        tail = stream.read(_TAIL.size)
    if len(tail) < _TAIL.size or tail[4:] != b"PAR1":
        raise refuse(f"submission {path.name}", tail, "a whole, plain Parquet file")
    footer = _TAIL.unpack(tail)[0]
    if footer > MAXIMUM_FOOTER:
        found = f"a footer of {footer} bytes"
        raise refuse(f"submission {path.name}", found, f"at most {MAXIMUM_FOOTER}")
    try:
        return pq.ParquetFile(path).schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        found = "a damaged footer"
        expected = "a sound Parquet file"
        raise refuse(f"submission {path.name}", found, expected) from error


def refuse_columns(schema: pa.Schema, given: Mapping[str, str]) -> None:
    """Refuse unknown columns, columns given twice, nested and other types.

    Raises
    ------
    InputError
        Naming the columns, or the type.
    """
    names = [*schema.names, *given]
    if set(names) - _ALLOWED or len(set(names)) < len(names):
        found = ", ".join(names[:20])
        raise refuse(
            "columns of the submission",
            found,
            {PREDICTION, *COLUMNS.values()},
            suggest_columns(names),
        )
    for field in schema:
        if not (is_text(field.type) or _is_plain(field.type)):
            raise refuse(f"column {field.name}", field.type, "texts, days or numbers")


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a type is text or bytes, in any of Arrow's forms."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (
        *(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        *(pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view),
        pa.types.is_fixed_size_binary,
    )
    return any(test(kind) for test in tests)


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (
        pa.types.is_timestamp,
        pa.types.is_date,
        pa.types.is_duration,
        pa.types.is_boolean,
        pa.types.is_integer,
        pa.types.is_floating,
    )
    return any(test(kind) for test in tests)


def _is_other(kind: pa.DataType) -> bool:
    """Tell whether a type is one that columns beside those of a release may have."""
    tests = pa.types.is_null, pa.types.is_decimal, pa.types.is_time
    return any(test(kind) for test in tests)


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that was inspected; texts as codes, since they repeat."""
    frames = [_read_part(file, given) for file, given in list_parts(path)]
    table = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    table.attrs["units"] = frames[0].attrs["units"]
    return table


def _read_part(path: Path, given: dict[str, str]) -> pd.DataFrame:
    schema = pq.read_schema(path)
    metadata = pq.read_metadata(path)
    texts = [
        field.name
        for place, field in enumerate(schema)
        if is_text(field.type) and not _is_by_differences(metadata, place)
    ]
    file = pq.ParquetFile(path, read_dictionary=texts)
    names = [name for name in schema.names if name != _INDEX]
    frame = convert_arrow_table(file.read(columns=names, use_threads=False))
    for name, label in given.items():
        whole = name in _WHOLE_NUMBERS and label.isascii() and label.isdigit()
        frame[name] = int(label) if whole else label
    return frame


def _is_by_differences(metadata: pq.FileMetaData, column: int) -> bool:
    """Tell whether a column's texts have an encoding that Arrow reads no codes of."""
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    chunks = (group.column(column) for group in groups)
    return any(name.startswith("DELTA") for chunk in chunks for name in chunk.encodings)


def convert_arrow_table(table: pa.Table) -> pd.DataFrame:
    """Return columns for pandas, with the units that their fields name."""
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        plain = is_text(column.type) and not pa.types.is_dictionary(column.type)
        columns[name] = (
            column.cast(pa.large_binary()).dictionary_encode() if plain else column
        )
    frame = pa.table(columns).to_pandas()
    frame.attrs["units"] = {
        field.name: field.metadata[b"units"].decode("utf-8", "replace")
        for field in table.schema
        if field.metadata and b"units" in field.metadata
    }
    return frame
