"""How scores, rungs and pins are written on pages for people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from somobench.ladder.rungs import RUNGS
from somobench.metrics.registry import METRICS
from somobench.pages.html import ABSENT, Markup, element, joined
from somobench.pages.tables import Cell
from somobench.schemas.scores import MOMENTS_NOTE

DIGITS = 3
LARGE = 10.0
UNITS = "m\N{SUPERSCRIPT THREE} m\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT THREE}"
SHORT_HASH = 12
TITLES: Mapping[str, str] = {
    "pearson_r": "Pearson r",
    "anomaly_r": "anomaly r, 35 days",
    "deseasonalised_r": "deseasonalised r",
    "spearman_r": "Spearman r",
    "absolute_bias": "absolute bias",
    "standardised_rmse": "standardised RMSE",
    "sd_difference": "difference of spread",
    "normalised_mean_error": "normalised mean error",
    "p5_difference": "difference of low end, P5",
    "p95_difference": "difference of high end, P95",
    "pdf_overlap": "overlap of distributions",
    "crps": "CRPS",
    "crps_fair": "CRPS, fair",
    "ensemble_rmse": "ensemble mean, RMSE",
    "ensemble_spread": "ensemble spread",
    "spread_skill_ratio": "spread over skill",
    "rmse": "RMSE",
    "ubrmse": "ubRMSE",
    "bias": "bias",
    "nse": "NSE",
    "kge_2009": "KGE",
    "kge_2012": "KGE, 2012",
    "sedi_dry": "dry days, SEDI",
    "sedi_wet": "wet days, SEDI",
    "hit_rate_dry": "dry days foretold",
    "hit_rate_wet": "wet days foretold",
    "false_alarm_rate_dry": "false alarms of dry days",
    "false_alarm_rate_wet": "false alarms of wet days",
    "frequency_bias_dry": "dry days, predicted over observed",
    "frequency_bias_wet": "wet days, predicted over observed",
    "drought_detection_rate": "droughts detected",
    "drought_onset_lag": "lag of onset, days",
    "drought_recovery_lag": "lag of recovery, days",
}
"""Short titles; other metrics go by their name."""
OBSERVES = Markup('<span class="mark">reads observations</span>')
MOMENTS_MARK = Markup('<span class="mark">scores the reference</span>')


def metric_title(name: str) -> str:
    """Return the short title of a metric, with its unit where it has one."""
    title = TITLES.get(name, name)
    metric = METRICS.get(name)
    return f"{title}, {UNITS}" if metric and metric.units is None else title


def rung_title(name: str) -> str:
    """Return the title of a rung; one that isn't known goes by its name."""
    return RUNGS[name].title if name in RUNGS else name


def layer_title(layer: int) -> str:
    """Return what layer 0 and the others are called."""
    return f"layer {layer}" if layer else "all layers"


def score_text(value: float | None, digits: int = DIGITS) -> str:
    """Write a score with three decimals; large ones with one.

    Examples
    --------
    >>> score_text(0.70649), score_text(-12.34) == "\N{MINUS SIGN}12.3"
    ('0.706', True)
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    text = f"{value:.{digits if abs(value) < LARGE else 1}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "\N{MINUS SIGN}")


def scored(row: Mapping[str, Any] | None) -> Markup:
    """Return a score and its interval, which always stand together.

    Parameters
    ----------
    row : mapping with `value`, `low`, `high` and, for its digits, `metric`; None where
        there is no such score
    """
    if row is None or number_of(row["value"]) is None:
        return Markup(ABSENT)
    low, high = number_of(row["low"]), number_of(row["high"])
    metric = METRICS.get(str(row.get("metric")))
    digits = 1 if metric and metric.units == "days" else DIGITS
    told = (
        "(no interval)"
        if low is None or high is None
        else f"({score_text(low, digits)} to {score_text(high, digits)})"
    )
    return joined(
        [
            score_text(row["value"], digits),
            " ",
            element("span", told, class_="interval"),
        ]
    )


def score_cell(row: Mapping[str, Any] | None) -> Cell:
    """Return a score with its interval as a cell that sorts by the score."""
    return Cell(scored(row), None if row is None else number_of(row["value"]))


def number_of(value: Any) -> float | None:
    """Return a number, or None for what isn't finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(value)


def metric_name(name: str, note: str = "") -> Markup:
    """Return a metric's title, marked where it scores the reference's moments."""
    title = metric_title(name)
    mark = MOMENTS_MARK if note == MOMENTS_NOTE else ""
    return joined([title, " ", mark] if mark else [title])


def rung_name(name: str, *, needs_observations: bool = False) -> Markup:
    """Return a rung's title, marked where it reads observations."""
    return joined([rung_title(name), *((" ", OBSERVES) if needs_observations else ())])


def short_hash(digest: str | None) -> Markup:
    """Return the beginning of a hash; the whole of it is its tip."""
    if digest is None:
        return Markup(ABSENT)
    return element("span", digest[:SHORT_HASH], class_="hash", title=digest)


def whole_hash(digest: str | None) -> Markup:
    """Return a hash that can be broken over lines."""
    return element("span", digest or "none", class_="hash")
