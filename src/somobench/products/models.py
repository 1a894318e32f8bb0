"""Models that are applied to other cells: a rung of the ladder, or a function."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.catalog.release_files import ReleaseFiles
from somobench.catalog.resolve import Release, resolve
from somobench.catalog.view import average_known
from somobench.ladder.apply import APPLICABLE, fit_rung
from somobench.ladder.fit import NotAvailable
from somobench.ladder.problem import Array
from somobench.ladder.release import LabelledProblem, read_problem
from somobench.model_function import call_model, load_model
from somobench.products.applicability import TrainingSpace, describe_training
from somobench.products.applied import (
    Applied,
    AppliedFunction,
    AppliedNetwork,
    AppliedRung,
    Block,
    make_dataset,
)
from somobench.products.forcing import ForcingStore
from somobench.progress import tell_step
from somobench.schemas.errors import UsageError
from somobench.schemas.variables import TRAIN


class PreparedModel(NamedTuple):
    """A model that is ready to predict, and what is known of its training.

    Attributes
    ----------
    name : as it was asked for
    applied : Applied
    variables : weather that it is given
    layers : labels
    depths : by layer, m; empty where they aren't known
    space : TrainingSpace or None
    training : what it was trained on, for people
    identity : what makes it another model, such as the hash of a manifest
    """

    name: str
    applied: Applied
    variables: tuple[str, ...]
    layers: tuple[int, ...]
    depths: Mapping[int, tuple[float, float]]
    space: TrainingSpace | None
    training: str
    identity: str


def prepare_model(
    name: str,
    store: ForcingStore,
    trial: Block,
    *,
    release: str | None = None,
    split: str | None = None,
) -> PreparedModel:
    """Fit a rung, or load a function and try it on one cell.

    Parameters
    ----------
    name : `rung@release/split`, `module:function`, `path.py:function`, or the folder of
        `somobench train`
    store : ForcingStore
    trial : Block of one cell
    release, split : str, optional
        What a function was trained on: the distance to that climate is written.

    Raises
    ------
    UsageError
        If a rung needs what isn't there, or the name has another form.
    InputError
        If the forcing lacks what a rung needs, or a function returns something else
        than its contract says.
    """
    named = Path(name).is_dir() or ("@" in name and ":" not in name)
    if (release is None) != (split is None) or (named and release is not None):
        raise UsageError(
            "what a model was trained on",
            found=f"--release {release}, --split {split}",
            expected="both for a function, none for a rung or a trained network",
        )
    if Path(name).is_dir():
        return _prepare_network(Path(name), store)
    if named:
        return _prepare_rung(name, store)
    if ":" not in name:
        raise UsageError(
            "model",
            found=name,
            expected="rung@release/split with one of "
            f"{', '.join(APPLICABLE)}; module:function; path.py:function; a folder of"
            " somobench train",
        )
    return _prepare_function(name, store, trial, release, split)


def _prepare_function(
    name: str,
    store: ForcingStore,
    trial: Block,
    release: str | None,
    split: str | None,
) -> PreparedModel:
    tell_step(f"trying {name} on one cell")
    layers = call_model(load_model(name), make_dataset(trial))["layer"].to_numpy()
    labels = tuple(int(layer) for layer in layers)
    variables = tuple(store.variables)
    prepared = PreparedModel(
        name,
        AppliedFunction(name, labels),
        variables,
        labels,
        depths={},
        space=None,
        training="not said",
        identity="",
    )
    if release is None or split is None:
        return prepared
    found = resolve(release)
    return prepared._replace(
        depths=_read_depths(found),
        space=_describe_space(
            read_problem(found, split), variables, tuple(store.statics)
        ),
        training=f"{release}, split {split}",
        identity=found.manifest_sha256,
    )


def _prepare_rung(name: str, store: ForcingStore) -> PreparedModel:
    rung, _, trained_on = name.partition("@")
    release, _, split = trained_on.partition("/")
    if not split:
        raise UsageError(
            "model",
            found=name,
            expected="rung@release/split, such as ridge_memory@virtual-2.0.0/temporal",
        )
    found = resolve(release)
    labelled = read_problem(found, split)
    tell_step(f"fitting {rung} on {split} of {release}")
    fitted = fit_rung(rung, labelled.problem)
    if isinstance(fitted, NotAvailable):
        raise UsageError(f"model {name}", found=fitted.reason, expected="what it needs")
    store.limit(fitted.variables)
    known = tuple(key for key in fitted.statics if key in store.statics)
    return PreparedModel(
        name,
        AppliedRung(fitted),
        fitted.variables,
        fitted.layers,
        _read_depths(found),
        _describe_space(labelled, fitted.variables, known),
        f"{release}, split {split}",
        found.manifest_sha256,
    )


def _prepare_network(folder: Path, store: ForcingStore) -> PreparedModel:
    from somobench.neural.run import require_torch

    require_torch()
    from somobench.neural.apply import load_trained, read_record

    record = read_record(folder)
    trained = load_trained(folder.resolve())
    variables = trained.variables
    store.limit(variables)
    found = resolve(record["release"])
    labelled = read_problem(found, record["split"])
    known = tuple(key for key in trained.inputs.statics.names if key in store.statics)
    hashes = [seed["weights_sha256"] for seed in record["seeds"]]
    return PreparedModel(
        record["model"],
        AppliedNetwork(folder.resolve()),
        variables,
        tuple(int(layer) for layer in labelled.problem.layers),
        _read_depths(found),
        _describe_space(labelled, variables, known),
        f"{record['release']}, split {record['split']}",
        " ".join([found.manifest_sha256, *hashes]),
    )


def _read_depths(release: Release) -> dict[int, tuple[float, float]]:
    places = ReleaseFiles(release, lazy=False).places()
    top, bottom, layers = (
        places[name].to_numpy().tolist()
        for name in ("layer_depth_from", "layer_depth_to", "layer")
    )
    return dict(zip(layers, zip(top, bottom, strict=True), strict=True))


def _describe_space(
    trained_on: LabelledProblem, variables: tuple[str, ...], statics: tuple[str, ...]
) -> TrainingSpace:
    """Describe the climate of train cells, over days that some of them train on."""
    trained = trained_on.problem.role == TRAIN
    cells, days = (np.asarray(trained.any(axis=axis)) for axis in (1, 0))
    series = {
        name: values[cells][:, days]
        for name, values in trained_on.problem.forcing.items()
        if name in variables
    }
    table = trained_on.cells.loc[cells]
    given = {name: table[name].to_numpy("float64") for name in statics if name in table}
    return describe_training(measure_climate(series) | given)


def measure_climate(weather: Mapping[str, NDArray[np.float32]]) -> dict[str, Array]:
    """Return what the distance to the training climate is measured in, (cell,) each.

    Means of every variable over the days that a cell has.
    """
    return {f"mean_{name}": average_known(values) for name, values in weather.items()}
