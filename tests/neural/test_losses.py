"""Losses by hand: what counts, what doesn't, and whom group-DRO listens to."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from somobench.neural.losses import (  # noqa: E402 - it needs torch
    measure_group_losses,
    measure_loss,
    raise_group_shares,
)

NAN = float("nan")


def test_loss_counts_departures_from_a_series_mean_error_and_a_tenth_of_that() -> None:
    values = torch.tensor([[[1.0]], [[2.0]], [[5.0]]])
    target = torch.tensor([[[0.0]], [[4.0]], [[NAN]]])
    weight = torch.tensor([[[1.0]], [[3.0]], [[7.0]]])
    # Errors 1 and -2 with weights 1 and 3: mean -1.25, departures 2.25 and -0.75.
    departures, level = 2.25**2 + 3 * 0.75**2, 0.1 * 4 * 1.25**2
    expected = (departures + level) / 4
    assert measure_loss(values, target, weight).item() == pytest.approx(expected)


def test_loss_of_a_series_is_its_own_whatever_the_others_levels() -> None:
    target = torch.zeros(2, 2, 1)
    values = torch.tensor([[[1.0], [10.0]], [[-1.0], [10.0]]])
    # Departures 1 and -1 in the first cell, a level of 10 in the second.
    found = measure_loss(values, target, torch.ones(2, 2, 1)).item()
    assert found == pytest.approx((1 + 1 + 2 * 0.1 * 100) / 4)


def test_loss_without_any_target_is_nothing() -> None:
    nothing = torch.full((2, 1, 1), NAN)
    one = torch.ones(2, 1, 1)
    assert measure_loss(one, nothing, one).item() == 0


def test_group_losses_are_those_of_their_cells() -> None:
    values = torch.tensor([[[1.0], [2.0], [9.0], [0.0]]])
    target = torch.tensor([[[0.0], [0.0], [6.0], [NAN]]])
    weight = torch.ones(1, 4, 1)
    group = torch.tensor([0, 0, 1, 2])
    losses, met = measure_group_losses(values, target, weight, group, 3)
    # Of one day there is nothing but its level: a tenth of 1 and 4, of 9, no target.
    assert losses.tolist() == pytest.approx([0.25, 0.9, 0.0])
    assert met.tolist() == [True, True, False]


def test_shares_rise_with_a_group_s_loss() -> None:
    even = torch.tensor([0.5, 0.5])
    raised = raise_group_shares(even, torch.tensor([0.0, 1.0]), step=2.0)
    # As 1 to e squared.
    assert raised.tolist() == pytest.approx([0.119203, 0.880797], abs=1e-6)
    alike = raise_group_shares(even, torch.tensor([3.0, 3.0]), 2.0)
    assert alike.tolist() == [0.5, 0.5]
