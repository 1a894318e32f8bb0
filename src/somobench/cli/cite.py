"""`somobench cite`: whom to cite for a release, as text, BibTeX or CFF."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from somobench.cli.names import AsJson, NamingCommand, ReleaseName
from somobench.cli.output import escape_controls, say, show_json

if TYPE_CHECKING:
    from somobench.catalog.resolve import Release


class Format(StrEnum):
    """How references are written."""

    text = "text"
    bibtex = "bibtex"
    cff = "cff"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=NamingCommand)(cite)


def cite(
    release: ReleaseName,
    form: Annotated[Format, typer.Option("--format")] = Format.text,
    as_json: AsJson = False,
) -> None:
    """Name what a user of a release cites: it, the software, sources and networks."""
    from somobench import __version__
    from somobench.catalog.resolve import resolve
    from somobench.cite import format_bibtex, format_cff, format_text, list_citations

    found = resolve(release)
    references = list_citations(found.manifest, read_networks(found), __version__)
    if as_json:
        show_json([item._asdict() for item in references])
        return
    if form is Format.cff:
        text = format_cff(references, found.manifest.description)
    else:
        text = (format_bibtex if form is Format.bibtex else format_text)(references)
    say(escape_controls(text.rstrip("\n"), keep="\n"))


def read_networks(release: Release) -> list[str]:
    """Read the networks behind the targets, where the manifest doesn't name them."""
    if release.manifest.networks:
        return []
    from somobench.catalog.release_files import TARGETS, raise_file_errors
    from somobench.catalog.storage.archive import open_zarr_zip

    path = release.get_path(TARGETS)
    with raise_file_errors(path), open_zarr_zip(path) as targets:
        if "primary_network" not in targets:
            return []
        names = {str(name) for name in targets["primary_network"].to_numpy().ravel()}
    return sorted(names - {""})
