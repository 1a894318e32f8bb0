"""What a Parquet submission may hold, told from its footer alone."""

from __future__ import annotations

import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from somobench.schemas.submission_names import PREDICTION
from somobench.submissions.layout import COLUMNS, MAXIMUM_VALUES
from somobench.submissions.limits import refuse, refuse_size

MAXIMUM_FOOTER = 16_000_000  # bytes
BYTES_A_ROW = 8 * 6
_TAIL = struct.Struct("<I4s")
_INDEX = "__index_level_0__"


def declared_in_parquet(path: Path) -> int:
    """Return about how many bytes the rows of a table take, unpacked.

    Raises
    ------
    InputError
        For an encrypted file, an unknown or nested type, too many rows or columns.
    """
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
        metadata = pq.read_metadata(path)
        schema = pq.ParquetFile(path).schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        raise refuse(f"submission {path.name}", error, "a sound Parquet file") from None
    if metadata.num_rows > MAXIMUM_VALUES:
        found = f"{metadata.num_rows} rows"
        raise refuse(f"submission {path.name}", found, f"at most {MAXIMUM_VALUES}")
    allowed = {PREDICTION, *COLUMNS, *COLUMNS.values(), _INDEX}
    unknown = [name for name in schema.names if name not in allowed]
    if unknown or len(set(schema.names)) < len(schema.names):
        found = ", ".join(schema.names[:20])
        raise refuse(
            "columns of the submission", found, {PREDICTION, *COLUMNS.values()}
        )
    for field in schema:
        if not _is_plain(field.type):
            raise refuse(f"column {field.name}", field.type, "texts, days or numbers")
    declared = int(metadata.num_rows) * BYTES_A_ROW
    refuse_size(declared)
    return declared


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_timestamp,
        pa.types.is_date,
        pa.types.is_integer,
        pa.types.is_floating,
    )
    return any(test(kind) for test in tests)


def read_columns(path: Path) -> pa.Table:
    """Read the columns of a submission; cells as codes, since they repeat."""
    given = [name for name in ("cell_id", "cell") if name in pq.read_schema(path).names]
    file = pq.ParquetFile(path, read_dictionary=given)
    names = [name for name in file.schema_arrow.names if name != _INDEX]
    return file.read(columns=names, use_threads=False)
