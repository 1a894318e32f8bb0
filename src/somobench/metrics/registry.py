"""Every metric once. How each is computed stands in the module of its family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from somobench.metrics.definition import Metric
from somobench.schemas.errors import UnknownNameError

REFERENCE_MOMENTS = (
    "Scaled targets have the mean and variance of the reanalysis that they were matched"
    " to: this metric partly measures agreement with the reanalysis' climatology."
)
_BY_EVENT = "An event counts whole, on the day of its onset."

_QA4SM = "Gruber et al. 2020, doi:10.1016/j.rse.2020.111806"
_PLUMBER = "Abramowitz et al. 2024 (PLUMBER2), doi:10.5194/bg-21-5517-2024"
_NASH = "Nash and Sutcliffe 1970, doi:10.1016/0022-1694(70)90255-6"
_GUPTA = "Gupta et al. 2009, doi:10.1016/j.jhydrol.2009.08.003"
_KLING = "Kling et al. 2012, doi:10.1016/j.jhydrol.2012.01.011"
_MORIASI = "Moriasi et al. 2007, doi:10.13031/2013.23153"
_PERKINS = "Perkins et al. 2007, doi:10.1175/JCLI4253.1"
_FERRO = "Ferro and Stephenson 2011, doi:10.1175/WAF-D-10-05030.1"
_RUNS = "run theory, Tallaksen et al. 1997, doi:10.1080/02626669709492003"
_GNEITING = "Gneiting and Raftery 2007, doi:10.1198/016214506000001437"
_FAIR = "Ferro 2014, doi:10.1002/qj.2270"
_FORTIN = "Fortin et al. 2014, doi:10.1175/JHM-D-14-0008.1"

_CORRELATION = Metric(minimum=-1.0, maximum=1.0, perfect=1.0, orientation="higher")
_EFFICIENCY = Metric(
    maximum=1.0, perfect=1.0, orientation="higher", note=REFERENCE_MOMENTS
)
_ERROR = Metric(
    units=None, minimum=0.0, perfect=0.0, orientation="lower", note=REFERENCE_MOMENTS
)
_BIAS = Metric(units=None, perfect=0.0, orientation="nearest", note=REFERENCE_MOMENTS)
_SHARE = Metric(minimum=0.0, maximum=1.0, perfect=1.0, orientation="higher")
_RATIO = Metric(minimum=0.0, perfect=1.0, orientation="nearest")
_LAG = Metric(units="days", perfect=0.0, orientation="nearest", note=_BY_EVENT)


def _define(
    kind: Metric, name: str, long_name: str, family: str, source: str, **changes: Any
) -> Metric:
    return replace(
        kind, name=name, long_name=long_name, family=family, source=source, **changes
    )


def _moments() -> Iterable[Metric]:
    family = "moments"
    rmse = "root mean square error"
    yield _define(_CORRELATION, "pearson_r", "Pearson correlation", family, _QA4SM)
    yield _define(_BIAS, "bias", "mean prediction minus mean target", family, _QA4SM)
    yield _define(_ERROR, "rmse", rmse, family, _QA4SM)
    yield _define(_ERROR, "ubrmse", f"{rmse} after removing both means", family, _QA4SM)
    yield _define(
        _ERROR,
        "standardised_rmse",
        f"{rmse} over the target's standard deviation",
        family,
        _MORIASI,
        units="1",
    )
    yield _define(_EFFICIENCY, "nse", "Nash-Sutcliffe efficiency", family, _NASH)
    yield _define(_EFFICIENCY, "kge_2009", "Kling-Gupta efficiency", family, _GUPTA)
    yield _define(
        _EFFICIENCY,
        "kge_2012",
        "Kling-Gupta efficiency with the ratio of coefficients of variation",
        family,
        _KLING,
    )
    yield _define(_ERROR, "absolute_bias", "absolute mean bias error", family, _PLUMBER)
    yield _define(
        _ERROR,
        "sd_difference",
        "|1 - ratio of standard deviations|",
        family,
        _PLUMBER,
        units="1",
    )


def _ranks_and_anomalies() -> Iterable[Metric]:
    yield _define(
        _CORRELATION, "spearman_r", "Spearman rank correlation", "ranks", _QA4SM
    )
    yield _define(
        _CORRELATION,
        "anomaly_r",
        "Pearson correlation of anomalies from a centred 35-day moving mean",
        "moving_anomaly",
        f"{_QA4SM}; pytesmo calc_anomaly",
    )
    yield _define(
        _CORRELATION,
        "anomaly_r_seasonal",
        "Pearson correlation of anomalies from the seasonal climatology",
        "seasonal_anomaly",
        f"{_QA4SM}; pytesmo calc_climatology",
    )


def _distribution() -> Iterable[Metric]:
    family = "distribution"
    yield _define(
        _ERROR,
        "normalised_mean_error",
        "mean absolute error over that of the target's mean",
        family,
        _PLUMBER,
        units="1",
    )
    for rank in ("5", "95"):
        yield _define(
            _ERROR,
            f"p{rank}_difference",
            f"absolute difference of the {rank}th percentiles",
            family,
            _PLUMBER,
        )
    yield _define(
        _SHARE,
        "pdf_overlap",
        "overlap of the histograms of both series, 25 common bins",
        family,
        f"{_PLUMBER}; {_PERKINS}",
        note=REFERENCE_MOMENTS,
    )


def _extremes(side: str, rule: str) -> Iterable[Metric]:
    event = f"days {rule} percentile of train days"
    for kind, name, long_name in (
        (_CORRELATION, "sedi", f"symmetric extremal dependence index of {event}"),
        (_SHARE, "hit_rate", f"share foretold of {event}"),
        (_RATIO, "frequency_bias", f"predicted over observed number of {event}"),
    ):
        yield _define(
            kind,
            f"{name}_{side}",
            long_name,
            f"extremes_{side}",
            _FERRO,
            needs="thresholds",
        )
    yield _define(
        _SHARE,
        f"false_alarm_rate_{side}",
        f"share of other days foretold as {event}",
        f"extremes_{side}",
        _FERRO,
        perfect=0.0,
        orientation="lower",
        needs="thresholds",
    )


def _droughts() -> Iterable[Metric]:
    yield _define(
        _SHARE,
        "drought_detection_rate",
        "share of drought events that overlap a predicted one",
        "droughts",
        _RUNS,
        needs="thresholds",
        note=_BY_EVENT,
    )
    for what in ("onset", "recovery"):
        yield _define(
            _LAG,
            f"drought_{what}_lag",
            f"mean lag of drought {what} behind the target's, events found in both",
            "droughts",
            _RUNS,
            needs="thresholds",
        )


def _ensembles() -> Iterable[Metric]:
    for kind, name, long_name, source, changes in (
        (_ERROR, "crps", "continuous ranked probability score", _GNEITING, {}),
        (_ERROR, "crps_fair", "CRPS, fair to the number of members", _FAIR, {}),
        (_ERROR, "ensemble_rmse", "RMSE of the ensemble mean", _FORTIN, {}),
        (
            _ERROR,
            "ensemble_spread",
            "root of the mean ensemble variance",
            _FORTIN,
            {"orientation": "none", "note": "Compare with ensemble_rmse."},
        ),
        (
            _RATIO,
            "spread_skill_ratio",
            "ensemble spread over the error of the ensemble mean",
            _FORTIN,
            {},
        ),
    ):
        yield _define(
            kind, name, long_name, "ensemble", source, needs="members", **changes
        )


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metrics in (
            _moments(),
            _ranks_and_anomalies(),
            _distribution(),
            _extremes("dry", "below the 10th"),
            _extremes("wet", "above the 90th"),
            _droughts(),
            _ensembles(),
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
