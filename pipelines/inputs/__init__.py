"""Raw inputs: the record of what was found, and how stages find and verify them.

Stage `inputs` looks at the archives that a recipe names and records them in
`data/inputs.json`; stage `raw` adds what it generates, in `data/raw/inputs.json`. Real
inputs stay where the user keeps them; only generated ones lie beside the record.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic import ValidationError as PydanticError

from somobench.catalog.storage.atomic import write_json
from somobench.catalog.storage.hashing import sha256_file
from somobench.schemas.errors import InputError, IntegrityError
from somobench.schemas.manifest import SHA256
from somobench.schemas.recipe import CSV, InputParams

DATA_VARIABLE = "SOMOBENCH_DATA"
DEFAULT_ROOT = Path("../shared/data")
DATA = Path("data")
RAW_FOLDER = DATA / "raw"
INPUTS_FILE = "inputs.json"
Role = Literal["stations", "forcing", "reference", "truth"]


class InputRecord(BaseModel):
    """One raw input as it was found: its place, its bytes and its credit.

    `path` is relative to the root of real data, or to the folder of the record where
    `generated` is true. `sha256` of a folder covers names and bytes of all its files.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role
    source: str
    name: str
    path: str
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=SHA256)]
    generated: bool
    producer: str
    version_producer: str | None
    licence: str
    citation: str
    url: str | None
    doi: str | None
    date_accessed: dt.date | None


_RECORDS = TypeAdapter(tuple[InputRecord, ...])


def input_root(environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder that holds the archives of real recipes."""
    values = os.environ if environment is None else environment
    return Path(values.get(DATA_VARIABLE) or DEFAULT_ROOT)


def relative_path(path: str) -> PurePosixPath:
    """Return a recipe's path, once it is known to stay below its root.

    Raises
    ------
    InputError
        If the path climbs with `..`, is empty, or is absolute and no CSV file.
    """
    parts = PurePosixPath(path)
    strays = parts.is_absolute() and parts.suffix != CSV
    if strays or ".." in parts.parts or not parts.parts or "\\" in path:
        raise InputError(
            "path of a raw input",
            found=repr(path),
            expected="a path below the input root, without '..'",
            hint=f"set {DATA_VARIABLE} to the folder that holds the archives",
        )
    return parts


def input_path(record: InputRecord, raw_folder: Path = RAW_FOLDER) -> Path:
    """Return where an input lies on this machine."""
    root = raw_folder if record.generated else input_root()
    return root / relative_path(record.path)


def measure_file(
    path: Path, hash_file: Callable[[Path], str] = sha256_file
) -> tuple[int, str]:
    """Return bytes and sha256 of a file, or of a folder's names and files.

    A folder's digest is that of the lines `<sha256>  <relative path>`, sorted by path.
    """
    if not path.is_dir():
        return path.stat().st_size, hash_file(path)
    files = {
        file.relative_to(path).as_posix(): file
        for file in path.rglob("*")
        if file.is_file()
    }
    lines = [f"{hash_file(files[name])}  {name}\n" for name in sorted(files)]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    return sum(file.stat().st_size for file in files.values()), digest


def read_inputs(inputs_file: Path | str) -> tuple[InputRecord, ...]:
    """Read a record of raw inputs.

    Raises
    ------
    InputError
        If it is absent or isn't such a record.
    """
    path = Path(inputs_file)
    try:
        return _RECORDS.validate_python(
            json.loads(path.read_text(encoding="utf-8")), strict=False
        )
    except (OSError, ValueError, PydanticError) as error:
        raise InputError(
            f"record of raw inputs {path}",
            found=error,
            expected="a list of input records",
            hint="dvc repro",
        ) from error


def verify_inputs(
    inputs_file: Path | str, role: Role
) -> list[tuple[InputRecord, Path]]:
    """Return the inputs of a role and where they lie, once their bytes are checked.

    Raises
    ------
    InputError
        If an input is absent.
    IntegrityError
        If its bytes are not those that the `raw` stage recorded.
    """
    folder = Path(inputs_file).parent
    found = [
        (record, input_path(record, folder))
        for record in read_inputs(inputs_file)
        if record.role == role
    ]
    for record, path in found:
        _verify(record, path)
    return found


def _verify(record: InputRecord, path: Path) -> None:
    if not path.exists():
        raise make_absence_error([AbsentInput(record.name, path, record.url)])
    size, digest = measure_file(path)
    if (size, digest) != (record.size, record.sha256):
        raise IntegrityError(
            f"raw input {record.path}",
            found=f"{size} bytes, sha256 {digest}",
            expected=f"{record.size} bytes, sha256 {record.sha256}",
            hint="dvc repro, which looks at all inputs again",
        )


class AbsentInput(NamedTuple):
    """An input that isn't on this machine: its name, its place and its source."""

    name: str
    path: Path
    url: str | None


def make_absence_error(absent: Sequence[AbsentInput]) -> InputError:
    """Build the refusal of inputs that aren't on this machine."""
    urls = dict.fromkeys(item.url for item in absent if item.url)
    source = f"get it from {', '.join(urls)}; " if urls else ""
    return InputError(
        f"raw input {', '.join(item.name for item in absent)}",
        found=f"nothing at {', '.join(str(item.path) for item in absent)}",
        expected="the archive as its producer delivers it",
        hint=f"{source}set {DATA_VARIABLE} to the folder that holds it",
    )


def make_input_record(
    params: InputParams,
    *,
    role: Role,
    source: str,
    path: str,
    size: int,
    sha256: str,
    generated: bool,
) -> InputRecord:
    """Return the record of an input with the credit that its recipe gives it."""
    return InputRecord(
        role=role,
        source=source,
        path=path,
        size=size,
        sha256=sha256,
        generated=generated,
        **params.model_dump(exclude={"path", "sha256"}),
    )


def write_inputs(records: Sequence[InputRecord], path: Path) -> None:
    """Write a record of raw inputs, sorted by role and path."""
    ordered = sorted(records, key=lambda record: (record.role, record.path))
    write_json([record.model_dump(mode="json") for record in ordered], path)
