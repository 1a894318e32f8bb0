"""One line for a score card: the highest rung that a model beats with confidence.

A rung is beaten where the 90 % interval of the difference of pooled scores, paired over
draws of days and cells, lies above 0: a one-sided test at 95 %. The headline is the
highest rung such that it and every rung below it are beaten, so that luck against one
strong rung doesn't count. Rungs that read observations are compared on common cell-days
and stand apart.

Pearson's r leads, then the anomaly correlations: they are the same whatever mean and
variance the target was scaled to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from somobench.schemas.scores import ALL_LAYERS
from somobench.scoring.models import LEADING
from somobench.scoring.record import TARGET, ScoreRecord

CONFIDENCE = 0.95
POOL_KIND = "plain"
LEADING_POOLS = (POOL_KIND, "region_balanced")
NO_RUNG = "the split has no rung to compare with"


class RungName(NamedTuple):
    """A rung as a headline needs it."""

    name: str
    needs_observations: bool


def derive_headline(record: ScoreRecord, scores: pd.DataFrame) -> dict[str, Any]:
    """Return the headline of a score, or why it has none.

    Parameters
    ----------
    record : ScoreRecord
    scores : DataFrame of schema SCORES
        Of the same model and split.

    Returns
    -------
    dict
        As of `find_headline`, or of `refuse_headline`: without rungs to compare with,
        and for predictions that are the target, which no model knows.
    """
    copies = [item.sentence for item in record.findings if item.source == TARGET]
    if copies:
        return refuse_headline(f"{copies[0]}: this is no prediction")
    ladder = record.ladder
    if not ladder.rungs:
        return refuse_headline(
            ladder.missing or "the split has no rung to compare with"
        )
    rungs = [RungName(name, name in ladder.observing) for name in ladder.rungs]
    return find_headline(scores[scores["against"] != ""], rungs)


def find_headline(
    differences: pd.DataFrame, ladder: Sequence[RungName]
) -> dict[str, Any]:
    """Summarise which rungs a model beats on a split.

    Parameters
    ----------
    differences : DataFrame of schema SCORES
        Rows of one model and split, with `against`.
    ladder : sequence of RungName, lowest first
        The rungs that were compared.

    Returns
    -------
    dict
        `highest_rung_beaten` (None where not even the lowest is), `sentence`, the
        comparison with each rung, and the same by metric, pool and layer.
    """
    main = climb(differences, ladder)
    return {
        "available": True,
        "metric": LEADING[0],
        "pool_kind": POOL_KIND,
        "layer": ALL_LAYERS,
        "confidence": CONFIDENCE,
        "highest_rung_beaten": main["highest_rung_beaten"],
        "sentence": _say_headline(main),
        "rungs": main["rungs"],
        "rungs_with_observations": main["rungs_with_observations"],
        "by_metric": {
            metric: _find_highest(differences, ladder, metric=metric)
            for metric in LEADING
        },
        "by_pool_kind": {
            kind: _find_highest(differences, ladder, pool_kind=kind)
            for kind in LEADING_POOLS
        },
        "by_layer": {
            str(layer): _find_highest(differences, ladder, layer=layer)
            for layer in sorted(set(differences["layer"].tolist()) - {ALL_LAYERS})
        },
    }


def refuse_headline(reason: str) -> dict[str, Any]:
    """Return the record of a headline that can't be given, with the reason."""
    return {"available": False, "highest_rung_beaten": None, "reason": reason}


def climb(
    differences: pd.DataFrame,
    ladder: Sequence[RungName],
    *,
    metric: str = LEADING[0],
    pool_kind: str = POOL_KIND,
    layer: int = ALL_LAYERS,
) -> dict[str, Any]:
    """Compare with every rung in one metric, pool and layer.

    Returns
    -------
    dict
        `rungs` and `rungs_with_observations`, lowest first: `difference`, `low`,
        `high`, counts, and `beaten`, which is None where no interval can be estimated;
        `highest_rung_beaten`.
    """
    rows = differences[
        (differences["metric"] == metric)
        & (differences["pool_kind"] == pool_kind)
        & (differences["layer"] == layer)
        & (differences["pool"] == "")
    ].set_index("against")
    results = [_compare_rung(rows, rung) for rung in ladder]
    highest = None
    plain = [item for item in results if not item["needs_observations"]]
    for item in plain:
        if not item["beaten"]:
            break
        highest = item["rung"]
    return {
        "highest_rung_beaten": highest,
        "rungs": plain,
        "rungs_with_observations": [
            item for item in results if item["needs_observations"]
        ],
    }


def _find_highest(
    differences: pd.DataFrame, ladder: Sequence[RungName], **chosen: Any
) -> str | None:
    highest: str | None = climb(differences, ladder, **chosen)["highest_rung_beaten"]
    return highest


def _compare_rung(rows: pd.DataFrame, rung: RungName) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "rung": rung.name,
        "needs_observations": rung.needs_observations,
        "difference": None,
        "low": None,
        "high": None,
        "cell_count": 0,
        "day_count": 0,
        "beaten": None,
    }
    if rung.name not in rows.index:
        return facts
    row: Any = rows.loc[rung.name]
    numbers = {"difference": "value", "low": "low", "high": "high"}
    for key, column in numbers.items():
        facts[key] = None if pd.isna(row[column]) else float(row[column])
    facts["cell_count"] = int(row["cell_count"])
    facts["day_count"] = int(row["day_count"])
    facts["beaten"] = None if facts["low"] is None else facts["low"] > 0
    return facts


def _say_headline(result: dict[str, Any]) -> str:
    """Say the headline in words."""
    rungs = result["rungs"]
    highest = result["highest_rung_beaten"]
    if not rungs:
        return "The split has no rung to compare with."
    if highest is None:
        return f"Doesn't beat {rungs[0]['rung']}, the lowest rung, with confidence."
    names = [item["rung"] for item in rungs]
    place = names.index(highest) + 1
    beaten = f"Beats {highest} and every rung below it"
    if place == len(names):
        return f"{beaten}: all {place} rungs, with confidence."
    return f"{beaten} with confidence, but not {names[place]}: {place} of {len(names)}."


def summarise_scores(scores: pd.DataFrame) -> dict[str, Any]:
    """Return the plain and region-balanced scores of a model, ready for JSON."""
    rows = scores[
        (scores["against"] == "")
        & (scores["layer"] == ALL_LAYERS)
        & scores["pool_kind"].isin(LEADING_POOLS)
    ]
    result: dict[str, Any] = {"leading_metrics": list(LEADING)}
    for row in rows.to_dict("records"):
        numbers = {
            key: None if pd.isna(row[key]) else row[key]
            for key in ("value", "low", "high")
        }
        entry = numbers | {"note": row["note"], "cell_count": int(row["cell_count"])}
        result.setdefault(row["pool_kind"], {})[row["metric"]] = entry
    return result
