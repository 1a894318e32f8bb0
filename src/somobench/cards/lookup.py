"""Rows of a score table by what they are, for pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from somobench.metrics.registry import METRICS
from somobench.pages.plots import Dot
from somobench.schemas.scores import ALL_LAYERS
from somobench.scoring.models import LEADING

Row = Mapping[str, Any]
PLAIN = "plain"


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by their columns."""
    names = [str(name) for name in frame.columns]
    columns = [frame[name].tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


class ScoreLookup:
    """The rows of one model on one split.

    Parameters
    ----------
    scores : DataFrame of schema SCORES
    """

    def __init__(self, scores: pd.DataFrame) -> None:
        self._rows = {
            (
                row["metric"],
                row["against"],
                int(row["layer"]),
                row["pool_kind"],
                row["pool"],
            ): row
            for row in records(scores)
        }
        self.layers = sorted({key[2] for key in self._rows})
        present = {key[0] for key in self._rows if key[1] == ""}
        others = [name for name in METRICS if name not in LEADING]
        self.metrics = [name for name in (*LEADING, *others) if name in present]
        """Names, leading ones first."""

    def row(
        self,
        metric: str,
        *,
        against: str = "",
        layer: int = ALL_LAYERS,
        kind: str = PLAIN,
        pool: str = "",
    ) -> Row | None:
        """Return a row, or None where there is none."""
        return self._rows.get((metric, against, layer, kind, pool))

    def pools(self, kind: str) -> list[str]:
        """Return the pools of a kind, in the order of their names."""
        return sorted({key[4] for key in self._rows if key[3] == kind and not key[1]})

    def note(self, metric: str) -> str:
        """Return the note of a metric over all layers."""
        row = self.row(metric)
        return str(row["note"]) if row else ""


def dot(label: object, row: Row | None, **looks: Any) -> Dot:
    """Return a row of a dot plot for a score."""
    if row is None:
        return Dot(label, None, None, None, **looks)
    return Dot(label, row["value"], row["low"], row["high"], **looks)
