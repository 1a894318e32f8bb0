"""Defects of `scores` and `shift_costs`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from factories.faults.held_out.tables import Change, every, exchanged, put, without
from factories.faults.vouched import Defect, in_table


def of(**keys: Any) -> Callable[[pd.DataFrame], Any]:
    """Return a mask of rows that have these keys."""

    def mask(frame: pd.DataFrame) -> Any:
        chosen = np.ones(len(frame), bool)
        for name, value in keys.items():
            chosen &= (frame[name] == value).to_numpy(bool)
        return chosen

    return mask


def at(mask: Callable[[pd.DataFrame], Any], column: str, change: Any) -> Change:
    """Change a column in the rows of a mask."""
    return lambda frame: frame.assign(
        **{column: frame[column].mask(mask(frame), change(frame[column]))}
    )


def renamed(column: str, one: str, other: str) -> Change:
    """Let two names change places."""
    return every(**{column: lambda it: it.replace({one: other, other: one})})


def copy_split(frame: pd.DataFrame) -> pd.DataFrame:
    """Put the scores of `temporal` under the name of `dry_years`."""
    kept = frame[frame["split"] != "dry_years"]
    copied = frame[frame["split"] == "temporal"].assign(split="dry_years")
    keys = ["split", "model", "layer", "metric", "pool_kind", "pool", "against"]
    return pd.concat([kept, copied]).sort_values(keys, ignore_index=True)


PEARSON = of(metric="pearson_r", against="")
SCORES: dict[str, Defect] = {
    name: in_table("scores", change)
    for name, change in {
        "correlations negated": at(PEARSON, "value", np.negative),
        "correlations in percent": at(PEARSON, "value", lambda it: it * 100),
        "low and high swapped": exchanged("low", "high"),
        "low and high of the next row": every(
            low=lambda it: np.roll(it, 1), high=lambda it: np.roll(it, 1)
        ),
        "intervals of no width": lambda frame: frame.assign(
            low=frame["value"], high=frame["value"]
        ),
        "rmse and ubrmse swapped": renamed("metric", "rmse", "ubrmse"),
        "nse and kge swapped": renamed("metric", "nse", "kge_2009"),
        "two rungs change names": renamed("model", "persistence", "ridge_state"),
        "an unknown rung": every(model=lambda it: it.replace("linear_1", "linear_2")),
        "two splits change names": renamed("split", "temporal", "spatial"),
        "scores of another split": copy_split,
        "a rung left out of a split": without(
            of(model="climatology", split="temporal")
        ),
        "rows twice": lambda frame: pd.concat(
            [frame, frame.iloc[:100]], ignore_index=True
        ),
        "999 cells": every(cell_count=lambda it: it * 0 + 999),
        "more days than there are": every(day_count=lambda it: it * 1000),
        "a headline missing": put(
            lambda frame: PEARSON(frame) & of(layer=1, pool_kind="plain")(frame),
            value=np.nan,
        ),
        "errors negative": at(of(metric="rmse", against=""), "value", np.negative),
        "no pooled layer": without(of(layer=0)),
        "layers one deeper": every(layer=lambda it: it.where(it == 0, it % 3 + 1)),
        "values as whole numbers": every(value=np.round),
        "differences negated": lambda frame: frame.assign(
            value=frame["value"].mask(frame["against"] != "", -frame["value"])
        ),
        "half of the rows": lambda frame: frame.iloc[: len(frame) // 2],
        "notes lost": every(note=lambda it: ""),
    }.items()
}
SHIFT_COSTS: dict[str, Defect] = {
    name: in_table("shift_costs", change)
    for name, change in {
        "costs negated": every(cost=np.negative),
        "shifted and reference swapped": exchanged("shifted", "reference"),
        "low and high swapped": exchanged("low", "high"),
        "costs of the next row": every(cost=lambda it: np.roll(it, 1)),
        "costs x 10": every(cost=lambda it: it * 10),
        "another reference": every(reference_split=lambda it: "spatial"),
        "no cells": every(cell_count=lambda it: it * 0),
        "days of all cells": every(day_count=lambda it: it * 1000),
        "a cost missing": put(5, cost=np.nan),
        "a rung left out": without(of(model="persistence")),
        "rows twice": lambda frame: pd.concat([frame, frame], ignore_index=True),
        "an unknown metric": every(metric=lambda it: it.replace("anomaly_r", "r")),
    }.items()
}
