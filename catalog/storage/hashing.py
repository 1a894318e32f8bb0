"""Describe files and code of a release so that every value in it stays provable."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from somobench.schemas.manifest import ArrayRecord, FileRecord

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    import pandas as pd
    import xarray as xr

BLOCK = 1 << 20  # bytes hashed at a time
BLOCK_VALUES = 1 << 20  # values brought into their canonical form at a time
TOP_PACKAGES = (
    "somobench.catalog",
    "somobench.pipelines",
    "somobench.releases",
    "somobench.schemas",
)


def sha256_file(path: Path | str) -> str:
    """Return the sha256 of a file's bytes."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sources_sha256(packages: Mapping[str, str]) -> str:
    """Return one sha256 of the source of every module of some packages.

    Parameters
    ----------
    packages : name by package
        Packages are hashed in this order and their modules, those of sub-packages
        too, in order of their paths: the text `name/path`, a zero byte, and the bytes
        of the file. In a wheel the other top packages lie inside `somobench`, in a
        checkout beside it: they count only where they are named.
    """
    digest = hashlib.sha256()
    for package, name in packages.items():
        inner = {top.removeprefix(f"{package}.") for top in TOP_PACKAGES}
        for path, file in sorted(_list_modules(resources.files(package))):
            if path.partition("/")[0] in inner:
                continue
            digest.update(f"{name}/{path}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _list_modules(
    folder: Traversable, above: str = ""
) -> Iterator[tuple[str, Traversable]]:
    for item in folder.iterdir():
        path = f"{above}{item.name}"
        if item.is_dir():
            yield from _list_modules(item, f"{path}/")
        elif item.name.endswith(".py"):
            yield path, item


def decoded_sha256(values: np.ndarray[Any, Any]) -> str:
    """Return the sha256 of an array's values, whatever file or chunks held them.

    The text `dtype|shape|` is hashed first, then the values in C order and little
    endian, every missing value as the one quiet NaN and every zero as +0. Times are
    nanoseconds since 1970; texts are UTF-8, each closed by a zero byte.
    """
    flat = values.reshape(-1)
    kind, _ = _normalise_bytes(flat[:0])
    shape = ",".join(str(size) for size in values.shape)
    digest = hashlib.sha256(f"{kind}|{shape}|".encode())
    for start in range(0, flat.size, BLOCK_VALUES):
        digest.update(_normalise_bytes(flat[start : start + BLOCK_VALUES])[1])
    return digest.hexdigest()


def _normalise_bytes(values: np.ndarray[Any, Any]) -> tuple[str, bytes]:
    if values.dtype.kind in "OUTS":
        texts = (str(item).encode() + b"\0" for item in values.ravel())
        return "text", b"".join(texts)
    if values.dtype.kind == "M":
        nanoseconds = values.astype("datetime64[ns]").astype("<i8")
        return "datetime64[ns]", nanoseconds.tobytes()
    if values.dtype.kind == "f":
        plain = values + values.dtype.type(0)  # -0 becomes +0
        values = np.where(np.isnan(plain), values.dtype.type("nan"), plain)
    little = values.astype(values.dtype.newbyteorder("<"))
    return little.dtype.str.lstrip("<|"), little.tobytes()


def describe_array(
    values: np.ndarray[Any, Any],
    dims: tuple[str, ...],
    units: str | None = None,
) -> ArrayRecord:
    """Describe one array by its decoded values."""
    record: dict[str, Any] = {}
    if values.dtype.kind in "fiu":
        finite = values[np.isfinite(values)].astype("float64")
        record["finite_count"] = int(finite.size)
        if finite.size:
            record["minimum"] = float(finite.min())
            record["maximum"] = float(finite.max())
            record["mean"] = round(float(finite.mean()), 9)
    return ArrayRecord(
        dtype="text" if values.dtype.kind in "OUTS" else str(values.dtype),
        dims=dims,
        shape=values.shape,
        units=units,
        sha256=decoded_sha256(values),
        **record,
    )


def describe_file(path: Path) -> FileRecord:
    """Describe a file: size and sha256, and its arrays if it is a grid or a table."""
    arrays: dict[str, ArrayRecord] = {}
    if path.name.endswith(".zarr.zip"):
        from somobench.catalog.storage.archive import open_zarr_zip

        with open_zarr_zip(path) as dataset:
            arrays = describe_grid(dataset)
    elif path.suffix == ".parquet":
        import pandas as pd

        arrays = describe_table(pd.read_parquet(path))
    return FileRecord(size=path.stat().st_size, sha256=sha256_file(path), arrays=arrays)


def describe_grid(dataset: xr.Dataset) -> dict[str, ArrayRecord]:
    """Describe every array of a grid, coordinates included."""
    return {
        str(name): describe_array(
            variable.to_numpy(),
            tuple(str(dim) for dim in variable.dims),
            variable.attrs.get("units"),
        )
        for name, variable in sorted(dataset.variables.items(), key=lambda x: str(x[0]))
    }


def describe_table(frame: pd.DataFrame) -> dict[str, ArrayRecord]:
    """Describe every column of a table."""
    return {
        str(name): describe_array(column.to_numpy(), ("row",))
        for name, column in frame.items()
    }
