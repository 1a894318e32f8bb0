"""The command line: list, look at, open, fetch and verify releases, and build one.

Answers go to standard output, as tables or with `--json` as JSON; errors go to standard
error with what was found, what was expected and what to try. Exit codes: 0 all right,
1 data wrong, 2 usage, 3 network, 4 integrity, 5 licence, 6 nothing decided.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from somobench.cli import cite as cli_cite
from somobench.cli import diff as cli_diff
from somobench.cli import evaluate as cli_evaluate
from somobench.cli import experiment as cli_experiment
from somobench.cli import ladder as cli_ladder
from somobench.cli import leaderboard as cli_leaderboard
from somobench.cli import predict as cli_predict
from somobench.cli import probe as cli_probe
from somobench.cli import train as cli_train
from somobench.cli.names import (
    AsJson,
    Included,
    NamingCommand,
    NamingGroup,
    Overwrite,
    RecipeName,
    RecipeOption,
    ReleaseName,
    SetName,
    SplitIfAny,
)
from somobench.cli.output import (
    escape_controls,
    finish_output,
    format_size,
    prepare_streams,
    say,
    show_json,
    show_sections,
    show_table,
    write_page,
)
from somobench.cli.validate import validate
from somobench.progress import show_steps, tell_step
from somobench.schemas.errors import SomobenchError

if TYPE_CHECKING:
    from somobench.building import BuiltRelease
    from somobench.catalog.resolve import Release

UNMAPPED = "failed to map segment"
"""How the loader says that a library finds no room in memory."""

MEMORY_HINT = "try:      see `ulimit -v` and the limits of the job or container"

app = typer.Typer(
    help=__doc__.splitlines()[0] if __doc__ else None,
    no_args_is_help=True,
    cls=NamingGroup,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="print it")] = False,
) -> None:
    """Versioned soil-moisture benchmark releases, opened by name."""
    if version:
        import somobench

        typer.echo(somobench.__version__)
        raise typer.Exit


@app.command("list", cls=NamingCommand)
def list_releases(as_json: AsJson = False) -> None:
    """Name every release that can be opened here, or built."""
    from somobench.cli.describe import list_titles

    rows = list_titles()
    if as_json:
        show_json(rows)
        return
    show_table(("release", "from", "title"), [tuple(row.values()) for row in rows])


@app.command(cls=NamingCommand)
def info(release: ReleaseName, as_json: AsJson = False) -> None:
    """Show what a release holds, what it refuses and why, and whom to cite."""
    from somobench.cli.describe import describe_release, describe_sections

    found = _resolve(release)
    if as_json:
        show_json(describe_release(found))
        return
    show_sections(describe_sections(found))


@app.command("open", cls=NamingCommand)
def open_(  # noqa: PLR0917 - typer passes all by name
    release: ReleaseName,
    feature_set: SetName,
    out: Annotated[Path, typer.Option(help="file to write: .nc, .zarr or .zarr.zip")],
    layer: Annotated[int | None, typer.Option(help="one layer; default all")] = None,
    scaling: Annotated[str, typer.Option(help="full, train or none")] = "full",
    split: SplitIfAny = None,
    include: Included = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Write a feature set of a release with its target to a file."""
    from somobench.export import check_target, write_dataset
    from somobench.open import open_dataset

    check_target(out, overwrite=overwrite)
    dataset = open_dataset(
        feature_set,
        release=release,
        layer=layer,
        scaling=scaling,
        split=split,
        include=include or (),
    )
    write_dataset(dataset, out)
    written = {
        "release": release,
        "feature_set": feature_set,
        "path": str(out),
        "manifest_sha256": dataset.attrs["manifest_sha256"],
        "dims": dict(dataset.sizes),
        "variables": [str(name) for name in dataset.data_vars],
    }
    if as_json:
        show_json(written)
        return
    sizes = ", ".join(f"{dim} {size}" for dim, size in dataset.sizes.items())
    say(escape_controls(f"{out}: {feature_set} of {release}, {sizes}"))


