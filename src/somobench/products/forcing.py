"""A gridded store of daily weather: what it holds, and any part of it in our units.

Variables are known by the names of the vocabulary, or by ERA5's short names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.products.units import ERA5_NAMES, Part, check_values, find_part
from somobench.schemas.errors import InputError
from somobench.schemas.variables import DYNAMIC_FORCING, VARIABLES
from somobench.submissions.gridded.calendars import DAY
from somobench.submissions.gridded.places import Places, find_place_names, find_places
from somobench.submissions.gridded.slabs import LARGEST_VALUE, get_chunks
from somobench.submissions.gridded.stored import unpack_variable
from somobench.submissions.gridded.times import read_times

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class ForcingStore:
    """An opened store.

    Attributes
    ----------
    path : Path
    stored : Dataset as it is stored, not decoded
    places : Places
    time_name : of its dim of time
    days : (day,) without a gap
    variables : by our name, the stored variables whose sum it is
    statics : by name, attributes of cells, over the dims of place
    """

    path: Path
    stored: xr.Dataset
    places: Places
    time_name: str
    days: NDArray[np.datetime64]
    variables: Mapping[str, tuple[Part, ...]]
    statics: Mapping[str, NDArray[np.float64]]

    @property
    def parts(self) -> list[str]:
        """Stored variables that are read."""
        return sorted({part.name for item in self.variables.values() for part in item})

    def limit(self, names: tuple[str, ...]) -> ForcingStore:
        """Return the store with some variables alone.

        Raises
        ------
        InputError
            If it lacks one, naming those that it has.
        """
        lacking = [name for name in names if name not in self.variables]
        if lacking:
            known = ", ".join(ERA5_NAMES.get(lacking[0], (("",),))[0])
            raise InputError(
                f"{lacking[0]} of the forcing {self.path.name}",
                found=f"it has {', '.join(self.variables) or 'no weather'}",
                expected=f"{lacking[0]}" + (f", or ERA5's {known}" if known else ""),
            )
        chosen = {name: self.variables[name] for name in names}
        return ForcingStore(**vars(self) | {"variables": chosen})

    def get_chunks(self) -> dict[str, int]:
        """Return the largest chunk of any variable along each dim, place and time."""
        dims = (self.time_name, *self.places.dims)
        chunks = [get_chunks(self.stored.variables[name]) for name in self.parts]
        return {dim: max(chunk[dim] for chunk in chunks) for dim in dims}

    def read(self, name: str, where: Mapping[str, slice]) -> Floats:
        """Read a part of one variable in our unit, (place..., day), float32.

        Parameters
        ----------
        name : ours
        where : slices along dims of place and time; all of a dim that isn't named

        Raises
        ------
        InputError
            If a value can't be what its unit says.
        """
        total: Any = 0.0
        for part in self.variables[name]:
            total = total + self._read_part(part, where)
        return check_values(name, total)

    def _read_part(self, part: Part, where: Mapping[str, slice]) -> NDArray[np.float64]:
        variable = unpack_variable(self.stored, part.name)
        chosen = dict.fromkeys(map(str, variable.dims), slice(0, 1))
        for dim in (*self.places.dims, self.time_name):
            chosen[dim] = where.get(dim, slice(None))
        ordered = variable.isel(chosen).transpose(
            *self.places.dims, self.time_name, ...
        )
        array = ordered.to_numpy()
        shape = array.shape[: len(self.places.dims) + 1]
        values = np.asarray(array.reshape(shape), np.float64)
        known = np.where(np.abs(values) < LARGEST_VALUE, values, np.nan)
        return known * part.factor + part.offset


def open_forcing(path: Path) -> ForcingStore:
    """Open a store and find what it holds; no weather is read.

    Parameters
    ----------
    path : netCDF file, or a folder or zip of Zarr
        One's own: it is read without the limits of submissions.

    Raises
    ------
    InputError
        If it can't be opened, has no positions, days or weather, lacks a day, or has
        weather in an unknown unit, or several times, such as members of an ensemble.
    """
    stored = _open(path)
    places, times = find_places(stored), read_times(stored)
    if times.step != DAY:
        raise InputError(
            f"time of the forcing {path.name}",
            found=f"{times.per_day} values a day",
            expected="daily values",
            hint="make daily means and sums of UTC days first",
        )
    gaps = np.flatnonzero(np.diff(times.day) != np.timedelta64(1, "D"))
    if gaps.size:
        first, second = times.day[gaps[0]], times.day[gaps[0] + 1]
        raise InputError(
            f"time of the forcing {path.name}",
            found=f"{second} after {first}",
            expected="every day, in order",
            hint=_choose_hint(second - first, times.notes),
        )
    variables = _find_variables(stored, (*places.dims, times.name))
    if not variables:
        known = ", ".join(DYNAMIC_FORCING)
        raise InputError(
            f"weather of the forcing {path.name}",
            found=", ".join(map(str, stored.data_vars))[:200] or "no variable",
            expected=f"some of {known}, or ERA5's names, along time and place",
        )
    return ForcingStore(
        path=path,
        stored=stored,
        places=places,
        time_name=times.name,
        days=times.day,
        variables=variables,
        statics=_read_statics(stored, places),
    )


def _choose_hint(step: np.timedelta64, notes: tuple[str, ...]) -> str:
    """Say what to do about days that don't follow one another."""
    if step <= np.timedelta64(0, "D"):
        return "sort by time, each day once"
    said = [f"{note}: " for note in notes if "February" in note]
    return f"{''.join(said)}fill the days that lack, or give the parts one by one"


