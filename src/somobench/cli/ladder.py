"""The command `ladder`: the reference models of all folds of a spatial split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from somobench.cli.names import AsJson, NamingCommand, Overwrite, ReleaseName
from somobench.cli.output import escape_controls, say, show_json, show_table
from somobench.progress import show_steps


def register(app: typer.Typer) -> None:
    """Add `ladder` to the command line."""
    app.command("ladder", cls=NamingCommand)(ladder)


def ladder(
    release: ReleaseName,
    out: Annotated[Path, typer.Option(help="folder for predictions and scores")],
    processes: Annotated[int, typer.Option(help="0: all cores", min=0)] = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Train the ladder for every fold of split spatial, and score the folds pooled.

    `somobench evaluate --split spatial_folds --ladder DIR` compares with it.
    """
    from somobench.cards.write import refuse_other_files
    from somobench.catalog.storage.processors import count_cores
    from somobench.scoring.fold_ladder import FILES, write_fold_ladder
    from somobench.scoring.models import LEADING

    refuse_other_files(out, FILES, "a ladder of folds", overwrite=overwrite)
    with show_steps():
        done = write_fold_ladder(
            release, out, processes=processes or count_cores(), overwrite=overwrite
        )
    chosen = done.scores.query("against == '' and layer == 0 and pool_kind == 'plain'")
    columns = ["model", "metric", "value", "low", "high"]
    kept = chosen[chosen["metric"].isin(LEADING)][columns].to_dict("records")
    rows = sorted(
        kept,
        key=lambda row: (
            LEADING.index(row["metric"]),
            done.rungs.index(row["model"]),
        ),
    )
    if as_json:
        show_json({"folder": str(out), "scores": rows, "refused": dict(done.refused)})
        return
    numbers = ("value", "low", "high")
    show_table(
        ("rung", "metric", *numbers),
        [
            (row["model"], row["metric"], *(f"{row[key]:.3f}" for key in numbers))
            for row in rows
        ],
    )
    for name, why in done.refused.items():
        say(escape_controls(f"not available: {name}: {why}"))
    say(escape_controls(f"{out}: for somobench evaluate --ladder"))
