"""Scores of the rungs that learn nothing, computed again from the files of a release.

Climatology, reanalysis and persistence follow from targets, forcing and features alone.
What their rows say pins down splits, layers, pools and metrics of the whole table. A
rung that is fitted again is scored again there: it knows the weather of test days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.catalog.split_view import view_split
from somobench.consistency.fits import Refit, find_other_fits
from somobench.consistency.rules import has_rules_of_today
from somobench.ladder.fit import Fit
from somobench.ladder.problem import Array, Problem, build_problem
from somobench.ladder.release import LATENT_HEAT
from somobench.ladder.rungs import RUNGS, bound_and_round
from somobench.metrics.days import resample_days
from somobench.schemas.baseline_params import BaselineParams
from somobench.schemas.errors import Failure, SomobenchError
from somobench.schemas.manifest import Manifest
from somobench.schemas.scores import SCORE_KEY, SCORES, SHIFT_COSTS, SHIFT_KEY
from somobench.scoring.case import ScoringCase, build_case
from somobench.scoring.ladders import mark_finite_days
from somobench.scoring.models import Model, score_model
from somobench.scoring.shift_costs import (
    REFERENCE_SPLIT,
    NothingInCommonError,
    shift_costs,
)
from somobench.scoring.tables import finish_table, score_table

COSTED = "climatology"  # the rung whose costs are measured again: one pins the table
REFERENCES = ("climatology", "reanalysis", "persistence")
GRIDS, TABLES = {"targets", "forcing", "features"}, {"splits", "cells"}
ROUNDED = 2.1e-4  # of a score below 10: two roundings, on other processors
SMOOTH = ("pearson_r", "bias", "rmse", "ubrmse", "nse", "kge_2009", "kge_2012")
"""Metrics that the last digit of a prediction changes little, where it varies."""
FLAT = 1e-3  # m3 m-3: of the deviation of predictions of a series that hardly vary
NUMBERS = {"value": ROUNDED, "cell_count": 0.0, "day_count": 0.0}
COST_KEY = ["split", "model", "layer", "metric"]
COST_NUMBERS = {
    **dict.fromkeys(("shifted", "reference", "cost"), ROUNDED),
    **dict.fromkeys(("cell_count", "day_count"), 0.0),
}
Side = tuple[ScoringCase, list[Model], Problem]
Sides = Mapping[str, Side]


def find_other_reference_scores(
    manifest: Manifest,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
    reports: Mapping[str, Any] | None = None,
) -> list[Failure]:
    """Compare scores and shift costs with those of rungs that need no training.

    What the stage `baselines` reports of the rungs that do is compared as well.
    """
    if GRIDS - set(grids) or TABLES - set(tables) or not has_rules_of_today(manifest):
        return []
    failures: list[Failure] = []
    try:
        sides = {
            split: _predict_references(split, manifest, tables, grids)
            for split in sorted(manifest.splits)
        }
        problems = {split: problem for split, (_, _, problem) in sides.items()}
        baselines = (reports or {}).get("baselines", {})
        others, refits = find_other_fits(baselines, problems)
        failures += others
        if "scores" in tables:
            none = finish_table([], SCORES, SCORE_KEY)
            expected = pd.concat([none, *map(_score_side, sides.values())])
            given = tables["scores"]
            given = given[given["against"] == ""]
            for split, refit in refits.items():
                if not _varies(refit.values):
                    continue
                again = _score_refit(sides[split], refit)
                rows = _select_alike(given, again)
                failures += _compare("scores", rows, again, [*SCORE_KEY], NUMBERS)
            given = given[given["model"].isin(expected["model"].unique())]
            failures += _compare("scores", given, expected, [*SCORE_KEY], NUMBERS)
        if "shift_costs" in tables and REFERENCE_SPLIT in sides:
            given = tables["shift_costs"]
            given = given[given["model"] == COSTED]
            none = finish_table([], SHIFT_COSTS, SHIFT_KEY)
            expected = pd.concat([none, *_measure_costs(sides)])
            failures += _compare("shift_costs", given, expected, COST_KEY, COST_NUMBERS)
    except SomobenchError as error:
        failures.append(Failure("scores.parquet", str(error), "what can be scored"))
    return failures


def _predict_references(
    split: str,
    manifest: Manifest,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> Side:
    view = view_split(
        split,
        targets=grids["targets"],
        features=grids["features"],
        splits=tables["splits"],
        cells=tables["cells"],
    )
    moments = {int(key): it for key, it in manifest.target_moments_from.items()}
    case = build_case(view, moments)
    problem = build_problem(
        view,
        forcing=grids["forcing"],
        feature_sets=manifest.feature_sets,
        refused={},
        latent_heat=LATENT_HEAT,
        params=BaselineParams(),
    )
    places = {dim: grids["targets"][dim] for dim in ("layer", "cell", "time")}
    found = {name: _predict(name, problem, places) for name in REFERENCES}
    models = [
        Model(name, lambda grid=grid: case.place_on_series(grid))  # type: ignore[misc]
        for name, grid in found.items()
        if grid is not None
    ]
    return case, models, problem


def _predict(
    name: str, problem: Problem, places: Mapping[str, xr.DataArray]
) -> xr.DataArray | None:
    outcome = RUNGS[name].fit(problem)
    if not isinstance(outcome, Fit):
        return None
    return xr.DataArray(bound_and_round(outcome.values), places, tuple(places))


def _score_side(side: Side) -> pd.DataFrame:
    """Return rows of every reference on a split, without intervals."""
    case, models, _ = side
    parts = [_score(case, model) for model in models]
    return pd.concat([finish_table([], SCORES, SCORE_KEY), *parts])


def _score(
    case: ScoringCase, model: Model, metrics: Iterable[str] | None = None
) -> pd.DataFrame:
    values = model.load()
    paired = np.asarray(mark_finite_days(values).any(dim="series"))
    days = resample_days(paired, length=1, draws=0)
    return score_table(case, score_model(case, values, days, metrics), model.name)


def _varies(values: Array) -> bool:
    """Tell whether predictions (cell, day) of every cell that has any vary."""
    rows = values[np.isfinite(values).any(axis=1)]
    return len(rows) > 0 and bool((np.nanstd(rows, axis=1) > FLAT).all())


def _score_refit(side: Side, refit: Refit) -> pd.DataFrame:
    """Return rows of a rung that was fitted again, of its layer."""
    case, _, problem = side
    layer = problem.layers[refit.place]
    places = {"layer": [layer], "cell": case.roles["cell"], "time": case.roles["time"]}
    grid = xr.DataArray(bound_and_round(refit.values)[None], places, tuple(places))
    model = Model(refit.rung, lambda: case.place_on_series(grid))
    rows = _score(case, model, SMOOTH)
    return finish_table([rows[rows["layer"] == layer]], SCORES, SCORE_KEY)


def _select_alike(given: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return what a table says of the rungs, splits, layers and metrics of rows."""
    alike = np.ones(len(given), dtype=bool)
    for name in ("split", "model", "layer", "metric"):
        alike &= given[name].isin(rows[name].unique()).to_numpy()
    return given[alike]


