"""Train one network on random stretches of cells' records, resumably.

What an update draws depends on the seed and its number alone, so that a training that
was killed ends with the weights that it would have had. On a processor everything runs
on one thread; there the same seed gives the same weights on any number of cores.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from somobench.catalog.storage.atomic import replace_file
from somobench.neural.batches import (
    Batch,
    Sequences,
    draw_batch,
    find_train_days,
)
from somobench.neural.losses import (
    measure_group_losses,
    measure_loss,
    raise_group_shares,
)
from somobench.neural.settings import NeuralSettings
from somobench.progress import tell_step
from somobench.schemas.errors import IntegrityError, UsageError

LONGEST_GRADIENT = 1.0
CELLS_AT_ONCE = 64  # of a prediction; 20 years of hidden size 64 take 120 MB
State = dict[str, Tensor]


@dataclass
class Progress:
    """Where a training is at; all of it is kept in a checkpoint."""

    update: int = 0
    best_update: int = 0
    best_error: float = math.inf
    best: State = field(default_factory=dict)
    errors: list[float] = field(default_factory=list)
    shares: Tensor = field(default_factory=lambda: torch.ones(1))


def train_network(
    network: nn.Module,
    data: Sequences,
    settings: NeuralSettings,
    *,
    seed: int,
    checkpoint: Path | None = None,
    key: str = "",
) -> Progress:
    """Train a network, and load the weights with the least error on validation days.

    Without such days those of the last update count.

    Parameters
    ----------
    network : Module
        Of the seed's first weights, on the device of the data.
    data : Sequences
    settings : NeuralSettings
    seed : int
    checkpoint : Path, optional
        Written at each look at the validation days, and resumed from if it is there.
    key : str
        Of what is trained on what; a checkpoint of another key is passed over.

    Raises
    ------
    IntegrityError
        If the checkpoint is damaged.
    UsageError
        If there is no train day, or the training diverges.
    """
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    groups = int(data.group.max()) + 1
    progress = Progress(shares=torch.full((groups,), 1 / groups).to(data.group.device))
    if checkpoint is not None and checkpoint.is_file():
        progress = _resume(checkpoint, key, network, optimiser, progress)
    places = find_train_days(data)
    if not len(places):
        expected = "days of role train with a target"
        raise UsageError("training", found="no train day", expected=expected)
    every = max(1, settings.updates // settings.checks)
    with prepare_device(data.weather.device):
        while progress.update < settings.updates:
            rng = np.random.default_rng([seed, progress.update])
            torch.manual_seed(int(rng.integers(2**62)))
            batch = draw_batch(data, places, settings, rng)
            _update(network, optimiser, batch, settings, progress)
            if progress.update % every and progress.update < settings.updates:
                continue
            _check(network, data, progress)
            tell_step(f"seed {seed}, update {progress.update} of {settings.updates}")
            if checkpoint is not None:
                _save(checkpoint, key, network, optimiser, progress)
    if progress.errors and not math.isfinite(progress.best_error):
        raise UsageError(
            f"training with seed {seed}",
            found="no finite error on validation days: it diverged",
            expected="a smaller learning rate, or inputs without outliers",
        )
    network.load_state_dict(progress.best)
    return progress


@contextmanager
def prepare_device(device: torch.device) -> Iterator[None]:
    """Keep a processor on one thread and on operations of one result."""
    if device.type != "cpu":
        yield
        return
    threads = torch.get_num_threads()
    exact = torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(exact)


def _update(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    settings: NeuralSettings,
    progress: Progress,
) -> None:
    rate = shape_rate(progress.update, settings.updates)
    for part in optimiser.param_groups:
        part["lr"] = settings.learning_rate * rate
    network.train()
    device = batch.weather.device
    with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
        values = network(batch.weather, batch.statics)
    values = values[-len(batch.target) :].float()
    loss = _measure(values, batch, settings, progress)
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), LONGEST_GRADIENT)
    optimiser.step()
    progress.update += 1


def _measure(
    values: Tensor, batch: Batch, settings: NeuralSettings, progress: Progress
) -> Tensor:
    """Return the loss of a batch; with groups, give more say to those that lose."""
    if not settings.group_step:
        return measure_loss(values, batch.target, batch.weight)
    losses, met = measure_group_losses(
        values, batch.target, batch.weight, batch.group, len(progress.shares)
    )
    losses = torch.where(met, losses, 0.0)
    progress.shares = raise_group_shares(progress.shares, losses, settings.group_step)
    return (progress.shares * losses).sum()


def shape_rate(update: int, updates: int) -> float:
    """Return the share of the greatest learning rate: up for a tenth, then down."""
    rise = max(1, updates // 10)
    if update < rise:
        return (update + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (update - rise) / max(1, updates - rise)))


def _check(network: nn.Module, data: Sequences, progress: Progress) -> None:
    """Look at the error on validation days, and keep the best weights."""
    error = measure_validation(network, data)
    if error is not None:
        progress.errors.append(error)
    if error is None or error < progress.best_error or not progress.best:
        progress.best_error = math.inf if error is None else error
        progress.best_update = progress.update
        progress.best = {
            name: value.detach().clone() for name, value in network.state_dict().items()
        }


def measure_validation(network: nn.Module, data: Sequences) -> float | None:
    """Return the weighted error on validation days; None without any."""
    known = torch.isfinite(data.validation).any(dim=2)
    if not bool(known.any()):
        return None
    cells = torch.nonzero(known.any(dim=0))[:, 0]
    last = int(torch.nonzero(known.any(dim=1))[-1, 0]) + 1
    values = run_network(network, data, cells, last)
    weight = data.validation_weight[:last, cells]
    error = float(measure_loss(values, data.validation[:last, cells], weight))
    return error if math.isfinite(error) else math.inf


def run_network(
    network: nn.Module,
    data: Sequences,
    cells: Tensor | None = None,
    last: int | None = None,
) -> Tensor:
    """Run a network through whole records; (day, cell, layer), standardised."""
    length = data.train.shape[0]
    warm_up = data.weather.shape[0] - length
    chosen = torch.arange(data.weather.shape[1]) if cells is None else cells
    end = warm_up + (length if last is None else last)
    network.eval()
    parts = []
    with torch.no_grad(), prepare_device(data.weather.device):
        for block in chosen.split(CELLS_AT_ONCE):
            values = network(data.weather[:end, block], data.statics[block])
            parts.append(values[warm_up:])
    return torch.cat(parts, dim=1)


def hash_weights(state: State) -> str:
    """Return the sha256 of weights, over their names and bytes."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode() + b"\0")
        digest.update(state[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _save(
    path: Path,
    key: str,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    content = {
        "key": key,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "progress": vars(progress),
    }
    with replace_file(path) as partial:
        torch.save(content, partial)


def _resume(
    path: Path,
    key: str,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
) -> Progress:
    """Return where a checkpoint was at; the beginning where it is of something else.

    Raises
    ------
    IntegrityError
        If it can't be read.
    """
    device = progress.shares.device
    try:
        content = torch.load(path, map_location=device, weights_only=True)
        is_other = content["key"] != key
    except Exception as error:  # whatever a damaged file makes PyTorch raise
        raise IntegrityError(
            f"checkpoint {path}",
            found=str(error).partition("\n")[0][:200],
            expected="one that this version of PyTorch reads",
            hint="remove the file: its seed is then trained again",
        ) from error
    if is_other:
        return progress
    network.load_state_dict(content["network"])
    optimiser.load_state_dict(content["optimiser"])
    return Progress(**content["progress"])
