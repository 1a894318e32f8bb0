"""Train a neural rung on a split of a release, and write a submission."""

from __future__ import annotations

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
from somobench.ladder.problem import Problem
from somobench.ladder.release import read_problem
from somobench.neural.rungs import NEURAL
from somobench.neural.settings import NeuralSettings
from somobench.progress import tell_step
from somobench.schemas.errors import UnknownNameError, UsageError

PREDICTIONS_FILE, RECORD_FILE = "predictions.zarr.zip", "model.json"
SEEDS = (1, 2, 3)
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
    """Train a neural rung and write what it predicts on the test days.

    Weights are chosen on validation days; test days are never seen. A training that
    was killed goes on where it was when it is called again. On a processor the same
    call gives the same weights, on any number of cores.

    Parameters
    ----------
    name : str
        A key of `somobench.neural.rungs.NEURAL`.
    release : str
        Full id, such as `virtual-2.0.0`.
    split : str
    out : path
        Folder for `predictions.zarr.zip`, a submission with the seeds as members, of
        which `somobench.evaluate` scores the mean; `model.json`, what was trained how;
        and a checkpoint a seed.
    seeds : sequence of int
    settings : NeuralSettings, optional
        By default those of the rung.
    overwrite : bool
        Begin anew where a training was finished.

    Returns
    -------
    dict
        Content of `model.json`.

    Raises
    ------
    UnknownNameError
        For an unknown rung, release or split.
    UsageError
        If PyTorch isn't installed, the folder is taken, or the release has no weather.
    """
    if name not in NEURAL:
        raise UnknownNameError("neural rung", found=name, expected=", ".join(NEURAL))
    require_torch()
    folder, rung = Path(out), NEURAL[name]
    prepare_folder(folder, overwrite=overwrite)
    chosen = settings or NeuralSettings(**rung.changes)
    tell_step(f"reading {split} of {release}")
    found = resolve(release)
    labelled = read_problem(found, split)
    problem = labelled.problem.hide_observations()
    from somobench.neural.ensemble import train_ensemble

    begun = time.process_time()
    ensemble = train_ensemble(
        rung,
        problem,
        chosen,
        seeds=seeds,
        groups=choose_groups(labelled.cells, problem),
        folder=folder,
        key=f"{found.manifest_sha256}/{split}",
    )
    values = np.where(problem.test, ensemble.values, np.nan)
    submission = labelled.label(values, "member").to_dataset()
    write_zarr_zip(submission, folder / PREDICTIONS_FILE, {"member": 1})
    record = {
        "model": name,
        "release": found.id,
        "manifest_sha256": found.manifest_sha256,
        "split": split,
        "settings": chosen.model_dump(mode="json"),
        "cpu_seconds": round(time.process_time() - begun, 1),
        **ensemble.record,
    }
    write_json(record, folder / RECORD_FILE)
    return record


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


def prepare_folder(folder: Path, *, overwrite: bool) -> None:
    """Make room for a training, or refuse a folder that isn't its own.

    Raises
    ------
    UsageError
        If it holds other files, or a finished training without `overwrite`.
    """
    held = {item.name for item in folder.iterdir()} if folder.is_dir() else set()
    own = {name for name in held if name.startswith("seed_") and name.endswith(".pt")}
    others = held - own - {PREDICTIONS_FILE, RECORD_FILE}
    others = {name for name in others if not name.startswith(".partial-")}
    if others or folder.is_file() or (RECORD_FILE in held and not overwrite):
        raise UsageError(
            f"folder {folder}",
            found=", ".join(sorted(others)[:5]) or "a finished training",
            expected="a new folder, or one with a training that was killed",
            hint="choose another name, or add --overwrite to train again",
        )
    if RECORD_FILE in held:
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
