"""Write the tables of documents from the scores of releases.

Run as `python -m somobench.pipelines.tools.ladder_tables DOCUMENT RELEASE_FOLDER ...`:
the lines between `<!-- ladder:ID -->` and `<!-- end -->` become the ladder of release
ID, those after `<!-- shifts:ID -->` what shifts cost it. A folder that `somobench
ladder` wrote, named as the release, gives those after `<!-- folds:ID -->`; the lines
after `<!-- brief:ID -->` are the ladder on four splits.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd

from somobench.catalog.storage.atomic import write_text
from somobench.folds import POOLED
from somobench.ladder.rungs import RUNGS
from somobench.pipelines.stage import run_stage
from somobench.schemas.errors import UsageError

METRIC = "pearson_r"
ALL_LAYERS = 0
ABSENT = "not available"
BRIEF = ("temporal", "ungauged", "energy_to_water", "water_to_energy")
"""Splits of a brief table: later days, other networks, other regimes."""
MARKED = r"(<!-- {kind}:{release} -->\n).*?(<!-- end -->)"


def make_ladder_table(scores: pd.DataFrame) -> str:
    """Return a Markdown table: Pearson r of every rung on every split.

    Parameters
    ----------
    scores : DataFrame of schema SCORES

    Returns
    -------
    str
        Medians over cells and layers with their 90 % intervals; rungs in the order of
        the ladder, those that read observations of the cell marked with `*`.
    """
    chosen = scores[
        (scores["metric"] == METRIC)
        & (scores["pool_kind"] == "plain")
        & (scores["layer"] == ALL_LAYERS)
        & (scores["against"] == "")
    ]
    return _tabulate_rungs(chosen, "value")


def shift_table(costs: pd.DataFrame) -> str:
    """Return a Markdown table: Pearson r that every rung loses on every split.

    Parameters
    ----------
    costs : DataFrame of schema SHIFT_COSTS
    """
    chosen = costs[(costs["metric"] == METRIC) & (costs["layer"] == ALL_LAYERS)]
    return _tabulate_rungs(chosen, "cost")


def make_brief_table(scores: pd.DataFrame) -> str:
    """Return the ladder table of the splits in `BRIEF`, of rungs that are there."""
    table = make_ladder_table(scores[scores["split"].isin(BRIEF)])
    lines = [line for line in table.splitlines() if ABSENT not in line]
    return "\n".join(lines) + "\n"


def _tabulate_rungs(rows: pd.DataFrame, value: str) -> str:
    keys = zip(rows["model"], rows["split"], strict=True)
    numbers = rows[[value, "low", "high"]].to_numpy().tolist()
    by_rung = dict(zip(keys, numbers, strict=True))
    splits = sorted(set(rows["split"]))
    lines = [_format_row(["rung", *splits]), _format_row(["---"] * (len(splits) + 1))]
    for name, rung in RUNGS.items():
        mark = f"`{name}`" + (" *" if rung.needs_observations else "")
        cells = [_format_cell(by_rung.get((name, split))) for split in splits]
        lines.append(_format_row([mark, *cells]))
    return "\n".join(lines) + "\n"


def _format_row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _format_cell(numbers: list[float] | None) -> str:
    if numbers is None:
        return ABSENT
    value, low, high = (round(number, 2) + 0.0 for number in numbers)
    return f"{value:.2f} ({low:.2f}, {high:.2f})"


def name_kind(scores: pd.DataFrame) -> str:
    """Return whose scores these are: `folds` pooled, or the `ladder` of a release."""
    return "folds" if set(scores["split"].astype(str)) == {POOLED} else "ladder"


def insert_table(text: str, kind: str, release: str, table: str) -> str:
    """Return a document with a table of a release in its place.

    Raises
    ------
    UsageError
        If the document has no place for it.
    """
    pattern = _place(kind, release)
    if not pattern.search(text):
        raise UsageError(
            "document",
            found=f"no place for the table of {release}",
            expected=f"<!-- {kind}:{release} --> and, below it, <!-- end -->",
        )
    return pattern.sub(lambda found: found[1] + table + found[2], text)


def _place(kind: str, release: str) -> re.Pattern[str]:
    marked = MARKED.format(kind=kind, release=re.escape(release))
    return re.compile(marked, re.DOTALL)


def main() -> None:
    """Write the tables of the releases into the document, where it has a place."""
    if len(sys.argv) == 1:
        raise UsageError("arguments", found="none", expected="a document and releases")
    document, *folders = (Path(argument) for argument in sys.argv[1:])
    text = document.read_text(encoding="utf-8")
    for folder in folders:
        scores = pd.read_parquet(folder / "scores.parquet")
        kind, release = name_kind(scores), folder.name
        if _place("brief", release).search(text):
            text = insert_table(text, "brief", release, make_brief_table(scores))
            continue
        text = insert_table(text, kind, release, make_ladder_table(scores))
        if kind == "ladder" and _place("shifts", release).search(text):
            costs = pd.read_parquet(folder / "shift_costs.parquet")
            text = insert_table(text, "shifts", release, shift_table(costs))
    write_text(text, document)


if __name__ == "__main__":
    run_stage(main)
