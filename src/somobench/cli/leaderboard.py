"""The command `leaderboard`: one page of many score cards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from somobench.cli.output import escape_controls, show_json
from somobench.schemas.errors import InputError, UsageError


def register(app: typer.Typer) -> None:
    """Add `leaderboard` to the command line."""
    app.command("leaderboard")(leaderboard)


def leaderboard(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="score cards, or folders of them"),
    ],
    out: Annotated[Path, typer.Option(help="page to write")] = Path("leaderboard.html"),
    overwrite: Annotated[bool, typer.Option("--overwrite")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="answer in JSON")] = False,
) -> None:
    """Build one page of the score cards that `evaluate` wrote."""
    from somobench.cards.leaderboard import (
        find_cards,
        group_cards,
        leaderboard_page,
        read_cards,
    )
    from somobench.catalog.storage.atomic import write_text

    _check_target(out, overwrite=overwrite)
    cards = read_cards(find_cards(folders))
    text = leaderboard_page(cards)
    try:
        write_text(text, out)
    except OSError as error:
        raise InputError(
            f"file {out}", found=error.strerror, expected="a place that takes it"
        ) from error
    groups = group_cards(cards)
    counts: list[dict[str, Any]] = [
        {
            "release": release,
            "split": split,
            "cards": len(own),
            "not_ranked": [card.record.model for card in own if card.record.findings],
        }
        for (release, split), own in groups.items()
    ]
    if as_json:
        show_json({"path": str(out), "groups": counts})
        return
    for row in counts:
        word = "card" if row["cards"] == 1 else "cards"
        typer.echo(f"{row['release']}, {row['split']}: {row['cards']} {word}")
        for model in row["not_ranked"]:
            typer.echo(
                escape_controls(f"  not ranked, no prediction of a model: {model}")
            )
    typer.echo(escape_controls(f"written to {out}"))


def _check_target(out: Path, *, overwrite: bool) -> None:
    if out.suffix != ".html":
        raise UsageError(f"file {out}", found=out.suffix or "none", expected=".html")
    if out.is_dir() or (out.exists() and not overwrite):
        raise UsageError(
            f"file {out}",
            found="it exists",
            expected="a new file",
            hint="choose another name, or add --overwrite",
        )