def _measure_costs(sides: Sides) -> Iterator[pd.DataFrame]:
    case, models, _ = sides[REFERENCE_SPLIT]
    known = {model.name: model for model in models}
    for split, (shifted, ours, _) in sides.items():
        pairs = [(it, known[it.name]) for it in ours if it.name == COSTED in known]
        if split != REFERENCE_SPLIT and pairs:
            with suppress(NothingInCommonError):
                yield shift_costs(shifted, case, pairs, draws=0)


def _compare(
    kind: str,
    given: pd.DataFrame,
    expected: pd.DataFrame,
    key: list[str],
    numbers: Mapping[str, float],
) -> Iterator[Failure]:
    """Compare rows of reference rungs, first by what they are of, then by number."""
    both = given.merge(
        expected, "outer", on=key, suffixes=("", "_again"), indicator=True
    )
    lone = (both["_merge"] != "both").to_numpy()
    if lone.any():
        shown = "/".join(map(str, both.loc[lone, key].iloc[0]))
        found = f"{int(lone.sum())} rows too many or too few, such as {shown}"
        yield Failure(f"{kind}.parquet", found, "a row of every rung, pool and metric")
        return
    for name, allowed in numbers.items():
        ours, again = (both[it].to_numpy("float64") for it in (name, f"{name}_again"))
        scale = allowed * np.maximum(1, np.abs(again))
        wrong = ~((np.abs(ours - again) <= scale) | (np.isnan(ours) & np.isnan(again)))
        if wrong.any():
            row = both[wrong].iloc[0]
            shown = "/".join(str(row[it]) for it in key if row[it] != "")
            where = f"{kind}.parquet {name}"
            found = f"{int(wrong.sum())} other rows, such as {row[name]} of {shown}"
            yield Failure(where, found, f"{row[f'{name}_again']}, scored again")
