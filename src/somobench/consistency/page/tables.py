"""Tables of the report's page against the numbers that they repeat.

People read the page and not `validation.json`. A page of another layout isn't judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from somobench.consistency.rules import has_rules_of_today
from somobench.schemas.errors import Failure
from somobench.schemas.manifest import Manifest
from somobench.schemas.scores import ALL_LAYERS

PAGE = "report.html"
LAYER = re.compile(r'<th scope="row">layer (\d+) [^<]*</th>(.*?)</tr>', re.DOTALL)
CELL = re.compile(r"<td[^>]*>(.*?)</td>", re.DOTALL)
LADDER = re.compile(
    r'title">Pearson r, median over series with interval, by split</p>(.*?)</table>',
    re.DOTALL,
)
ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
KEY = re.compile(r'<td[^>]*data-key="([^"]*)"')
ROUNDED = 1e-4
MOST_BYTES = 64_000_000
Numbers = Mapping[str, Any]


def find_other_tables(
    folder: Path,
    manifest: Manifest,
    reports: Numbers,
    tables: Mapping[str, pd.DataFrame],
) -> list[Failure]:
    """Compare the page's tables of layers and of the ladder with the files."""
    path = folder / PAGE
    if not has_rules_of_today(manifest) or not path.is_file():
        return []
    if path.stat().st_size > MOST_BYTES:
        return []
    page = path.read_text(encoding="utf-8", errors="replace")
    failures: list[Failure] = []
    try:
        failures += _compare_layers(page, reports.get("report", {}).get("layers", {}))
        rungs = reports.get("stages", {}).get("baselines", {}).get("ladder", [])
        if "scores" in tables and rungs:
            names = [str(rung["name"]) for rung in rungs]
            failures += _compare_ladder(page, names, manifest, tables["scores"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        found, expected = f"no {error}", "what every build reports"
        failures.append(Failure("validation.json", found, expected))
    return failures


def _compare_layers(page: str, layers: Numbers) -> Iterator[Failure]:
    """Compare counts and correlations of the table that the page begins with."""
    for match in LAYER.finditer(page[: page.find("</table>")]):
        layer, cells = match[1], CELL.findall(match[2])
        shown = layers.get(layer)
        if shown is None or "reanalysis" not in shown:
            continue
        agreement = shown["reanalysis"]["all"]
        expected = [
            str(shown["depths"]["cells"]),
            str(shown["days"]),
            None,
            str(shown["sources"]["cells_with_several"]),
            *(_write(agreement[kind]) for kind in ("daily", "day_to_day")),
        ]
        if len(cells) != len(expected):
            continue
        found = [
            re.sub(r"[^\d.]", "", cell.replace("\N{MINUS SIGN}", "-")) for cell in cells
        ]
        pairs = zip(found, expected, strict=True)
        wrong = [(it, due) for it, due in pairs if due is not None and it != due]
        if wrong:
            where = f"{PAGE} targets of layer {layer}"
            yield Failure(where, wrong[0][0], f"{wrong[0][1]}, as in validation.json")


def _write(summary: Numbers) -> str | None:
    median = summary.get("median")
    return None if median is None else f"{abs(median):.2f}"


def _compare_ladder(
    page: str, rungs: list[str], manifest: Manifest, scores: pd.DataFrame
) -> Iterator[Failure]:
    """Compare the ladder by split, a row a rung, with the plain pool of all layers."""
    table = LADDER.search(page)
    rows = [] if table is None else [KEY.findall(row) for row in ROW.findall(table[1])]
    rows = [row for row in rows if row]
    splits = sorted(manifest.splits)
    if len(rows) != len(rungs) or {len(row) for row in rows} != {len(splits)}:
        return
    chosen = scores[(scores["pool_kind"] == "plain") & (scores["against"] == "")]
    chosen = chosen[(chosen["metric"] == "pearson_r") & (chosen["layer"] == ALL_LAYERS)]
    texts = chosen.astype({"split": "str", "model": "str"})
    values = texts.set_index(["split", "model"])["value"]
    for rung, row in zip(rungs, rows, strict=True):
        for split, given in zip(splits, row, strict=True):
            expected = values.get((split, rung), np.nan)
            if np.isnan(expected) or not re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", given):
                continue
            if abs(float(given) - expected) > ROUNDED:
                where = f"{PAGE} ladder, {rung} on {split}"
                yield Failure(where, given, f"{expected}, as in scores.parquet")
                return
