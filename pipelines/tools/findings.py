"""Keep the tables of experiments that a document rests on, and write its claims.

Run as `python -m somobench.pipelines.tools.findings DOCUMENT FOLDER ...`: what an
experiment wrote into each folder is kept beside the document, in a folder of the same
name, and the lines between `<!-- claims:ID -->` and `<!-- end -->` become the claims of
release ID, those after `<!-- losses:ID -->` what each model loses.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pandas as pd

from somobench.catalog.storage.atomic import write_json, write_text
from somobench.experiments.claims import ABSENT, Finding, find_numbers
from somobench.experiments.compare import CONTRAST
from somobench.experiments.robustness import BOTH, OTHER, SAME
from somobench.experiments.run import EXPERIMENTS, RECORD_FILE, TEXT_FILE
from somobench.experiments.settings import Settings
from somobench.ladder.rungs import RUNGS
from somobench.pipelines.stage import read_report, run_stage
from somobench.pipelines.tools.ladder_tables import insert_table
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.experiments import EXPERIMENT
from somobench.schemas.scores import ALL_LAYERS
from somobench.schemas.validate import validate_table

LEAD = "pearson_r"
AGAIN = "_again"  # ends the name of an experiment done with another seed
NUMBERS = {
    "pearson_r": "r",
    "anomaly_r": "anomaly r",
    "nse": "NSE",
    "dry_down_days": "days",
    "rmse": "standard deviations",
    "rmse_of_dry_days": "standard deviations",
    "sedi_dry": "SEDI",
}
TEXTS = ("model", "metric", "tested", "arm", "against")


def keep_experiment(folder: Path, document: Path) -> None:
    """Keep an experiment's table and record beside the document.

    Raises
    ------
    InputError
        If the folder doesn't hold what `somobench experiment` writes.
    """
    record = read_report(folder / RECORD_FILE, "experiment", "release", "settings")
    kept = list_kept_folder(document) / record["release"]
    table = read_table(folder / TEXT_FILE)
    kept.mkdir(parents=True, exist_ok=True)
    again = "" if record["settings"]["seed"] == Settings().seed else AGAIN
    name = record["experiment"] + again
    write_json(record, kept / f"{name}.json")
    text = table.to_csv(index=False, lineterminator="\n")
    write_text(text, kept / f"{name}.csv")


def list_kept_folder(document: Path) -> Path:
    """Return where the tables of a document are kept."""
    return document.with_suffix("")


def read_table(path: Path) -> pd.DataFrame:
    """Read the text of an experiment's table.

    Raises
    ------
    InputError
        If it can't be read.
    ValidationError
        If it breaks the schema.
    """
    types = {name: str(column.dtype) for name, column in EXPERIMENT.columns.items()}
    try:
        table = pd.read_csv(
            path,
            keep_default_na=False,
            na_values={name: [""] for name in EXPERIMENT.columns if name not in TEXTS},
        )
        table = table.astype(types)
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"table {path}", found=str(error), expected="what an experiment writes"
        ) from error
    return validate_table(table, EXPERIMENT, str(path))


def read_kept(folder: Path, again: str = "") -> dict[str, pd.DataFrame]:
    """Return the kept tables of a release, by experiment; or those of other draws."""
    return {
        name: read_table(folder / f"{name}{again}.csv")
        for name in EXPERIMENTS
        if (folder / f"{name}{again}.csv").is_file()
    }


def make_claims_table(
    tables: Mapping[str, pd.DataFrame], again: Mapping[str, pd.DataFrame]
) -> str:
    """Return a Markdown table: each claim, its number, and whether it holds.

    Parameters
    ----------
    tables : by experiment
    again : by experiment, with folds and training cells drawn by another seed
        A claim that these decide otherwise depends on the draw.
    """
    heads = ("claim", "model", "number", "other draws", "in", "series", "verdict")
    lines = [write_line(heads), "| --- " * len(heads) + "|"]
    found = find_numbers(tables)
    for item, other in zip(found, find_numbers(again), strict=True):
        if item.verdict != ABSENT:
            claim, verdict = item.claim, join_verdicts(item.verdict, other.verdict)
            numbers = (write_number(item), write_number(other))
            cells = (*numbers, name_number(claim.metric), item.series, verdict)
            lines.append(write_line((claim.sentence, f"`{claim.model}`", *cells)))
    lacking = [item.claim for item in found if item.verdict == ABSENT]
    names = sorted({f"`{claim.model}` in {claim.experiment}" for claim in lacking})
    if names:
        lines += ["", f"Not available: {len(lacking)} claims, on {', '.join(names)}."]
    return "\n".join(lines) + "\n"


def join_verdicts(first: str, second: str) -> str:
    """Return a verdict, or what two sets of draws say where they differ."""
    if second in (first, ABSENT):
        return first
    return f"depends on the draw: {first}, {second}"


def write_line(cells: Iterable[object]) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def name_number(metric: str) -> str:
    """Return what a number is, for people."""
    name, _, by_distance = metric.partition("_by_")
    return NUMBERS.get(name, name) + (" for each unit" if by_distance else "")


def write_number(item: Finding) -> str:
    """Return a number with its interval."""
    if item.value is None or item.low is None or item.high is None:
        return ""
    value, low, high = (round(x, 3) + 0.0 for x in (item.value, item.low, item.high))
    return f"{value:.3f} ({low:.3f}, {high:.3f})"


def make_losses_table(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return a Markdown table: scores and losses of every model by regime."""
    if "robustness" not in tables:
        return "Not available.\n"
    rows = tables["robustness"]
    rows = rows[(rows["metric"] == LEAD) & (rows["layer"] == ALL_LAYERS)]
    heads = (
        "tested on",
        "model",
        "same regime",
        "other regime",
        "both",
        "lost in the other",
        "lost in both",
    )
    lines = [write_line(heads), "| --- " * len(heads) + "|"]
    for tested in sorted(set(rows["tested"]) - {CONTRAST}):
        for model in RUNGS:
            own = rows[(rows["tested"] == tested) & (rows["model"] == model)]
            if (own["arm"] == SAME).any():
                lines.append(write_line((tested, f"`{model}`", *_list_cells(own))))
    return "\n".join(lines) + "\n"


