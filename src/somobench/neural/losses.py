"""What a network's error on a batch counts: weighted, and by group."""

from __future__ import annotations

import torch
from torch import Tensor

LEVEL_SHARE = 0.1  # of the square of a series' mean error in a stretch of days


def measure_squares(values: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted squared error of every day, (day, cell, layer).

    Of what a series errs by on average over these days a tenth counts: the level of a
    cell without targets can't be learned from a few others, and the scores that lead
    don't look at it.

    Parameters
    ----------
    values, target, weight : (day, cell, layer)
        The target is NaN where nothing counts.
    """
    known = torch.isfinite(target)
    error = torch.where(known, values - target, 0.0)
    counted = torch.where(known, weight, 0.0)
    mean = (counted * error).sum(dim=0) / counted.sum(dim=0).clamp(min=1e-12)
    return counted * ((error - mean) ** 2 + LEVEL_SHARE * mean**2)


def measure_loss(values: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted mean of `measure_squares` over days that have a target."""
    counted = torch.where(torch.isfinite(target), weight, 0.0)
    squares = measure_squares(values, target, weight)
    return squares.sum() / counted.sum().clamp(min=1e-12)


def measure_group_losses(
    values: Tensor, target: Tensor, weight: Tensor, group: Tensor, count: int
) -> tuple[Tensor, Tensor]:
    """Return the loss of each group, (group,), and which of them have a target.

    Parameters
    ----------
    group : (cell,), whole numbers below `count`
    """
    counted = torch.where(torch.isfinite(target), weight, 0.0)
    squares = measure_squares(values, target, weight)
    of_cells = torch.stack([part.sum(dim=(0, 2)) for part in (squares, counted)])
    sums = torch.zeros(2, count, device=values.device, dtype=of_cells.dtype)
    sums = sums.index_add(1, group, of_cells)
    return sums[0] / sums[1].clamp(min=1e-12), sums[1] > 0


def raise_group_shares(shares: Tensor, losses: Tensor, step: float) -> Tensor:
    """Return the say of each group after its losses: more for those that lose more.

    The exponentiated-gradient step of group-DRO, Sagawa et al. 2020
    (arXiv:1911.08731), algorithm 1; shares add up to 1.
    """
    raised = shares * torch.exp(step * losses.detach())
    return raised / raised.sum()
