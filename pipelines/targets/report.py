"""What became of every sensor and cell: the report beside the targets."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from somobench.pipelines.targets.cells import (
    GAP_FILLING,
    PRIMARY,
    CellTarget,
    DenseSeries,
    Outcome,
    name_reference,
)
from somobench.pipelines.targets.rule import IntervalTarget
from somobench.schemas.recipe import Recipe

REPORT_DECIMALS = 6


class TargetReport:
    """Counts what each rule accepted and rejected, one layer and cell at a time.

    Parameters
    ----------
    series : DenseSeries
        The one that targets are built from.
    recipe : Recipe
    outside : int
        Sensors left out beforehand, because their cell has no forcing.
    uncovered : int
        Days of sensors left out beforehand, outside the record of the forcing.
    """

    def __init__(
        self,
        series: DenseSeries,
        recipe: Recipe,
        outside: int = 0,
        uncovered: int = 0,
    ) -> None:
        self._sensors = series.sensors
        self._outside = outside
        self._uncovered = uncovered
        self._layers = {
            layer.layer: Counter[str](cells=0, days=0) for layer in recipe.layers
        }
        self._references = {
            layer.layer: name_reference(layer.layer, recipe) for layer in recipe.layers
        }
        self._outcomes: Counter[str] = Counter()
        self._rejected: list[dict[str, Any]] = []
        self._sources: list[dict[str, Any]] = []
        self._has_target: dict[str, bool] = {}

    def add(self, result: CellTarget) -> None:
        """Count the sensors and days of one layer and cell."""
        self._outcomes.update(item.outcome for item in result.outcomes)
        self._rejected += [
            self._describe_rejection(item) for item in result.outcomes if item.rejection
        ]
        target = result.target
        had_one = self._has_target.get(result.cell_id, False)
        self._has_target[result.cell_id] = had_one or target is not None
        if target is not None:
            self._layers[result.layer].update(_count_days(target))
            self._sources.append(_name_sources(result, target))

    def content(self) -> dict[str, Any]:
        """Return the report; outcomes of sensors add up to the candidates."""
        dropped = sorted(cell for cell, has in self._has_target.items() if not has)
        days = {"outside the forcing's record": self._uncovered}
        return {
            **({"days": days} if self._uncovered else {}),
            "sensors": {
                "candidates": self._outcomes.total(),
                "in cells without forcing": self._outside,
                **self._outcomes,
            },
            "rejected_by_reason": dict(
                Counter(row["reason"] for row in self._rejected)
            ),
            "rejected_sensors": sorted(
                self._rejected, key=lambda row: str(row["sensor_id"])
            ),
            "layers": {
                str(layer): {"reference": self._references[layer], **counts}
                for layer, counts in self._layers.items()
            },
            "cells": {
                "kept": len(self._has_target) - len(dropped),
                "dropped": len(dropped),
            },
            "dropped_cells": [
                {"cell_id": cell, "reason": "no sensor passes the rule in any layer"}
                for cell in dropped
            ],
            "sources": self._sources,
        }

    def _describe_rejection(self, outcome: Outcome) -> dict[str, Any]:
        """Say which sensor was rejected, why, and by how much."""
        reason, found, expected = outcome.rejection or (None, None, None)
        sensor = self._sensors.iloc[outcome.row]
        return {
            "sensor_id": str(sensor["sensor_id"]),
            "cell_id": str(sensor["cell_id"]),
            "layer": int(sensor["layer"]),
            "reason": reason,
            "found": None if found is None else round(found, REPORT_DECIMALS),
            "expected": expected,
        }


def _count_days(target: IntervalTarget) -> dict[str, int]:
    negative = np.isfinite(target.primary.raw) & (target.source < 0)
    return {
        "cells": 1,
        "days": target.length,
        "gapfilled_days": int((target.source > 0).sum()),
        "negative_days": int(negative.sum()),
    }


def _name_sources(result: CellTarget, target: IntervalTarget) -> dict[str, Any]:
    """Name the sensors behind a target, for audits and citations."""
    return {
        "layer": result.layer,
        "cell_id": result.cell_id,
        PRIMARY: target.primary.sensor_id,
        GAP_FILLING: [item.candidate.sensor_id for item in target.used],
    }
