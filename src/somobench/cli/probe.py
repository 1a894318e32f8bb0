"""The command `probe`: whether a model behaves as soil does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from somobench.cli.names import RELEASE_OPTION, AsJson, NamingCommand
from somobench.cli.output import escape_controls, say, show_json, show_table
from somobench.progress import show_steps
from somobench.schemas.errors import UsageError

if TYPE_CHECKING:
    from somobench.probes.judge import Judgement

DEFAULT_RELEASE = "virtual-2.0.0"
UNDECIDED = 6


def register(app: typer.Typer) -> None:
    """Add `probe` to the command line."""
    app.command("probe", cls=NamingCommand)(probe)


def probe(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL_OR_SUBMISSION",
            help="module:function or path.py:function, whose code is RUN; a folder of "
            "cases with predictions; or a file of predictions",
        ),
    ] = None,
    release: Annotated[str, typer.Option(**RELEASE_OPTION)] = DEFAULT_RELEASE,
    forcing: Annotated[
        Path | None, typer.Option(help="other weather, .nc or .zarr, (cell, time)")
    ] = None,
    write_cases: Annotated[
        Path | None,
        typer.Option(help="folder to write the cases' weather to, for other languages"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Probe how a model behaves, without any observation.

    A function is called with weather and with the same weather changed. Exit code 1: a
    probe fails; 6: none does, but none passes either, or the model is silent where an
    answer is needed.
    """
    from somobench.probes import run

    if (model is None) == (write_cases is None):
        raise UsageError(
            "what to probe",
            found="a model and --write-cases" if model else "nothing named",
            expected="a model, a folder of cases, a submission, or --write-cases",
        )
    if write_cases is not None:
        files = run.write_cases(write_cases, release, forcing)
        _say_what_next(write_cases, [str(file) for file in files], as_json=as_json)
        return
    with show_steps():
        found = run.probe(str(model), release, forcing)
    if as_json:
        show_json({"model": model, "probes": run.describe(found)})
    else:
        heads = ("probe", "verdict", "broken", "of", "unit", "rule, and the worst case")
        show_table(
            heads,
            [
                (
                    item.probe,
                    item.verdict,
                    str(item.broken),
                    str(item.looked_at),
                    item.unit,
                    f"{item.rule}{': ' if item.worst else ''}{item.worst}",
                )
                for item in found
            ],
        )
    code = choose_exit_code(found)
    if code:
        raise typer.Exit(code)


def choose_exit_code(found: list[Judgement]) -> int:
    """Return 1 where a probe fails, 6 where too little was answered to say."""
    verdicts = {item.verdict for item in found}
    if "fails" in verdicts:
        return 1
    silent = any(item.unanswered for item in found)
    return UNDECIDED if silent or "passes" not in verdicts else 0


def _say_what_next(folder: Path, files: list[str], *, as_json: bool) -> None:
    if as_json:
        content: dict[str, Any] = {"folder": str(folder), "forcing": files}
        show_json(content)
        return
    for file in files:
        say(escape_controls(file))
    say(
        escape_controls(
            f"predict each, write {folder}/predictions/CASE.nc in the layout of "
            f"submissions, and run somobench probe {folder}"
        )
    )
