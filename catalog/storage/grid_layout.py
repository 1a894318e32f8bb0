"""How arrays of zipped grids are stored, where it is as `write_zarr_zip` does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from xarray.backends.zarr import FillValueCoder

NUMBERS = {
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"),
    *("uint64", "float32", "float64"),
}
NODE_KEYS = {
    *("shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value"),
    *("codecs", "attributes", "dimension_names", "zarr_format", "node_type"),
    "storage_transformers",
}
BLOSC_KEYS = {"typesize", "cname", "clevel", "shuffle", "blocksize"}


@dataclass(frozen=True)
class Layout:
    """How one array is stored."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    is_blosc: bool
    attrs: dict[str, Any]

    @property
    def counts(self) -> tuple[int, ...]:
        """Chunks along every dim."""
        return tuple(map(count_chunks, self.shape, self.chunks))


def read_layout(node: Mapping[str, Any]) -> Layout:
    """Read the metadata of an array.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        If they aren't such as `write_zarr_zip` writes.
    """
    grid, keys = node["chunk_grid"], node["chunk_key_encoding"]
    dtype = _read_dtype(node["data_type"])
    layout = Layout(
        dims=tuple(node.get("dimension_names") or ()),
        shape=tuple(node["shape"]),
        chunks=tuple(grid["configuration"]["chunk_shape"]),
        dtype=dtype,
        is_blosc=_read_codecs(node["codecs"], dtype),
        attrs=dict(node["attributes"]),
    )
    known = (
        {*node} <= NODE_KEYS
        and (node["zarr_format"], node["node_type"]) == (3, "array")
        and grid["name"] == "regular"
        and keys == {"name": "default", "configuration": {"separator": "/"}}
        and not node.get("storage_transformers")
        and len(layout.dims) == len(layout.shape) == len(layout.chunks)
        and all(isinstance(dim, str) for dim in layout.dims)
        and all(length > 0 for length in (*layout.shape, *layout.chunks))
    )
    if not known:
        raise ValueError(node)
    if "_FillValue" in layout.attrs:
        fill = FillValueCoder.decode(layout.attrs["_FillValue"], dtype)
        layout.attrs["_FillValue"] = fill
    return layout


def _read_dtype(data_type: Any) -> np.dtype[Any]:
    if isinstance(data_type, str) and data_type in NUMBERS:
        return np.dtype(data_type)
    if {*data_type} != {"name", "configuration"}:
        raise ValueError(data_type)
    if data_type["name"] != "fixed_length_utf32":
        raise ValueError(data_type)
    letters, rest = divmod(data_type["configuration"]["length_bytes"], 4)
    if rest or letters < 1:
        raise ValueError(data_type)
    return np.dtype(f"<U{letters}")


def _read_codecs(codecs: list[dict[str, Any]], dtype: np.dtype[Any]) -> bool:
    """Say whether an array is compressed, by the one codec that is known."""
    order = {"name": "bytes", "configuration": {"endian": "little"}}
    first, *middle, last = codecs
    is_plain = first == order or (dtype.itemsize == 1 and first == {"name": "bytes"})
    is_blosc = len(middle) == 1 and middle[0]["name"] == "blosc"
    if is_blosc and {*middle[0]["configuration"]} != BLOSC_KEYS:
        raise ValueError(codecs)
    if not (is_plain and last == {"name": "crc32c"} and (is_blosc or not middle)):
        raise ValueError(codecs)
    return is_blosc


def count_chunks(length: int, size: int) -> int:
    """Return how many chunks of a size a length takes."""
    return -(-length // size)
