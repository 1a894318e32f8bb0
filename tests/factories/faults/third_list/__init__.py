"""150 single harmful defects of a published release, written by who had seen no check.

Each is a function on an opened release folder, `virtual-2.0.0`; its docstring says
what it changes, by how much, and what in the folder contradicts it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from factories.faults.third_list import (
    cells,
    documents,
    features,
    filled_days,
    forcing,
    precipitation,
    scores,
    splits,
    stations,
    target_factors,
    target_series,
)
from factories.faults.third_list.opened import Defect

THIRD_LIST: Mapping[str, tuple[Defect, ...]] = MappingProxyType(
    {
        "targets": target_series.DEFECTS + filled_days.DEFECTS + target_factors.DEFECTS,
        "forcing": precipitation.DEFECTS + forcing.DEFECTS,
        "features": features.DEFECTS,
        "splits": splits.DEFECTS,
        "cells": cells.DEFECTS,
        "stations": stations.DEFECTS,
        "scores": scores.SCORES,
        "shift_costs": scores.COSTS,
        "documents": documents.DEFECTS,
    }
)
"""Defects by the part of the release that they harm."""
