"""The command `leaderboard`: one page of many score cards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from somobench.cli.names import AsJson, NamingCommand, Overwrite
from somobench.cli.output import check_page, escape_controls, show_json, write_page


def register(app: typer.Typer) -> None:
    """Add `leaderboard` to the command line."""
    app.command("leaderboard", cls=NamingCommand)(leaderboard)


def leaderboard(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="score cards, or folders of them"),
    ],
    out: Annotated[Path, typer.Option(help="page to write")] = Path("leaderboard.html"),
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Build one page of the score cards that `evaluate` wrote."""
    from somobench.cards.leaderboard import (
        find_cards,
        group_cards,
        leaderboard_page,
        read_cards,
    )

    check_page(out, overwrite=overwrite)
    cards = read_cards(find_cards(folders))
    text = leaderboard_page(cards)
    write_page(text, out)
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
