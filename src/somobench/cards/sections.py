"""Sections of a score card: scores, pools, extremes."""

from __future__ import annotations

from collections.abc import Sequence

from somobench.cards.lookup import ScoreLookup, dot
from somobench.metrics.registry import METRICS
from somobench.metrics.registry import REFERENCE_MOMENTS as REFERENCE_TEXT
from somobench.pages.html import (
    Markup,
    bullets,
    code,
    details,
    element,
    joined,
    number,
    paragraph,
)
from somobench.pages.plots import Dot, dot_plot, linear_scale
from somobench.pages.tables import Cell, Column, sortable_table, words
from somobench.pages.texts import (
    MOMENTS_MARK,
    layer_title,
    metric_name,
    metric_title,
    number_of,
    score_cell,
)
from somobench.scoring.case import DRYNESS_CLASSES
from somobench.scoring.models import LEADING
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
}
EVENTS = "Medians over the series that have such days"
EXTREME_AXIS = "share of days, median over series; few false alarms are good"
NO_THRESHOLDS = (
    "Not available: no series has thresholds that tell dry and wet days. They are "
    "percentiles of a series\u2019 own days, and none has enough of them."
)
CLASS_ORDER = [*RECORD_CLASSES, *STATION_CLASSES, *DRYNESS_CLASSES]
WORDS = {True: "yes", False: "no", None: "not estimable"}
BEATEN = Column("beaten", "word", "descending")


def score_blocks(lookup: ScoreLookup) -> list[Markup]:
    """Show every metric, over all layers and by layer."""
    shown = [name for name in lookup.metrics if name not in EXTREMES]
    said = [
        joined([code(name), " ", metric_title(name), ": ", METRICS[name].long_name])
        for name in lookup.metrics
    ]
    return [
        paragraph(
            "Medians over series (a cell's layer). The first three don't depend on the "
            "target's mean and variance, and lead. Extremes have their own section."
        ),
        paragraph(MOMENTS_MARK, " ", REFERENCE_TEXT),
        _metric_table(lookup, shown, "Median scores with intervals"),
        details("What the metrics are", bullets(said)),
    ]


def pool_blocks(lookup: ScoreLookup) -> list[Markup]:
    """Show scores by region, regime, network, record length and stations."""
    blocks: list[Markup] = []
    kinds = [kind for kind in POOL_TITLES if lookup.pools(kind)]
    drawn: list[Dot | str] = []
    for kind in kinds[:3]:
        if len(lookup.pools(kind)) > MOST_DRAWN:
            continue
        drawn.append(POOL_TITLES[kind])
        drawn += [
            dot(pool, lookup.row(LEAD, kind=kind, pool=pool))
            for pool in in_order(lookup.pools(kind))
        ]
    if drawn:
        axis = f"{metric_title(LEAD)}, median over series"
        blocks.append(dot_plot(drawn, axis))
    blocks += [_pool_table(lookup, kind) for kind in kinds]
    return blocks or [paragraph("The split has no pools.")]


def _pool_table(lookup: ScoreLookup, kind: str) -> Markup:
    metrics = [name for name in POOL_METRICS if name in lookup.metrics]
    header = [words(kind.replace("_", " "))]
    header += [Column(metric_name(name, lookup.note(name))) for name in metrics]
    header += [Column("series"), Column("cell-days")]
    rows = []
    for place, pool in enumerate(in_order(lookup.pools(kind))):
        found = {m: lookup.row(m, kind=kind, pool=pool) for m in metrics}
        lead = found.get(LEAD)
        key = pool if pool not in CLASS_ORDER else f"{place:03d}"
        counts = [
            Cell(number(lead[k]) if lead else None, lead[k] if lead else None)
            for k in ("cell_count", "day_count")
        ]
        cells = [score_cell(found[name]) for name in metrics]
        rows.append([Cell(pool, key), *cells, *counts])
    return sortable_table(header, rows, POOL_TITLES[kind])


def in_order(pools: Sequence[str]) -> list[str]:
    """Return pools in the order of their classes, else of their names."""
    rank = {name: place for place, name in enumerate(CLASS_ORDER)}
    return sorted(pools, key=lambda pool: (rank.get(pool, -1), pool))


def extreme_blocks(lookup: ScoreLookup) -> list[Markup]:
    """Show how dry and wet days and droughts are foretold, or say why it isn't known.

    A metric without a value in any layer has no row.
    """
    present = [name for name in EXTREMES if name in lookup.metrics]
    wanted = [name for name in present if has_value(lookup, name)]
    if not set(wanted) - set(DROUGHTS):
        return [paragraph(NO_THRESHOLDS)]
    blocks = [
        dot_plot(_extreme_dots(lookup), EXTREME_AXIS, scale=linear_scale([0.0, 1.0])),
        _metric_table(lookup, wanted, EVENTS),
    ]
    without = [metric_title(name) for name in present if name not in wanted]
    if without:
        told = f"No series has such days: {', '.join(without)}."
        blocks.append(paragraph(told))
    return blocks


def has_value(lookup: ScoreLookup, metric: str) -> bool:
    """Tell whether a metric could be scored, over all layers or in one."""
    rows = (lookup.row(metric, layer=layer) for layer in lookup.layers)
    return any(row and number_of(row["value"]) is not None for row in rows)


def _extreme_dots(lookup: ScoreLookup) -> list[Dot | str]:
    rows: list[Dot | str] = []
    for side, rule in (("dry", "below the 10th"), ("wet", "above the 90th")):
        rule_shown = element("span", rule, class_="tick")
        heading = [f"{side.capitalize()} days: ", rule_shown, " percentile of a series"]
        rows.append(joined(heading))
        rows += [
            dot(said, lookup.row(f"{share}_{side}"), colour=colour)
            for share, said, colour in (
                ("hit_rate", "foretold", "c1"),
                ("false_alarm_rate", "false alarms", "c2"),
            )
            if f"{share}_{side}" in lookup.metrics
        ]
    return rows


def _metric_table(lookup: ScoreLookup, metrics: Sequence[str], caption: str) -> Markup:
    header = [words("metric"), *(Column(layer_title(i)) for i in lookup.layers)]
    header += [Column("series")]
    rows = []
    for name in metrics:
        row = lookup.row(name)
        count = row["cell_count"] if row else None
        title = element("span", metric_name(name, lookup.note(name)), title=name)
        cells = [score_cell(lookup.row(name, layer=i)) for i in lookup.layers]
        rows.append([Cell(title, metric_title(name)), *cells, Cell(count, count)])
    return sortable_table(header, rows, caption)
