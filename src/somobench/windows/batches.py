"""A batch of samples, and PyTorch's view of many: a dataset whose items are batches."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from somobench.windows.draws import Draws


class Batch(NamedTuple):
    """Samples as a network reads them, normalised; arrays are the batch's own.

    Attributes
    ----------
    inputs : array, (sample, length, input), float32
    statics : array, (sample, static), float32
    target : array, (sample,), float32
    weight : array, (sample,), float32
        Of the sample in the loss; 1 on average over all samples.
    cell, day : array, (sample,), intp
        Places in the cells and days of the series.
    is_present : array, (sample, length), bool
        Days on which every input is known.
    """

    inputs: Any
    statics: Any
    target: Any
    weight: Any
    cell: Any
    day: Any
    is_present: Any


class BatchOptions(TypedDict, total=False):
    """Options of `WindowSet.batches`, which says what they mean."""

    sampler: str
    weights: str
    seed: int
    start: int
    epochs: int


class Batches:
    """Batches by number, each drawn when it is asked for.

    A batch depends on the seed and on its number alone.

    Parameters
    ----------
    take : function from rows to a Batch of arrays
    draws : Draws
    start : int
        Number of the batch that is item 0.
    epochs : int
    """

    def __init__(
        self,
        take: Callable[[NDArray[np.intp]], Batch],
        draws: Draws,
        *,
        start: int = 0,
        epochs: int = 1,
    ) -> None:
        self._take, self._draws, self._start = take, draws, start
        self._count = max(0, epochs * draws.per_epoch - start)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Batch:
        place = operator.index(number)
        if not 0 <= place < self._count:
            raise IndexError(number)
        return self._take(self._draws.draw(self._start + place))

    def __iter__(self) -> Iterator[Batch]:
        return map(self.__getitem__, range(self._count))


class BatchDataset:
    """Batches of tensors by number, for a `DataLoader` with `batch_size=None`.

    With any number of workers, forked or spawned, a loader gives the same ones in the
    same order. Leave `shuffle` alone; the order is already drawn. Needs the extra
    `neural`.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: int) -> Batch:
        return as_tensors(self._batches[number])


def as_tensors(batch: Batch) -> Batch:
    """Return a batch as tensors that share its memory."""
    import torch

    return Batch(*(torch.from_numpy(part) for part in batch))
