"""Rows of one table of scores against each other: differences, and pools of a pool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.schemas.errors import Failure
from somobench.schemas.scores import ALL_LAYERS

ROUNDED = 2.1e-4  # of scores below 10: three roundings to four decimals
POOL = ["split", "layer", "metric", "pool_kind", "pool"]
WHOLE = ["split", "model", "layer", "metric"]
PLAIN, BALANCED = "plain", "_balanced"
Mask = NDArray[np.bool_]


def find_incoherent_scores(scores: pd.DataFrame) -> list[Failure]:
    """Return where rows of a table of scores contradict each other.

    A difference of two models is that of their scores, where all three are of the same
    days. The median of series lies among the medians of groups that hold them all.
    """
    plain_texts = {
        name: "str" for name in (*POOL, "model", "against") if name != "layer"
    }
    table = scores.astype(plain_texts)
    own = table[table["against"] == ""]
    return [*_compare_differences(table, own), *_compare_groups(own)]


def _compare_differences(table: pd.DataFrame, own: pd.DataFrame) -> Iterator[Failure]:
    counts = ["cell_count", "day_count"]
    sides = own[[*POOL, "model", "value", *counts]]
    joined = table[table["against"] != ""].merge(
        sides, on=[*POOL, "model"], suffixes=("", "_ours")
    )
    joined = joined.merge(
        sides.rename(columns={"model": "against"}),
        on=[*POOL, "against"],
        suffixes=("", "_theirs"),
    )
    same = np.ones(len(joined), dtype=bool)
    for name in counts:
        for side in ("ours", "theirs"):
            same &= (joined[name] == joined[f"{name}_{side}"]).to_numpy()
    ours, theirs, said = (
        joined[name].to_numpy() for name in ("value_ours", "value_theirs", "value")
    )
    scale = np.maximum(1, np.maximum(np.abs(ours), np.abs(theirs)))
    wrong = same & (np.abs(ours - theirs - said) > ROUNDED * scale)
    yield from _report(joined, wrong, ["model", "against"], "that of both scores")


def _compare_groups(own: pd.DataFrame) -> Iterator[Failure]:
    plain = own[own["pool_kind"] == PLAIN]
    layers = plain[plain["layer"] != ALL_LAYERS].assign(layer=ALL_LAYERS)
    kinds = own[(own["pool_kind"] != PLAIN) & ~own["pool_kind"].str.endswith(BALANCED)]
    groups = pd.concat([kinds, layers.assign(pool_kind="layer")])
    groups = groups[groups["cell_count"] > 0]
    ranges = groups.groupby([*WHOLE, "pool_kind"]).agg(
        least=("value", "min"), most=("value", "max"), cells=("cell_count", "sum")
    )
    joined = plain.merge(ranges.reset_index(), on=WHOLE, suffixes=("", "_of_groups"))
    whole = (joined["cells"] == joined["cell_count"]).to_numpy()
    value, least, most = (joined[it].to_numpy() for it in ("value", "least", "most"))
    allowed = ROUNDED * np.maximum(1, np.abs(value))
    wrong = whole & ((value < least - allowed) | (value > most + allowed))
    shown = ["model", "pool_kind_of_groups"]
    yield from _report(joined, wrong, shown, "among the medians of its groups")


def _report(
    rows: pd.DataFrame, wrong: Any, names: list[str], expected: str
) -> Iterator[Failure]:
    if wrong.any():
        row = rows[wrong].iloc[0]
        shown = "/".join(str(row[it]) for it in ("split", "metric", *names, "value"))
        found = f"{int(wrong.sum())} values such as {shown}"
        yield Failure("scores.parquet value", found, expected)
