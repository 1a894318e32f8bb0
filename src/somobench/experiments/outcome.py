"""What an experiment hands back: its table, how it was done, what it couldn't do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from somobench.experiments.crossfit import Crossfit
from somobench.experiments.design import Layer
from somobench.experiments.settings import Settings
from somobench.experiments.world import World


@dataclass(frozen=True, eq=False)
class Outcome:
    """Rows of schema EXPERIMENT, facts of the design, and what is missing and why.

    `points` are (distance, loss, text) by model, for the page alone.
    """

    table: pd.DataFrame
    design: Mapping[str, Any]
    refused: Mapping[str, str]
    points: Mapping[str, list[tuple[float, float, str]]] = field(default_factory=dict)


def describe_design(
    world: World, layers: list[Layer], found: Crossfit, settings: Settings, length: int
) -> dict[str, Any]:
    """Return the numbers that a reader needs to judge an experiment."""
    regimes = world.regimes[found.places]
    return {
        "layers": {
            str(world.layers[layer.place]): {
                "training_cells": layer.cells,
                "training_days_of_a_cell": layer.days,
                "cells_that_may_train": int(layer.able.size),
            }
            for layer in layers
        },
        "tested_series": {
            str(regime): int((regimes == regime).sum())
            for regime in sorted(set(regimes))
        },
        "tested_cells": len(set(found.places.tolist())),
        "clusters_drawn": len(set(found.target["cluster"].to_numpy().tolist())),
        "fits": len(found.tasks),
        "repeats": settings.repeats,
        "block_length": length,
        "variables_left_out": dict(world.left_out),
    }
