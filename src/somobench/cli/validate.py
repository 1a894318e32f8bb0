"""The command `validate`: a user's own file against the schemas of releases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from somobench.cli.names import AsJson
from somobench.cli.output import escape_controls, show_json

if TYPE_CHECKING:
    from somobench.validate import FileReport


def validate(
    path: Annotated[str, typer.Argument(help="table, grid, release, stations or ERA5")],
    kind: Annotated[
        str | None, typer.Option(help="schema; the content tells by default")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="recipe that stations or ERA5 are meant for")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a file, a release folder, raw stations or ERA5; exit 1 if it fails."""
    from somobench.schemas.errors import UsageError
    from somobench.validate import validate_file

    if not path.strip():  # a Path would make it the working folder
        hint = "a variable of the shell may be empty"
        expected = "a file or folder"
        raise UsageError("PATH", found="no name", expected=expected, hint=hint)
    reports = validate_file(path, kind, recipe)
    if as_json:
        show_json([_make_content(report) for report in reports])
    else:
        for report in reports:
            _show(report)
    if not all(report.valid for report in reports):
        raise typer.Exit(1)


def _make_content(report: FileReport) -> dict[str, Any]:
    failures = [failure._asdict() for failure in report.failures]
    return report._asdict() | {"valid": report.valid, "failures": failures}


def _show(report: FileReport) -> None:
    counts = ", ".join(f"{count} {name}" for name, count in report.counts.items())
    state = "valid" if report.valid else f"{len(report.failures)} failed"
    typer.echo(escape_controls(f"{report.path}: {state} ({report.schema}; {counts})"))
    for failure in report.failures:
        typer.echo(escape_controls(f"  {failure.where}"))
        typer.echo(escape_controls(f"    found:    {failure.found}"))
        typer.echo(escape_controls(f"    expected: {failure.expected}"))
    for line in (report.account or {}).get("lines", ()):
        typer.echo(escape_controls(f"  {line}"))
    if report.account is not None and "values" in report.account:
        values = report.account["values"]
        typer.echo(f"  values: {values['read']} read, {values['good']} good")
        for reason, count in sorted(values["dropped"].items()):
            typer.echo(escape_controls(f"    {count} dropped: {reason}"))
    for kind, notes in (report.account or {}).get("notes", {}).items():
        for note in notes:
            said = f"{note['found']}, used {note['used']} ({note['sensors']} sensors)"
            typer.echo(escape_controls(f"  {kind}: {said}"))
