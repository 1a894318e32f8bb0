"""Tables and plots of a score card: metrics, pools, extremes."""

from __future__ import annotations

from collections.abc import Sequence

from somobench.cards.lookup import (
    ScoreLookup,
    head_metrics,
    plot_score,
    tabulate_grid,
)
from somobench.metrics.registry import METRICS
from somobench.pages.figures import Row, RowPlot, list_numbers
from somobench.pages.scales import make_linear_scale
from somobench.pages.tables import ASCENDING, PLACES, WORDS, Cell, Column, Table
from somobench.pages.texts import (
    name_layer,
    name_metric,
    name_region,
    show_metric,
)
from somobench.scoring.case import DRYNESS_CLASSES
from somobench.scoring.models import LEADING
from somobench.scoring.record import FoldRecord
from somobench.uncertainty.pools import RECORD_CLASSES, STATION_CLASSES

LEAD = LEADING[0]
POOL_METRICS = (*LEADING, "ubrmse", "sedi_dry")
SHARES = ("hit_rate", "false_alarm_rate", "sedi", "frequency_bias")
DROUGHTS = ("drought_detection_rate", "drought_onset_lag", "drought_recovery_lag")
EXTREMES = (
    *(f"{share}_{side}" for side in ("dry", "wet") for share in SHARES),
    *DROUGHTS,
)
MOST_DRAWN = 40  # pools of a kind; more of them are in the table only
POOL_TITLES = {
    "region": "Regions",
    "regime": "Regimes",
    "network": "Networks",
    "record_length": "Length of the record",
    "station_count": "Stations behind the target",
    "fold": "Folds",
}
DRAWN_POOLS = ("region", "regime", "network")
EVENTS = "Medians over the series that have such days"
EXTREME_AXIS = "share of days, median over series; few false alarms are good"
NO_THRESHOLDS = (
    "Not available: no series has thresholds of dry and wet days. They are percentiles "
    "of a series\u2019 own days, and none has enough of them."
)
NOT_AUDITED = "distance alone: where its stations are may not be passed on"
CLASS_ORDER = [*RECORD_CLASSES, *STATION_CLASSES, *DRYNESS_CLASSES]


def tabulate_scores(lookup: ScoreLookup) -> Table:
    """Return every metric but those of extremes, over all layers and by layer."""
    names = [name for name in lookup.metrics if name not in EXTREMES]
    return _tabulate_metrics(lookup, names, "Median scores with intervals")


def list_metrics(lookup: ScoreLookup) -> list[tuple[str, str, str]]:
    """Return name, title and meaning of every metric."""
    return [
        (name, name_metric(name), METRICS[name].long_name) for name in lookup.metrics
    ]


def plot_pools(lookup: ScoreLookup) -> list[RowPlot]:
    """Return the leading score by region, regime and network, on one scale."""
    kinds = [kind for kind in DRAWN_POOLS if 0 < len(lookup.pools(kind)) <= MOST_DRAWN]
    drawn = {kind: _plot_pool(lookup, kind) for kind in kinds}
    marks = [mark for rows in drawn.values() for row in rows for mark in row.marks]
    scale = make_linear_scale(list_numbers(marks))
    axis = f"{name_metric(LEAD)}, median over series"
    return [
        RowPlot(rows=[POOL_TITLES[kind], *rows], axis=axis, scale=scale)
        for kind, rows in drawn.items()
    ]


def _plot_pool(lookup: ScoreLookup, kind: str) -> list[Row]:
    return [
        plot_score(name_region(pool), lookup.row(LEAD, kind=kind, pool=pool))
        for pool in order_pools(lookup.pools(kind))
    ]


def tabulate_pools(lookup: ScoreLookup) -> list[Table]:
    """Return scores by region, regime, network, record length and stations."""
    return [_tabulate_pool(lookup, kind) for kind in POOL_TITLES if lookup.pools(kind)]


def _tabulate_pool(lookup: ScoreLookup, kind: str) -> Table:
    rows = []
    for place, pool in enumerate(order_pools(lookup.pools(kind))):
        key = pool if pool not in CLASS_ORDER else f"{place:03d}"
        chosen = {"kind": kind, "pool": pool}
        rows.append((Cell(name_region(pool), key), lookup, chosen))
    head = Column(kind.replace("_", " "), WORDS, ASCENDING)
    columns = head_metrics(lookup, POOL_METRICS)
    return tabulate_grid(POOL_TITLES[kind], head, rows, columns)


def tabulate_folds(folds: Sequence[FoldRecord]) -> Table:
    """Return what each fold of a pooled split tested, and what its audit reports."""
    rows = [
        (
            Cell(str(item.fold), item.fold),
            item.test_cells,
            item.train_cells,
            item.nearest_km,
            NOT_AUDITED if item.findings is None else "; ".join(item.findings),
        )
        for item in folds
    ]
    columns = (
        Column("fold", PLACES, ASCENDING),
        "test cells",
        "train cells",
        "nearest train cell, km",
        "audit reports",
    )
    return Table(title="Folds and their audit", columns=columns, rows=rows)


def order_pools(pools: Sequence[str]) -> list[str]:
    """Return pools in the order of their classes, else of their names."""
    rank = {name: place for place, name in enumerate(CLASS_ORDER)}
    return sorted(pools, key=lambda pool: (rank.get(pool, -1), pool))


def has_extremes(lookup: ScoreLookup) -> bool:
    """Tell whether any series has thresholds of dry and wet days."""
    return any(lookup.has_value(name) for name in EXTREMES if name not in DROUGHTS)


def tabulate_extremes(lookup: ScoreLookup) -> Table:
    """Return metrics of dry and wet days and droughts that have a value."""
    names = [name for name in EXTREMES if lookup.has_value(name)]
    return _tabulate_metrics(lookup, names, EVENTS)


def list_missing_extremes(lookup: ScoreLookup) -> list[str]:
    """Return metrics that no series has days for."""
    return [
        name_metric(name)
        for name in EXTREMES
        if name in lookup.metrics and not lookup.has_value(name)
    ]


def plot_extremes(lookup: ScoreLookup) -> RowPlot:
    """Return hit rates and false-alarm rates of dry and wet days."""
    rows: list[Row | str] = []
    for side, rule in (("dry", "below the 10th"), ("wet", "above the 90th")):
        rows.append(f"{side.capitalize()} days: {rule} percentile of a series")
        rows += [
            plot_score(title, lookup.row(f"{share}_{side}"), colour=colour)
            for share, title, colour in (
                ("hit_rate", "hit rate", "c1"),
                ("false_alarm_rate", "false-alarm rate", "c2"),
            )
            if f"{share}_{side}" in lookup.metrics
        ]
    scale = make_linear_scale([0.0, 1.0])
    return RowPlot(rows=rows, axis=EXTREME_AXIS, label="Dry and wet days", scale=scale)


def _tabulate_metrics(lookup: ScoreLookup, metrics: Sequence[str], title: str) -> Table:
    rows = [
        (
            Cell(show_metric(name, lookup.note(name)), name_metric(name)),
            lookup,
            {"metric": name},
        )
        for name in metrics
    ]
    columns = [(name_layer(layer), {"layer": layer}) for layer in lookup.layers]
    head = Column("metric", WORDS, ASCENDING)
    return tabulate_grid(title, head, rows, columns, {"cell_count": "series"})
