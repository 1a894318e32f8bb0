"""Scores of ensemble predictions: CRPS, spread and skill. Plain arrays.

A day counts if the target and every member are finite.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from somobench.metrics.moments import Additive, Floats, Scores


def average_member_difference(members: Floats) -> Floats:
    """Average |a - b| over all ordered pairs of members, a member with itself included.

    Parameters
    ----------
    members : (..., member)

    Returns
    -------
    (...)
        NaN where a member is missing.
    """
    size = members.shape[-1]
    weights = 2.0 * np.arange(size) - size + 1.0
    ordered = np.sort(members, axis=-1)
    return np.asarray(2.0 * (ordered * weights).sum(axis=-1) / size**2)


def crps(members: Floats, target: Floats, *, fair: bool = False) -> Floats:
    """Score each day by the continuous ranked probability score of the ensemble.

    Parameters
    ----------
    members : (..., member)
    target : (...)
        In the members' units.
    fair : bool
        Correct for the number of members, so that ensembles of different size compare
        (Ferro 2014, doi:10.1002/qj.2270); needs two members. Otherwise the score of
        the empirical distribution.

    Returns
    -------
    (...)
        NaN where the target or a member is missing.
    """
    size, errors = members.shape[-1], members - target[..., None]
    error = np.abs(errors).mean(axis=-1)
    spread = average_member_difference(errors) / 2.0
    if not fair:
        return np.asarray(error - spread)
    return (
        np.asarray(error - spread * size / (size - 1)) if size > 1 else error * np.nan
    )


def ensemble_family(members: Floats, target: Floats) -> Additive:
    """Describe an ensemble (row, time, member) and its target (row, time).

    Notes
    -----
    Spread is the root of the mean ensemble variance (n - 1 denominator), skill the RMSE
    of the ensemble mean; their ratio carries the factor sqrt((m + 1) / m) under which a
    reliable ensemble of m members has 1 (Fortin et al. 2014,
    doi:10.1175/JHM-D-14-0008.1).
    """
    size, errors = members.shape[-1], members - target[..., None]
    valid = np.isfinite(target) & np.isfinite(members).all(axis=-1)
    error = errors.mean(axis=-1)
    variance = errors.var(axis=-1, ddof=1) if size > 1 else np.full_like(error, np.nan)
    parts = (
        crps(members, target),
        crps(members, target, fair=True),
        variance,
        error**2,
    )
    daily = (np.ones_like(target), *parts)

    def finish(sums: Sequence[Floats]) -> Scores:
        days, *totals = sums
        with np.errstate(invalid="ignore", divide="ignore"):
            plain, fair, spread, skill = (total / days for total in totals)
            ratio = np.sqrt((size + 1) / size * spread / skill)
        return {
            "crps": plain,
            "crps_fair": fair,
            "ensemble_spread": np.sqrt(spread),
            "ensemble_rmse": np.sqrt(skill),
            "spread_skill_ratio": np.where(np.isfinite(ratio), ratio, np.nan),
        }

    return Additive.of((np.where(valid, part, 0.0) for part in daily), finish)
