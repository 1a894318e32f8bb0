"""Scores of one split as rows of the published tables: pooled, by series, counted.

Numbers are rounded before they are stored, so that another machine finds the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from pandera.pandas import DataFrameSchema

from somobench.metrics.registry import METRICS
from somobench.schemas.scores import (
    ALL_LAYERS,
    CELL_KEY,
    CELL_SCORES,
    MOMENTS_NOTE,
    SCORE_KEY,
    SCORES,
)
from somobench.scoring.case import Pools, ScoringCase
from somobench.scoring.models import LEADING, select_metrics
from somobench.uncertainty.bootstrap import BootstrappedScores
from somobench.uncertainty.cells import MINIMUM_CELLS
from somobench.uncertainty.pooling import pool_differences, pool_scores

DECIMALS = 4  # of stored scores below 10; larger ones keep 5 digits
CORE = (
    *LEADING,
    "rmse",
    "ubrmse",
    "bias",
    "nse",
    "kge_2009",
    "kge_2012",
    "sedi_dry",
    "hit_rate_dry",
    "false_alarm_rate_dry",
    "frequency_bias_dry",
)
COARSE = ("plain", "region", "regime")
FINE = ("dryness", "network", "record_length", "station_count", "fold")
"""Pools in which the metrics of `CORE` are given, and not the others."""
BALANCED = "region"

Counts = NDArray[np.int64]


def round_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to 4 decimals, and numbers of 10 and more to 5 digits.

    Examples
    --------
    >>> round_scores(np.array([0.12345649, -0.0, 123456.789, np.nan])).tolist()
    [0.1235, 0.0, 123460.0, nan]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = np.floor(np.log10(np.abs(values)))
    digits = np.where(np.isfinite(digits), np.clip(digits, 0, 300), 0)
    unit = 10.0 ** (DECIMALS - digits)
    large = digits > 0
    rounded = np.where(
        large, np.round(values * unit) / unit, np.round(values, DECIMALS)
    )
    return np.asarray(rounded + 0.0)


def score_table(
    case: ScoringCase,
    scored: BootstrappedScores,
    model: str,
    kinds: tuple[str, ...] = (*COARSE, *FINE),
) -> pd.DataFrame:
    """Pool a model's scores: every metric by region and regime, some in all pools.

    Returns
    -------
    DataFrame
        Columns of schema SCORES, `against` empty; not yet sorted.
    """
    columns = {"value": "score", "low": "lower", "high": "upper"}
    parts = []
    for chosen, kept in ((COARSE, scored), (FINE, select_metrics(scored, CORE))):
        finite = {m.name: _mark_finite(kept, m.name) for m in kept.metrics}
        wanted = tuple(kind for kind in chosen if kind in kinds)
        for pools, clusters in _separate_pools(case, wanted):
            named = _name_pools(pools)
            over = _list_balanced(pools)
            pooled = pool_scores(kept, named, balanced=over, clusters=clusters)
            counted = _Counted(case, pools, kept, finite)
            parts.append(_list_rows(pooled, columns, (model, ""), counted))
    return _repeat_only_layer(case, pd.concat(parts, ignore_index=True))


def tabulate_differences_of_models(
    case: ScoringCase,
    ours: BootstrappedScores,
    theirs: BootstrappedScores,
    names: tuple[str, str],
    kinds: tuple[str, ...] = (*COARSE, *FINE),
) -> pd.DataFrame:
    """Pool the differences of two models' scores on the same draws.

    Parameters
    ----------
    case : ScoringCase
    ours, theirs : BootstrappedScores
        Of the same pairs, for the same metrics.
    names : our model and theirs
    kinds : pools wanted

    Returns
    -------
    DataFrame
        Columns of schema SCORES: our pooled score minus theirs.
    """
    finite = {
        m.name: _mark_finite(ours, m.name) & _mark_finite(theirs, m.name)
        for m in ours.metrics
    }
    what = "difference"
    columns = {"value": what, "low": f"{what}_lower", "high": f"{what}_upper"}
    parts = []
    for pools, clusters in _separate_pools(case, kinds):
        named, over = _name_pools(pools), _list_balanced(pools)
        pooled = pool_differences(ours, theirs, named, balanced=over, clusters=clusters)
        counted = _Counted(case, pools, ours, finite)
        parts.append(_list_rows(pooled, columns, names, counted))
    return _repeat_only_layer(case, pd.concat(parts, ignore_index=True))


def _separate_pools(
    case: ScoringCase, kinds: tuple[str, ...]
) -> list[tuple[Pools, xr.DataArray | None]]:
    """Return pools over all layers, and pools by layer where there are several.

    The layers of a cell are drawn together: their skill is alike.
    """
    pools = case.pools(kinds)
    whole = {key: labels for key, labels in pools.items() if key[1] == ALL_LAYERS}
    if len(case.own_layers) == 1 or not pools:
        return [(whole, None)] if pools else []
    cells = case.target["cell"].drop_vars(["cell", "layer"])
    return [(whole, cells), ({k: v for k, v in pools.items() if k not in whole}, None)]


def _repeat_only_layer(case: ScoringCase, rows: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of all layers to the layer too, where there is only one."""
    if len(case.own_layers) > 1:
        return rows
    layer = np.int8(case.own_layers[0])
    return pd.concat([rows, rows.assign(layer=layer)], ignore_index=True)