@app.command(cls=NamingCommand)
def fetch(
    release: ReleaseName,
    file: Annotated[list[str] | None, typer.Option(help="only this file")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring the files of a release to this machine and verify them."""
    from somobench.catalog.verify import fetch_release

    found = _resolve(release)
    paths = fetch_release(found, file or ())
    if as_json:
        show_json({name: str(path) for name, path in paths.items()})
        return
    rows = [
        (name, format_size(found.remote(name).size), str(path))
        for name, path in paths.items()
    ]
    show_table(("file", "size", "path"), rows)


@app.command(cls=NamingCommand)
def verify(release: ReleaseName, as_json: AsJson = False) -> None:
    """Hash every file of a release on this machine against its manifest."""
    from somobench.catalog.verify import (
        ABSENT,
        DAMAGED,
        verify_assets,
        verify_release,
    )
    from somobench.cli.describe import describe_assets
    from somobench.schemas.errors import IntegrityError

    found = _resolve(release)
    files, assets = verify_release(found), verify_assets(found)
    if as_json:
        show_json(
            {
                "release": release,
                "manifest_sha256": found.manifest_sha256,
                "files": [file._asdict() for file in files],
                "assets": [asset._asdict() for asset in assets],
            }
        )
    else:
        rows = [
            (file.name, file.status, file.reason or "") for file in (*files, *assets)
        ]
        show_table(("file", "status", "reason"), rows)
    damaged = [file.name for file in (*files, *assets) if file.status == DAMAGED]
    if damaged:
        raise IntegrityError(
            f"release {release}",
            found=f"{len(damaged)} damaged: {', '.join(damaged)}",
            expected="the bytes that the manifest states",
            hint="restore these files, or delete them and run `somobench fetch`",
        )
    absent = sum(file.status == ABSENT for file in files)
    if absent and not as_json:
        say(f"{absent} files aren't here; `somobench fetch {release}`")
    lacking = sum(asset.status == ABSENT for asset in assets)
    if lacking and not as_json:
        say(f"{lacking} assets aren't here; {describe_assets(found)}")


@app.command(cls=NamingCommand)
def build(recipe: RecipeName, as_json: AsJson = False) -> None:
    """Build a release from raw archives, after a recipe in conf/recipe/."""
    from somobench.building import build_recipe

    _show_built(build_recipe(recipe), as_json=as_json)


@app.command(cls=NamingCommand)
def plan(
    recipe: RecipeName,
    out: Annotated[
        Path | None, typer.Option(help="file for all requests of ERA5, .json")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a build will have and take, from its station archives alone."""
    from somobench.building.plan import describe_plan, plan_recipe

    with show_steps():
        tell_step("reading the stations")
        found = plan_recipe(recipe)
    requests = (found["era5"] or {}).get("requests", [])
    if out is not None:
        write_page(json.dumps(requests, indent=1) + "\n", out)
    if as_json:
        show_json(found)
        return
    show_sections(describe_plan(found))
    if requests:
        say("the first request; --out FILE writes all of them")
        say(json.dumps(requests[0]))


@app.command("add-station", cls=NamingCommand)
def add_station(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV files")],
    recipe: RecipeOption,
    name: Annotated[
        str | None, typer.Option(help="of the new recipe; default RECIPE_own")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add stations of your own to a recipe's, and build a private local release."""
    from somobench.building.own_stations import add_stations

    _show_built(add_stations(files, recipe, name), as_json=as_json)


def _show_built(built: BuiltRelease, *, as_json: bool) -> None:
    if as_json:
        show_json(built._asdict())
        return
    say(escape_controls(f"{built.release}: {built.path}"))
    say(escape_controls(f"page to read: {built.path / 'report.html'}"))


app.command(cls=NamingCommand)(validate)


cli_cite.register(app)
cli_diff.register(app)
cli_evaluate.register(app)
cli_experiment.register(app)
cli_ladder.register(app)
cli_leaderboard.register(app)
cli_predict.register(app)
cli_probe.register(app)
cli_train.register(app)


def _resolve(release: str) -> Release:
    from somobench.catalog.resolve import resolve

    return resolve(release)


def main() -> None:
    """Run the command line; a refusal is reported without a traceback."""
    prepare_streams()
    try:
        try:
            app()
        finally:
            finish_output()
    except SomobenchError as error:
        _tell(str(error))
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        _tell(str(error))
        raise SystemExit(SomobenchError.exit_code) from None
    except (MemoryError, ImportError) as error:
        if not isinstance(error, MemoryError) and UNMAPPED not in str(error):
            raise
        found = str(error)[:200]
    else:
        return
    # What the error held is free by now: there is room for a message.
    _tell(f"not enough memory\n  found:    {found or 'none left'}\n  {MEMORY_HINT}")
    raise SystemExit(SomobenchError.exit_code)


def _tell(message: str) -> None:
    if sys.stderr is not None:
        text = escape_controls(message, keep="\n")
        sys.stderr.write(f"error: {text}\n")
