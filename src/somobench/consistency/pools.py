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
CLEAR = 0.02  # of a score: a difference that a few other days seldom turn round
MOST_DAYS = 0.8  # of the days of each score, that a difference counts
FEWEST = 20  # differences to one rung on a split, of which most keep their sign
POOL = ["split", "layer", "metric", "pool_kind", "pool"]
WHOLE = ["split", "model", "layer", "metric"]
COUNTS, BOTH = ["cell_count", "day_count"], ["model", "against"]
NUMBERS = [*WHOLE, "against", "value", "value_ours", "value_theirs"]
"""What tells a difference from the same one in another pool of the same cells."""
PLAIN, BALANCED = "plain", "_balanced"
Mask = NDArray[np.bool_]


def find_incoherent_scores(scores: pd.DataFrame) -> list[Failure]:
    """Return where rows of a table of scores contradict each other.

    A difference of two models counts no more than either of their scores. It is the
    one less the other where all three are of the same days, and mostly of the same
    sign where nearly all are. The median of series lies among the medians of groups
    that hold them all.
    """
    plain_texts = {
        name: "str" for name in (*POOL, "model", "against") if name != "layer"
    }
    table = scores.astype(plain_texts)
    own = table[table["against"] == ""]
    differences = _join_sides(table[table["against"] != ""], own)
    return [
        *_compare_counts(differences),
        *_compare_differences(differences),
        *_compare_signs(differences),
        *_compare_groups(own),
    ]


def _join_sides(differences: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Put the scores of both models, and what they count, beside each difference."""
    ours = own[[*POOL, "model", "value", *COUNTS]]
    theirs = ours.rename(columns={"model": "against"})
    joined = differences.merge(ours, on=[*POOL, "model"], suffixes=("", "_ours"))
    return joined.merge(theirs, on=[*POOL, "against"], suffixes=("", "_theirs"))


def _compare_counts(differences: pd.DataFrame) -> Iterator[Failure]:
    for name in COUNTS:
        sides = differences[[f"{name}_ours", f"{name}_theirs"]].min(axis=1)
        wrong = (differences[name] > sides).to_numpy()
        yield from _report(differences, wrong, BOTH, "no more than of each", name)


def _compare_differences(differences: pd.DataFrame) -> Iterator[Failure]:
    same = np.ones(len(differences), dtype=bool)
    for name in COUNTS:
        for side in ("ours", "theirs"):
            same &= (differences[name] == differences[f"{name}_{side}"]).to_numpy()
    ours, theirs, said = (
        differences[name].to_numpy() for name in ("value_ours", "value_theirs", "value")
    )
    scale = np.maximum(1, np.maximum(np.abs(ours), np.abs(theirs)))
    wrong = same & (np.abs(ours - theirs - said) > ROUNDED * scale)
    yield from _report(differences, wrong, BOTH, "one score less the other")


def _compare_signs(differences: pd.DataFrame) -> Iterator[Failure]:
    """Compare signs where few days are left out, for each split and rung below."""
    due = differences["value_ours"] - differences["value_theirs"]
    days = differences[["day_count_ours", "day_count_theirs"]].max(axis=1)
    clear = (due.abs() > CLEAR) & (differences["value"].abs() > ROUNDED)
    clear &= differences["day_count"] >= MOST_DAYS * days
    other = clear & (np.sign(due) != np.sign(differences["value"]))
    judged = differences.assign(other=other)[clear].drop_duplicates(NUMBERS)
    groups = judged.groupby(["split", "against"])["other"]
    most = (groups.mean() > 1 / 2) & (groups.size() >= FEWEST)
    places = pd.MultiIndex.from_frame(differences[["split", "against"]])
    wrong = other.to_numpy() & places.isin(most.index[most])
    yield from _report(differences, wrong, BOTH, "the sign of one score less the other")


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
    rows: pd.DataFrame, wrong: Any, names: list[str], expected: str, what: str = "value"
) -> Iterator[Failure]:
    if wrong.any():
        row = rows[wrong].iloc[0]
        shown = "/".join(str(row[it]) for it in ("split", "metric", *names, what))
        found = f"{int(wrong.sum())} rows such as {shown}"
        yield Failure(f"scores.parquet {what}", found, expected)
