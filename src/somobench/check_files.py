"""The child process of `validate`: tables, grids and releases held to their schemas.

Run as `python -m somobench.check_files PATH FOLDER [KIND]`, confined and limited as the
reader of submissions is; leaves `reports.json` in the folder, or `refusal.json`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from somobench.recognise import (
    GRIDS,
    GRIDS_AND_METEOROLOGY,
    METEOROLOGY,
    RELEASE,
    TABLE,
    TABLES,
    ZARR_ZIP,
    recognise_kind,
    recognise_storage,
)
from somobench.schemas.errors import (
    Failure,
    InputError,
    IntegrityError,
    ValidationError,
)
from somobench.schemas.submission_names import PREDICTION
from somobench.splits import split_sha256
from somobench.stored_grids import is_zarr_2, list_variables, open_grid
from somobench.submissions.hidden import OPTIONAL, hide_libraries
from somobench.submissions.inspect import CONTENTS, recognise_format
from somobench.submissions.limits import Contents
from somobench.submissions.parquet import inspect_table
from somobench.submissions.reader import run_limited
from somobench.validate import REPORTS, FileReport

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from somobench.schemas.manifest import Manifest

MANIFEST = "MANIFEST.json"
UNREADABLE = (OSError, ValueError, KeyError, RuntimeError)


def main(arguments: list[str]) -> int:
    """Check one path under limits; return the exit code."""
    path, folder = Path(arguments[0]), Path(arguments[1])
    kind = arguments[2] if len(arguments) > 2 else None  # noqa: PLR2004 (the third)
    storage = RELEASE if kind == RELEASE else recognise_storage(path)
    hide_libraries(*(name for name in OPTIONAL if name != "dask"))
    _import_checkers()

    def inspect(path: Path) -> Contents:
        if kind is None and _is_meteorology(path, storage):
            return Contents(0, (METEOROLOGY,))
        return inspect_files(path, storage)

    def read(found: Contents) -> None:
        said: dict[str, Any] = {"kind": kind or storage, "reports": []}
        if found.arrays == (METEOROLOGY,):
            said["kind"] = METEOROLOGY
        else:
            said["reports"] = [
                report._asdict() for report in check_files(path, kind, storage)
            ]
        (folder / REPORTS).write_text(json.dumps(said), encoding="utf-8")

    return run_limited(path, folder, inspect, read)


def _import_checkers() -> None:
    """Load what checks files: limits count from there, and ours may not be readable."""
    import zarr.storage

    import somobench.catalog.manifest_checksum
    import somobench.catalog.storage.archive
    import somobench.consistency
    import somobench.schemas.checks.derived
    import somobench.schemas.checks.release
    import somobench.schemas.manifest
    import somobench.schemas.released
    import somobench.schemas.validate  # noqa: F401

    zarr.config.set({"threading.max_workers": 1, "async.concurrency": 1})


def inspect_files(path: Path, storage: str) -> Contents:
    """Return what the metadata of a table, grid or release declare.

    Raises
    ------
    InputError
        For what `somobench.submissions.inspect` refuses, but any columns may be there.
    """
    files = [path] if storage != RELEASE else [file for _, file in _list_files(path)]
    declared = 0
    for file in files:
        try:
            form = recognise_format(file)
            found = inspect_table(file) if form == "parquet" else CONTENTS[form](file)
        except InputError as error:  # what it tries is meant for predictions
            raise InputError(
                error.what, found=error.found, expected=error.expected
            ) from error
        declared += found.declared_bytes
    return Contents(declared, ())


def check_files(path: Path, kind: str | None, storage: str) -> list[FileReport]:
    """Hold a file, or all files of a release, to their schemas; see `validate_file`."""
    if storage == RELEASE:
        return _check_release(path)
    if storage == TABLE:
        return [_check_table(path, kind)[0]]
    return [_check_grid(path, kind)[0]]


def _list_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Give the tables and grids of a release that have a schema, by name."""
    for name in (*TABLES, *GRIDS):
        ending = ".parquet" if name in TABLES else ".zarr.zip"
        if (folder / f"{name}{ending}").is_file():
            yield name, folder / f"{name}{ending}"


def _is_meteorology(path: Path, storage: str) -> bool:
    """Tell a distributor's grid from a release's by the names of its variables."""
    if storage in {TABLE, RELEASE}:
        return False
    try:
        present = {name.lstrip("/") for name in list_variables(path)}
    except UNREADABLE:
        return False  # reading it again says what is wrong
    if not any(marks & present for marks in GRIDS_AND_METEOROLOGY.values()):
        return False
    return recognise_kind(present, GRIDS_AND_METEOROLOGY, path) == METEOROLOGY


def _collect_failures(validate: Callable[[], object]) -> tuple[Failure, ...]:
    try:
        validate()
    except ValidationError as error:
        return error.failures
    return ()


def _check_kind(kind: str | None, kinds: Any, names: Any, path: Path) -> str:
    if kind is None:
        return recognise_kind(names, kinds, path)
    if kind not in kinds:
        expected = f"one of {', '.join(kinds)}"
        raise InputError(f"{path}", found=f"--kind {kind}", expected=expected)
    return kind


