"""Ways to change arrays of a grid that keep its dims, names and attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import xarray as xr

Array = np.ndarray[Any, Any]
Change = Callable[[xr.Dataset], xr.Dataset]


def put_values(grid: xr.Dataset, name: str, values: Array) -> xr.Dataset:
    return grid.assign({name: grid[name].copy(data=values)})


def changed(names: str | Iterable[str], change: Callable[[Array], Array]) -> Change:
    """Change the values of variables, each given as a copy."""
    listed = (names,) if isinstance(names, str) else tuple(names)

    def spoil(grid: xr.Dataset) -> xr.Dataset:
        for name in listed:
            array = grid[name]
            values = change(array.to_numpy().copy()).astype(array.dtype)
            grid = put_values(grid, name, values)
        return grid

    return spoil


def taken(dim: str, places: Any, *names: str) -> Change:
    """Give places along a dim the values of others, in some variables or in all."""

    def spoil(grid: xr.Dataset) -> xr.Dataset:
        listed = names or [it for it in grid.data_vars if dim in grid[it].dims]
        order = np.arange(grid.sizes[dim])
        order = places(order)
        for name in listed:
            values = grid[name].isel({dim: order}).to_numpy()
            grid = put_values(grid, str(name), values)
        return grid

    return spoil


def exchanged(one: int, other: int) -> Callable[[Array], Array]:
    def change(order: Array) -> Array:
        order[[one, other]] = order[[other, one]]
        return order

    return change


def copied(target: slice, source: slice) -> Callable[[Array], Array]:
    def change(order: Array) -> Array:
        order[target] = order[source]
        return order

    return change


def moved(places: int) -> Callable[[Array], Array]:
    return lambda order: np.roll(order, places)


def set_at(place: Any, value: Any) -> Callable[[Array], Array]:
    def change(values: Array) -> Array:
        values[place] = value
        return values

    return change


def with_attrs(name: str | None, **attrs: Any) -> Change:
    """Give the grid, or one of its variables, other attributes."""

    def spoil(grid: xr.Dataset) -> xr.Dataset:
        if name is None:
            return grid.assign_attrs(attrs)
        return grid.assign({name: grid[name].assign_attrs(attrs)})

    return spoil


def with_coords(name: str, change: Callable[[Array], Array]) -> Change:
    return lambda grid: grid.assign_coords(
        {name: grid[name].copy(data=change(grid[name].to_numpy().copy()))}
    )
