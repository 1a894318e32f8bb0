"""`somobench diff`: what changed between two releases, as text, JSON or page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from somobench.cli.names import (
    AsJson,
    NamingCommand,
    Overwrite,
    PageFile,
    ReleaseName,
)
from somobench.cli.output import (
    check_page,
    escape_controls,
    say,
    show_json,
    show_sections,
    write_page,
)
from somobench.progress import show_steps, tell_step

Content = dict[str, Any]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff", cls=NamingCommand)(diff)


def diff(  # noqa: PLR0917 - typer passes all by name
    first: ReleaseName,
    second: ReleaseName,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="of scores, or all; default the leading ones, and what moved far"
        ),
    ] = None,
    out: PageFile = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Show what changed from one release to another: cells, days, splits, scores."""
    from somobench.catalog.resolve import resolve
    from somobench.compare import compare_releases
    from somobench.metrics.registry import METRICS

    metrics = METRICS if metric == ["all"] else metric
    if out is not None:
        check_page(out, overwrite=overwrite)
    with show_steps():
        tell_step("reading both releases")
        found = compare_releases(resolve(first), resolve(second), metrics)
    if out is not None:
        from somobench.cards.compare_page import compare_page

        write_page(compare_page(found), out)
    if as_json:
        show_json(found)
        return
    show_sections(describe_comparison(found))
    if out is not None:
        say(escape_controls(f"written to {out}"))


def describe_comparison(found: Content) -> Iterator[tuple[str, list[str]]]:
    """Yield headings with their lines, for people."""
    yield f"{found['first']} -> {found['second']}", _format_facts(found["facts"])
    yield "schema", _format_schema(found["schema"])
    if found["cells"]:
        yield "cells", _format_cells(found["cells"])
    yield "target days", list(_format_days(found["days"]))
    yield "feature sets", _format_names("", found["feature_sets"]) or ["the same"]
    yield "splits", list(_format_splits(found["splits"]))
    yield "scores", list(_score_lines(found["scores"]))


def _format_schema(schema: Content) -> list[str]:
    others = schema["other_values"]
    return [
        *_format_names("files", schema["files"]),
        *_format_names("arrays", schema["arrays"]),
        *(
            f"{name}: {_format_definition(item['first'])} -> "
            f"{_format_definition(item['second'])}"
            for name, item in schema["redefined"].items()
        ),
        f"{schema['same_values']} arrays with the same values, {len(others)} with "
        f"others{': ' if others else ''}{', '.join(others)}",
    ]


def _format_cells(cells: Content) -> list[str]:
    return [
        f"{len(cells['added'])} added, {len(cells['dropped'])} dropped, "
        f"{cells['common']} in both",
        *_format_names("", {key: cells[key] for key in ("added", "dropped")}),
        *_format_names("columns", cells["columns"]),
        *(
            f"{name}: other in {count} cells"
            for name, count in cells["changed"].items()
        ),
    ]


def _format_facts(facts: Content) -> list[str]:
    return [
        f"{name}: {item['first']} -> {item['second']}" for name, item in facts.items()
    ]


def _format_names(what: str, names: Mapping[str, list[str]]) -> list[str]:
    return [
        f"{what} {kind}: {', '.join(listed)}".strip()
        for kind, listed in names.items()
        if listed
    ]


def _format_definition(definition: Content) -> str:
    dims = ", ".join(definition["dims"])
    return f"{definition['dtype']} ({dims}) {definition['units'] or ''}".strip()


def _format_days(days: Content) -> Iterator[str]:
    for layer, variables in days.items():
        for name, item in variables.items():
            yield (
                f"layer {layer} {name}: {item['added']} added, {item['dropped']} "
                f"dropped, {item['changed']} of {item['common']} changed in "
                f"{item['cells_changed']} cells, by at most {item['largest_change']:g}"
            )


def _format_splits(splits: Content) -> Iterator[str]:
    yield from _format_names("", {key: splits[key] for key in ("added", "dropped")})
    for name, item in splits["changed"].items():
        yield f"{name}: {item['cell_days_of_another_role']} cell-days of another role"
    if splits["same"]:
        yield f"the same: {', '.join(splits['same'])}"


def _score_lines(scores: list[Content]) -> Iterator[str]:
    known = [item for item in scores if item["shift"] is not None]
    beyond = sum(bool(item["beyond_interval"]) for item in known)
    yield (
        f"{len(known)} in both, {len(scores) - len(known)} in one alone; "
        f"{sum(item['shift'] != 0 for item in known)} shifted, "
        f"{beyond} of them beyond the interval of the first (*)"
    )
    for item in scores:
        if item["shift"] == 0:
            continue
        mark = " *" if item["beyond_interval"] else ""
        numbers = f"{_number(item['first'])} -> {_number(item['second'])}"
        yield f"{item['split']} {item['rung']} {item['metric']}: {numbers}{mark}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