def cell_table(
    case: ScoringCase, scored: BootstrappedScores, model: str
) -> pd.DataFrame:
    """Return the scores of every series, in columns of schema CELL_SCORES."""
    parts = [
        pd.DataFrame(
            {
                "split": case.split,
                "model": model,
                "layer": case.series_layers,
                "cell_id": case.series_cells,
                "metric": metric.name,
                "value": round_scores(scored.scores[metric.name].to_numpy()),
                "pair_count": scored.scores["pair_count"].to_numpy().astype("int32"),
            }
        )
        for metric in scored.metrics
    ]
    return pd.concat(parts, ignore_index=True)


def finish_table(
    parts: Iterable[pd.DataFrame], schema: DataFrameSchema, key: tuple[str, ...]
) -> pd.DataFrame:
    """Join rows, in the columns, types and order of a table of scores."""
    names = list(schema.columns)
    empty = pd.DataFrame({name: [] for name in names})
    joined = pd.concat([part for part in parts if len(part)] or [empty])[names]
    types = {name: str(column.dtype) for name, column in schema.columns.items()}
    return joined.astype(types).sort_values(list(key), ignore_index=True)


def finish_scores(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return pooled scores as a table of schema SCORES."""
    return finish_table(parts, SCORES, SCORE_KEY)


def finish_cell_scores(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return scores of series as a table of schema CELL_SCORES."""
    return finish_table(parts, CELL_SCORES, CELL_KEY)


@dataclass(frozen=True, eq=False)
class _Counted:
    """Pools, number of pairs, and which series have a value in each metric."""

    case: ScoringCase
    pools: Pools
    scored: BootstrappedScores
    finite: Mapping[str, NDArray[np.bool_]]

    def count_days(self, pooled: xr.Dataset, groups: pd.DataFrame) -> Counts:
        """Count the pairs behind every value, (metric, group)."""
        pairs = self.scored.scores["pair_count"].to_numpy().astype(np.int64)
        valued = [self.finite[str(m)] * pairs for m in pooled["metric"].values]
        inside = [
            self.pools[kind, layer].to_numpy() == label
            for kind, layer, label in zip(
                groups["kind"], groups["layer"], groups["label"], strict=True
            )
        ]
        counts = np.array(valued) @ np.array(inside).T.astype(np.int64)
        enough = pooled["cell_count"].to_numpy() >= MINIMUM_CELLS
        pool, balanced = groups[["kind", "layer"]], groups["balanced"].to_numpy()
        for place in np.flatnonzero(balanced):
            own = (pool == pool.iloc[place]).all(axis=1).to_numpy() & ~balanced
            counts[:, place] = (counts * enough)[:, own].sum(axis=1)
        return counts


def _list_rows(
    pooled: xr.Dataset,
    columns: Mapping[str, str],
    names: tuple[str, str],
    counted: _Counted,
) -> pd.DataFrame:
    metrics = pooled["metric"].to_numpy().astype(str)
    groups = _list_groups(pooled, counted.pools)
    kinds = groups["kind"] + groups["balanced"].map({True: "_balanced", False: ""})
    labels = groups["label"].where(groups["kind"] != "plain", "")
    noted = np.array([METRICS[name].scores_moments for name in metrics])
    scaled = (
        groups["layer"].map(counted.case.is_scaled_to_reference).to_numpy(dtype=bool)
    )
    table = {
        "split": counted.case.split,
        "model": names[0],
        "layer": np.tile(groups["layer"].to_numpy(dtype=np.int8), len(metrics)),
        "metric": np.repeat(metrics, len(groups)),
        "pool_kind": np.tile(kinds.to_numpy(), len(metrics)),
        "pool": np.tile(labels.to_numpy(), len(metrics)),
        "against": names[1],
        "cell_count": pooled["cell_count"].to_numpy().ravel(),
        "day_count": counted.count_days(pooled, groups).ravel(),
        "note": np.where(noted[:, None] & scaled, MOMENTS_NOTE, "").ravel(),
    }
    numbers = {name: round_scores(pooled[columns[name]].to_numpy()) for name in columns}
    return pd.DataFrame(table | {name: numbers[name].ravel() for name in numbers})


def _list_groups(pooled: xr.Dataset, pools: Pools) -> pd.DataFrame:
    """Return kind, layer and label of every group, and whether it is the balanced."""
    keys = dict(zip(_name_pools(pools), pools, strict=True))
    found = [keys[name] for name in pooled["pool"].to_numpy().tolist()]
    return pd.DataFrame(found, columns=["kind", "layer"]).assign(
        label=pooled["label"].to_numpy().astype(str),
        balanced=pooled["balanced"].to_numpy(),
    )


def _name_pools(pools: Pools) -> dict[str, xr.DataArray]:
    """Name pools by kind and layer; the draws of cells depend on these names."""
    return {f"{kind}@{layer}": labels for (kind, layer), labels in pools.items()}


def _list_balanced(pools: Pools) -> list[str]:
    named = zip(_name_pools(pools), pools, strict=True)
    return [name for name, (kind, _) in named if kind == BALANCED]


def _mark_finite(scored: BootstrappedScores, metric: str) -> NDArray[np.bool_]:
    return np.isfinite(scored.scores[metric].to_numpy())