def _check_table(
    path: Path, kind: str | None = None
) -> tuple[FileReport, pd.DataFrame]:
    import pandas as pd

    from somobench.consistency.scores import find_impossible_scores
    from somobench.schemas.released import RELEASED_TABLES
    from somobench.schemas.validate import validate_table

    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}", found=error, expected="Parquet") from error
    kind = _check_kind(kind, TABLES, frame.columns, path)
    schema = RELEASED_TABLES[kind]
    frame = drop_categories(frame)
    failures = _collect_failures(lambda: validate_table(frame, schema, str(path)))
    failures = failures or tuple(find_impossible_scores(kind, frame))
    counts = {"rows": len(frame)}
    return FileReport(str(path), kind, str(schema.name), counts, failures), frame


def drop_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """Return categorical columns as the texts or numbers that they show.

    An empty column of texts by a dictionary comes as one of anything.
    """
    kinds = {
        name: kind.categories.dtype if len(kind.categories) else "str"
        for name, kind in frame.dtypes.items()
        if kind.name == "category"
    }
    if frame.empty:
        kinds |= dict.fromkeys(frame.select_dtypes("object").columns, "str")
    return frame.astype(kinds)


def _check_grid(path: Path, kind: str | None = None) -> tuple[FileReport, xr.Dataset]:
    from somobench.schemas.released import RELEASED_GRIDS
    from somobench.schemas.validate import validate_grid

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a stranger's file; what matters fails
        try:
            grid = open_grid(path)
            if kind is None:
                _refuse_predictions(grid, path)
            kind = _check_kind(kind, GRIDS, grid.variables, path)
            schema = RELEASED_GRIDS[kind]
            failures = _collect_failures(lambda: validate_grid(grid, schema, str(path)))
        except UNREADABLE as error:
            expected = "a grid that can be opened and read"
            raise InputError(f"{path}", found=error, expected=expected) from error
    counts = {str(dim): int(size) for dim, size in grid.sizes.items()}
    return FileReport(str(path), kind, str(schema.name), counts, failures), grid


def _refuse_predictions(grid: xr.Dataset, path: Path) -> None:
    """Refuse what has a target's name and nothing else of a release's targets."""
    if GRIDS["targets"] & {*map(str, grid.variables)} != {PREDICTION}:
        return
    raise InputError(
        f"{path}",
        found=f"{PREDICTION} alone, as predictions have it",
        expected="raw data, or a table, grid or folder of a release",
        hint="somobench evaluate checks and scores predictions; --kind targets checks"
        " it as targets",
    )


def _check_released_grid(path: Path, kind: str) -> tuple[FileReport, xr.Dataset]:
    """Check a grid of a release, which readers open as one version of Zarr."""
    if recognise_storage(path) != ZARR_ZIP or is_zarr_2(path):
        raise InputError(
            f"{path}", found="a grid that isn't zipped Zarr 3", expected="zipped Zarr 3"
        )
    return _check_grid(path, kind)


def _check_release(folder: Path) -> list[FileReport]:
    """Check the files of a release, their manifest, and what holds between them."""
    from somobench.catalog.manifest_checksum import refuse_other_manifest
    from somobench.consistency import find_contradictions
    from somobench.schemas.checks.derived import find_other_derivations
    from somobench.schemas.checks.release import validate_together
    from somobench.schemas.manifest import parse_manifest

    listed = folder / MANIFEST
    if not listed.is_file():
        raise InputError(f"{folder}", found=f"no {MANIFEST}", expected="a release")
    text = listed.read_bytes()
    manifest = parse_manifest(text, str(listed))
    failures = _compare_files(manifest, folder)
    try:
        refuse_other_manifest(text, folder)
    except IntegrityError as error:
        failures.append(Failure(MANIFEST, str(error.found), str(error.expected)))
    reports, tables, grids = [], {}, {}
    for name, file in _list_files(folder):
        if name in TABLES:
            report, tables[name] = _check_table(file, name)
        else:
            report, grids[name] = _check_released_grid(file, name)
        reports.append(report)
    if all(report.valid for report in reports):
        others = _collect_failures(
            lambda: validate_together(tables, grids, str(folder))
        )
        failures += others or find_other_derivations(tables, grids)
        if "splits" in tables:
            failures += compare_splits(manifest, tables["splits"])
        if not failures:
            failures += find_contradictions(folder, manifest, tables, grids)
    counts = {"files": len(manifest.files)}
    together = FileReport(str(folder), RELEASE, RELEASE, counts, tuple(failures))
    return [*reports, together]


def compare_splits(manifest: Manifest, table: pd.DataFrame) -> list[Failure]:
    """Compare the rows of every split with the hash that its audit was made for."""
    failures = []
    for name, record in manifest.splits.items():
        digest = split_sha256(table[table["split"] == name])
        if digest != record.sha256:
            found, expected = (
                f"rows with sha256 {digest}",
                f"{record.sha256}, as audited",
            )
            failures.append(Failure(f"splits.parquet {name}", found, expected))
    return failures


def _compare_files(manifest: Manifest, folder: Path) -> list[Failure]:
    """Compare size and hash of every file with those of the manifest."""
    failures = []
    for name, record in manifest.files.items():
        expected = f"{record.size} bytes with sha256 {record.sha256}"
        try:
            with (folder / name).open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                size = stream.tell()
        except FileNotFoundError:
            failures.append(Failure(name, "no such file", expected))
            continue
        except OSError as error:
            failures.append(Failure(name, str(error.strerror), expected))
            continue
        if (size, digest) != (record.size, record.sha256):
            found = f"{size} bytes with sha256 {digest}"
            failures.append(Failure(name, found, expected))
    return failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
