"""A gridded store of daily weather: what it holds, and any part of it in our units.

Variables are known by the names of the vocabulary, or by ERA5's short names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import normalise_units
from somobench.schemas.variables import DYNAMIC_FORCING, VARIABLES
from somobench.submissions.gridded.calendars import DAY
from somobench.submissions.gridded.places import Places, find_place_names, find_places
from somobench.submissions.gridded.slabs import get_chunks
from somobench.submissions.gridded.times import read_times
from somobench.submissions.units import decode_attribute

Floats = NDArray[np.float32]

ERA5_NAMES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "precipitation": (("tp",),),
    "air_temperature": (("t2m",), ("2t",)),
    "specific_humidity": (("q",),),
    "relative_humidity": (("rh",),),
    "shortwave_radiation": (("ssrd",),),
    "net_radiation": (("nr",), ("ssr", "str")),
}
"""Short names of ERA5 for ours; several ones are added."""

_FACTORS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "mm d-1": {
        **dict.fromkeys(("mmd-1", "mm/d", "mmday-1", "mm/day", "mm"), (1.0, 0.0)),
        **dict.fromkeys(("kgm-2d-1", "kgm-2day-1", "kgm-2"), (1.0, 0.0)),
        **dict.fromkeys(("kgm-2s-1", "mms-1", "mm/s"), (86_400.0, 0.0)),
        **dict.fromkeys(("m", "md-1", "m/day", "mday-1"), (1000.0, 0.0)),
    },
    "K": {"k": (1.0, 0.0), "degc": (1.0, 273.15), "celsius": (1.0, 273.15)},
    "MJ m-2 d-1": {
        **dict.fromkeys(("mjm-2d-1", "mjm-2day-1", "mjm-2"), (1.0, 0.0)),
        **dict.fromkeys(("jm-2", "jm-2d-1", "jm-2day-1"), (1e-6, 0.0)),
        **dict.fromkeys(("wm-2", "w/m2"), (0.0864, 0.0)),
    },
    "kg kg-1": dict.fromkeys(("kgkg-1", "kg/kg", "1"), (1.0, 0.0)),
    "%": {"%": (1.0, 0.0), "1": (100.0, 0.0)},
}
"""By our unit: factor and offset of others, blanks and signs of powers left out."""


class Part(NamedTuple):
    """A stored variable, and how its values become ours."""

    name: str
    factor: float
    offset: float


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
        """
        total: Any = 0.0
        for part in self.variables[name]:
            total = total + self._read_part(part, where)
        return np.asarray(total, np.float32)

    def _read_part(self, part: Part, where: Mapping[str, slice]) -> NDArray[np.float64]:
        dataset = xr.Dataset({part.name: self.stored.variables[part.name]})
        decoded: Any = xr.decode_cf(dataset, decode_times=False, decode_coords=False)
        variable = decoded[part.name].variable
        chosen = dict.fromkeys(map(str, variable.dims), slice(0, 1))
        for dim in (*self.places.dims, self.time_name):
            chosen[dim] = where.get(dim, slice(None))
        values = variable.isel(chosen)
        ordered = values.transpose(*self.places.dims, self.time_name, ...)
        array = ordered.to_numpy()
        shape = array.shape[: len(self.places.dims) + 1]
        return np.asarray(array.reshape(shape), np.float64) * part.factor + part.offset


def open_forcing(path: Path) -> ForcingStore:
    """Open a store and find what it holds; no weather is read.

    Parameters
    ----------
    path : netCDF file, or a folder or zip of Zarr
        One's own: it is read without the limits of submissions.

    Raises
    ------
    InputError
        If it can't be opened, has no positions or days, lacks a day, or has weather
        in a unit that isn't known.
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
        )
    own = (*places.dims, times.name)
    return ForcingStore(
        path=path,
        stored=stored,
        places=places,
        time_name=times.name,
        days=times.day,
        variables=_find_variables(stored, own),
        statics=_read_statics(stored, places),
    )


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
    found = {}
    for name in DYNAMIC_FORCING:
        options = ((name,), *ERA5_NAMES.get(name, ()))
        chosen = next((names for names in options if along.issuperset(names)), None)
        if chosen:
            found[name] = tuple(
                _convert(each, stored.variables[each], VARIABLES[name].units)
                for each in chosen
            )
    return found


def _convert(name: str, variable: xr.Variable, units: str) -> Part:
    given = decode_attribute(variable.attrs.get("units"))
    known = _FACTORS.get(units, {normalise_units(units).lower(): (1.0, 0.0)})
    found = known.get(normalise_units(given).lower())
    if found is None:
        raise InputError(
            f"units of {name} of the forcing",
            found=given or "no attribute units",
            expected=f"{units}, or one of {', '.join(sorted(known))}",
        )
    return Part(name, *found)


def _read_statics(stored: xr.Dataset, places: Places) -> dict[str, NDArray[np.float64]]:
    """Read numbers over the dims of place that don't depend on time."""
    skipped = set(find_place_names(stored).values())
    wanted = {*places.dims}
    return {
        str(name): np.asarray(item.transpose(*places.dims).to_numpy(), np.float64)
        for name, item in stored.variables.items()
        if {*map(str, item.dims)} == wanted
        and item.dtype.kind in "fiu"
        and name not in skipped
        and name not in item.dims
    }
