"""Commands that score submissions and check published scores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from somobench.cli.names import (
    AsJson,
    NamingCommand,
    Overwrite,
    PageFile,
    ReleaseOption,
    ScoredSplit,
)
from somobench.cli.output import (
    check_page,
    escape_controls,
    show_json,
    show_table,
    write_page,
)
from somobench.progress import show_steps, tell_step

LadderPath = Annotated[
    Path | None,
    typer.Option(help="the rungs' predictions, where the release's aren't here"),
]


def register(app: typer.Typer) -> None:
    """Add `evaluate`, `shift-cost` and `verify-score` to the command line."""
    app.command("evaluate", cls=NamingCommand)(evaluate)
    app.command("shift-cost", cls=NamingCommand)(shift_cost)
    app.command("verify-score", cls=NamingCommand)(verify_score)


def evaluate(  # noqa: PLR0917 - typer passes all by name
    file: Annotated[Path, typer.Argument(help="netCDF, Zarr or Parquet")],
    release: ReleaseOption,
    split: ScoredSplit,
    out: Annotated[Path, typer.Option(help="folder to write")],
    name: Annotated[str | None, typer.Option(help="of the model")] = None,
    ladder: LadderPath = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="score the days predicted")
    ] = False,
    method: Annotated[
        str, typer.Option(help="how a model's own grid is taken: nearest, bilinear")
    ] = "nearest",
    reach: Annotated[
        float | None, typer.Option(help="km from a cell to a node of that grid")
    ] = None,
    layers: Annotated[
        str | None, typer.Option(help="that model's: ecmwf, noah, or 0,0.07,0.28 in m")
    ] = None,
    variable: Annotated[
        list[str] | None, typer.Option(help="its soil moisture, once for each layer")
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Score predictions, or a model's own grid, against a split and the ladder."""
    from somobench.cards.write import check_folder
    from somobench.schemas.gridded_options import GriddedOptions
    from somobench.scoring.evaluate import evaluate as run

    gridded = GriddedOptions(
        method=method,  # type: ignore[arg-type] # checked there
        reach_km=reach,
        layers=layers,
        variables=tuple(variable or ()),
    )
    check_folder(out, overwrite=overwrite)
    with show_steps():
        evaluation = run(
            file,
            release=release,
            split=split,
            ladder=ladder,
            allow_missing=allow_missing,
            name=name,
            gridded=gridded,
        )
        tell_step("writing scores and page")
        evaluation.write(out, overwrite=overwrite)
    if as_json:
        show_json(evaluation.describe())
        return
    show_scores(evaluation.describe())
    typer.echo(f"written to {out}")


def shift_cost(  # noqa: PLR0917 - typer passes all by name
    file: Annotated[Path, typer.Argument(help="the model trained for the split")],
    reference: Annotated[
        Path, typer.Argument(help="the same model, trained for the reference split")
    ],
    release: ReleaseOption,
    split: ScoredSplit,
    reference_split: ScoredSplit = "temporal",
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="score the days predicted")
    ] = False,
    out: PageFile = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Tell what a model loses under a shift, on days that both splits test."""
    from somobench.scoring.models import LEADING
    from somobench.scoring.shift_evaluation import shift_cost as run

    if out is not None:
        check_page(out, overwrite=overwrite)
    with show_steps():
        table = run(
            file,
            reference,
            release=release,
            split=split,
            reference_split=reference_split,
            allow_missing=allow_missing,
        )
    rows = sorted(
        table.to_dict("records"),
        key=lambda row: (LEADING.index(row["metric"]), row["layer"]),
    )
    if out is not None:
        from somobench.cards.shift_page import shift_page

        write_page(shift_page(table, release), out)
    if as_json:
        show_json(rows)
        return
    numbers = ("reference", "shifted", "cost", "low", "high")
    show_table(
        ("metric", "layer", reference_split, split, "cost", "low", "high", "series"),
        [
            (
                row["metric"],
                str(row["layer"] or "all"),
                *(_format_number(row[key]) for key in numbers),
                str(row["cell_count"]),
            )
            for row in rows
        ],
    )
    if out is not None:
        typer.echo(escape_controls(f"written to {out}"))


def verify_score(
    folder: Annotated[Path, typer.Argument(metavar="DIR")],
    submission: Annotated[
        Path | None,
        typer.Option(help="the submission, if it lies elsewhere, or a copy of it"),
    ] = None,
    ladder: LadderPath = None,
    as_json: AsJson = False,
) -> None:
    """Recompute everything in a folder of scores and compare it."""
    from somobench.cards.verify import verify_score as run

    with show_steps():
        found = run(folder, submission=submission, ladder=ladder)
    if as_json:
        show_json(found._asdict())
        return
    rows = ", ".join(f"{count} {name}" for name, count in found.rows.items())
    typer.echo(f"{folder}: the same, {rows.replace('_', ' ')}")
    if not found.same_file:
        typer.echo("read here from another file, with the same values")
    if not found.same_code:
        typer.echo(
            "computed here by other code than the published scores; "
            "report.html wasn't compared"
        )


def show_scores(record: dict[str, Any]) -> None:
    """Print the headline, the rungs and the leading metrics of a record of scores."""
    headline = record["headline"]
    for note in record["submission"]["understood"]:
        typer.echo(escape_controls(f"understood: {note}"))
    for said in record["findings_in_words"]:
        typer.echo(escape_controls(f"NO PREDICTION: {said}"))
    for said in record["marks_in_words"]:
        typer.echo(escape_controls(f"MARKED: {said}"))
    said = headline.get("sentence") or f"no headline: {headline['reason']}"
    typer.echo(escape_controls(said))
    coverage = record["coverage"]
    if coverage["given"] < coverage["asked"]:
        typer.echo(f"{coverage['given']} of {coverage['asked']} cell-days predicted")
    if leads := record.get("lead_coverage"):
        counted = f"{leads['common']} of {leads['asked']} cell-days"
        typer.echo(f"lead times compared on {counted} that all of them have")
    rungs = headline.get("rungs", []) + headline.get("rungs_with_observations", [])
    words = {True: "yes", False: "no", None: "not estimable"}
    if rungs:
        rows = [
            (
                item["rung"]
                + (" (observations)" if item["needs_observations"] else ""),
                *(_format_number(item[key]) for key in ("difference", "low", "high")),
                words[item["beaten"]],
            )
            for item in rungs
        ]
        difference = f"{headline['metric']} minus the rung's"
        show_table(("rung", difference, "low", "high", "beaten"), rows)
    plain = record["summary"].get("plain", {})
    rows = [
        (name, *(_format_number(plain[name][key]) for key in ("value", "low", "high")))
        for name in (*record["summary"]["leading_metrics"], "ubrmse", "rmse")
        if name in plain
    ]
    show_table(("metric", "median", "low", "high"), rows)


def _format_number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
