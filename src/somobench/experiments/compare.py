"""Scores of arms and what arms lose against each other, with paired intervals.

All arms and models of an experiment share the draws of days, cells and repeats. Draws
of repeats, which are sets of training cells, are among what an interval holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.experiments.crossfit import MODEL_ARM, Crossfit
from somobench.experiments.world import REGIMES, World
from somobench.metrics.days import ResampledDays
from somobench.metrics.definition import Metric
from somobench.schemas.experiments import EXPERIMENT, EXPERIMENT_KEY
from somobench.schemas.scores import ALL_LAYERS
from somobench.scoring.shift_costs import measure_series_losses
from somobench.scoring.tables import finish_table, round_scores
from somobench.uncertainty.bootstrap import (
    BootstrappedScores,
    bootstrap_scores,
    draw_days,
)
from somobench.uncertainty.cells import draw_groups, pool_metric
from somobench.uncertainty.intervals import Resampled, make_pooled_interval
from somobench.uncertainty.pooling import LEVEL, pool_scores

METRICS = ("pearson_r", "anomaly_r")
"""Metrics that are the same for any level and spread of a series."""
ALL = "all"
CONTRAST = "energy- less water-limited"
"""Rows of what the medians of the two regimes differ by; above 0 energy has more."""
REPEAT_SEED = 17  # of draws of repeats, beside those of days and cells


class Comparison:
    """Scores of everything that was predicted in an experiment.

    Parameters
    ----------
    world : World
    found : Crossfit
    draws, seed : int
    """

    def __init__(self, world: World, found: Crossfit, draws: int, seed: int) -> None:
        self._world, self._found = world, found
        first: dict[str, str] = {}
        for name, arm in found.predictions:
            first.setdefault(name, arm)
        samples = [found.label(found.predictions[key][0]) for key in first.items()]
        self._days = draw_days(samples, found.target, draws=draws, seed=seed)
        self._scores = {
            key: self._score_repeats(repeats)
            for key, repeats in found.predictions.items()
        }

    @property
    def days(self) -> ResampledDays:
        """Draws of days that everything was scored on."""
        return self._days

    def scores(self, model: str, arm: str) -> BootstrappedScores | None:
        """Return the scores of a model in an arm, mean over repeats."""
        return self._scores.get((model, arm))

    def models(self) -> list[str]:
        """Return the models that have a score, in the order of their names' mention."""
        return list(dict.fromkeys(name for name, _ in self._scores))

    def arms(self, model: str) -> list[str]:
        """Return the arms of a model."""
        return [arm for name, arm in self._scores if name == model]

    def _score_repeats(
        self, repeats: Sequence[NDArray[np.float32]]
    ) -> BootstrappedScores:
        scored = [
            bootstrap_scores(
                self._found.label(values),
                self._found.target,
                days=self._days,
                metrics=METRICS,
            )
            for values in repeats
        ]
        return average_repeats(scored, self._days.seed)

    def tabulate(self, scored: BootstrappedScores, **names: str) -> pd.DataFrame:
        """Pool scores of series by regime and layer, as rows of EXPERIMENT."""
        return tabulate(scored, self._world.regimes[self._found.places], **names)

    def tabulate_scores(self) -> list[pd.DataFrame]:
        """Return the scores of every model and arm."""
        return [
            self.tabulate(scored, model=model, arm=arm, against="")
            for (model, arm), scored in self._scores.items()
        ]

    def lose(self, ours: MODEL_ARM, theirs: MODEL_ARM) -> BootstrappedScores | None:
        """Return what each series loses in one arm as compared with another."""
        pair = [self._scores.get(key) for key in (ours, theirs)]
        if pair[0] is None or pair[1] is None:
            return None
        return measure_series_losses(pair[0], pair[1])


def average_repeats(
    scored: Sequence[BootstrappedScores], seed: int
) -> BootstrappedScores:
    """Return the mean over repeats, whose replicates draw repeats as well.

    A replicate is the mean over as many repeats, drawn with replacement; its distance
    from the mean over all is stretched by the root of R / (R - 1), since R of them show
    that share of their variance.
    """
    if len(scored) == 1:
        return scored[0]
    names = [metric.name for metric in scored[0].metrics]
    count, draws = len(scored), scored[0].days.draws
    chosen = np.random.default_rng([seed, REPEAT_SEED]).multinomial(
        count, np.full(count, 1 / count), size=draws
    )
    weight = 1 + np.sqrt(count / (count - 1)) * (chosen - 1)
    values, replicates = {}, {}
    for name in names:
        stacked = np.stack([one.scores[name].to_numpy() for one in scored])
        values[name] = (scored[0].scores[name].dims, stacked.mean(axis=0))
        total = sum(
            one.replicates[name] * weight[:, [place]]
            for place, one in enumerate(scored)
        )
        replicates[name] = np.asarray(total / count, dtype=np.float32)
    scores = scored[0].scores.assign(values)
    return replace(scored[0], scores=scores, replicates=replicates)


