"""What was done with a model's own grid: as numbers, and in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.submissions.gridded.plan import Gridded
from somobench.submissions.gridded.request import Wanted

Floats = NDArray[np.float64]
Values = NDArray[np.float32]


def describe_gridded(
    wanted: Wanted, plan: Gridded, distance: Floats, values: Values
) -> dict[str, Any]:
    """Say what was done, as numbers."""
    return {
        "method": wanted.options.method,
        "asked_reach_km": wanted.options.reach_km,
        "asked_layers": wanted.options.layers,
        "asked_variables": list(wanted.options.variables),
        "reach_km": round(plan.nodes.reach, 3),
        "median_distance_km": round(float(np.median(distance)), 3),
        "greatest_distance_km": round(float(distance.max()), 3),
        "cells": len(wanted.cells),
        "cells_within_reach": int(plan.nodes.inside.sum()),
        "cells_without_values": int((~np.isfinite(values).any(axis=(0, 2))).sum()),
        "model_layers": {
            item.name: {"units": item.units, "factor": float(f"{item.factor:.6g}")}
            for item in plan.model_layers
        },
        "weights": {
            str(layer): {item.name: round(share, 6) for item, share in part.items()}
            for layer, part in plan.weights.items()
        },
        "covered": {str(layer): share for layer, share in plan.covered.items()},
        "values_a_day": plan.times.per_day,
        "days": len(plan.days),
        "days_partial": plan.lost["partial"],
        "days_outside": plan.lost["outside"],
    }


def say_gridded(facts: Mapping[str, Any], plan: Gridded) -> list[str]:
    """Say what was done, in sentences."""
    how = "bilinear interpolation of the nodes around"
    if facts["method"] == "nearest":
        how = "the nearest node with values"
    lost = facts["cells"] - facts["cells_within_reach"]
    notes = [
        f"a gridded file was brought to cells by {how}, within"
        f" {facts['reach_km']:g} km: median distance {facts['median_distance_km']:g},"
        f" greatest {facts['greatest_distance_km']:g} km; {lost} of {facts['cells']}"
        f" cells out of reach, {facts['cells_without_values']} without values",
    ]
    for layer, share in facts["covered"].items():
        weights = facts["weights"].get(layer)
        if weights is None:
            notes.append(f"layer {layer} is left out: {share:.0%} of it is covered")
            continue
        parts = ", ".join(f"{part:.3g} x {name}" for name, part in weights.items())
        notes.append(f"layer {layer} is {parts}; {share:.0%} of it is covered")
    if facts["nodes_without_soil"]:
        notes.append(
            f"{facts['nodes_without_soil']} nodes without soil, whose water is 0 on all"
            " days, are taken as missing"
        )
    converted = {
        item["units"]: item["factor"]
        for item in facts["model_layers"].values()
        if item["factor"] != 1.0
    }
    if converted:
        notes.append(f"values in {', '.join(converted)} were converted to m3 m-3")
    if facts["values_a_day"] == 1:
        day = f"the value of {plan.times.clock} UTC stands for its day"
    else:
        day = f"a day is the mean of its {facts['values_a_day']} values"
    notes.append(
        f"{day}; of the release's days {facts['days']} have one,"
        f" {facts['days_partial']} are partial, {facts['days_outside']} lie outside the"
        " file's period"
    )
    return notes
