"""Names that commands take: what exists, for completion in a shell and for help."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from somobench.schemas.errors import SomobenchError


def list_releases() -> list[str]:
    """Return the releases that can be opened here."""
    from somobench.open import list_releases as run

    return run()


def list_feature_sets(release: str | None = None) -> list[str]:
    """Return the feature sets of a release, or of any."""
    from somobench.schemas.variables import FEATURE_SETS

    manifest = _read_manifest(release)
    return [*FEATURE_SETS] if manifest is None else sorted(manifest.feature_sets)


def list_splits(release: str | None = None) -> list[str]:
    """Return the splits of a release, or those that any can have."""
    from somobench.schemas.recipe import SplitParams

    manifest = _read_manifest(release)
    return sorted(SplitParams.model_fields if manifest is None else manifest.splits)


def list_scored_splits(release: str | None = None) -> list[str]:
    """Return the splits that predictions can be scored on."""
    from somobench.folds import list_scored

    return list_scored(list_splits(release))


def list_included() -> list[str]:
    """Return what a feature set can hold beside inputs and target."""
    from somobench.catalog.request import INCLUDED

    return [*INCLUDED]


def list_trained() -> list[str]:
    """Return the rungs and forecasts that `train` trains."""
    from somobench.neural.run import NAMES

    return [*NAMES]


def list_recipes() -> list[str]:
    """Return the recipes of the checkout around the working directory."""
    from somobench.building.checks import find_checkout
    from somobench.building.checks import list_recipes as run

    return run(find_checkout())


def _read_manifest(release: str | None) -> Any:
    if release is None:
        return None
    from somobench.catalog.resolve import resolve

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a shell would complete the text of a warning
        return resolve(release).manifest


def complete(
    list_names: Callable[..., list[str]], *, of_release: bool = False
) -> Callable[..., list[str]]:
    """Return a completion; names that can't be listed are no names to choose from."""

    def choose(ctx: typer.Context, incomplete: str) -> list[str]:
        release = (ctx.params.get("release"),) if of_release else ()
        try:
            return _choose(list_names(*release), incomplete)
        except SomobenchError:
            return []

    return choose


def _choose(names: Iterable[str], begin: str) -> list[str]:
    return [name for name in names if name.startswith(begin)]


RELEASE_OPTION = {
    "help": "full id, such as virtual-2.0.0",
    "autocompletion": complete(list_releases),
}
_SPLITS = complete(list_splits, of_release=True)
ReleaseName = Annotated[str, typer.Argument(**RELEASE_OPTION)]
ReleaseOption = Annotated[str, typer.Option(**RELEASE_OPTION)]
SetName = Annotated[
    str,
    typer.Argument(
        metavar="SET", autocompletion=complete(list_feature_sets, of_release=True)
    ),
]
SplitOption = Annotated[str, typer.Option(help="by name", autocompletion=_SPLITS)]
ScoredSplit = Annotated[
    str,
    typer.Option(
        help="by name; spatial_folds: all folds of spatial, pooled",
        autocompletion=complete(list_scored_splits, of_release=True),
    ),
]
SplitIfAny = Annotated[
    str | None, typer.Option(help="adds the role of days", autocompletion=_SPLITS)
]
Included = Annotated[
    list[str] | None,
    typer.Option(
        help="masks, normalisation or statics; may be given several times",
        autocompletion=complete(list_included),
    ),
]
_RECIPES = complete(list_recipes)
RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", autocompletion=_RECIPES)]
RecipeOption = Annotated[
    str,
    typer.Option(help="whose meteorology and rules are used", autocompletion=_RECIPES),
]
AsJson = Annotated[bool, typer.Option("--json", help="answer in JSON")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="replace what is there")]
PageFile = Annotated[Path | None, typer.Option(help="page to write as well, .html")]

_SHOWN = {
    "releases": (("release", "first", "second"), list_releases),
    "feature sets": (("feature_set",), list_feature_sets),
    "splits": (("split", "reference_split"), list_splits),
    "recipes": (("recipe",), list_recipes),
    "trained": (("model",), list_trained),
}
"""What the help of a command lists, and which of its parameters ask for it."""


class NamingCommand(TyperCommand):
    """A command whose help lists the names that exist for its parameters."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the names below everything else."""
        super().format_epilog(ctx, formatter)
        asked = {parameter.name for parameter in self.params}
        _write_names(
            formatter,
            (kind for kind, (names, _) in _SHOWN.items() if asked & {*names}),
        )


class NamingGroup(TyperGroup):
    """The command line, whose help lists releases, feature sets and splits."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the names below everything else."""
        super().format_epilog(ctx, formatter)
        _write_names(formatter, ("releases", "feature sets", "splits"))


def _write_names(formatter: Any, kinds: Iterable[str]) -> None:
    rows = list(_list_rows(kinds))
    if rows:
        with formatter.section("Names here"):
            formatter.write_dl(rows)


def _list_rows(kinds: Iterable[str]) -> Iterator[tuple[str, str]]:
    for kind in kinds:
        try:
            names = _SHOWN[kind][1]()
        except SomobenchError:  # no checkout around, or a folder that can't be named
            continue
        if names:
            yield kind, ", ".join(names)
