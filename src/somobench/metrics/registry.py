"""The registry: every metric by name, in the order of its family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from somobench.metrics.definition import REFERENCE_MOMENTS, Invariance, Metric
from somobench.schemas.errors import UnknownNameError

__all__ = ["METRICS", "PLUMBER2", "REFERENCE_MOMENTS", "metrics_named"]

_BY_EVENT = "An event counts whole, on the day of its onset."
_PARTIAL = (
    "The harmonic of the year, and the climatology of train days where there is one,"
    " are removed from both series by least squares over the same days. What is left"
    " counts as nothing where it varies by less than 2 % of the series. Records with"
    " fewer than 40 pairs have no value."
)

_QA4SM = "Gruber et al. 2020, doi:10.1016/j.rse.2020.111806"
_PLUMBER = "Abramowitz et al. 2024 (PLUMBER2), doi:10.5194/bg-21-5517-2024"
_NASH = "Nash and Sutcliffe 1970, doi:10.1016/0022-1694(70)90255-6"
_GUPTA = "Gupta et al. 2009, doi:10.1016/j.jhydrol.2009.08.003"
_KLING = "Kling et al. 2012, doi:10.1016/j.jhydrol.2012.01.011"
_MORIASI = "Moriasi et al. 2007, doi:10.13031/2013.23153"
_PERKINS = "Perkins et al. 2007, doi:10.1175/JCLI4253.1"
_NARAPUSETTY = "Narapusetty et al. 2009, doi:10.1175/2009JCLI2944.1"
_FERRO = "Ferro and Stephenson 2011, doi:10.1175/WAF-D-10-05030.1"
_RUNS = "run theory, Tallaksen et al. 1997, doi:10.1080/02626669709492003"
_GNEITING = "Gneiting and Raftery 2007, doi:10.1198/016214506000001437"
_FAIR = "Ferro 2014, doi:10.1002/qj.2270"
_FORTIN = "Fortin et al. 2014, doi:10.1175/JHM-D-14-0008.1"

_SHIFTED: frozenset[Invariance] = frozenset({"joint_shift", "day_order"})
_DIMENSIONLESS: frozenset[Invariance] = _SHIFTED | {"joint_scale", "joint_affine"}
_AFFINE: frozenset[Invariance] = _DIMENSIONLESS | {
    "prediction_shift",
    "prediction_affine",
    "exchange",
}

_CORRELATION = Metric(
    minimum=-1.0, maximum=1.0, perfect=1.0, orientation="higher", invariances=_AFFINE
)
_EFFICIENCY = Metric(
    maximum=1.0, perfect=1.0, orientation="higher", invariances=_DIMENSIONLESS
)
_ERROR = Metric(
    units=None, minimum=0.0, perfect=0.0, orientation="lower", invariances=_SHIFTED
)
_RELATIVE_ERROR = replace(_ERROR, units="1", invariances=_DIMENSIONLESS)
_BIAS = Metric(units=None, perfect=0.0, orientation="nearest", invariances=_SHIFTED)
_SHARE = replace(_EFFICIENCY, minimum=0.0)
_RATIO = Metric(
    minimum=0.0, perfect=1.0, orientation="nearest", invariances=_DIMENSIONLESS
)
_LAG = Metric(
    units="days",
    perfect=0.0,
    orientation="nearest",
    needs="thresholds",
    invariances=_DIMENSIONLESS - {"day_order"},
    note=_BY_EVENT,
)


def _define(
    kind: Metric,
    name: str,
    long_name: str,
    family: str,
    source: str,
    *also: Invariance,
    **changes: Any,
) -> Metric:
    changes = {"invariances": kind.invariances.union(also)} | changes
    return replace(
        kind, name=name, long_name=long_name, family=family, source=source, **changes
    )


def _define_moments() -> Iterable[Metric]:
    family, rmse = "moments", "root mean square error"
    yield _define(_CORRELATION, "pearson_r", "Pearson correlation", family, _QA4SM)
    yield _define(_BIAS, "bias", "mean prediction minus mean target", family, _QA4SM)
    yield _define(_ERROR, "rmse", rmse, family, _QA4SM, "exchange")
    yield _define(
        _ERROR,
        "ubrmse",
        f"{rmse} after removing both means",
        family,
        _QA4SM,
        "exchange",
        "prediction_shift",
    )
    yield _define(
        _RELATIVE_ERROR,
        "standardised_rmse",
        f"{rmse} over the target's standard deviation",
        family,
        _MORIASI,
    )
    yield _define(_EFFICIENCY, "nse", "Nash-Sutcliffe efficiency", family, _NASH)
    for year, source, variability in (
        ("2009", _GUPTA, ""),
        ("2012", _KLING, " with the ratio of coefficients of variation"),
    ):
        yield _define(
            _EFFICIENCY,
            f"kge_{year}",
            f"Kling-Gupta efficiency{variability}",
            family,
            source,
            invariances=frozenset({"joint_scale", "day_order"}),
        )
    yield _define(
        _ERROR,
        "absolute_bias",
        "absolute mean bias error",
        family,
        _PLUMBER,
        "exchange",
    )
    yield _define(
        _RELATIVE_ERROR,
        "sd_difference",
        "|1 - ratio of standard deviations|",
        family,
        _PLUMBER,
        "prediction_shift",
    )


def _define_ranks_and_anomalies() -> Iterable[Metric]:
    yield _define(
        _CORRELATION,
        "spearman_r",
        "Spearman rank correlation",
        "ranks",
        _QA4SM,
        "prediction_monotone",
    )
    yield _define(
        _CORRELATION,
        "anomaly_r",
        "Pearson correlation of anomalies from a centred 35-day moving mean",
        "moving_anomaly",
        f"{_QA4SM}; pytesmo calc_anomaly",
        invariances=_AFFINE - {"day_order"},
    )
    yield _define(
        _CORRELATION,
        "deseasonalised_r",
        "Pearson correlation of departures from each series' own annual cycle",
        "deseasonalised",
        _NARAPUSETTY,
        invariances=_AFFINE - {"day_order"} | {"season"},
        note=_PARTIAL,
    )


def _define_distribution() -> Iterable[Metric]:
    family = "distribution"
    yield _define(
        _RELATIVE_ERROR,
        "normalised_mean_error",
        "mean absolute error over that of the target's mean",
        family,
        _PLUMBER,
    )
    for rank in ("5", "95"):
        yield _define(
            _ERROR,
            f"p{rank}_difference",
            f"absolute difference of the {rank}th percentiles",
            family,
            _PLUMBER,
            "exchange",
        )
    yield _define(
        _SHARE,
        "pdf_overlap",
        "overlap of the histograms of both series, 25 common bins",
        family,
        f"{_PLUMBER}; {_PERKINS}",
        "exchange",
    )


def _define_extremes(side: str, rule: str) -> Iterable[Metric]:
    event, lower = f"days {rule} percentile of train days", {"orientation": "lower"}
    index = replace(_SHARE, minimum=-1.0)
    kinds: tuple[tuple[Metric, str, str, dict[str, Any]], ...] = (
        (index, "sedi", "symmetric extremal dependence index of", {}),
        (_SHARE, "hit_rate", "hit rate of", {}),
        (_RATIO, "frequency_bias", "predicted over observed number of", {}),
        (_SHARE, "false_alarm_rate", "false-alarm rate of", lower | {"perfect": 0.0}),
    )
    for kind, name, long_name, changes in kinds:
        yield _define(
            kind,
            f"{name}_{side}",
            f"{long_name} {event}",
            f"extremes_{side}",
            _FERRO,
            needs="thresholds",
            **changes,
        )


def _define_droughts() -> Iterable[Metric]:
    family = "droughts"
    rate = replace(_LAG, units="1", minimum=0.0, maximum=1.0, perfect=1.0)
    yield _define(
        rate,
        "drought_detection_rate",
        "share of drought events that overlap a predicted one",
        family,
        _RUNS,
        orientation="higher",
    )
    for what in ("onset", "recovery"):
        mean = f"mean lag of drought {what} behind the target's, events found in both"
        yield _define(_LAG, f"drought_{what}_lag", mean, family, _RUNS)


def _define_ensembles() -> Iterable[Metric]:
    spread = replace(
        _ERROR,
        orientation="none",
        invariances=_SHIFTED | {"prediction_shift", "season"},
        note="Compare with ensemble_rmse.",
    )
    for kind, name, long_name, source in (
        (_ERROR, "crps", "continuous ranked probability score", _GNEITING),
        (_ERROR, "crps_fair", "CRPS, fair to the number of members", _FAIR),
        (_ERROR, "ensemble_rmse", "RMSE of the ensemble mean", _FORTIN),
        (spread, "ensemble_spread", "root of the mean ensemble variance", _FORTIN),
        (
            _RATIO,
            "spread_skill_ratio",
            "ensemble spread over the error of the ensemble mean",
            _FORTIN,
        ),
    ):
        yield _define(kind, name, long_name, "ensemble", source, needs="members")


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metrics in (
            _define_moments(),
            _define_ranks_and_anomalies(),
            _define_distribution(),
            _define_extremes("dry", "below the 10th"),
            _define_extremes("wet", "above the 90th"),
            _define_droughts(),
            _define_ensembles(),
        )
        for metric in metrics
    }
)

PLUMBER2 = (
    "absolute_bias",
    "normalised_mean_error",
    "sd_difference",
    "pearson_r",
    "p5_difference",
    "p95_difference",
    "pdf_overlap",
)


def metrics_named(names: Iterable[str]) -> tuple[Metric, ...]:
    """Look metrics up by name, once each, in the order given.

    Raises
    ------
    UnknownNameError
        Naming every unknown metric and all known ones.
    """
    wanted = tuple(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in METRICS]
    if unknown:
        raise UnknownNameError(
            "metrics",
            found=", ".join(unknown),
            expected=f"names among {', '.join(METRICS)}",
        )
    return tuple(METRICS[name] for name in wanted)
