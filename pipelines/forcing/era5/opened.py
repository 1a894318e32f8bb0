"""Inputs of a request, opened and placed, here or in a process that works for it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import xarray as xr

from somobench.pipelines.forcing.era5.fields import group_boxes
from somobench.pipelines.forcing.era5.files.stores import open_inputs
from somobench.pipelines.forcing.era5.placement import Placement, place_cells
from somobench.pipelines.forcing.era5.variables import Delivery
from somobench.pipelines.forcing.source import ForcingRequest
from somobench.progress import tell_step
from somobench.schemas.errors import InputError

WORTH_IT = 10**9  # bytes unpacked, which take longer than starting a process
_kept = ExitStack()
"""In a process that works for another: the inputs that it holds open."""


def open_placement(request: ForcingRequest, inputs: Sequence[Path]) -> Placement:
    """Open inputs of a request, for as long as this process works for it."""
    _kept.close()
    opened = _kept.enter_context(open_inputs(inputs))
    return place_request(opened.stores, request)


def place_request(
    stores: Sequence[tuple[str, xr.Dataset]], request: ForcingRequest
) -> Placement:
    """Place the cells of a request on opened stores.

    Raises
    ------
    InputError
        If no cell has a node.
    """
    recipe = request.recipe
    placement = place_cells(
        group_boxes(stores), request.cells, recipe.forcing, recipe.grid.resolution
    )
    if not placement.used:
        raise InputError(
            "forcing inputs",
            found=f"no node at any of {len(request.cells)} cells",
            expected=f"nodes around {request.cells['cell_id'].iloc[0]} and the others",
            hint="check the area of the inputs, and grid.resolution of the recipe",
        )
    return placement


def choose_processes(
    placement: Placement,
    raws: Sequence[str],
    delivery: Delivery,
    request: ForcingRequest,
) -> int:
    """Say how much of variables is unpacked, and how many processes that is worth."""
    size = placement.count_bytes(raws, delivery, request.days)
    tell_step(f"unpacking {size / 1e9:.2f} GB of weather")
    return request.processes if size >= WORTH_IT else 1
