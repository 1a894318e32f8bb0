"""Train a neural rung or a forecast on a split of a release, and write a submission."""

from __future__ import annotations

import operator
import shutil
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from somobench.catalog.resolve import resolve
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.atomic import write_json
from somobench.ladder.forecasts import (
    FORECASTS,
    carry_error,
    finish_forecast,
    forecast,
    measure_damping,
)
from somobench.ladder.problem import Array, Problem, make_double
from somobench.ladder.references import read_observed
from somobench.ladder.release import LabelledProblem, read_problem
from somobench.neural.rungs import LSTM, NEURAL
from somobench.neural.settings import NeuralSettings
from somobench.progress import tell_step
from somobench.schemas.errors import InputError, UnknownNameError, UsageError

PREDICTIONS_FILE, RECORD_FILE = "predictions.zarr.zip", "model.json"
SEEDS = (1, 2, 3)
CARRIED = "lstm_carried"
"""The forecast that adds to the LSTM what is left of its error on the issue day."""
NAMES = (*NEURAL, CARRIED, *FORECASTS)
FEWEST_CELLS = 2  # of a group that group-DRO looks at


def train(
    name: str,
    *,
    release: str,
    split: str,
    out: Path | str,
    seeds: Sequence[int] = SEEDS,
    settings: NeuralSettings | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Train a rung that no ladder holds, and write what it predicts on the test days.

    Weights are chosen on validation days; no test day is seen, but for the issue days
    of a forecast. A training that was killed goes on where it was when it is called
    again. On a processor the same call gives the same weights, on any number of cores.

    Parameters
    ----------
    name : str
        A neural rung (`somobench.neural.rungs.NEURAL`), or a forecast: `lstm_carried`
        or one of `somobench.ladder.forecasts.FORECASTS`, which need no PyTorch.
    release : str
        Full id, such as `virtual-2.0.0`.
    split : str
    out : path
        Folder for `predictions.zarr.zip`, a submission; `model.json`, what was trained
        how; and a checkpoint a seed. A neural rung's seeds are members, of which
        `somobench.evaluate` scores the mean; a forecast has lead times of 1 to 10 days.
    seeds : sequence of int
    settings : NeuralSettings, optional
        What it names counts instead of the rung's own.
    overwrite : bool
        Train again where a training was finished.

    Returns
    -------
    dict
        Content of `model.json`.

    Raises
    ------
    UnknownNameError
        For an unknown rung, release or split.
    UsageError
        If a library isn't installed, the folder is taken, or the release lacks inputs.
    """
    if name not in NAMES:
        raise UnknownNameError("rung", found=name, expected=", ".join(NAMES))
    if name not in FORECASTS:
        require_torch()
    drawn = check_seeds(seeds)
    folder = Path(out)
    check_folder(folder, overwrite=overwrite)
    tell_step(f"reading {split} of {release}")
    found = resolve(release)
    labelled = read_problem(found, split)
    prepare_folder(folder, overwrite=overwrite)
    begun = time.process_time()
    if name in FORECASTS:
        values = forecast(name, labelled.problem)
        facts: dict[str, Any] = {}
    else:
        key = f"{found.manifest_sha256}/{split}"
        values, facts = _train_network(name, labelled, settings, drawn, folder, key)
    dim = "member" if name in NEURAL else "lead_time"
    submission = labelled.label(values, dim).to_dataset()
    write_zarr_zip(submission, folder / PREDICTIONS_FILE, {dim: 1})
    record = {
        "model": name,
        "release": found.id,
        "manifest_sha256": found.manifest_sha256,
        "split": split,
        "cpu_seconds": round(time.process_time() - begun, 1),
        **facts,
    }
    write_json(record, folder / RECORD_FILE)
    return record


def _train_network(  # noqa: PLR0917 - one call
    name: str,
    labelled: LabelledProblem,
    settings: NeuralSettings | None,
    seeds: Sequence[int],
    folder: Path,
    key: str,
) -> tuple[Array, dict[str, Any]]:
    """Return members' predictions of test days, or a forecast made from their mean."""
    from somobench.neural.ensemble import train_ensemble

    rung = NEURAL[LSTM if name == CARRIED else name]
    chosen = choose_settings(rung.name, settings)
    problem = labelled.problem
    ensemble = train_ensemble(
        rung,
        problem.hide_observations(),
        chosen,
        seeds=seeds,
        groups=choose_groups(labelled.cells, problem),
        folder=folder,
        key=key,
    )
    facts = {"settings": chosen.model_dump(mode="json"), **ensemble.record}
    if name != CARRIED:
        return np.where(problem.test, ensemble.values, np.nan), facts
    base = ensemble.values.mean(axis=0, dtype=np.float64)
    known = np.isfinite(problem.validation_target).any()
    measured = problem.validation_target if known else problem.train_target
    shares = measure_damping(measured - base)
    carried = carry_error(base, make_double(read_observed(problem)), shares)
    facts["shares_of_error_left"] = shares.round(4).tolist()
    return finish_forecast(problem, carried), facts


def choose_settings(name: str, given: NeuralSettings | None) -> NeuralSettings:
    """Return the settings of a rung, changed by those that are named."""
    named = {} if given is None else given.model_dump(exclude_unset=True)
    return NeuralSettings(**{**NEURAL[name].changes, **named})


def check_seeds(seeds: Sequence[int]) -> list[int]:
    """Return seeds as plain numbers.

    Raises
    ------
    UsageError
        If there is none, one comes twice, or one is no whole number from 0 on.
    """
    try:
        found = [operator.index(seed) for seed in seeds]
    except TypeError:
        found = []
    least, most = min(found, default=-1), max(found, default=-1)
    if least < 0 or most >= 2**63 or len(set(found)) < len(found):
        raise UsageError(
            "seeds",
            found=repr(seeds),
            expected="whole numbers from 0 on, each once",
            hint="seeds=[1, 2, 3]",
        )
    return found


def require_torch() -> None:
    """Refuse to go on without PyTorch."""
    if find_spec("torch") is None:
        raise UsageError(
            "neural rungs",
            found="no module torch",
            expected="PyTorch",
            hint="pip install 'somobench[neural]'",
        )


def choose_groups(cells: pd.DataFrame, problem: Problem) -> list[str]:
    """Return the group of each cell: its regime, else its region, else one for all.

    Those of the first kind of which two have two train cells each; cells of a group
    that doesn't train are of the group that comes first.
    """
    trained = problem.train_cells
    for kind in ("regime", "region"):
        names = cells[kind].astype(str).to_numpy()
        counts = pd.Series(names[trained]).value_counts()
        enough = sorted(counts.index[counts >= FEWEST_CELLS])
        if len(enough) > 1:
            return [name if name in enough else enough[0] for name in names.tolist()]
    return ["all"] * len(cells)


def check_folder(folder: Path, *, overwrite: bool) -> bool:
    """Refuse a folder that isn't a training's own; say whether one is finished there.

    Raises
    ------
    UsageError
        If it holds other files, or a finished training without `overwrite`.
    """
    held = {item.name for item in folder.iterdir()} if folder.is_dir() else set()
    own = {name for name in held if name.startswith("seed_") and name.endswith(".pt")}
    others = held - own - {PREDICTIONS_FILE, RECORD_FILE}
    others = {name for name in others if not name.startswith(".partial-")}
    is_file = folder.is_file()
    if others or is_file or (RECORD_FILE in held and not overwrite):
        kind = "a file" if is_file else "a finished training"
        raise UsageError(
            f"folder {folder}",
            found=", ".join(sorted(others)[:5]) or kind,
            expected="a new folder, or one with a training that was killed",
            hint="choose another name, or add --overwrite to train again",
        )
    return RECORD_FILE in held


def prepare_folder(folder: Path, *, overwrite: bool) -> None:
    """Make room for a training, or refuse as `check_folder`."""
    if check_folder(folder, overwrite=overwrite):
        shutil.rmtree(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"folder {folder}",
            found=error.strerror,
            expected="a folder that can be made",
        ) from error
