"""What `score.json` says: what was scored against what, by which code, and how."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.catalog.resolve import Release
from somobench.catalog.storage.hashing import sources_sha256
from somobench.metrics.days import ResampledDays
from somobench.metrics.registry import REFERENCE_MOMENTS as REFERENCE_TEXT
from somobench.schemas.scores import ALL_LAYERS, REFERENCE_MOMENTS
from somobench.scoring.case import ScoringCase
from somobench.scoring.ladders import Ladder
from somobench.scoring.models import LEADING
from somobench.submissions.submission import Submission
from somobench.uncertainty.pooling import LEVEL

SCORE_SCHEMA = "1"
FULL_RECORD = "Series without train days keep the scale factors of their full record."
PACKAGES = ("somobench", "somobench.catalog", "somobench.schemas")


def provenance(
    release: Release, split: str, submission: Submission, case: ScoringCase
) -> dict[str, Any]:
    """Name the release, the split, the code and the submission, with their hashes."""
    sizes = submission.grid.sizes
    return {
        "schema_version": SCORE_SCHEMA,
        "release": release.id,
        "release_title": release.manifest.title,
        "manifest_sha256": release.manifest_sha256,
        "split": split,
        "split_sha256": release.manifest.splits[split].sha256,
        "code": {"version": metadata.version("somobench"), "sha256": code_sha256()},
        "submission": {
            "name": submission.name,
            "file_sha256": submission.file_sha256,
            "file_size": submission.file_size,
            "values_sha256": submission.values_sha256,
            "members": sizes.get("member"),
            "lead_times": submission.leads,
        },
        "scaling": {
            "name": "train",
            "series": len(case.full_record),
            "full_record_series": int(case.full_record.sum()),
            "note": FULL_RECORD,
        },
        "notes": {REFERENCE_MOMENTS: REFERENCE_TEXT},
    }


def code_sha256() -> str:
    """Return one sha256 of all sources of the package that a score may depend on."""
    return sources_sha256({package: package for package in PACKAGES})


def target_uncertainty(
    targets: xr.Dataset, case: ScoringCase
) -> dict[str, dict[str, Any]]:
    """Say how far the sensors behind the scored targets lie apart, by layer.

    `station_spread` of a target is the standard deviation of its sensors' means over
    their mean, known where there are several: no model can be told to be closer to the
    cell's mean than its sensors are to each other.

    Returns
    -------
    dict
        By layer: `series`, `with_several_sensors` and, where there are any, the
        `median_relative_spread` of those.
    """
    if "station_spread" not in targets:
        return {}
    spread = targets["station_spread"].transpose("layer", "cell").to_numpy()
    rows = targets.get_index("layer").get_indexer(pd.Index(case.series_layers))
    columns = targets.get_index("cell").get_indexer(
        pd.Index(case.target["cell"].to_numpy())
    )
    found = {}
    for layer in sorted(set(case.series_layers.tolist())):
        chosen = case.series_layers == layer
        values = spread[rows[chosen], columns[chosen]]
        known = values[np.isfinite(values)]
        found[str(layer)] = {
            "series": int(chosen.sum()),
            "with_several_sensors": int(known.size),
            "median_relative_spread": round(float(np.median(known)), 4)
            if known.size
            else None,
        }
    return found


def ladder_record(ladder: Ladder | None) -> dict[str, Any]:
    """Name the rungs that were compared with."""
    if ladder is None:
        return {"sha256": None, "of_release": None, "rungs": []}
    return {
        "sha256": ladder.sha256,
        "of_release": ladder.of_release,
        "rungs": [rung.name for rung in ladder.rungs],
    }


def bootstrap_record(days: ResampledDays) -> dict[str, Any]:
    """Say how days and cells were drawn."""
    return {
        "method": "circular blocks of days and cells with replacement, paired",
        "block_length": days.length,
        "block_length_wanted": days.wanted_length,
        "draws": days.draws,
        "seed": days.seed,
        "level": LEVEL,
    }


def summary(scores: pd.DataFrame) -> dict[str, Any]:
    """Return the plain and region-balanced scores of a model, ready for JSON."""
    rows = scores[
        (scores["against"] == "")
        & (scores["layer"] == ALL_LAYERS)
        & scores["pool_kind"].isin(("plain", "region_balanced"))
    ]
    result: dict[str, Any] = {"leading_metrics": list(LEADING)}
    for row in rows.to_dict("records"):
        numbers = {
            key: None if np.isnan(row[key]) else row[key]
            for key in ("value", "low", "high")
        }
        entry = numbers | {"note": row["note"], "cell_count": int(row["cell_count"])}
        result.setdefault(row["pool_kind"], {})[row["metric"]] = entry
    return result