def _list_cells(rows: pd.DataFrame) -> Iterator[str]:
    pairs = [(SAME, ""), (OTHER, ""), (BOTH, ""), (OTHER, SAME), (BOTH, SAME)]
    for arm, against in pairs:
        found = rows[(rows["arm"] == arm) & (rows["against"] == against)]
        value, low, high = (
            round(float(found[name].iloc[0]), 3) + 0.0
            for name in ("value", "low", "high")
        )
        yield f"{value:.3f} ({low:.3f}, {high:.3f})" if against else f"{value:.2f}"


def write_findings(document: Path) -> str:
    """Return the document with the tables that its kept numbers give.

    Raises
    ------
    UsageError
        If it has no place for a release of which numbers are kept.
    """
    text = document.read_text(encoding="utf-8")
    for folder in sorted(list_kept_folder(document).iterdir()):
        tables = read_kept(folder)
        made = {
            "claims": make_claims_table(tables, read_kept(folder, AGAIN)),
            "losses": make_losses_table(tables),
        }
        for kind, table in made.items():
            text = insert_table(text, kind, folder.name, table)
    return text


def main() -> None:
    """Keep the experiments that are given, and write the document's tables."""
    if len(sys.argv) == 1:
        raise UsageError(
            "arguments", found="none", expected="a document and folders of experiments"
        )
    document, *folders = (Path(argument) for argument in sys.argv[1:])
    for folder in folders:
        keep_experiment(folder, document)
    write_text(write_findings(document), document)


if __name__ == "__main__":
    run_stage(main)
