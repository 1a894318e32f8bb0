"""A trained network from its folder, applied to cells that it never saw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from somobench.ladder.problem import Array
from somobench.ladder.rungs import bound_and_round
from somobench.neural.ensemble import NETWORKS, name_checkpoint
from somobench.neural.fit import CELLS_AT_ONCE
from somobench.neural.run import RECORD_FILE
from somobench.neural.rungs import NEURAL
from somobench.neural.sequences import Inputs, Scaling
from somobench.neural.settings import NeuralSettings
from somobench.schemas.errors import InputError, UsageError


class Trained(NamedTuple):
    """Networks of the seeds, and what they read."""

    networks: tuple[torch.nn.Module, ...]
    inputs: Inputs
    warm_up: int


def read_record(folder: Path) -> dict[str, Any]:
    """Return what was trained in a folder, and refuse what can't be applied.

    Raises
    ------
    InputError
        If it isn't a folder of a finished training.
    UsageError
        If its network needs more than weather and attributes of cells.
    """
    try:
        record: dict[str, Any] = json.loads((folder / RECORD_FILE).read_text("utf-8"))
        network = NEURAL[record["model"]].network
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"model {folder}",
            found=f"{type(error).__name__}: {error}"[:200],
            expected=f"the folder of a finished training, with {RECORD_FILE}",
        ) from error
    if network not in NETWORKS:
        listed = ", ".join(NETWORKS)
        raise UsageError(f"model {folder}", found=network, expected=f"one of {listed}")
    return record


@lru_cache(maxsize=1)
def load_trained(folder: Path) -> Trained:
    """Load the networks of a folder; one's own, made by `somobench train`."""
    record = read_record(folder)
    settings = NeuralSettings.model_validate(record["settings"])
    weather, statics, mean, deviation = record["inputs"]
    inputs = Inputs(
        Scaling(*(tuple(part) for part in weather)),
        Scaling(*(tuple(part) for part in statics)),
        tuple(mean),
        tuple(deviation),
    )
    sizes = len(inputs.weather.names), max(1, len(inputs.statics.names)), len(mean)
    networks = []
    for seed in record["seeds"]:
        path = folder / name_checkpoint(seed["seed"])
        content = torch.load(path, map_location="cpu", weights_only=True)
        kind: Any = NETWORKS[NEURAL[record["model"]].network]
        network = kind(*sizes, settings.hidden, settings.dropout)
        network.load_state_dict(content["progress"]["best"])
        networks.append(network.eval())
    return Trained(tuple(networks), inputs, settings.warm_up)


def predict_cells(
    trained: Trained,
    weather: Mapping[str, NDArray[np.float32]],
    statics: Mapping[str, Array],
) -> NDArray[np.float32]:
    """Predict (layer, cell, day), m3 m-3: the mean over seeds.

    Days before the first count as average, as in training; so does an attribute that a
    cell doesn't have.

    Parameters
    ----------
    trained : Trained
    weather : by variable, (cell, day)
    statics : by name, (cell,)
    """
    inputs = trained.inputs
    cells = len(next(iter(weather.values())))
    given = {
        name: statics.get(name, np.full(cells, np.nan)) for name in inputs.statics.names
    }
    attributes = (
        inputs.statics.apply(given) if given else np.zeros((cells, 1), np.float32)
    )
    series = inputs.weather.apply(weather).transpose(1, 0, 2)
    series = np.pad(series, ((trained.warm_up, 0), (0, 0), (0, 0)))
    parts = []
    with torch.no_grad():
        for start in range(0, cells, CELLS_AT_ONCE):
            part = slice(start, start + CELLS_AT_ONCE)
            ours = torch.from_numpy(np.ascontiguousarray(series[:, part]))
            own = torch.from_numpy(np.ascontiguousarray(attributes[part]))
            members = [
                inputs.restore(network(ours, own)[trained.warm_up :].numpy())
                for network in trained.networks
            ]
            parts.append(np.mean([bound_and_round(each) for each in members], axis=0))
    return bound_and_round(np.concatenate(parts, axis=1))
