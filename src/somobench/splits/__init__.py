"""Splits: named, hashed assignments of cell and day to train, validation and test.

A kind of split is one function in `KINDS`; its name is the key of its parameters in the
recipe, and `QUESTIONS` says what it asks. Making splits is pure: the stage `splits`
reads and writes. `audit_rows` looks for leakage in any rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from somobench.schemas.recipe import Params, SplitParams
from somobench.splits.audit import SplitAudit
from somobench.splits.blocks import spatial_fold, split_spatial
from somobench.splits.data import (
    Assignment,
    Kind,
    LeftOut,
    SplitData,
    role_masks,
    rows_frame,
    target_days,
)
from somobench.splits.dates import split_temporal
from somobench.splits.groups import (
    split_energy_to_water,
    split_ungauged,
    split_water_to_energy,
)
from somobench.splits.release import audit_rows, open_split_data, split_definition
from somobench.splits.sites import drop_linked, links_between
from somobench.splits.years import split_dry_years, split_wet_years

__all__ = [
    "KINDS",
    "QUESTIONS",
    "Assignment",
    "LeftOut",
    "SplitAudit",
    "SplitData",
    "audit_rows",
    "build_splits",
    "definition_of",
    "open_split_data",
    "role_masks",
    "spatial_fold",
    "split_definition",
    "split_sha256",
    "split_table",
]

COLUMNS = ("split", "cell_id", "start", "end", "role")

KINDS: Mapping[str, Kind] = {
    "temporal": split_temporal,
    "spatial": split_spatial,
    "ungauged": split_ungauged,
    "dry_years": split_dry_years,
    "wet_years": split_wet_years,
    "energy_to_water": split_energy_to_water,
    "water_to_energy": split_water_to_energy,
}
"""Every kind of split, by the name of its parameters in the recipe."""

QUESTIONS: Mapping[str, str] = {
    "temporal": "Does it know later days after learning from earlier ones, at the same "
    "places?",
    "spatial": "Does it know places between and beside those that it learnt from, on "
    "the same days?",
    "ungauged": "Does it know networks whose probes, sites and calibration it has "
    "never met, or regions where there are too few networks?",
    "dry_years": "Does it know the driest third of a cell\u2019s years after learning "
    "from the wettest?",
    "wet_years": "Does it know the wettest third of a cell\u2019s years after "
    "learning from the driest?",
    "energy_to_water": "Does it know cells where water limits evaporation after "
    "learning from cells where energy does?",
    "water_to_energy": "Does it know cells where energy limits evaporation after "
    "learning from cells where water does?",
}
"""What each kind of split asks of a model, in one sentence."""


def build_splits(
    params: SplitParams, data: SplitData
) -> dict[str, Assignment | LeftOut]:
    """Build every split that the recipe asks for.

    Cells without a target take no part. Of two cells that share a measuring place, one
    takes no part where their roles would meet. A split that leaves a role without a
    target is left out.

    Parameters
    ----------
    params : SplitParams
        A field for each kind; kinds whose field is None aren't built.
    data : SplitData
        Cells in any order.

    Returns
    -------
    dict
        The assignment, or why there is none, by name of the split.
    """
    ordered = data.ordered()
    ordered = ordered.chosen(np.flatnonzero(ordered.available.any(axis=(0, 2))))
    if not len(ordered.cells):
        return {
            name: LeftOut("no cell has a target")
            for name, asked in sorted(dict(params).items())
            if asked is not None
        }
    return {
        name: _separate_linked_cells(KINDS[name](ordered, asked), ordered)
        for name, asked in sorted(dict(params).items())
        if asked is not None
    }


def _separate_linked_cells(
    outcome: Assignment | LeftOut, data: SplitData
) -> Assignment | LeftOut:
    """Separate cells that share a measuring place; leave out what has an empty role."""
    if isinstance(outcome, LeftOut):
        return outcome
    links = links_between(data.cells, data.sources)
    rows, dropped = drop_linked(outcome.rows, links, data.lags)
    empty = [role for role, days in target_days(rows, data).items() if not days.sum()]
    if empty:
        return LeftOut(f"no target in the {empty[0]} part")
    return outcome._replace(rows=rows, without={**outcome.without, **dropped})


def definition_of(name: str, params: Params, assignment: Assignment) -> dict[str, Any]:
    """Return what says how a split was made: kind, parameters, thresholds, notes."""
    return {
        "kind": name,
        "parameters": _list_parameters(params),
        **assignment.notes,
        "cells": int(assignment.rows["cell_id"].nunique()),
        "cells_left_out": dict(sorted(assignment.without.items())),
    }


def _list_parameters(params: Params) -> dict[str, Any]:
    """Return the parameters of a split; what is held out only where a recipe says it.

    So definitions of splits without that key stay as they were published.
    """
    content = params.model_dump(mode="json")
    if content.get("by") == "network":
        del content["by"]
    return content


def split_table(assignments: Mapping[str, Assignment]) -> pd.DataFrame:
    """Join assignments to one table of schema SPLITS."""
    parts = [
        assignment.rows.assign(split=name) for name, assignment in assignments.items()
    ]
    joined = pd.concat(parts) if parts else rows_frame([]).assign(split="")
    table = joined[list(COLUMNS)].sort_values(
        ["split", "cell_id", "start"], ignore_index=True
    )
    texts = dict.fromkeys(("split", "cell_id", "role"), "str")
    return table.astype(texts)


def split_sha256(table: pd.DataFrame) -> str:
    """Hash the rows of a split table, whatever their order.

    Sorted lines `split,cell_id,start,end,role`, dates as YYYY-MM-DD, a newline after
    each, in UTF-8.
    """
    days = {name: table[name].dt.strftime("%Y-%m-%d") for name in ("start", "end")}
    text = table.assign(**days)[list(COLUMNS)].agg(",".join, axis=1)
    return hashlib.sha256(
        "".join(f"{line}\n" for line in sorted(text)).encode()
    ).hexdigest()
