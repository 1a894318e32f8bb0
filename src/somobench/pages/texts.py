"""How scores, rungs and pins are written on pages for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from somobench.ladder.rungs import RUNGS
from somobench.metrics.registry import METRICS
from somobench.pages.frame import ABSENT
from somobench.pages.scales import finite_or_none
from somobench.pages.tables import Cell
from somobench.schemas.scores import MOMENTS_NOTE

DIGITS = 3
LARGE = 10.0
UNITS = (
    "m\N{SUPERSCRIPT THREE}\N{NO-BREAK SPACE}"
    "m\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT THREE}"
)
SHORT_HASH = 12
TITLES: Mapping[str, str] = {
    "pearson_r": "Pearson r",
    "anomaly_r": "anomaly r, 35 days",
    "deseasonalised_r": "deseasonalised r",
    "spearman_r": "Spearman r",
    "absolute_bias": "absolute bias",
    "standardised_rmse": "standardised RMSE",
    "sd_difference": "difference of standard deviation",
    "normalised_mean_error": "normalised mean error",
    "p5_difference": "difference of 5th percentile",
    "p95_difference": "difference of 95th percentile",
    "pdf_overlap": "overlap of distributions",
    "crps": "CRPS",
    "crps_fair": "CRPS, fair",
    "ensemble_rmse": "ensemble mean, RMSE",
    "ensemble_spread": "ensemble spread",
    "spread_skill_ratio": "spread-skill ratio",
    "rmse": "RMSE",
    "ubrmse": "ubRMSE",
    "bias": "bias",
    "nse": "NSE",
    "kge_2009": "KGE, 2009",
    "kge_2012": "KGE, 2012",
    "sedi_dry": "SEDI of dry days",
    "sedi_wet": "SEDI of wet days",
    "hit_rate_dry": "hit rate of dry days",
    "hit_rate_wet": "hit rate of wet days",
    "false_alarm_rate_dry": "false-alarm rate of dry days",
    "false_alarm_rate_wet": "false-alarm rate of wet days",
    "frequency_bias_dry": "frequency bias of dry days",
    "frequency_bias_wet": "frequency bias of wet days",
    "drought_detection_rate": "droughts detected",
    "drought_onset_lag": "lag of drought onset, days",
    "drought_recovery_lag": "lag of drought recovery, days",
}
"""Short titles; other metrics go by their name."""
REGIONS: Mapping[str, str] = {
    "namerica": "North America",
    "samerica": "South America",
    "north_america": "North America",
    "south_america": "South America",
    "europe": "Europe",
    "africa": "Africa",
    "asia": "Asia",
    "australia": "Australia",
    "oceania": "Oceania",
}
"""Names of regions that recipes abbreviate; others go by their name."""
OBSERVES = Markup('<span class="mark">reads observations</span>')
MOMENTS_MARK = Markup('<span class="mark">depends on the reanalysis</span>')


def name_metric(name: str) -> str:
    """Return the short title of a metric, with its unit where it has one."""
    title = TITLES.get(name, name)
    metric = METRICS.get(name)
    return f"{title}, {UNITS}" if metric and metric.units is None else title


def name_rung(name: str) -> str:
    """Return the title of a rung; one that isn't known goes by its name."""
    return RUNGS[name].title if name in RUNGS else name


def name_layer(layer: int) -> str:
    """Return what layer 0 and the others are called."""
    return f"layer {layer}" if layer else "all layers"


def name_region(name: str) -> str:
    """Return the name of a region for people."""
    return REGIONS.get(name, name)


def write_score(value: float | None, digits: int = DIGITS) -> str:
    """Write a score with three decimals; large ones with one.

    Examples
    --------
    >>> write_score(0.70649), write_score(-12.34) == "\N{MINUS SIGN}12.3"
    ('0.706', True)
    """
    number = finite_or_none(value)
    if number is None:
        return ABSENT
    text = f"{number:.{digits if abs(number) < LARGE else 1}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "\N{MINUS SIGN}")


def show_score(row: Mapping[str, Any] | None) -> Markup:
    """Return a score and its interval, which always stand together.

    Parameters
    ----------
    row : mapping with `value`, `low`, `high` and, for its digits, `metric`; None where
        there is no such score
    """
    if row is None or finite_or_none(row["value"]) is None:
        return escape(ABSENT)
    low, high = finite_or_none(row["low"]), finite_or_none(row["high"])
    metric = METRICS.get(str(row.get("metric")))
    digits = 1 if metric and metric.units == "days" else DIGITS
    interval = (
        "(no interval)"
        if low is None or high is None
        else f"({write_score(low, digits)} to {write_score(high, digits)})"
    )
    return Markup("{} <i>{}</i>").format(write_score(row["value"], digits), interval)


def make_score_cell(row: Mapping[str, Any] | None) -> Cell:
    """Return a score with its interval as a cell that sorts by the score."""
    return Cell(show_score(row), None if row is None else finite_or_none(row["value"]))


def show_metric(name: str, note: str = "") -> Markup:
    """Return a metric's title, marked where it depends on the reanalysis's moments."""
    mark = MOMENTS_MARK if note == MOMENTS_NOTE else ""
    return Markup("{} {}").format(name_metric(name), mark).strip()


def show_rung(name: str, *, needs_observations: bool = False) -> Markup:
    """Return a rung's title, marked where it reads observations."""
    mark = OBSERVES if needs_observations else ""
    return Markup("{} {}").format(name_rung(name), mark).strip()


def show_hash(digest: str | None) -> Markup:
    """Return the first digits of a hash; the whole of it shows on hover."""
    if digest is None:
        return escape(ABSENT)
    return Markup('<span class="hash" title="{}">{}</span>').format(
        digest, digest[:SHORT_HASH]
    )


def show_whole_hash(digest: str | None) -> Markup:
    """Return a hash that can be broken over lines."""
    return Markup('<span class="hash">{}</span>').format(digest or "none")
