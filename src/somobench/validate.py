"""Validate a user's own file with the schemas that releases are held to.

Raw stations and raw meteorology are read by `somobench.pipelines.tools.check_archive`
in a process of its own, since nothing here imports the pipelines.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from somobench.recognise import (
    GRIDS,
    GRIDS_AND_METEOROLOGY,
    METEOROLOGY,
    NETCDF,
    RELEASE,
    STATIONS_ARCHIVE,
    TABLE,
    TABLES,
    ZARR_ZIP,
    check_kind,
    recognise_kind,
    recognise_storage,
)
from somobench.schemas.errors import Failure, InputError, ValidationError
from somobench.schemas.submission_names import PREDICTION

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

IN_MEMORY = 2 << 30  # bytes of decoded values; a larger grid is checked through Dask
CHECKER = "somobench.pipelines.tools.check_archive"


class FileReport(NamedTuple):
    """What was validated, by which schema, and what failed."""

    path: str
    kind: str
    schema: str
    counts: dict[str, int]
    failures: tuple[Failure, ...]
    account: dict[str, Any] | None = None
    """Of raw data: what the reader found, kept, dropped by reason, and lacks."""

    @property
    def valid(self) -> bool:
        """Whether nothing failed."""
        return not self.failures


def validate_file(
    path: Path | str, kind: str | None = None, recipe: Path | str | None = None
) -> list[FileReport]:
    """Validate a file, or every file of a release folder and how they agree.

    Parameters
    ----------
    path : Path
        A table (Parquet), a grid (netCDF, Zarr, zipped Zarr), a release folder, a
        station archive (zip or folder, ISMN, USCRN or CSV), or meteorology as ERA5's
        distributors deliver it (netCDF, GRIB, Zarr, zips and folders of them).
    kind : str, optional
        The schema: `stations`, `observations`, `cells`, `splits`, `targets`,
        `forcing`, `features`, `release`, `archive` or `meteorology`. By default the
        content tells.
    recipe : Path, optional
        A recipe's file, whose needs meteorology is compared with.

    Returns
    -------
    list of FileReport
        One a file; of a release one more, `release`, for what holds between files.

    Raises
    ------
    InputError
        If the file can't be read, or its content tells no kind.
    UnknownNameError
        If there is no such kind.
    """
    check_kind(kind)
    path = Path(path)
    storage = recognise_storage(path)
    if RELEASE in {kind, storage}:
        return _validate_release(path)
    if kind == STATIONS_ARCHIVE or (kind is None and storage == STATIONS_ARCHIVE):
        return [_validate_archive(path)]
    if METEOROLOGY in {kind, storage} or _is_meteorology(path, kind, storage):
        return [_validate_meteorology(path, recipe)]
    if storage == TABLE:
        return [_validate_table(path, kind)[0]]
    if storage == STATIONS_ARCHIVE:
        expected = f"a table or grid to hold to the schema of {kind}"
        raise InputError(f"{path}", found="no table or grid", expected=expected)
    return [_validate_grid(path, kind)[0]]


def _is_meteorology(path: Path, kind: str | None, storage: str) -> bool:
    """Tell a distributor's grid from a release's by the names of its variables."""
    if kind is not None or storage == TABLE:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with _open_lazily(path) as grid:
                names = list(grid.variables)
        except (OSError, ValueError, KeyError, RuntimeError):
            return False  # reading it again says what is wrong
    present = {str(name) for name in names}
    if not any(marks & present for marks in GRIDS_AND_METEOROLOGY.values()):
        return False
    return recognise_kind(names, GRIDS_AND_METEOROLOGY, path) == METEOROLOGY


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


def _validate_table(
    path: Path, kind: str | None = None
) -> tuple[FileReport, pd.DataFrame]:
    import pandas as pd

    from somobench.schemas.released import RELEASED_TABLES
    from somobench.schemas.validate import validate_table

    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}", found=error, expected="Parquet") from error
    kind = _check_kind(kind, TABLES, frame.columns, path)
    schema = RELEASED_TABLES[kind]
    failures = _collect_failures(lambda: validate_table(frame, schema, str(path)))
    counts = {"rows": len(frame)}
    return FileReport(str(path), kind, str(schema.name), counts, failures), frame


def _validate_grid(
    path: Path, kind: str | None = None
) -> tuple[FileReport, xr.Dataset]:
    from somobench.schemas.released import RELEASED_GRIDS
    from somobench.schemas.validate import validate_grid

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a stranger's file; what matters fails
        try:
            grid = _open_grid(path)
            if kind is None:
                _refuse_predictions(grid, path)
            kind = _check_kind(kind, GRIDS, grid.variables, path)
            schema = RELEASED_GRIDS[kind]
            failures = _collect_failures(lambda: validate_grid(grid, schema, str(path)))
        except (OSError, ValueError, KeyError, RuntimeError) as error:
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


def _open_grid(path: Path) -> xr.Dataset:
    grid = _open_lazily(path)
    return grid.load() if grid.nbytes <= IN_MEMORY else grid


def _open_lazily(path: Path) -> xr.Dataset:
    import xarray as xr

    from somobench.catalog.storage.archive import open_zarr_zip

    storage = recognise_storage(path)
    if storage == ZARR_ZIP:
        return open_zarr_zip(path, chunks={})
    engine: Any = None if storage == NETCDF else "zarr"
    return xr.open_dataset(path, engine=engine, chunks={})


def _validate_release(folder: Path) -> list[FileReport]:
    """Validate the files of a release, their manifest, and what holds between them."""
    from somobench.catalog.manifest_checksum import refuse_other_manifest
    from somobench.schemas.checks.release import validate_together
    from somobench.schemas.manifest import parse_manifest

    listed = folder / "MANIFEST.json"
    if not listed.is_file():
        raise InputError(f"{folder}", found="no MANIFEST.json", expected="a release")
    manifest = parse_manifest(listed.read_bytes(), str(listed))
    refuse_other_manifest(listed.read_bytes(), folder)
    reports, tables, grids = [], {}, {}
    for name in (*TABLES, *GRIDS):
        table, grid = folder / f"{name}.parquet", folder / f"{name}.zarr.zip"
        if table.is_file():
            report, tables[name] = _validate_table(table, name)
            reports.append(report)
        elif grid.is_file():
            report, grids[name] = _validate_grid(grid, name)
            reports.append(report)
    failures = [
        Failure(name, "no such file", "every file of the manifest")
        for name in manifest.files
        if not (folder / name).is_file()
    ]
    if all(report.valid for report in reports):
        failures += _collect_failures(
            lambda: validate_together(tables, grids, str(folder))
        )
    counts = {"files": len(manifest.files)}
    together = FileReport(str(folder), RELEASE, RELEASE, counts, tuple(failures))
    return [*reports, together]


def _validate_archive(path: Path) -> FileReport:
    """Let the pipelines' readers look at a station archive, in their own process."""
    account = ask_pipelines(CHECKER, str(path), STATIONS_ARCHIVE, what=str(path))
    failures = _list_rejected(account)
    if not account["files"]["read"]:
        failures.append(Failure("files", "none read", "at least one station file"))
    return _make_raw_report(path, STATIONS_ARCHIVE, account, failures)


