"""The command `experiment`: a claim about models, tried on a release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from somobench.cli.output import escape_controls, say, show_json, show_table


def register(app: typer.Typer) -> None:
    """Add `experiment` to the command line."""
    app.command("experiment")(experiment)


def experiment(  # noqa: PLR0917 - typer passes all by name
    name: Annotated[
        str,
        typer.Argument(
            help="robustness, diversity, features, coupling, independence, extremes"
        ),
    ],
    release: Annotated[str, typer.Option(help="full id, such as virtual-2.0.0")],
    out: Annotated[
        Path | None,
        typer.Option(help="folder for table, record and page; default NAME_RELEASE"),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="a small look, not to be published")
    ] = False,
    seed: Annotated[int, typer.Option(help="of folds and draws", min=0)] = 1,
    processes: Annotated[int, typer.Option(help="0: all cores", min=0)] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="answer in JSON")] = False,
) -> None:
    """Train the ladder's models under other climates, stations or inputs, and compare.

    Minutes on two cores; the numbers don't depend on how many there are.
    """
    from somobench.catalog.storage.processors import count_cores
    from somobench.experiments.run import check_folder, run_experiment
    from somobench.experiments.settings import QUICK, Settings

    folder = out or Path(f"{name}_{release}")
    check_folder(folder, overwrite=overwrite)
    done = run_experiment(
        name,
        release=release,
        settings=(QUICK if quick else Settings()).model_copy(update={"seed": seed}),
        processes=processes or count_cores(),
    )
    done.write(folder, overwrite=overwrite)
    rows = _list_rows(done.outcome.table)
    if as_json:
        show_json({**done.record, "folder": str(folder), "rows": rows})
        return
    heads = ("model", "tested", "arm", "against", "value", "low", "high")
    show_table(heads, [tuple(_write(row[head]) for head in heads) for row in rows])
    say(escape_controls(f"{folder}: table, record and page"))
    for what, why in done.outcome.refused.items():
        say(escape_controls(f"not available: {what}: {why}"))


def _list_rows(table: Any) -> list[dict[str, Any]]:
    """Return what is compared over all layers by Pearson r; absent numbers are None."""
    rows = table[(table["layer"] == 0) & (table["metric"] == "pearson_r")]
    compared = rows[rows["against"] != ""].astype(object)
    return compared.where(compared.notna(), None).to_dict("records")


def _write(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