def tabulate(
    scored: BootstrappedScores, regimes: NDArray[np.object_], **names: str
) -> pd.DataFrame:
    """Pool scores of series over regimes and layers.

    Parameters
    ----------
    scored : BootstrappedScores, dim series with coordinates layer and cluster
        Series of one cluster are drawn together.
    regimes : (series,)
    names : values of the columns model, arm and against
    """
    template = scored.scores["pair_count"]
    layers = template["layer"].to_numpy()
    pools, keys = {}, {}
    for layer in (ALL_LAYERS, *sorted(set(layers.tolist()))):
        inside = (layers == layer) | (layer == ALL_LAYERS)
        for tested in (ALL, *sorted(set(regimes.tolist()) - {""})):
            labels = np.where(
                inside & ((regimes == tested) | (tested == ALL)), tested, ""
            ).astype(object)
            name = f"{tested}@{layer}"
            pools[name] = template.copy(data=labels)
            keys[name] = (layer, tested)
    clusters = template.copy(data=template["cluster"].to_numpy().astype(str))
    pooled = pool_scores(_free_of_ranges(scored), pools, balanced=(), clusters=clusters)
    pairs = template.to_numpy().astype(np.int64)
    rows = []
    for place, group in enumerate(pooled["pool"].to_numpy().tolist()):
        layer, tested = keys[group]
        inside = pools[group].to_numpy() != ""
        for number, metric in enumerate(scored.metrics):
            known = np.isfinite(scored.scores[metric.name].to_numpy()) & inside
            rows.append(
                {
                    "metric": metric.name,
                    "layer": layer,
                    "tested": tested,
                    "value": float(pooled["score"].values[number, place]),
                    "low": float(pooled["lower"].values[number, place]),
                    "high": float(pooled["upper"].values[number, place]),
                    "cell_count": int(known.sum()),
                    "day_count": int(pairs[known].sum()),
                }
            )
    rows += _contrast_regimes(scored, regimes, clusters.to_numpy().tolist())
    return pd.DataFrame(rows).assign(**names)


def _contrast_regimes(
    scored: BootstrappedScores, regimes: NDArray[np.object_], clusters: list[str]
) -> list[dict[str, object]]:
    """Return what energy-limited series have more than water-limited ones."""
    if not set(REGIMES) <= set(regimes.tolist()):
        return []
    rows = []
    labels = np.where(np.isin(regimes, REGIMES), regimes, "").tolist()
    groups = list(
        draw_groups(
            {"regime": labels},
            draws=scored.days.draws,
            seed=scored.days.seed,
            clusters=clusters,
        )
    )
    pairs = scored.scores["pair_count"].to_numpy()
    for metric in scored.metrics:
        values = scored.scores[metric.name].to_numpy().astype(np.float64)
        pooled = pool_metric(values, scored.replicates[metric.name], groups)
        drawn = Resampled(*(part[[0]] - part[[1]] for part in pooled.drawn))
        value = pooled.values[[0]] - pooled.values[[1]]
        fewest = np.array([pooled.units[:2].min()])
        low, high = make_pooled_interval(
            value, drawn, blocks=scored.days.blocks, cells=fewest, level=LEVEL
        )
        known = np.isfinite(values) & (np.array(labels) != "")
        rows.append(
            {
                "metric": metric.name,
                "layer": ALL_LAYERS,
                "tested": CONTRAST,
                "value": float(value[0]),
                "low": float(low[0]) if scored.days.enough else np.nan,
                "high": float(high[0]) if scored.days.enough else np.nan,
                "cell_count": int(known.sum()),
                "day_count": int(pairs[known].sum()),
            }
        )
    return rows


def _free_of_ranges(scored: BootstrappedScores) -> BootstrappedScores:
    """Return scores of which `pool_scores` doesn't shorten intervals."""
    free: tuple[Metric, ...] = tuple(
        replace(metric, minimum=-np.inf, maximum=np.inf) for metric in scored.metrics
    )
    return replace(scored, metrics=free)


def finish_rows(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return rows as a table of schema EXPERIMENT, rounded as scores are."""
    joined = pd.concat(list(parts), ignore_index=True)
    for name in ("value", "low", "high"):
        joined[name] = round_scores(joined[name].to_numpy("float64"))
    return finish_table([joined], EXPERIMENT, EXPERIMENT_KEY)