def _validate_meteorology(path: Path, recipe: Path | str | None) -> FileReport:
    """Let the pipelines' reader look at meteorology; what a recipe lacks is failed."""
    meant_for = [] if recipe is None else [str(recipe)]
    account = ask_pipelines(CHECKER, str(path), METEOROLOGY, *meant_for, what=str(path))
    failures = _list_rejected(account)
    if recipe is not None:
        asked = f"what recipe {account['asked_by']} needs"
        failures += [Failure("lacks", item, asked) for item in account["lacks"]]
    if not account["variables"]:
        failures.append(Failure("variables", "none", "one of ERA5's at least"))
    return _make_raw_report(path, METEOROLOGY, account, failures)


def ask_pipelines(module: str, *arguments: str, what: str) -> dict[str, Any]:
    """Return what a module of the pipelines prints as JSON, run in its own process.

    Raises
    ------
    InputError
        With its message, if it ends with a refusal.
    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip() or f"status {done.returncode}"
        if last.startswith(("raw input", "recipe ")):  # says all that there is to say
            raise InputError(last)
        raise InputError(
            what,
            found=last.splitlines()[-1] if "Traceback" in last else last,
            expected="raw data that the readers of the pipelines can open",
            hint="pip install 'somobench[build]'",
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _list_rejected(account: dict[str, Any]) -> list[Failure]:
    return [
        Failure(item["file"], f"{item['reason']}: {item['found']}", item["expected"])
        for item in account["rejected_files"]
    ]


def _make_raw_report(
    path: Path, kind: str, account: dict[str, Any], failures: list[Failure]
) -> FileReport:
    schema, files = f"reader {account['reader']}", account["files"]
    return FileReport(str(path), kind, schema, files, tuple(failures), account)
