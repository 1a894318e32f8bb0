"""Stretches of cells' records, drawn at random around train days."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from somobench.neural.settings import NeuralSettings


class Sequences(NamedTuple):
    """What a network is trained on; days of weather begin `warm_up` days earlier.

    Attributes
    ----------
    weather : (warm_up + day, cell, input)
    statics : (cell, static)
    train, validation : (day, cell, layer), standardised, NaN where nothing counts
    weight, validation_weight : (day, cell, layer)
    group : (cell,), whole numbers from 0
    """

    weather: Tensor
    statics: Tensor
    train: Tensor
    validation: Tensor
    weight: Tensor
    validation_weight: Tensor
    group: Tensor


class Batch(NamedTuple):
    """Sequences of an update; the target's days are the last ones of the weather's."""

    weather: Tensor
    statics: Tensor
    target: Tensor
    weight: Tensor
    group: Tensor


def find_train_days(data: Sequences) -> NDArray[np.intp]:
    """Return (day, cell) of every day on which some layer has a train target."""
    known = torch.isfinite(data.train).any(dim=2).cpu().numpy()
    return np.argwhere(known)


def draw_stretches(
    places: NDArray[np.intp], settings: NeuralSettings, length: int, rng: Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Draw cells and first days of sequences, each around a train day drawn evenly.

    Parameters
    ----------
    places : (row, 2), days and cells
    settings : NeuralSettings
    length : int
        Days of the record.
    rng : Generator
    """
    chosen = places[rng.integers(len(places), size=settings.batch)]
    days = min(settings.days, length)
    first = chosen[:, 0] - rng.integers(days, size=settings.batch)
    return chosen[:, 1], np.clip(first, 0, length - days)


def draw_batch(
    data: Sequences,
    places: NDArray[np.intp],
    settings: NeuralSettings,
    rng: Generator,
) -> Batch:
    """Draw the sequences of an update, as `draw_stretches` of the train days."""
    length, device = data.train.shape[0], data.weather.device
    drawn, first = draw_stretches(places, settings, length, rng)
    days = first + np.arange(min(settings.days, length))[:, None]
    run = first + np.arange(len(data.weather) - length + len(days))[:, None]
    cells, days, run = (torch.from_numpy(x).to(device) for x in (drawn, days, run))
    return Batch(
        data.weather[run, cells],
        data.statics[cells],
        data.train[days, cells],
        data.weight[days, cells],
        data.group[cells],
    )
