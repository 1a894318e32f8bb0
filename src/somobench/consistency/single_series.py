"""Metrics of pools that hold one series: no median hides how they hang together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.consistency.rules import has_rules_of_today
from somobench.metrics.extremes import sedi
from somobench.schemas.errors import Failure
from somobench.schemas.manifest import Manifest

ROUNDED = 6e-5  # of a score below 10: larger ones have fewer decimals than four
ERRORS = 2.1e-4  # m3 m-3, of three of them
LONGEST = 100_000  # days; more are refused where the days of a release are counted
HALF = 5e-5  # of the last decimal, of scores below LARGEST
LARGEST = 10.0
CLEAR, NEAR = 0.05, 0.01  # of an efficiency: what a bias's sign misses, and the other
FEWEST = 3  # series of a rung on a split with a clear sign
AT_ONCE = 2000  # series, of which each takes 30 kB
KEY = ["split", "model", "layer", "pool_kind", "pool"]
SIDES = ("dry", "wet")
SIGNED = ("pearson_r", "rmse", "ubrmse", "nse", "kge_2009", "kge_2012")
"""Metrics that together know the sign of a bias."""
RATES = ("hit_rate", "false_alarm_rate", "frequency_bias", "sedi")
Floats = NDArray[np.float64]


def find_broken_identities(manifest: Manifest, scores: pd.DataFrame) -> list[Failure]:
    """Return metrics of one series that its other metrics contradict."""
    if not has_rules_of_today(manifest):
        return []
    single = scores[(scores["cell_count"] == 1) & (scores["against"] == "")]
    names = [f"{name}_{side}" for side in SIDES for name in RATES]
    wanted = single["metric"].isin([*names, *SIGNED, "bias", "absolute_bias"])
    rows = single[wanted].astype(dict.fromkeys((*KEY, "metric"), "object"))
    table = rows.pivot_table("value", KEY, "metric")
    days = rows.pivot_table("day_count", KEY, "metric")
    failures = [*_compare_errors(table), *_compare_signs(table)]
    for side in SIDES:
        failures += _compare_rates(side, table, days)
    return failures


def _report(
    rows: pd.DataFrame, wrong: NDArray[Any], name: str, due: str
) -> Iterator[Failure]:
    if wrong.any():
        place = int(wrong.argmax())
        shown = "/".join(str(it) for it in (*rows.index[place], rows[name].iloc[place]))
        found = f"{int(wrong.sum())} pools of one series such as {shown}"
        yield Failure(f"scores.parquet {name}", found, due)


def _compare_errors(table: pd.DataFrame) -> Iterator[Failure]:
    if not {"bias", "absolute_bias", "rmse", "ubrmse"} <= {*table.columns}:
        return
    bias, size = table["bias"].to_numpy(), table["absolute_bias"].to_numpy()
    wrong = np.abs(np.abs(bias) - size) > ERRORS
    yield from _report(table, wrong, "absolute_bias", "the size of bias")
    whole, rest = table["rmse"].to_numpy(), table["ubrmse"].to_numpy()
    wrong = np.abs(np.hypot(rest, bias) - whole) > ERRORS
    yield from _report(table, wrong, "rmse", "that of bias and ubrmse")


def _compare_signs(table: pd.DataFrame) -> Iterator[Failure]:
    """Compare the sign of bias with that which two Kling-Gupta efficiencies give.

    One has the ratio of standard deviations, the other that of coefficients of
    variation; both have that of means, which is above 1 where bias is above 0. What
    rounds to the numbers of a row has to contradict its sign by far, and to agree with
    the other one, in most series of a rung on a split.
    """
    if not {"bias", *SIGNED} <= {*table}:
        return
    rungs = ["split", "model"]
    small = (table[[*SIGNED]].abs() < LARGEST).all(axis=1) & (table["bias"] != 0)
    series = table[small].reset_index().dropna(subset=["bias"])
    series = series.drop_duplicates([*rungs, "bias", *SIGNED])
    parts = [series[it : it + AT_ONCE] for it in range(0, len(series), AT_ONCE)]
    given, turned = (
        np.concatenate([np.empty(0), *(_miss_efficiency(it, sign) for it in parts)])
        for sign in (1, -1)
    )
    wrong = (given > CLEAR) & (turned < NEAR)
    judged = wrong | ((given < NEAR) & (turned > CLEAR))
    groups = series.assign(wrong=wrong)[judged].groupby(rungs)["wrong"]
    most = (groups.mean() > 1 / 2) & (groups.size() >= FEWEST)
    wrong &= pd.MultiIndex.from_frame(series[rungs]).isin(most.index[most])
    yield from _report(series.set_index(KEY), wrong, "bias", "the other sign, by kge")


def _miss_efficiency(table: pd.DataFrame, turn: int) -> Floats:
    """Return how far `kge_2012` is, at least, from what the other metrics give.

    Parameters
    ----------
    table : of single series, a metric a column
    turn : 1 with the sign of bias, -1 with the other
    """
    steps = np.array(list(itertools.product((-HALF, 0, HALF), repeat=len(SIGNED) - 1)))
    given = table[[*SIGNED]].to_numpy("float64")
    alike, whole, rest, nse, older = (given[:, :-1, None] + steps.T).swapaxes(0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = whole / np.sqrt(1 - nse)
        root = np.sqrt(np.maximum(rest**2 - (1 - alike**2) * spread**2, 0)) / spread
        misses = []
        for ratio in (alike + root, alike - root):
            off = (1 - older) ** 2 - (alike - 1) ** 2 - (ratio - 1) ** 2
            sign = turn * np.sign(table["bias"].to_numpy())[:, None]
            means = 1 + sign * np.sqrt(np.maximum(off, 0))
            found = np.hypot(np.hypot(alike - 1, ratio / means - 1), means - 1)
            misses.append(np.abs(found - (1 - given[:, -1:])).min(axis=1))
    return np.minimum(*misses)


def _compare_rates(
    side: str, table: pd.DataFrame, days: pd.DataFrame
) -> Iterator[Failure]:
    """Compare the index of extremes with that of counts which give the rates."""
    names = [f"{name}_{side}" for name in RATES]
    if not {*names} <= {*table.columns}:
        return
    given = table[names].assign(days=days[names[-1]]).to_numpy("float64")
    known = np.isfinite(given).all(axis=1) & (given[:, -1] <= LONGEST)
    distinct, places = np.unique(given[known], axis=0, return_inverse=True)
    possible = np.array([_may_be(row) for row in distinct], dtype=bool)
    wrong = np.zeros(len(given), dtype=bool)
    wrong[known] = ~possible[places.ravel()] if len(distinct) else False
    yield from _report(table, wrong, names[-1], "that of the rates of its series")


def _may_be(row: Floats) -> bool:
    """Tell whether some number of events gives these rates and this index."""
    hit, false, frequency, index, days = row
    events = np.arange(1.0, days)
    hits, alarms = np.rint(hit * events), np.rint(false * (days - events))
    near = np.abs(hits / events - hit) <= ROUNDED
    near &= np.abs(alarms / (days - events) - false) <= ROUNDED
    allowed = ROUNDED * max(1.0, frequency)
    near &= np.abs((hits + alarms) / events - frequency) <= allowed
    events, hits, alarms = events[near], hits[near], alarms[near]
    found = sedi(hits, events - hits, alarms, days - events - alarms)
    return bool((np.abs(found - index) <= ROUNDED).any())
