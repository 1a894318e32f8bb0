"""The command `train`: a rung that a release's ladder doesn't hold, as a submission."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from somobench.cli.names import (
    AsJson,
    NamingCommand,
    Overwrite,
    ReleaseOption,
    SplitOption,
    complete,
    list_trained,
)
from somobench.cli.output import escape_controls, say, show_json
from somobench.progress import show_steps


def register(app: typer.Typer) -> None:
    """Add `train` to the command line."""
    app.command("train", cls=NamingCommand)(train)


def train(  # noqa: PLR0917 - typer passes all by name
    model: Annotated[
        str,
        typer.Argument(
            help="a network or a forecast; names below",
            autocompletion=complete(list_trained),
        ),
    ],
    release: ReleaseOption,
    split: SplitOption,
    out: Annotated[Path, typer.Option(help="folder for model and predictions")],
    seeds: Annotated[int, typer.Option(help="how many, as members", min=1)] = 3,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Train a network or a forecast on a split; `somobench evaluate` scores it.

    A training that was killed goes on when the command is given again. Forecasts have
    no prediction where the issue day has no target: evaluate with --allow-missing.
    """
    from somobench.neural.run import PREDICTIONS_FILE
    from somobench.neural.run import train as run

    with show_steps():
        record = run(
            model,
            release=release,
            split=split,
            out=out,
            seeds=range(1, seeds + 1),
            overwrite=overwrite,
        )
    if as_json:
        show_json(record)
        return
    for seed in record.get("seeds", ()):
        say(f"seed {seed['seed']}: weights sha256 {seed['weights_sha256']}")
    say(escape_controls(f"{out / PREDICTIONS_FILE}: for somobench evaluate"))
