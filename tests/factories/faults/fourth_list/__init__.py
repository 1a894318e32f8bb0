"""Single harmful defects of a published release, written by who had seen no check.

The fourth list, mostly of physics: weather that doesn't fit itself, soils that don't
fit weather. Each is a function on an opened release folder, `virtual-2.0.0`; its
docstring says what it changes, by how much, and what in the folder contradicts it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from factories.faults.fourth_list import (
    air,
    cells,
    documents,
    features,
    radiation,
    scores,
    splits,
    stations,
    target_factors,
    targets,
    water,
)
from factories.faults.third_list.opened import Defect

FOURTH_LIST: Mapping[str, tuple[Defect, ...]] = MappingProxyType(
    {
        "targets": targets.DEFECTS + target_factors.DEFECTS,
        "forcing": radiation.DEFECTS + air.DEFECTS + water.DEFECTS,
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
