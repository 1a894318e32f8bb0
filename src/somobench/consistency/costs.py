"""Costs of shifts against each other and against the scores of the reference split.

Reference scores of a cost are those of the split in time, on the series and days that
the other split tests as well. Where the other tests a whole regime or whole networks,
these are a pool of the reference split's own scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from somobench.schemas.errors import Failure
from somobench.schemas.manifest import Manifest
from somobench.schemas.scores import ALL_LAYERS
from somobench.scoring.shift_costs import REFERENCE_SPLIT

ROUNDED = 2.1e-4  # of correlations: two roundings to four decimals
UNTRAINED = ("reanalysis", "persistence")
UNTRAINED_TOLERANCE = 1e-3  # of what targets of two scalings, rounded, correlate with
TESTED_REGIMES = {
    "energy_to_water": "water-limited",
    "water_to_energy": "energy-limited",
}
MOST_LOST = 2.0  # of a correlation
NUMBERS, COUNTS = ("cost", "shifted", "reference"), ("cell_count", "day_count")
KEY = ["split", "model", "metric"]


def find_incoherent_costs(
    manifest: Manifest, tables: Mapping[str, pd.DataFrame]
) -> list[Failure]:
    """Return costs that contradict each other, or scores of the reference split."""
    if tables["shift_costs"].empty:
        return []
    texts = dict.fromkeys((*KEY, "reference_split"), "str")
    costs = tables["shift_costs"].astype(texts)
    failures = [*_compare_layers(costs), *_compare_untrained(costs)]
    failures += _judge_sizes(costs)
    if "scores" in tables:
        scores = tables["scores"]
        scores = scores[
            (scores["against"] == "") & (scores["split"] == REFERENCE_SPLIT)
        ]
        failures += _compare_pools(manifest, costs, scores)
    return failures


def _report(
    rows: pd.DataFrame, wrong: Any, name: str, expected: str
) -> Iterator[Failure]:
    if np.any(wrong):
        row = rows[np.asarray(wrong)].iloc[0]
        shown = "/".join(str(row[it]) for it in (*KEY, "layer", name))
        found = f"{int(np.sum(wrong))} rows such as {shown}"
        yield Failure(f"shift_costs.parquet {name}", found, expected)


def _compare_layers(costs: pd.DataFrame) -> Iterator[Failure]:
    """All layers together count what each counts; a median lies among its groups'."""
    layers = costs[costs["layer"] != ALL_LAYERS].groupby(KEY)
    sums = layers[[*COUNTS]].sum()
    least, most = layers[[*NUMBERS]].min(), layers[[*NUMBERS]].max()
    whole = costs[costs["layer"] == ALL_LAYERS]
    for name in COUNTS:
        expected = whole.join(sums.add_suffix("_sum"), on=KEY)[f"{name}_sum"]
        wrong = expected.notna() & (expected != whole[name])
        yield from _report(whole, wrong, name, "the sum of its layers")
    for name in NUMBERS:
        low, high = (
            whole.join(it.add_suffix("_bound"), on=KEY)[f"{name}_bound"]
            for it in (least, most)
        )
        wrong = (whole[name] < low - ROUNDED) | (whole[name] > high + ROUNDED)
        yield from _report(whole, wrong, name, "among those of its layers")


def _judge_sizes(costs: pd.DataFrame) -> Iterator[Failure]:
    """No series loses more than a correlation of 1 is above one of -1."""
    rows = costs[costs["metric"].str.endswith("_r")]
    for name in ("cost", "low", "high"):
        wrong = rows[name].abs() > MOST_LOST
        yield from _report(rows, wrong, name, f"at most {MOST_LOST:g}")


def _compare_untrained(costs: pd.DataFrame) -> Iterator[Failure]:
    """Compare both sides of what isn't trained: it loses nothing."""
    rows = costs[costs["model"].isin(UNTRAINED)]
    apart = (rows["shifted"] - rows["reference"]).abs() > UNTRAINED_TOLERANCE
    yield from _report(rows, apart, "shifted", "that of reference: it isn't trained")
    lost = rows["cost"].abs() > UNTRAINED_TOLERANCE
    yield from _report(rows, lost, "cost", "0: it isn't trained")


def _compare_pools(
    manifest: Manifest, costs: pd.DataFrame, scores: pd.DataFrame
) -> Iterator[Failure]:
    """Compare reference scores with those of the pools that a split tests."""
    for split, record in manifest.splits.items():
        rows = costs[costs["split"] == split]
        kind, names = _name_pools(split, record.definition)
        pools = scores[(scores["pool_kind"] == kind) & scores["pool"].isin(names)]
        pools = pools[pools["cell_count"] > 0].astype({"model": "str", "metric": "str"})
        grouped = pools.groupby(["model", "metric", "layer"]).agg(
            least=("value", "min"),
            most=("value", "max"),
            cells=("cell_count", "sum"),
            days=("day_count", "sum"),
        )
        joined = rows.join(grouped, on=["model", "metric", "layer"])
        same = (joined["cells"] == joined["cell_count"]) & (
            joined["days"] == joined["day_count"]
        )
        value = joined["reference"]
        wrong = same & (
            (value < joined["least"] - ROUNDED) | (value > joined["most"] + ROUNDED)
        )
        expected = f"that of {REFERENCE_SPLIT} in {', '.join(names)}"
        yield from _report(joined, wrong, "reference", expected)


def _name_pools(split: str, definition: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the kind and names of pools that hold the cells which a split tests."""
    if split in TESTED_REGIMES:
        return "regime", [TESTED_REGIMES[split]]
    kind = str(definition.get("held_out_by", ""))
    groups = definition.get("groups", {})
    return kind, [str(it) for it in groups.get("test", ())] if groups else []
