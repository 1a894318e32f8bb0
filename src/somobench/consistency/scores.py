"""Score tables against what scores can be, and the rungs and days of their release."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from somobench.consistency.rules import has_rules_of_today
from somobench.metrics.days import MINIMUM_DAYS
from somobench.metrics.registry import METRICS
from somobench.schemas.errors import Failure
from somobench.schemas.manifest import Manifest
from somobench.schemas.scores import ALL_LAYERS, MOMENTS_NOTE
from somobench.scoring.shift_costs import REFERENCE_SPLIT

SCORES, COSTS = "scores", "shift_costs"
POOL = ["split", "model", "against", "layer", "pool_kind", "pool"]
ROUNDED = 1e-3  # of scores: values have four decimals
LEAST_ALIKE = 0.5  # share of costs with the sign of reference minus shifted
FEWEST_SPLITS = 3  # on which a rung is judged
FEWEST_ROWS = 20  # that a share is taken of
MOST_OUTSIDE = 0.01  # share of values outside their interval: few draws pile up
FAR_OUTSIDE = 0.5  # of an interval's width
MOST_FAR = 0.05  # share of a rung's values on a split so far outside
ORDERED = {
    "ubrmse": "rmse",
    "absolute_bias": "rmse",
    "bias": "absolute_bias",
    "kge_2009": "pearson_r",
    "kge_2012": "pearson_r",
}
"""Metrics, by their size, at most another one in every series."""
ALSO_NEGATIVE = ("kge_2009", "kge_2012")
"""At most the other as they are, and below zero without a bound."""
ERRORS = ("rmse", "ubrmse", "bias", "absolute_bias")
FEW_SERIES = 5
TEST = "test"


def find_impossible_scores(kind: str, table: pd.DataFrame) -> list[Failure]:
    """Return what no table of scores holds, whatever release it is of.

    Parameters
    ----------
    kind : str
        `scores` or `shift_costs`; others are left aside.
    table : DataFrame, valid by its schema
    """
    if kind == SCORES:
        return [*_judge_values(SCORES, table, "value"), *_judge_metrics(table)]
    if kind == COSTS:
        return [*_judge_values(COSTS, table, "cost"), *_judge_signs(table)]
    return []


def find_other_scores(
    manifest: Manifest, tables: Mapping[str, pd.DataFrame]
) -> list[Failure]:
    """Compare splits, rungs, layers and counts of scores with those of the release."""
    failures: list[Failure] = []
    for kind in (SCORES, COSTS):
        if kind in tables:
            failures += _compare_rungs(kind, tables[kind], manifest)
            failures += _compare_counts(kind, tables[kind], manifest)
    if SCORES in tables and COSTS in tables:
        scored = tables[SCORES][["split", "model", "metric"]].drop_duplicates()
        costs = tables[COSTS][["split", "model", "metric"]].drop_duplicates()
        other = costs.merge(scored, how="left", indicator=True)["_merge"] != "both"
        if other.any():
            failures.append(
                _fail(COSTS, "metric", f"{int(other.sum())} unscored", "scored ones")
            )
    if SCORES in tables:
        failures += _compare_notes(tables[SCORES], manifest)
    return failures


def _fail(kind: str, where: str, found: object, expected: object) -> Failure:
    return Failure(f"{kind}.parquet {where}", str(found), str(expected))


def _show(table: pd.DataFrame, wrong: Any, *names: str) -> str:
    row = table[np.asarray(wrong)].iloc[0]
    shown = ", ".join(str(row[name]) for name in names if row[name] != "")
    return f"{int(np.sum(wrong))} rows such as {shown}"


def _judge_values(kind: str, table: pd.DataFrame, name: str) -> Iterator[Failure]:
    """Find values outside their interval, or of no cell."""
    value, low, high = (table[it].to_numpy() for it in (name, "low", "high"))
    keys = ("split", "model", "metric", name)
    outside = (value < low) | (value > high)
    if outside.sum() > MOST_OUTSIDE * outside.size:
        yield _fail(kind, name, _show(table, outside, *keys), "from low to high")
    off = np.maximum(low - value, value - high)
    far = pd.Series(off > FAR_OUTSIDE * np.maximum(high - low, ROUNDED))
    groups = far.groupby([table["split"].to_numpy(), table["model"].to_numpy()])
    judged = groups.mean()[groups.size() >= FEWEST_ROWS]
    if (judged > MOST_FAR).any():
        label: Any = judged.idxmax()
        found = f"{judged.max():.0%} of {'/'.join(map(str, label))}"
        yield _fail(kind, name, f"{found} far outside", "from low to high")
    empty = np.isnan(value) != (table["cell_count"].to_numpy() == 0)
    if empty.any():
        expected = "a value exactly where cells are counted"
        yield _fail(kind, name, _show(table, empty, *keys), expected)
    fewer = table["day_count"].to_numpy() < table["cell_count"].to_numpy()
    if fewer.any():
        yield _fail(kind, "day_count", _show(table, fewer, *keys), "a day a cell")


def _judge_metrics(scores: pd.DataFrame) -> Iterator[Failure]:
    """Find values that no metric has, and rungs that lack metrics of others."""
    own = scores[scores["against"] == ""]
    for bound, place in (("minimum", 1), ("maximum", -1)):
        limits = {name: getattr(METRICS[name], bound) for name in METRICS}
        limit = own["metric"].map(limits).astype("float64")
        for name in ("value", "low", "high"):
            wrong = (place * (own[name] - limit) < -ROUNDED).to_numpy()
            if wrong.any():
                found = _show(own, wrong, "metric", name)
                yield _fail(SCORES, name, found, f"within the metric's {bound}")
    pools = own.groupby([*POOL], sort=False)["metric"].size()
    kinds = pools.groupby(["pool_kind"]).nunique()
    if (kinds > 1).any():
        found = f"other numbers of metrics in pools of {kinds.idxmax()}"
        yield _fail(SCORES, "metric", found, "the same metrics for every rung")
    # Splits may lack a layer; on a split that has it, no rung does.
    plain = own[own["pool_kind"] == "plain"]
    sizes = plain.groupby(["split", "layer", "model"]).size()
    if len(sizes) and sizes.min() < sizes.max():
        shown = "/".join(map(str, sizes.index[int(sizes.argmin())]))
        yield _fail(SCORES, "model", f"{sizes.min()} rows of {shown}", sizes.max())
    models = plain.groupby(["split", "layer"])["model"].nunique().groupby("split")
    if (models.min() < models.max()).any():
        found = "other numbers of rungs by layer"
        yield _fail(SCORES, "model", found, "the same rungs in every layer")
    yield from _judge_pairs(own)
    if len(own) and not (own["layer"] == ALL_LAYERS).any():
        yield _fail(SCORES, "layer", "no row of all layers", "layer 0")
    yield from _find_missing_intervals(own)
    interval = plain[plain["cell_count"] > 1]
    still = (interval["low"] == interval["high"]).to_numpy()
    if len(interval) >= FEWEST_ROWS and still.mean() > 1 / 2:
        found = f"{int(still.sum())} of {len(interval)} intervals of no width"
        yield _fail(SCORES, "low", found, "intervals")


def _find_missing_intervals(own: pd.DataFrame) -> Iterator[Failure]:
    """Find rungs without any interval, though a season and more was scored."""
    long = own[own["day_count"] >= MINIMUM_DAYS * own["cell_count"].clip(lower=1)]
    known = long["low"].notna() & long["high"].notna()
    for model, some in known.groupby(long["model"].astype("str")):
        if len(some) >= FEWEST_ROWS and not some.any():
            yield _fail(SCORES, "low, high", f"no interval of {model}", "intervals")


def _judge_pairs(own: pd.DataFrame) -> Iterator[Failure]:
    """Find metrics of one pool that no series can have together: medians keep order."""
    keys = ["split", "model", "layer", "pool_kind", "pool"]
    metrics = {*own["metric"]}
    table = own[own["metric"].isin([*ORDERED, *ORDERED.values()])]
    table = table.astype(dict.fromkeys(keys, "object"))
    values, cells = (
        table.pivot_table(name, keys, "metric") for name in ("value", "cell_count")
    )
    for less, more in ORDERED.items():
        if not {less, more} <= metrics:
            continue
        wrong = (values[less].abs() > values[more] + ROUNDED) & (
            cells[less] == cells[more]
        )
        if less in ALSO_NEGATIVE:
            wrong &= values[less] > values[more] + ROUNDED
        if wrong.any():
            shown = "/".join(map(str, wrong.index[int(wrong.argmax())]))
            found = f"{int(wrong.sum())} above {more}, such as {shown}"
            yield _fail(SCORES, less, found, f"at most {more}, as in every series")
    yield from _judge_size(own[own["metric"].isin(ERRORS)])


def _judge_size(errors: pd.DataFrame) -> Iterator[Failure]:
    """Find errors above 1 m3 m-3 of most rungs of a split, or of a rung everywhere.

    One that was fitted elsewhere may be as far off on a split of another climate.
    """
    sizes = errors.assign(size=errors["value"].abs()).astype({"model": "str"})
    table = sizes.pivot_table("size", "split", "model", aggfunc="median")
    judged = {"split": table.median(axis=1)}
    if len(table) >= FEWEST_SPLITS:
        judged["model"] = table.min(axis=0)
    for name, found in judged.items():
        for label in found.index[found > 1]:
            size = f"errors of {found[label]:.3g} m3 m-3, {name} {label}"
            yield _fail(SCORES, "value", size, "at most 1 m3 m-3")


def _judge_signs(costs: pd.DataFrame) -> Iterator[Failure]:
    """Find costs against the loss of the medians: they are medians of losses."""
    loss = costs["reference"] - costs["shifted"]
    judged = (costs["cost"].abs() > ROUNDED) & (loss.abs() > ROUNDED)
    if judged.sum() < FEWEST_ROWS:
        return
    alike = float((np.sign(costs["cost"]) == np.sign(loss))[judged].mean())
    if alike < LEAST_ALIKE:
        found = f"{alike:.0%} of them with the sign of reference - shifted"
        yield _fail(COSTS, "cost", found, f"at least {LEAST_ALIKE:.0%}")


def _compare_rungs(
    kind: str, table: pd.DataFrame, manifest: Manifest
) -> Iterator[Failure]:
    """Every rung that a split carries is scored on it, and costs where both have it."""
    if not manifest.rungs:
        return
    carried = {
        (split, rung)
        for split, rungs in manifest.rungs.items()
        for rung, reason in rungs.items()
        if not reason
    }
    rows = table[["split", "model"]].drop_duplicates()
    scored = set(zip(rows["split"], rows["model"], strict=True))
    if kind == COSTS:
        splits = set(table["split"])
        known = {rung for split, rung in carried if split == REFERENCE_SPLIT}
        carried = {
            (split, rung)
            for split, rung in carried
            if split in splits and rung in known
        }
        # With few series in common, those of a rung may have too few days.
        most = table.groupby(table["split"].astype("str"))["cell_count"].max()
        few = {split for split in splits if most[split] < FEW_SERIES}
        carried -= {it for it in carried - scored if it[0] in few}
        yield from _find_unknown(kind, table["reference_split"], [REFERENCE_SPLIT])
    if scored != carried:
        other = ", ".join("/".join(item) for item in sorted(scored ^ carried)[:3])
        yield _fail(kind, "model", f"otherwise: {other}", "every rung of MANIFEST.json")
    layers = set(table["layer"].tolist()) - {ALL_LAYERS}
    yield from _find_unknown(kind, layers, manifest.layers)


def _find_unknown(
    kind: str, items: Iterable[Any], known: Iterable[Any]
) -> Iterator[Failure]:
    other = sorted({*items} - {*known})
    if other:
        yield _fail(kind, str(other[0]), "not in the release", "of MANIFEST.json")


def _compare_counts(
    kind: str, table: pd.DataFrame, manifest: Manifest
) -> Iterator[Failure]:
    """No score counts more series or days than the test side of its split has."""
    for split, rows in table.groupby("split"):
        record = manifest.splits.get(str(split))
        by_layer = record.audit.get("target_days_by_layer", {}) if record else {}
        if TEST not in by_layer or record is None:
            continue
        days = sum(by_layer[TEST])
        cells = record.audit["cells"][TEST] * len(by_layer[TEST])
        for name, most in (("day_count", days), ("cell_count", cells)):
            found = int(rows[name].max())
            if found > most:
                yield _fail(kind, f"{name}, split {split}", found, f"at most {most}")


def _compare_notes(scores: pd.DataFrame, manifest: Manifest) -> Iterator[Failure]:
    """Errors of targets with the reanalysis's moments say so."""
    scaled = {
        int(layer)
        for layer, source in manifest.target_moments_from.items()
        if source == "reanalysis"
    }
    if not has_rules_of_today(manifest):
        return
    has_scaled = scores["layer"].isin(scaled).groupby(scores["split"].astype(str))
    whole = scores["split"].astype(str).map(has_scaled.any()).to_numpy(dtype=bool)
    noting = {name for name, metric in METRICS.items() if metric.scores_moments}
    known = scores["metric"].isin(METRICS).to_numpy()
    noted = (scores["note"] == MOMENTS_NOTE).to_numpy()
    layers = scores["layer"].isin(scaled) | (scores["layer"] == ALL_LAYERS) & whole
    due = (scores["metric"].isin(noting) & layers).to_numpy()
    wrong = known & (noted != due)
    if wrong.any():
        found = _show(scores, wrong, "metric", "layer", "note")
        yield _fail(SCORES, "note", found, f"{MOMENTS_NOTE} where a metric scores them")
