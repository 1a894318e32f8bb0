"""The command that applies a model to a gridded store of weather."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from somobench.cli.names import AsJson, NamingCommand, Overwrite
from somobench.cli.output import escape_controls, show_json
from somobench.progress import show_steps


def register(app: typer.Typer) -> None:
    """Add `predict` to the command line."""
    app.command("predict", cls=NamingCommand)(predict)


def predict(  # noqa: PLR0917 - typer passes all by name
    model: Annotated[
        str,
        typer.Argument(
            help="rung@release/split, a folder of somobench train, module:function or"
            " path.py:function; a function is run with your rights"
        ),
    ],
    forcing: Annotated[Path, typer.Option(help="daily weather, netCDF or Zarr")],
    out: Annotated[Path, typer.Option(help="to write: .nc, or a folder of Zarr")],
    release: Annotated[
        str | None, typer.Option(help="that a function was trained on")
    ] = None,
    split: Annotated[str | None, typer.Option(help="and its split")] = None,
    memory: Annotated[int, typer.Option(help="MB of each process")] = 1_000,
    processes: Annotated[int, typer.Option(help="at once", min=1)] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="of Dask: an address, or local")
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Apply a model to gridded weather and write daily soil moisture."""
    from somobench.products.run import predict_store

    with show_steps():
        made = predict_store(
            model,
            forcing,
            out,
            release=release,
            split=split,
            memory=memory,
            processes=processes,
            scheduler=scheduler,
            overwrite=overwrite,
        )
    if as_json:
        show_json(
            {
                "path": str(made.path),
                "resumed_blocks": made.resumed,
                "inside_area_of_applicability": made.inside,
            }
        )
        return
    if made.resumed:
        typer.echo(f"{made.resumed} blocks were there from a run that stopped")
    if made.inside is not None:
        typer.echo(f"{made.inside:.1%} of the cells lie in the area of applicability")
    typer.echo(escape_controls(f"written to {made.path}"))
