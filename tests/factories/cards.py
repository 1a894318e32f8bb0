"""Score cards with made-up numbers, as `somobench evaluate` writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from somobench.catalog.storage.atomic import write_json, write_parquet
from somobench.metrics.registry import METRICS
from somobench.schemas.scores import (
    CELL_KEY,
    CELL_SCORES,
    LEAD_KEY,
    LEAD_SCORES,
    MOMENTS_NOTE,
    SCORE_KEY,
    SCORES,
)
from somobench.scoring.files import TABLE_FILES
from somobench.scoring.lead_times import CLIMATOLOGY, PERSISTENCE
from somobench.scoring.models import COMPARED, LEADING
from somobench.scoring.record import SCORE_SCHEMA
from somobench.scoring.tables import CORE, finish_table

HOSTILE = """<img src=x onerror="console.error('run')"><script>alert(1)</script>"""
RUNGS = ("climatology", "ridge_memory", "reanalysis", "persistence")
OBSERVING = {"persistence"}
LAYERS = (1, 2)
CELLS = ("47.375_10.125", "47.625_10.375", "-33.375_148.125", "-33.625_148.375")
POOLS = {
    "plain": ("",),
    "region_balanced": ("",),
    "region": ("europe", "oceania"),
    "regime": ("energy-limited", "water-limited"),
    "dryness": ("0.5 to 1", "1 to 2"),
    "network": ("NET-A", "=cmd()", "<b>net</b>"),
    "record_length": ("1 to 3 years", "3 to 6 years"),
    "station_count": ("1 station",),
}
METRICS_MADE = (*CORE, "hit_rate_wet", "false_alarm_rate_wet", "drought_onset_lag")


def digest_of(text: str) -> str:
    """Return a sha256 that differs from text to text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _note(metric: str) -> str:
    return MOMENTS_NOTE if METRICS[metric].scores_moments else ""


def _interval(rng: np.random.Generator, middle: float) -> dict[str, float]:
    value = round(middle + rng.normal(0, 0.02), 6)
    low, high = np.round(value + np.array([-1, 1]) * rng.uniform(0.02, 0.08, 2), 6)
    return {"value": value, "low": float(low), "high": float(high)}


def make_scores(
    model: str, split: str, skill: float, rungs: tuple[str, ...] = RUNGS
) -> pd.DataFrame:
    """Return a table of schema SCORES; the better rung by rung, the less is gained."""
    rng = np.random.default_rng(len(model) + round(abs(skill) * 1000))
    rows: list[dict[str, Any]] = []
    for against in ("", *rungs):
        gain = 0.25 - 0.15 * rungs.index(against) if against else 0.0
        for metric in METRICS_MADE if not against else COMPARED:
            for layer in (0, *LAYERS):
                rows += [
                    {
                        "split": split,
                        "model": model,
                        "layer": layer,
                        "metric": metric,
                        "pool_kind": kind,
                        "pool": pool,
                        "against": against,
                        **_interval(rng, skill - 0.6 + gain if against else skill),
                        "cell_count": 8,
                        "day_count": 2400,
                        "note": _note(metric),
                    }
                    for kind, pools in POOLS.items()
                    for pool in pools
                ]
    return finish_table([pd.DataFrame(rows)], SCORES, SCORE_KEY)


def make_cell_scores(model: str, split: str, skill: float) -> pd.DataFrame:
    """Return a table of schema CELL_SCORES; the last series has no score."""
    rng = np.random.default_rng(round(abs(skill) * 1000))
    rows = [
        {
            "split": split,
            "model": model,
            "layer": layer,
            "cell_id": cell,
            "metric": metric,
            "value": round(skill + rng.normal(0, 0.1), 6),
            "pair_count": 300,
        }
        for metric in LEADING
        for layer in LAYERS
        for cell in CELLS
    ]
    rows[-1]["value"] = float("nan")
    return finish_table([pd.DataFrame(rows)], CELL_SCORES, CELL_KEY)


