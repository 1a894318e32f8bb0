from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from factories.windows import make_series, make_windows
from somobench.windows import WindowSet


def read_days(windows: WindowSet, workers: int, context: str | None = None) -> list:
    dataset = windows.torch_dataset(3, sampler="region", seed=5, epochs=2)
    loader = DataLoader(
        dataset, batch_size=None, num_workers=workers, multiprocessing_context=context
    )
    return [batch.day.tolist() for batch in loader]


def test_items_are_batches_of_tensors() -> None:
    windows = make_windows()
    batch = windows.torch_dataset(4, sampler="sequential")[1]
    assert isinstance(batch.inputs, torch.Tensor)
    assert batch.inputs.dtype == torch.float32
    expected = windows.take(range(4, 8))
    for own, other in zip(batch, expected, strict=True):
        np.testing.assert_array_equal(own.numpy(), other)


def test_a_dataset_ends_and_starts_where_it_is_told() -> None:
    windows = make_windows()
    dataset = windows.torch_dataset(3, seed=1, start=2, epochs=2)
    # Two epochs of three batches of eight samples, less two batches.
    assert len(dataset) == 4
    whole = windows.torch_dataset(3, seed=1, epochs=2)
    assert dataset[0].day.tolist() == whole[2].day.tolist()
    with pytest.raises(IndexError):
        dataset[4]


def test_workers_give_the_same_batches_in_the_same_order() -> None:
    windows = make_windows()
    alone = read_days(windows, 0)
    assert read_days(windows, 2, "fork") == alone


def test_a_mapped_set_reaches_another_process_by_its_path(tmp_path: Path) -> None:
    series = make_series(memory_limit=100, scratch=tmp_path)
    windows = WindowSet(series, role="train", length=3)
    assert read_days(windows, 1, "fork") == read_days(windows, 0)
    assert list(tmp_path.iterdir())  # a worker that ends removes nothing
    other = pickle.loads(pickle.dumps(windows))
    assert other.series().padded.is_mapped
    np.testing.assert_array_equal(other.take([5]).inputs, windows.take([5]).inputs)


@pytest.mark.slow
def test_spawned_workers_give_the_same_batches(tmp_path: Path) -> None:
    series = make_series(memory_limit=100, scratch=tmp_path)
    windows = WindowSet(series, role="train", length=3)
    assert read_days(windows, 2, "spawn") == read_days(windows, 0)
