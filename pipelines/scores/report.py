"""What scores.json says: the metrics, and what each rung beats on each split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from somobench.metrics.days import ResampledDays
from somobench.metrics.registry import METRICS, REFERENCE_MOMENTS
from somobench.schemas.scores import ALL_LAYERS, MOMENTS_NOTE
from somobench.scoring.case import ScoringCase
from somobench.scoring.headline import CONFIDENCE, RungName, climb
from somobench.scoring.ladders import Ladder
from somobench.scoring.models import LEADING
from somobench.scoring.tables import CORE

UNITS = "m3 m-3"


def describe_scores() -> dict[str, Any]:
    """Describe metrics, notes and the rule of the headline."""
    return {
        "confidence": CONFIDENCE,
        "leading_metrics": list(LEADING),
        "metrics": {
            name: {
                key: _make_plain(value)
                for key, value in metric.attrs(UNITS).items()
                if key != "note"
            }
            | {"reference_moments": metric.scores_moments}
            for name, metric in METRICS.items()
        },
        "notes": {MOMENTS_NOTE: REFERENCE_MOMENTS},
    }


def _make_plain(value: Any) -> Any:
    """Return a value that JSON can hold: None for an end that is infinite."""
    if isinstance(value, list):
        return [_make_plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def describe_split(
    case: ScoringCase, ladder: Ladder, days: ResampledDays, scores: pd.DataFrame
) -> dict[str, Any]:
    """Return the ladder table of a split and what each rung beats."""
    return {
        "series": len(case.full_record),
        "full_record_series": int(case.full_record.sum()),
        "cell_days": int(np.isfinite(case.target.to_numpy()).sum()),
        "block_length": days.length,
        "block_length_wanted": days.wanted_length,
        "draws": days.draws,
        "seed": days.seed,
        "predictions_sha256": ladder.sha256,
        "ladder": [
            _describe_rung(ladder, place, scores) for place in range(len(ladder.rungs))
        ],
    }


def _describe_rung(ladder: Ladder, place: int, scores: pd.DataFrame) -> dict[str, Any]:
    names = [
        RungName(rung.name, rung.name in ladder.needs_observations)
        for rung in ladder.rungs
    ]
    own = scores[scores["model"] == names[place].name]
    compared = climb(own[own["against"] != ""], names[:place])
    return {
        "rung": names[place].name,
        "needs_observations": names[place].needs_observations,
        "scores": _group_by_layer(
            own[
                (own["against"] == "")
                & (own["pool_kind"] == "plain")
                & own["metric"].isin(CORE)
            ]
        ),
        "highest_rung_beaten": compared["highest_rung_beaten"],
        "below": compared["rungs"] + compared["rungs_with_observations"],
    }


def _group_by_layer(rows: pd.DataFrame) -> dict[str, Mapping[str, Any]]:
    """Return scores by layer ("all", "1", ...) and metric."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows.sort_values(["layer", "metric"]).to_dict("records"):
        layer = "all" if row["layer"] == ALL_LAYERS else str(row["layer"])
        numbers = {
            key: None if pd.isna(row[key]) else float(row[key])
            for key in ("value", "low", "high")
        }
        counts = {"cell_count": int(row["cell_count"]), "note": row["note"]}
        found.setdefault(layer, {})[row["metric"]] = numbers | counts
    return {layer: dict(metrics) for layer, metrics in found.items()}