def make_lead_scores(model: str, skill: float) -> pd.DataFrame:
    """Return a table of schema LEAD_SCORES."""
    rows = list(_lead_rows(model, skill))
    return finish_table([pd.DataFrame(rows)], LEAD_SCORES, LEAD_KEY)


def _lead_rows(model: str, skill: float) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(7)
    for lead in (1, 3, 5):
        for name, against in (
            (model, ""),
            (PERSISTENCE, ""),
            (CLIMATOLOGY, ""),
            (model, PERSISTENCE),
            (model, CLIMATOLOGY),
        ):
            for metric in ("pearson_r", "ubrmse"):
                yield {
                    "lead_time": lead,
                    "model": name,
                    "layer": 0,
                    "metric": metric,
                    "against": against,
                    **_interval(rng, skill - 0.05 * lead),
                    "cell_count": 8,
                    "day_count": 2300,
                    "note": _note(metric),
                }


def make_finding(source: str = "target", **changed: Any) -> dict[str, Any]:
    """Return a finding: all series equal to a source."""
    return {
        "source": source,
        "relation": "equal",
        "lead_time": None,
        "series": 8,
        "of_series": 8,
        "cell_days": 2400,
        "decimals": None,
        "slope": None,
        "offset": None,
    } | changed


def make_card(
    model: str = "model-a",
    *,
    split: str = "temporal",
    release: str = "virtual-0.1.0",
    skill: float = 0.7,
    given: int = 2400,
    ladder: bool = True,
    leads: bool = False,
    findings: Sequence[dict[str, Any]] = (),
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Return the content of score.json and the tables of a card."""
    rungs = RUNGS if ladder else ()
    scores = make_scores(model, split, skill, rungs)
    tables = {"scores": scores, "cell_scores": make_cell_scores(model, split, skill)}
    record: dict[str, Any] = {
        "schema_version": SCORE_SCHEMA,
        "model": model,
        "release": release,
        "release_title": "made up",
        "manifest_sha256": digest_of(release),
        "split": split,
        "split_sha256": digest_of(f"{release} {split}"),
        "code": {"version": "0.1.0", "sha256": digest_of("code")},
        "submission": {
            "name": f"{model[:20]}.nc",
            "file_sha256": digest_of(f"file {model} {split}"),
            "file_size": 1000,
            "values_sha256": digest_of(f"values {model} {split} {skill}"),
            "members": None,
            "lead_times": [1, 3, 5] if leads else [],
            "understood": [],
        },
        "coverage": {"asked": 2400, "given": given, "by_layer": {}},
        "ladder": {
            "sha256": digest_of("rungs") if ladder else None,
            "of_release": True if ladder else None,
            "rungs": [*rungs],
            "observing": sorted(OBSERVING & {*rungs}),
            "missing": "" if ladder else "the release carries no predictions of rungs",
            "not_available": {},
        },
        "bootstrap": {
            "block_length": 44,
            "block_length_wanted": 43,
            "draws": 500,
            "seed": 0,
            "level": 0.9,
        },
        "scaling": {"name": "train", "series": 8, "full_record_series": 1},
        "options": {"allow_missing": given < 2400},
        "scored_lead_time": 1 if leads else None,
        "lead_coverage": None,
        "target_uncertainty": {},
        "findings": [*findings],
    }
    if leads:
        tables["lead_scores"] = make_lead_scores(model, skill)
        record["lead_coverage"] = {"asked": 2400, "common": 2300}
    return record, tables


def write_card(folder: Path, model: str = "model-a", **made: Any) -> Path:
    """Write a card into a folder."""
    record, tables = make_card(model, **made)
    return write_made(folder, record, tables)


def write_made(
    folder: Path, record: dict[str, Any], tables: dict[str, pd.DataFrame]
) -> Path:
    """Write a record and tables as `evaluate` does."""
    folder.mkdir(parents=True)
    write_json(record, folder / "score.json")
    for name, table in tables.items():
        write_parquet(table, folder / TABLE_FILES[name])
    return folder
