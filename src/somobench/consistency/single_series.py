"""Metrics of pools that hold one series: no median hides how they hang together."""

from __future__ import annotations

from collections.abc import Iterator

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
CLEAR = 0.05  # of an efficiency, by which one sign of a bias fits better than the other
FEWEST = 3  # series of a rung on a split with a clear sign
KEY = ["split", "model", "layer", "pool_kind", "pool"]
SIDES = ("dry", "wet")
EFFICIENCIES = ("kge_2009", "kge_2012")
RATES = ("hit_rate", "false_alarm_rate", "frequency_bias", "sedi")
Floats = NDArray[np.float64]


def find_broken_identities(manifest: Manifest, scores: pd.DataFrame) -> list[Failure]:
    """Return metrics of one series that its other metrics contradict."""
    if not has_rules_of_today(manifest):
        return []
    single = scores[(scores["cell_count"] == 1) & (scores["against"] == "")]
    names = [f"{name}_{side}" for side in SIDES for name in RATES]
    names += [*EFFICIENCIES, "bias", "absolute_bias", "rmse", "ubrmse"]
    wanted = single["metric"].isin([*names, "nse", "pearson_r"])
    rows = single[wanted].astype(dict.fromkeys((*KEY, "metric"), "object"))
    table = rows.pivot_table("value", KEY, "metric")
    days = rows.pivot_table("day_count", KEY, "metric")
    failures = [*_compare_errors(table), *_compare_signs(table)]
    for side in SIDES:
        failures += _compare_rates(side, table, days)
    return failures


def _report(
    rows: pd.DataFrame, wrong: Floats, name: str, due: str
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
    variation; both have that of means, which is above 1 where bias is above 0.
    """
    if not {*EFFICIENCIES, "bias", "rmse", "ubrmse", "nse", "pearson_r"} <= {*table}:
        return
    bias, whole, rest, alike = (
        table[it].to_numpy("float64") for it in ("bias", "rmse", "ubrmse", "pearson_r")
    )
    older, newer = (1 - table[it].to_numpy("float64") for it in EFFICIENCIES)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = whole / np.sqrt(1 - table["nse"].to_numpy("float64"))
        root = np.sqrt(np.maximum(rest**2 - (1 - alike**2) * spread**2, 0)) / spread
        misses = np.full((2, len(table)), np.inf)
        for ratio in (alike + root, alike - root):
            off = np.sqrt(np.maximum(older**2 - (alike - 1) ** 2 - (ratio - 1) ** 2, 0))
            for place, sign in enumerate((np.sign(bias), -np.sign(bias))):
                means = 1 + sign * off
                found = np.hypot(np.hypot(alike - 1, ratio / means - 1), means - 1)
                misses[place] = np.fmin(misses[place], np.abs(found - newer))
        better = misses[0] - misses[1]
    clear = pd.Series(np.abs(better) > CLEAR, table.index) & np.isfinite(better)
    groups = pd.Series(better > CLEAR, table.index)[clear].groupby(["split", "model"])
    share, count = groups.transform("mean"), groups.transform("size")
    wrong = ((share > 1 / 2) & (count >= FEWEST)).reindex(table.index, fill_value=False)
    yield from _report(table, wrong.to_numpy(), "bias", "the other sign, by kge")


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
