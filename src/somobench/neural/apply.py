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
from somobench.ladder.release import LATENT_HEAT
from somobench.ladder.rungs import bound_and_round
from somobench.ladder.simulation import WEATHER
from somobench.neural.ensemble import build_network, name_checkpoint, stack_weather
from somobench.neural.fit import CELLS_AT_ONCE
from somobench.neural.hybrid import RADIATION
from somobench.neural.run import RECORD_FILE
from somobench.neural.rungs import HYBRID, NEURAL
from somobench.neural.sequences import Inputs, Scaling
from somobench.neural.settings import NeuralSettings
from somobench.schemas.baseline_params import BaselineParams
from somobench.schemas.errors import InputError, IntegrityError

Weather = Mapping[str, NDArray[np.float32]]


class Trained(NamedTuple):
    """Networks of the seeds, and what they read.

    Attributes
    ----------
    kind : architecture
    networks : one a seed
    inputs : Inputs
    variables : weather that they read
    warm_up : days before the first
    """

    kind: str
    networks: tuple[torch.nn.Module, ...]
    inputs: Inputs
    variables: tuple[str, ...]
    warm_up: int

    def mark_known(self, weather: Weather) -> NDArray[np.bool_]:
        """Mark the days that can be predicted, (cell, day): those with all weather.

        A store of water isn't known from the first gap in its record on.
        """
        known = np.all([np.isfinite(weather[name]) for name in self.variables], axis=0)
        if self.kind != HYBRID:
            return known
        begun = np.logical_or.accumulate(known, axis=1)
        return known & ~np.logical_or.accumulate(begun & ~known, axis=1)


def read_record(folder: Path) -> dict[str, Any]:
    """Return what was trained in a folder.

    Raises
    ------
    InputError
        If it isn't a folder of a finished training of a network.
    """
    try:
        record: dict[str, Any] = json.loads((folder / RECORD_FILE).read_text("utf-8"))
        name = str(record["model"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"model {folder}",
            found=f"{type(error).__name__}: {error}"[:200],
            expected=f"the folder of a finished training, with {RECORD_FILE}",
        ) from error
    if name not in NEURAL:
        raise InputError(
            f"model {folder}",
            found=name,
            expected=f"a training of one of {', '.join(NEURAL)}",
            hint="forecasts read observations, which a grid of weather doesn't have",
        )
    return record


@lru_cache(maxsize=1)
def load_trained(folder: Path) -> Trained:
    """Load the networks of a folder; one's own, made by `somobench train`.

    Raises
    ------
    InputError
        If it isn't a folder of a finished training.
    IntegrityError
        If its record or weights are damaged.
    """
    record = read_record(folder)
    try:
        return _load(folder, record)
    except Exception as error:  # whatever a damaged file makes PyTorch raise
        raise IntegrityError(
            f"model {folder}",
            found=f"{type(error).__name__}: {error}"[:200],
            expected="weights as somobench train writes them",
            hint="train again with --overwrite",
        ) from error


def _load(folder: Path, record: Mapping[str, Any]) -> Trained:
    kind = NEURAL[record["model"]].network
    settings = NeuralSettings.model_validate(record["settings"])
    weather, statics, mean, deviation = record["inputs"]
    inputs = Inputs(
        Scaling(*(tuple(part) for part in weather)),
        Scaling(*(tuple(part) for part in statics)),
        tuple(mean),
        tuple(deviation),
    )
    networks = []
    has_radiation = False
    for seed in record["seeds"]:
        path = folder / name_checkpoint(seed["seed"])
        content = torch.load(path, map_location="cpu", weights_only=True)
        state = content["progress"]["best"]
        has_radiation = not any(name.startswith("demand.") for name in state)
        network = build_network(
            kind,
            inputs,
            settings,
            has_radiation=has_radiation,
            bounds=BaselineParams().water_balance,  # those trained with come with it
        )
        network.load_state_dict(state)
        networks.append(network.eval())
    driving = [name for name in WEATHER if has_radiation or name != RADIATION]
    more = driving if kind == HYBRID else []
    variables = tuple(dict.fromkeys((*inputs.weather.names, *more)))
    return Trained(kind, tuple(networks), inputs, variables, settings.warm_up)


def predict_cells(
    trained: Trained, weather: Weather, statics: Mapping[str, Array]
) -> NDArray[np.float32]:
    """Predict (layer, cell, day), m3 m-3: the mean over seeds.

    Days before the first are as in training; an attribute that a cell doesn't have
    counts as average.

    Parameters
    ----------
    trained : Trained
    weather : by variable, (cell, day)
    statics : by name, (cell,)
    """
    inputs, first = trained.inputs, trained.warm_up
    cells = len(next(iter(weather.values())))
    attributes = inputs.apply_statics(statics, cells)
    series = stack_weather(trained.kind, inputs, weather, LATENT_HEAT, first)
    parts = []
    with torch.no_grad():
        for start in range(0, cells, CELLS_AT_ONCE):
            part = slice(start, start + CELLS_AT_ONCE)
            ours = torch.from_numpy(np.ascontiguousarray(series[:, part]))
            own = torch.from_numpy(np.ascontiguousarray(attributes[part]))
            members = [
                inputs.restore(network(ours, own)[first:].numpy())
                for network in trained.networks
            ]
            parts.append(np.mean([bound_and_round(each) for each in members], axis=0))
    return bound_and_round(np.concatenate(parts, axis=1))
