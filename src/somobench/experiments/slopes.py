"""How what series lose grows with a distance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from somobench.experiments.compare import ALL
from somobench.metrics.moments import Floats
from somobench.schemas.scores import ALL_LAYERS
from somobench.uncertainty.bootstrap import BootstrappedScores
from somobench.uncertainty.cells import draw_groups
from somobench.uncertainty.intervals import Resampled, make_pooled_interval
from somobench.uncertainty.pooling import LEVEL


def fit_slopes(
    lost: BootstrappedScores, distance: Floats, **names: str
) -> pd.DataFrame:
    """Return how the loss of series grows with a distance, all layers together.

    Parameters
    ----------
    lost : BootstrappedScores, dim series with coordinate cluster
    distance : (series,)

    Returns
    -------
    DataFrame
        Least-squares slope of the loss, metric `<metric>_by_distance`, with its
        interval over days and cells.
    """
    template = lost.scores["pair_count"]
    clusters = template["cluster"].to_numpy().astype(str)
    rows = []
    for metric in lost.metrics:
        values = lost.scores[metric.name].to_numpy().astype(np.float64)
        known = np.isfinite(values) & np.isfinite(distance)
        (group,) = draw_groups(
            {ALL: np.where(known, ALL, "").tolist()},
            draws=lost.days.draws,
            seed=lost.days.seed,
            clusters=clusters.tolist(),
        )
        x, own = distance[group.rows], values[group.rows]
        drawn = lost.replicates[metric.name][:, group.rows].astype(np.float64)
        still = np.broadcast_to(own, drawn.shape)
        once = np.ones_like(drawn)
        weights = group.count_uses(len(drawn))
        slopes = Resampled(
            *(
                _slope(x, series, weight)[None]
                for series, weight in (
                    (drawn, weights),
                    (drawn, once),
                    (still, weights),
                )
            )
        )
        value = _slope(x, own[None], np.ones((1, own.size)))
        low, high = make_pooled_interval(
            value,
            slopes,
            blocks=lost.days.blocks,
            cells=np.array([group.count_units(values)]),
            level=LEVEL,
        )
        rows.append(
            {
                "metric": f"{metric.name}_by_distance",
                "layer": ALL_LAYERS,
                "tested": ALL,
                "value": float(value[0]),
                "low": float(low[0]) if lost.days.enough else np.nan,
                "high": float(high[0]) if lost.days.enough else np.nan,
                "cell_count": int(own.size),
                "day_count": int(template.to_numpy()[group.rows].sum()),
            }
        )
    return pd.DataFrame(rows).assign(**names)


def _slope(x: Floats, values: Floats, weights: Floats) -> Floats:
    """Return weighted least-squares slopes of rows (draw, series) on x (series,)."""
    weights = np.where(np.isfinite(values), weights, 0.0)
    filled = np.where(np.isfinite(values), values, 0.0)
    total = np.maximum(weights.sum(axis=1), 1e-12)
    mean = (weights * x).sum(axis=1) / total
    centred = x - mean[:, None]
    spread = (weights * centred**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope: Floats = (weights * centred * filled).sum(axis=1) / spread
    return np.where(spread > 0, slope, np.nan)
