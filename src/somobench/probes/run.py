"""Probe a model: a function, files of answers to the cases, or a single submission."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pydantic import BaseModel, ConfigDict
from pydantic import ValidationError as Refused

from somobench.catalog.release_files import CELLS, ReleaseFiles
from somobench.catalog.resolve import Release, resolve
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.catalog.storage.atomic import replace_file, write_json
from somobench.model_function import (
    EXAMPLE,
    ModelFunction,
    call_model,
    is_model_name,
    load_model,
)
from somobench.probes.cases import (
    CASES,
    NEEDED,
    SETTLE,
    TEXTS,
    align_to_base,
    choose_base,
    make_case,
)
from somobench.probes.judge import Judgement, judge
from somobench.probes.measures import Answers
from somobench.progress import tell_step
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.submission_names import PREDICTION
from somobench.schemas.variables import STATIC_ATTRIBUTES
from somobench.submissions.submission import open_submission

RECORD, WEATHER, ANSWERS = "cases.json", "forcing", "predictions"
SUFFIXES = (".nc", ".zarr", ".zarr.zip", ".parquet")


class CasesRecord(BaseModel):
    """What a folder of cases was made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str | None
    forcing: str | None
    cells: list[str]
    first: str
    cases: dict[str, str]


def read_weather(release: str | None, forcing: Path | None = None) -> xr.Dataset:
    """Read weather to probe on: that of a release, or a user's own file.

    Returns
    -------
    Dataset, (cell, time)
        All daily variables; attributes of cells as variables, (cell).

    Raises
    ------
    UsageError
        If neither is given.
    InputError
        If the file can't be read, or has no cells and days.
    """
    if forcing is not None:
        return _read_file(forcing)
    if release is None:
        raise UsageError("weather to probe on", expected="--release or --forcing")
    return _read_release(resolve(release))


def _read_release(release: Release) -> xr.Dataset:
    files = ReleaseFiles(release, lazy=False)
    layers = tuple(int(layer) for layer in release.manifest.target_moments_from)
    weather = files.weather(files.targets(layers))
    table = files.table(CELLS).set_index("cell_id").loc[weather["cell"].to_numpy()]
    numbers = [name for name in STATIC_ATTRIBUTES if name in table]
    return weather.assign(
        {name: ("cell", table[name].to_numpy(np.float64)) for name in numbers}
    )


def _read_file(path: Path) -> xr.Dataset:
    try:
        if path.name.endswith(".zarr.zip"):
            weather = open_zarr_zip(path)
        elif path.name.endswith(".zarr"):
            weather = xr.open_zarr(path, chunks=None)
        else:
            weather = xr.open_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"weather {path}", found=str(error)) from error
    if not {"cell", "time"} <= set(weather.dims):
        found = ", ".join(map(str, weather.dims))
        raise InputError(f"weather {path}", found=found, expected="dims cell and time")
    return weather


def probe(
    target: str, release: str | None, forcing: Path | None = None
) -> list[Judgement]:
    """Probe what a text names: a function, a folder of cases, or a submission.

    A function's module is RUN; see `somobench.model_function`.
    """
    if is_model_name(target):
        return probe_model(load_model(target), read_weather(release, forcing))
    path = Path(target)
    if (path / RECORD).exists():
        return probe_folder(path)
    if not path.exists():
        raise UsageError(
            "what to probe",
            found=f"no file {target}",
            expected=f"{EXAMPLE}, a folder of cases, or a submission",
        )
    return probe_submission(path, release, forcing)


def probe_model(model: ModelFunction, weather: xr.Dataset) -> list[Judgement]:
    """Ask a model about every case, and judge what it says.

    The model's code runs in this process.

    Parameters
    ----------
    model : callable, as `somobench.model_function` says
    weather : Dataset, (cell, time)

    Raises
    ------
    UsageError
        If the weather has no four years without a gap.
    InputError
        If the model returns something else than it should.
    """
    base = choose_base(weather)
    said = {}
    for name in CASES:
        tell_step(f"asking the model about case {name}: {TEXTS[name]}")
        said[name] = call_model(model, make_case(name, base))
    return judge(gather_answers(base, said, SETTLE))


def gather_answers(
    base: xr.Dataset, said: Mapping[str, xr.DataArray], settled: int
) -> Answers:
    """Place what a model said of cases beside each other.

    Raises
    ------
    InputError
        If a case has other layers than the base.
    """
    layers = said["base"]["layer"].to_numpy()
    for name, array in said.items():
        if set(array["layer"].to_numpy()) != set(layers):
            raise InputError(
                f"layers that are predicted in case {name}",
                found=", ".join(map(str, array["layer"].to_numpy())),
                expected=f"{', '.join(map(str, layers))}, as in case base",
                hint="a layer without a prediction is NaN",
            )
    droughts = make_case("droughts", base)["precipitation"].transpose("cell", "time")
    return Answers(
        base=base,
        droughts=droughts.to_numpy().astype(np.float64),
        predicted={
            name: align_to_base(name, array.reindex(layer=layers), base)
            .transpose("layer", "cell", "time")
            .to_numpy()
            .astype(np.float64)
            for name, array in said.items()
        },
        layers=tuple(layers.tolist()),
        settled=settled,
    )


