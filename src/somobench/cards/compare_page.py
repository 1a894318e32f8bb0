"""What changed between two releases, as a page in one file.

Every number on it is one of `compare.compare_releases`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from somobench.ladder.rungs import RUNGS
from somobench.pages.figures import Dot, Row, RowPlot
from somobench.pages.frame import Section, render_page, render_template, write_number
from somobench.pages.tables import ASCENDING, PLACES, WORDS, Cell, Column, Table
from somobench.pages.texts import UNITS, name_metric, name_rung, write_score
from somobench.scoring.models import LEADING
from somobench.scoring.record import is_virtual

Content = dict[str, Any]
BEYOND = {True: "yes", False: "no", None: "not known"}
SERIES = {"soil_moisture": "scaled", "soil_moisture_in_situ": "as measured"}
KINDS = ("added", "dropped", "changed")


def compare_page(found: Content) -> str:
    """Return the page of a comparison.

    Parameters
    ----------
    found : dict
        As of `compare_releases`.
    """
    first, second = found["first"], found["second"]
    return render_page(
        f"From {first} to {second}",
        list(_list_sections(found)),
        subtitle="What changed between two releases",
        is_virtual=is_virtual(first) or is_virtual(second),
        opening=[_answer(found)],
        template="answer.html.j2",
        package="somobench.cards",
    )


def _answer(found: Content) -> str:
    """Say in a sentence how far the second release is from the first."""
    cells = found["cells"]
    days = [item for layer in found["days"].values() for item in layer.values()]
    known = [item for item in found["scores"] if item["shift"] is not None]
    beyond = sum(bool(item["beyond_interval"]) for item in known)
    changed = sum(item["changed"] + item["added"] + item["dropped"] for item in days)
    parts = [
        f"{len(cells['added'])} cells added, {len(cells['dropped'])} dropped"
        if cells
        else "no table of cells to compare",
        f"{write_number(changed)} values of targets other, new or gone",
        f"{beyond} of {len(known)} scores beyond the interval that they had",
    ]
    return f"{'; '.join(parts)}."


def _list_sections(found: Content) -> Iterator[Section]:
    names = found["first"], found["second"]
    yield Section("scores", "Scores", tuple(_list_score_blocks(found["scores"], names)))
    yield Section("days", "Target days", (_tabulate_days(found["days"]),))
    yield Section("cells", "Cells", (_list(_describe_cells(found["cells"])),))
    yield Section("splits", "Splits", (_list(_describe_splits(found["splits"])),))
    sets = _describe_names(found["feature_sets"])
    yield Section("feature-sets", "Feature sets", (_list(sets),))
    facts = [
        [name, str(item["first"]), str(item["second"])]
        for name, item in found["facts"].items()
    ]
    table = Table(title="What differs", columns=["fact", *names], rows=facts)
    yield Section("facts", "Facts", (table if facts else _list([]),))
    yield Section("schema", "Files and arrays", (_list(_describe_schema(found)),))


def _list(lines: Sequence[str]) -> Markup:
    return render_template("list.html.j2", "somobench.cards", lines=lines)


def _list_score_blocks(
    scores: Sequence[Content], names: tuple[str, str]
) -> Iterator[object]:
    if not scores:
        yield _list(["no score in either release"])
    for split in dict.fromkeys(item["split"] for item in scores):
        own = sorted(
            (item for item in scores if item["split"] == split), key=_find_place
        )
        plot = _plot_lead([item for item in own if item["metric"] == LEADING[0]], names)
        if plot.rows:
            yield Markup("<h3>{}</h3>").format(split)
            yield plot
        yield _tabulate_scores(split, own, names)


def _find_place(item: Content) -> tuple[str, int]:
    known = [*RUNGS]
    place = known.index(item["rung"]) if item["rung"] in RUNGS else len(known)
    lead = item["metric"] in LEADING
    return ("" if lead else item["metric"], place)


def _plot_lead(items: Sequence[Content], names: tuple[str, str]) -> RowPlot:
    """Plot both scores of each rung, the first with its interval."""
    rows = []
    for item in items:
        low, high = item["interval"]
        marks = [
            Dot(item["first"], low, high),
            Dot(item["second"], colour="c2", filled=False),
        ]
        known = [mark for mark in marks if mark.value is not None]
        text = f"{write_score(item['first'])}, then {write_score(item['second'])}"
        rows.append(Row(name_rung(item["rung"]), known, text))
    return RowPlot(
        rows=rows,
        axis=f"median {name_metric(LEADING[0])}",
        label="Scores of both releases by rung",
        key={"c1": f"{names[0]}, with its interval", "c2": names[1]},
    )


def _tabulate_scores(
    split: str, items: Sequence[Content], names: tuple[str, str]
) -> Table:
    return Table(
        title=f"Median scores on {split}, all layers",
        columns=[
            Column("rung", PLACES, ASCENDING),
            Column("metric", WORDS, ASCENDING),
            *map(Column, names),
            Column("shift"),
            Column("beyond the interval before", WORDS),
        ],
        rows=[
            [
                Cell(name_rung(item["rung"]), place),
                name_metric(item["metric"]),
                *(
                    Cell(write_score(item[key]), item[key])
                    for key in ("first", "second", "shift")
                ),
                BEYOND[item["beyond_interval"]],
            ]
            for place, item in enumerate(items)
        ],
    )


def _tabulate_days(days: Content) -> Table:
    return Table(
        title="Values of targets, by layer",
        columns=[
            *("layer", "target", "in both", *KINDS, "cells changed"),
            f"largest change, {UNITS}",
        ],
        rows=[
            [
                int(layer),
                SERIES[name],
                item["common"],
                *(item[kind] for kind in KINDS),
                item["cells_changed"],
                item["largest_change"],
            ]
            for layer, variables in days.items()
            for name, item in variables.items()
        ],
    )


def _describe_names(names: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{kind}: {', '.join(names[kind])}" for kind in KINDS if names.get(kind)]


def _describe_cells(cells: Content) -> list[str]:
    if not cells:
        return ["a release has no table of cells"]
    return [
        f"{cells['common']} cells in both",
        *_describe_names({key: cells[key] for key in ("added", "dropped")}),
        *(f"column {line}" for line in _describe_names(cells["columns"])),
        *(
            f"{name}: other in {count} cells"
            for name, count in cells["changed"].items()
        ),
    ]


def _describe_splits(splits: Content) -> list[str]:
    return [
        *_describe_names({key: splits[key] for key in ("added", "dropped")}),
        *(
            f"{name}: {item['cell_days_of_another_role']} cell-days of another role"
            for name, item in splits["changed"].items()
        ),
        *([f"the same: {', '.join(splits['same'])}"] if splits["same"] else []),
    ]


def _describe_schema(found: Content) -> list[str]:
    schema = found["schema"]
    others = schema["other_values"]
    return [
        *(f"file {line}" for line in _describe_names(schema["files"])),
        *(f"array {line}" for line in _describe_names(schema["arrays"])),
        *(f"{name}: another type, dims or units" for name in schema["redefined"]),
        f"{schema['same_values']} arrays have the same values",
        *([f"other values in: {', '.join(others)}"] if others else []),
    ]
