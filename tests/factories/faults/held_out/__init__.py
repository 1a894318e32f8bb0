"""Defects of a release that were written down without a look at what checks ask.

Each is harmful to whoever learns from the release or cites it, and of a kind that a
faulty pipeline or a careless hand leaves. Hashes are written after it.
"""

from __future__ import annotations

from factories.faults.held_out.documents import DOCUMENTS
from factories.faults.held_out.features import FEATURES
from factories.faults.held_out.forcing import FORCING
from factories.faults.held_out.scores import SCORES, SHIFT_COSTS
from factories.faults.held_out.tables import CELLS, SPLITS, STATIONS
from factories.faults.held_out.targets import TARGETS
from factories.faults.vouched import Defect

HELD_OUT: dict[str, tuple[str, dict[str, Defect]]] = {
    "forcing": ("forcing.zarr.zip", FORCING),
    "targets": ("targets.zarr.zip", TARGETS),
    "features": ("features.zarr.zip", FEATURES),
    "splits": ("splits.parquet", SPLITS),
    "cells": ("cells.parquet", CELLS),
    "stations": ("stations.parquet", STATIONS),
    "scores": ("scores.parquet", SCORES),
    "shift costs": ("shift_costs.parquet", SHIFT_COSTS),
    "manifest and documents": ("", DOCUMENTS),
}
"""By kind: the file that can be checked alone, if any, and the defects."""
