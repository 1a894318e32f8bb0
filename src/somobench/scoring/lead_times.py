"""How skill falls with lead time, beside persistence and climatology.

A forecast for a day, made as many days ahead as its lead time. Persistence is the
target of the day on which it was made; climatology is that of train days. All three are
scored at every lead time on the same cell-days, those that all of them have at all lead
times: otherwise a curve would rise or fall with the days that each lead time happens to
have, and not with skill.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.catalog.view import day_of_year
from somobench.metrics.days import ResampledDays
from somobench.progress import tell_step
from somobench.schemas.scores import ALL_LAYERS, LEAD_KEY, LEAD_SCORES
from somobench.scoring.case import ScoringCase
from somobench.scoring.ladders import mark_finite_days
from somobench.scoring.models import Forecast, Model, draw_common_days, score_model
from somobench.scoring.record import LeadCoverageRecord
from somobench.scoring.tables import (
    finish_table,
    score_table,
    tabulate_differences_of_models,
)
from somobench.uncertainty.bootstrap import BootstrappedScores

METRICS = ("pearson_r", "anomaly_r", "rmse", "ubrmse")
KINDS = ("plain",)
PERSISTENCE, CLIMATOLOGY = "persistence", "climatology"


def score_lead_times(
    case: ScoringCase, name: str, forecast: Forecast, leads: Iterable[int]
) -> pd.DataFrame:
    """Score a forecast, persistence and climatology at every lead time.

    Parameters
    ----------
    case : ScoringCase
    name : str
        Of the submission.
    forecast : callable
        Gives the forecast of a lead time, (series, time) and optionally member.
    leads : iterable of int, days

    Returns
    -------
    DataFrame of schema LEAD_SCORES
        Pooled scores of the three models, and the differences of the submission to the
        other two, by layer, on `mark_common_days`. NaN where there are none.
    """
    wanted = sorted(leads)
    common = mark_common_days(case, forecast, wanted)
    models = [Model(name, lambda lead=lead: forecast(lead)) for lead in wanted]  # type: ignore[misc]
    days = draw_common_days(case, models)
    parts = [
        _score_lead(case, name, forecast(lead).where(common), lead, days)
        for lead in wanted
    ]
    return finish_table(parts, LEAD_SCORES, LEAD_KEY)


def mark_common_days(
    case: ScoringCase, forecast: Forecast, leads: Iterable[int]
) -> xr.DataArray:
    """Mark the cell-days that are scored at every lead time, (series, time).

    There the target is known, climatology too, and at each of the lead times the
    forecast and what persists.
    """
    common = mark_finite_days(case.target) & mark_finite_days(predict_climatology(case))
    for lead in leads:
        common &= mark_finite_days(forecast(lead)) & mark_finite_days(
            predict_persistence(case, lead)
        )
    return common


def count_common_days(
    case: ScoringCase, forecast: Forecast, leads: Iterable[int]
) -> LeadCoverageRecord:
    """Count the cell-days that have a target, and those scored at every lead time."""
    return LeadCoverageRecord(
        asked=int(mark_finite_days(case.target).sum()),
        common=int(mark_common_days(case, forecast, leads).sum()),
    )


def predict_persistence(case: ScoringCase, lead: int) -> xr.DataArray:
    """Return the target of `lead` days before, (series, time); NaN where unknown."""
    before = case.observed.shift(time=lead)
    return before.sel(time=case.target["time"])


def predict_climatology(case: ScoringCase) -> xr.DataArray:
    """Return the climatology of train days on every day, (series, time)."""
    days = day_of_year(case.target["time"])
    return case.climatology.sel(day_of_year=days).drop_vars("day_of_year")


def _score_lead(
    case: ScoringCase,
    name: str,
    forecast: xr.DataArray,
    lead: int,
    days: ResampledDays,
) -> pd.DataFrame:
    tell_step(f"scoring lead time {lead}")
    common = mark_finite_days(forecast)
    models = {
        name: forecast,
        PERSISTENCE: predict_persistence(case, lead),
        CLIMATOLOGY: predict_climatology(case),
    }
    scored: dict[str, BootstrappedScores] = {
        model: score_model(case, values.where(common), days, METRICS)
        for model, values in models.items()
    }
    parts = [
        score_table(case, scores, model, KINDS) for model, scores in scored.items()
    ]
    parts += [
        tabulate_differences_of_models(
            case, scored[name], scored[rung], (name, rung), KINDS
        )
        for rung in (PERSISTENCE, CLIMATOLOGY)
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(lead_time=np.int8(lead))


def summarise_leads(table: pd.DataFrame, name: str) -> dict[str, Any]:
    """Return the curves over all layers, ready for JSON.

    Returns
    -------
    dict
        `lead_times`; `curves` by metric and model, each with `value`, `low` and `high`
        over lead times; `beats` by metric and reference: lead times at which the 90 %
        interval of the difference lies on the better side of 0.
    """
    pooled = table[table["layer"] == ALL_LAYERS]
    curves: dict[str, Any] = {}
    beats: dict[str, Any] = {}
    for (metric, model, against), rows in pooled.groupby(
        ["metric", "model", "against"], sort=True
    ):
        if against == "":
            curves.setdefault(str(metric), {})[str(model)] = {
                column: _list_numbers(rows[column])
                for column in ("value", "low", "high")
            }
        elif model == name:
            higher = metric in {"pearson_r", "anomaly_r"}
            better = rows["low"] > 0 if higher else rows["high"] < 0
            won = rows["lead_time"][better].tolist()
            beats.setdefault(str(metric), {})[str(against)] = won
    leads = sorted(set(pooled["lead_time"].tolist()))
    return {"lead_times": leads, "curves": curves, "beats": beats}


def _list_numbers(column: pd.Series) -> list[float | None]:
    return [None if pd.isna(value) else float(value) for value in column]
