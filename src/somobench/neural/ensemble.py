"""Train a neural rung with several seeds on a problem, and predict its test days."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from somobench.ladder.problem import Problem
from somobench.ladder.rungs import bound_and_round
from somobench.neural.batches import Sequences
from somobench.neural.fit import (
    Progress,
    hash_weights,
    run_network,
    train_network,
)
from somobench.neural.hybrid import RADIATION, HybridWaterBalance, gather_forcing
from somobench.neural.networks import EntityAwareLstm, RegionalLstm
from somobench.neural.rungs import EA_LSTM, HYBRID, LSTM, NeuralRung
from somobench.neural.sequences import Inputs, measure_inputs, standardise_target
from somobench.neural.settings import NeuralSettings
from somobench.neural.weights import weigh_problem
from somobench.schemas.baseline_params import WaterBalanceParams

NETWORKS: Mapping[str, type[RegionalLstm] | type[EntityAwareLstm]] = MappingProxyType(
    {LSTM: RegionalLstm, EA_LSTM: EntityAwareLstm}
)


class Ensemble(NamedTuple):
    """What the seeds of a rung predict, and how each was trained.

    `values` is (member, layer, cell, day), m3 m-3, bounded and rounded as those of
    other rungs, on all days.
    """

    values: NDArray[np.float32]
    record: dict[str, Any]


def train_ensemble(
    rung: NeuralRung,
    problem: Problem,
    settings: NeuralSettings,
    *,
    seeds: Sequence[int],
    groups: Sequence[str],
    folder: Path | None = None,
    key: str = "",
) -> Ensemble:
    """Train a rung once a seed, on train days; test days are never seen.

    A layer without any train target has no prediction.

    Parameters
    ----------
    rung : NeuralRung
    problem : Problem
    settings : NeuralSettings
    seeds : sequence of int
    groups : sequence of str, (cell,)
        Of which group-DRO looks at the worst.
    folder : Path, optional
        Where each seed keeps a checkpoint.
    key : str
        What the problem was read from.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    problem = weigh_problem(problem, settings.weighting)
    inputs = measure_inputs(problem)
    data = gather_sequences(rung, problem, inputs, settings, groups)
    data = Sequences(*(part.to(device) for part in data))
    facts = [key, rung.name, settings.model_dump(mode="json"), device.type]
    members, trained = [], []
    for seed in seeds:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = build_network(
                rung.network,
                inputs,
                settings,
                has_radiation=RADIATION in problem.forcing,
                bounds=problem.params.water_balance,
            ).to(device)
            progress = train_network(
                network,
                data,
                settings,
                seed=seed,
                checkpoint=folder / name_checkpoint(seed) if folder else None,
                key=hashlib.sha256(json.dumps([*facts, seed]).encode()).hexdigest(),
            )
        values = run_network(network, data).float().cpu().numpy()
        values[..., ~np.isfinite(problem.train_target).any(axis=(1, 2))] = np.nan
        members.append(bound_and_round(inputs.restore(values)))
        trained.append(describe_training(seed, progress, sorted(set(groups))))
    record = {
        "inputs": json.loads(json.dumps(inputs, default=list)),
        "device": device.type,
        "torch": torch.__version__,
        "seeds": trained,
    }
    return Ensemble(np.stack(members), record)


def name_checkpoint(seed: int) -> str:
    """Return the name of a seed's checkpoint."""
    return f"seed_{seed}.pt"


def gather_sequences(
    rung: NeuralRung,
    problem: Problem,
    inputs: Inputs,
    settings: NeuralSettings,
    groups: Sequence[str],
) -> Sequences:
    """Return what a network is trained on."""
    even = np.ones_like(problem.train_target)
    weights = (
        even if weight is None else weight
        for weight in (problem.train_weight, problem.validation_weight)
    )
    numbers = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    arrays = (
        stack_weather(
            rung.network, inputs, problem.forcing, problem.latent_heat, settings.warm_up
        ),
        inputs.apply_statics(problem.statics, len(problem.role)),
        standardise_target(inputs, problem.train_target),
        standardise_target(inputs, problem.validation_target),
        *(weight.transpose(2, 1, 0).astype(np.float32) for weight in weights),
        numbers,
    )
    return Sequences(
        *(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays)
    )


def stack_weather(
    kind: str,
    inputs: Inputs,
    forcing: Mapping[str, NDArray[np.float32]],
    latent_heat: float,
    warm_up: int,
) -> NDArray[np.float32]:
    """Return the weather that a network reads, (warm_up + day, cell, input).

    Days before the first count as average; stores of water spin up on the first ones.

    Parameters
    ----------
    kind : str
        Architecture.
    inputs : Inputs
    forcing : by variable, (cell, day)
    latent_heat : MJ kg-1
    warm_up : days
    """
    weather = inputs.weather.apply(forcing).transpose(1, 0, 2)
    weather = np.pad(weather, ((warm_up, 0), (0, 0), (0, 0)))
    if kind != HYBRID:
        return weather
    driving = gather_forcing(forcing, latent_heat, warm_up)
    return np.concatenate([driving, weather], axis=2)


def build_network(
    kind: str,
    inputs: Inputs,
    settings: NeuralSettings,
    *,
    has_radiation: bool,
    bounds: WaterBalanceParams,
) -> nn.Module:
    """Return a network with weights as PyTorch's generator draws them.

    Parameters
    ----------
    kind : str
        Architecture.
    inputs : Inputs
    settings : NeuralSettings
    has_radiation : bool
        Whether a hybrid reads net radiation.
    bounds : WaterBalanceParams
        Of a hybrid's parameters.
    """
    sizes = (
        len(inputs.weather.names),
        max(1, len(inputs.statics.names)),
        len(inputs.target_mean),
    )
    if kind == HYBRID:
        return HybridWaterBalance(
            *sizes,
            spin_up=settings.warm_up,
            has_radiation=has_radiation,
            bounds=bounds,
        )
    network = NETWORKS[kind](*sizes, settings.hidden, settings.dropout)
    network.set_forget_bias(settings.forget_bias)
    return network


def describe_training(
    seed: int, progress: Progress, groups: Sequence[str]
) -> dict[str, Any]:
    """Return facts of one seed's training, ready for JSON; no infinite error is."""
    shares = progress.shares.tolist()
    return {
        "seed": seed,
        "weights_sha256": hash_weights(progress.best),
        "updates_kept": progress.best_update,
        "validation_errors": [
            round(error, 5) if math.isfinite(error) else None
            for error in progress.errors
        ],
        "group_shares": dict(zip(groups, (round(x, 4) for x in shares), strict=True)),
    }
