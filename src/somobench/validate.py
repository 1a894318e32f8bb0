"""Validate a user's own file with the schemas that releases are held to.

Nothing of the file is read in this process. Tables, grids and releases are read by
`somobench.check_files`, confined as the reader of submissions is; raw stations and raw
meteorology by `somobench.pipelines.tools.check_archive`, since nothing here imports the
pipelines.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from somobench.bound import make_command
from somobench.catalog.storage.scratch import make_scratch
from somobench.recognise import (
    METEOROLOGY,
    STATIONS_ARCHIVE,
    check_kind,
    recognise_storage,
)
from somobench.schemas.errors import Failure, InputError
from somobench.submissions.child import read_reply, run_confined

CHECKER = "somobench.pipelines.tools.check_archive"
CHILD, REPORTS = "somobench.check_files", "reports.json"
MAXIMUM_REPORTS = 20_000_000  # bytes of what the child says


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
        The schema: `stations`, `observations`, `cells`, `splits`, `scores`,
        `shift_costs`, `targets`, `forcing`, `features`, `release`, `archive` or
        `meteorology`. By default the content tells.
    recipe : Path, optional
        A recipe's file, whose needs meteorology is compared with, and whose positions
        of sites count where an archive has none.

    Returns
    -------
    list of FileReport
        One a file; of a release one more, `release`, for sizes and hashes of all its
        files and for what holds between them.

    Raises
    ------
    InputError
        If the file can't be read, its content tells no kind, or it holds what no
        submission may: links to other files, far more values than bytes.
    UnknownNameError
        If there is no such kind.
    """
    check_kind(kind)
    path = Path(path)
    storage = recognise_storage(path)
    if kind == STATIONS_ARCHIVE or (kind is None and storage == STATIONS_ARCHIVE):
        return [_validate_archive(path, recipe)]
    if METEOROLOGY in {kind, storage}:
        return [_validate_meteorology(path, recipe)]
    if storage == STATIONS_ARCHIVE:
        expected = f"a table or grid to hold to the schema of {kind}"
        raise InputError(f"{path}", found="no table or grid", expected=expected)
    reports = _check_files(path, kind)
    return [_validate_meteorology(path, recipe)] if reports is None else reports


def _check_files(path: Path, kind: str | None) -> list[FileReport] | None:
    """Let a child check the files; None where they hold meteorology."""
    try:
        with run_confined(CHILD, path, *([kind] if kind else [])) as folder:
            said = read_reply(path, folder / REPORTS, most=MAXIMUM_REPORTS)
    except InputError as error:  # the child reads what is no submission
        what = error.what.replace("submission", "file")
        raise InputError(
            f"{path}",
            found=error.found if path.name in what else f"{what}: {error.found}",
            expected=error.expected,
            hint=error.hint,
        ) from None
    return None if said["kind"] == METEOROLOGY else [*map(_parse, said["reports"])]


def _parse(said: dict[str, Any]) -> FileReport:
    """Take over a report, nothing but texts and numbers of it."""
    return FileReport(
        path=str(said["path"]),
        kind=str(said["kind"]),
        schema=str(said["schema"]),
        counts={str(key): int(count) for key, count in said["counts"].items()},
        failures=tuple(Failure(*map(str, item)) for item in said["failures"]),
    )


def _validate_archive(path: Path, recipe: Path | str | None) -> FileReport:
    """Let the pipelines' readers look at a station archive, in their own process."""
    arguments = str(path), STATIONS_ARCHIVE, *([] if recipe is None else [str(recipe)])
    account = ask_pipelines(CHECKER, *arguments, what=str(path))
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
    with make_scratch() as folder:
        done = subprocess.run(
            make_command(module, *arguments),
            env=os.environ | {"TMPDIR": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
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