def write_cases(
    folder: Path, release: str | None, forcing: Path | None = None
) -> list[Path]:
    """Write the weather of every case, for a model in any language.

    Parameters
    ----------
    folder : Path
        A new one: `forcing/CASE.nc` for each case, and `cases.json`. Predictions go to
        `predictions/CASE.nc`, in the layout of submissions.
    release, forcing
        As of `read_weather`.

    Returns
    -------
    list of Path
        The files of weather.

    Raises
    ------
    UsageError
        If the folder exists.
    """
    if folder.exists():
        raise UsageError(f"folder {folder}", found="it exists", expected="a new one")
    base = choose_base(read_weather(release, forcing))
    record = CasesRecord(
        release=None if forcing else release,
        forcing=str(forcing) if forcing else None,
        cells=base["cell"].to_numpy().astype(str).tolist(),
        first=str(base["time"].to_numpy()[0])[:10],
        cases=dict(TEXTS),
    )
    with _report_disk(folder), replace_file(folder) as partial:
        for part in (WEATHER, ANSWERS):
            (partial / part).mkdir(parents=True)
        for name in CASES:
            case = make_case(name, base).assign_attrs(case=name, title=TEXTS[name])
            for variable in case.variables.values():
                variable.encoding = {}
            case.to_netcdf(partial / WEATHER / f"{name}.nc", engine="h5netcdf")
        write_json(record.model_dump(), partial / RECORD)
    return [folder / WEATHER / f"{name}.nc" for name in CASES]


@contextmanager
def _report_disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"folder {folder}", found=error.strerror) from error


def probe_folder(folder: Path) -> list[Judgement]:
    """Judge the predictions that lie in a folder of cases.

    The weather is taken from the release again, or from the file that `cases.json`
    names, never from the folder; predictions are read as submissions are. Cases without
    predictions leave their probes undecided.

    Raises
    ------
    InputError
        If the folder is none of cases, or lacks predictions of case `base`.
    """
    path = folder / RECORD
    try:
        record = CasesRecord.model_validate_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, Refused) as error:
        hint = "write one with somobench probe --write-cases FOLDER"
        raise InputError(
            f"file {path}", found=type(error).__name__, hint=hint
        ) from error
    given = Path(record.forcing) if record.forcing else None
    base = choose_base(read_weather(record.release, given))
    begins = str(base["time"].to_numpy()[0])[:10]
    cells = base["cell"].to_numpy().astype(str).tolist()
    if (record.cells, record.first) != (cells, begins):
        raise InputError(
            f"file {path}",
            found="other cells or days than the weather gives now",
            expected=f"{len(cells)} cells from {begins} on",
            hint="write the cases again",
        )
    files = {name: _find_answer(folder / ANSWERS, name) for name in CASES}
    if files["base"] is None:
        raise InputError(
            f"folder {folder / ANSWERS}",
            found="no predictions of case base",
            expected=" or ".join(f"base{suffix}" for suffix in SUFFIXES),
        )
    said = {}
    for name, file in files.items():
        if file is not None:
            tell_step(f"reading the predictions of case {name}")
            said[name] = open_submission(file).grid[PREDICTION]
    return judge(gather_answers(base, said, SETTLE))


def _find_answer(folder: Path, name: str) -> Path | None:
    found = [folder / f"{name}{suffix}" for suffix in SUFFIXES]
    return next((path for path in found if path.exists()), None)


def probe_submission(
    submission: Path, release: str | None, forcing: Path | None = None
) -> list[Judgement]:
    """Judge a single submission by what needs no second answer: drying and bounds.

    Parameters
    ----------
    submission : Path
        A file as `somobench evaluate` takes it; the weather is that of the release, as
        it was, so droughts are those that there were.
    """
    grid = open_submission(submission)
    weather = read_weather(release, forcing)
    lacking = [name for name in NEEDED if name not in weather]
    if lacking:
        raise UsageError("weather to probe on", found=f"no {' and no '.join(lacking)}")
    said = grid.select_lead(grid.shortest_lead)
    if "member" in said.dims:
        said = said.mean("member", skipna=False)
    cells = [cell for cell in weather["cell"].to_numpy() if cell in said["cell"]]
    base = weather.sel(cell=cells).load()
    return judge(gather_answers(base, {"base": said}, 0))


def describe(judgements: list[Judgement]) -> list[dict[str, Any]]:
    """Return judgements, ready for JSON."""
    return [item.describe() for item in judgements]
