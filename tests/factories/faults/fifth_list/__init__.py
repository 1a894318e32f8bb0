"""110 single harmful defects of a published release, written by who had seen no check.

The fifth list: what a faulty stage, a careless maintainer or a bad merge leaves. Each
is a function on an opened release folder, `virtual-2.0.0`; its docstring says what it
changes.

Harmful is a defect after which a user has another number that matters: (a) a value of
targets, forcing or features that is input or truth moves by more than its measuring
accuracy (soil moisture 0.01 m3 m-3; temperature 0.5 K; precipitation 1 mm in a day or
10 % of a total; all else 5 % of its standard deviation); or (b) a day, cell, sensor or
role enters or leaves a split; or (c) a published score, cost, count, threshold, date,
place (by more than a tenth of a cell), unit or provenance statement is untrue by more
than its rounding. `harm` measures it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from factories.faults.fifth_list import (
    cells,
    documents,
    energy,
    features,
    rain,
    scores,
    splits,
    stations,
    target_days,
    target_facts,
)
from factories.faults.third_list.opened import Defect

FIFTH_LIST: Mapping[str, tuple[Defect, ...]] = MappingProxyType(
    {
        "targets": target_days.DEFECTS + target_facts.DEFECTS,
        "forcing": rain.DEFECTS + energy.DEFECTS,
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
