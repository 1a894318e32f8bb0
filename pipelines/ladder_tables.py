"""Write the ladder tables of documents from the scores of releases.

Run as `python -m somobench.pipelines.ladder_tables DOCUMENT RELEASE_FOLDER ...`: the
lines between `<!-- ladder:ID -->` and `<!-- end -->` become the table of release ID.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd

from somobench.baselines import RUNGS
from somobench.catalog.atomic import write_text
from somobench.pipelines.run_stage import run_stage
from somobench.schemas.errors import UsageError

METRIC = "pearson_r"
ALL_LAYERS = 0
MARKED = r"(<!-- ladder:{release} -->\n).*?(<!-- end -->)"


def ladder_table(scores: pd.DataFrame) -> str:
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
    keys = zip(chosen["model"], chosen["split"], strict=True)
    numbers = chosen[["value", "low", "high"]].to_numpy().tolist()
    by_rung = dict(zip(keys, numbers, strict=True))
    splits = sorted(set(scores["split"]))
    lines = [_row(["rung", *splits]), _row(["---"] * (len(splits) + 1))]
    for name, rung in RUNGS.items():
        mark = f"`{name}`" + (" *" if rung.needs_observations else "")
        cells = [_cell(by_rung.get((name, split))) for split in splits]
        lines.append(_row([mark, *cells]))
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(numbers: list[float] | None) -> str:
    if numbers is None:
        return "not available"
    value, low, high = numbers
    return f"{value:.2f} ({low:.2f}, {high:.2f})"


def with_table(text: str, release: str, table: str) -> str:
    """Return a document with the table of a release in its place.

    Raises
    ------
    UsageError
        If the document has no place for it.
    """
    pattern = re.compile(MARKED.format(release=re.escape(release)), re.DOTALL)
    if not pattern.search(text):
        raise UsageError(
            "document",
            found=f"no place for the table of {release}",
            expected=f"<!-- ladder:{release} --> and, below it, <!-- end -->",
        )
    return pattern.sub(lambda found: found[1] + table + found[2], text)


def main() -> None:
    """Write the tables of the releases into the document."""
    document, *folders = (Path(argument) for argument in sys.argv[1:])
    text = document.read_text(encoding="utf-8")
    for folder in folders:
        table = ladder_table(pd.read_parquet(folder / "scores.parquet"))
        text = with_table(text, folder.name, table)
    write_text(text, document)


if __name__ == "__main__":
    run_stage(main)
