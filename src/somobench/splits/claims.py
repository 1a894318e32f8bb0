"""What a split promises to keep apart, looked up in the data and not in its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from somobench.schemas.errors import InputError
from somobench.splits.audit import PAIRS, Claim
from somobench.splits.blocks import block_of
from somobench.splits.data import SplitData
from somobench.splits.groups import networks_of, regions_of


def claim_of(definition: Mapping[str, Any], data: SplitData) -> Claim | None:
    """Return what a split promises to keep apart, from the data rather than its rows.

    None for splits by year, which keep apart the days of a cell and no more.

    Parameters
    ----------
    definition : mapping
        As published with the split, or at least `kind` and what says where its groups
        come from: `parameters.block_degrees` of `spatial`, `held_out_by` of `ungauged`.
    data : SplitData

    Raises
    ------
    InputError
        If the definition lacks one of them, or the data what it needs.
    """
    try:
        return _claim(definition, data)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(
            "definition of a split",
            found=f"{type(error).__name__}: {error}"[:200],
            expected="kind, parameters and notes as published with a split, and data "
            "with the region, regime or network that it keeps apart",
        ) from error


def _claim(definition: Mapping[str, Any], data: SplitData) -> Claim | None:
    cells = data.cells
    match definition["kind"]:
        case "temporal":
            return Claim("date", {})
        case "spatial":
            blocks = block_of(cells, definition["parameters"]["block_degrees"])
            return Claim("block", _labels(cells, blocks))
        case "ungauged" if definition["held_out_by"] == "network":
            return Claim("network", networks_of(data.sources))
        case "ungauged":
            return Claim("region", regions_of(cells))
        case "energy_to_water" | "water_to_energy":
            pairs = tuple(pair for pair in PAIRS if "test" in pair)
            return Claim("regime", _labels(cells, cells["regime"]), pairs)
        case "dry_years" | "wet_years":
            return None
    message = f"kind {definition['kind']!r}"
    raise ValueError(message)


def _labels(cells: pd.DataFrame, labels: pd.Series[str]) -> dict[str, frozenset[str]]:
    pairs = zip(cells["cell_id"].astype(str), labels.astype(str), strict=True)
    return {cell: frozenset((label,)) for cell, label in pairs}