def _open(path: Path) -> xr.Dataset:
    try:
        if path.is_dir() or path.suffix == ".zip":
            from zarr.storage import LocalStore, ZipStore

            is_folder = path.is_dir()
            store = LocalStore(path, read_only=True) if is_folder else ZipStore(path)
            opened: Any = xr.open_dataset(
                store,  # type: ignore[arg-type] # a store of zarr-python
                engine="zarr",
                decode_cf=False,
                chunks=None,
                consolidated=False,
            )
        else:
            opened = xr.open_dataset(path, decode_cf=False, chunks=None)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"forcing {path}",
            found=f"{type(error).__name__}: {error}"[:200],
            expected="a netCDF file, or a folder or zip of Zarr",
        ) from error
    dataset: xr.Dataset = opened
    return dataset


def _find_variables(
    stored: xr.Dataset, own: tuple[str, ...]
) -> dict[str, tuple[Part, ...]]:
    """Find our variables under their names or ERA5's, with factors of their units."""
    along = {
        str(name)
        for name, item in stored.variables.items()
        if {*own} <= {*map(str, item.dims)}
    }
    found: dict[str, tuple[Part, ...]] = {}
    for name in DYNAMIC_FORCING:
        options = ((name,), *ERA5_NAMES.get(name, ()))
        chosen = next((names for names in options if along.issuperset(names)), None)
        for each in chosen or ():
            _refuse_more_dims(each, stored.variables[each], own)
            part = find_part(each, stored.variables[each], VARIABLES[name].units)
            found[name] = (*found.get(name, ()), part)
    return found


def _refuse_more_dims(name: str, variable: xr.Variable, own: tuple[str, ...]) -> None:
    more = {
        str(dim): size
        for dim, size in zip(variable.dims, variable.shape, strict=True)
        if dim not in own and size > 1
    }
    if more:
        found = ", ".join(f"{size} along {dim}" for dim, size in more.items())
        raise InputError(
            f"{name} of the forcing",
            found=found,
            expected="one value a place and day",
            hint="choose one of them, or give each as a store of its own",
        )


def _read_statics(stored: xr.Dataset, places: Places) -> dict[str, NDArray[np.float64]]:
    """Read numbers over the dims of place that don't depend on time."""
    skipped = set(find_place_names(stored).values())
    wanted = {*places.dims}
    return {
        str(name): np.asarray(
            unpack_variable(stored, str(name)).transpose(*places.dims).to_numpy(),
            np.float64,
        )
        for name, item in stored.variables.items()
        if {*map(str, item.dims)} == wanted
        and item.dtype.kind in "fiu"
        and name not in skipped
        and name not in item.dims
    }
