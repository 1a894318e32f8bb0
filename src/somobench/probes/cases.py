"""The cases that a model is asked about: weather as it was, and the same changed.

Each case changes one thing of the base weather, so that what a model says of both can
be held against each other. All cases have the cells and days of the base in the same
places; in `years` the days, in `names` the names of the cells are others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
import xarray as xr

from somobench.schemas.errors import UsageError

NEEDED = ("precipitation", "air_temperature")
YEAR = 365  # d
COLDEST = 150.0  # K, which no place on Earth is below; 184 K is the coldest on record
SETTLE = YEAR  # d; a model may read so much before what it says is looked at
DAYS = 4 * YEAR + 1
CELLS = 24
CHANGED = SETTLE + 35  # first day that a case changes, but for the dry year
PULSE, PULSE_EVERY = 20.0, 60  # mm d-1 and d
DROUGHT, DROUGHT_EVERY = 40, 91  # d; so every season has some
FLOOD, FLOOD_DAYS = 100.0, 60  # mm d-1 and d; fills a metre of soil and runs off
TURN = 2 * YEAR  # day from which `future` has other weather
HALF_YEAR = 183
DRY_YEAR = slice(SETTLE, SETTLE + YEAR)
CYCLE = 28  # years after which dates, leap days and days of the week come again
LAST_YEAR = 2099  # 2100 is no leap year

Change = Callable[[xr.Dataset], xr.Dataset]


def choose_base(weather: xr.Dataset) -> xr.Dataset:
    """Choose cells and days to probe on: four years without gaps, all climates.

    Parameters
    ----------
    weather : Dataset, (cell, time)
        `precipitation`, mm d-1, and `air_temperature`, K, at least.

    Returns
    -------
    Dataset, (cell, time)
        1,461 days from the first of a month, and 24 cells at most, in even steps from
        the one with the least precipitation to the one with the most.

    Raises
    ------
    UsageError
        If a variable lacks or has another form, days don't follow one another, or no
        cell has four years without a gap.
    """
    lacking = [name for name in NEEDED if name not in weather]
    if lacking:
        raise UsageError(
            "weather to probe on",
            found=f"no {' and no '.join(lacking)}",
            expected=", ".join(NEEDED),
        )
    _check_form(weather)
    daily = [name for name in weather if "time" in weather[name].dims]
    known = np.all(
        [
            np.isfinite(weather[name].transpose("cell", "time").to_numpy())
            for name in daily
        ],
        axis=0,
    )
    times = pd.DatetimeIndex(weather.get_index("time"))
    firsts = np.flatnonzero(times.day.to_numpy() == 1).tolist()
    starts = [day for day in firsts if day + DAYS <= len(times)]
    counts = [int(known[:, day : day + DAYS].all(axis=1).sum()) for day in starts]
    if not counts or not max(counts):
        raise UsageError(
            "weather to probe on",
            found=f"{len(times)} days, {len(known)} cells with gaps or too few days",
            expected=f"a cell with {DAYS} days without a gap",
            hint="give other weather with --forcing",
        )
    first = starts[int(np.argmax(counts))]
    window = slice(first, first + DAYS)
    cells = np.flatnonzero(known[:, window].all(axis=1))
    rain = weather["precipitation"].transpose("cell", "time").to_numpy()[cells, window]
    order = cells[np.argsort(rain.mean(axis=1), kind="stable")]
    steps = np.linspace(0, len(order) - 1, min(CELLS, len(order)))
    chosen = np.sort(order[np.unique(np.round(steps).astype(int))])
    return weather.isel(cell=chosen, time=window).load()


def _check_form(weather: xr.Dataset) -> None:
    """Refuse weather that isn't daily numbers of cells, with temperature in K."""
    times, cells = weather.indexes.get("time"), weather.get_index("cell")
    odd = [
        f"{name} of type {array.dtype} on {', '.join(map(str, array.dims))}"
        for name, array in weather.data_vars.items()
        if "time" in array.dims
        and (set(array.dims) != {"cell", "time"} or array.dtype.kind != "f")
    ]
    if not isinstance(times, pd.DatetimeIndex):
        odd.append("no dates on time")
    elif (np.diff(times.to_numpy()) != np.timedelta64(1, "D")).any():
        odd.append("days that don't follow one another")
    if not cells.is_unique:
        odd.append(f"cell {cells[cells.duplicated()][0]} twice")
    if not odd and (weather["air_temperature"] < COLDEST).any():
        odd.append(f"air_temperature below {COLDEST:g} K")
    if odd:
        raise UsageError(
            "weather to probe on",
            found="; ".join(odd),
            expected="floats on cell and time, a day after the other, temperature in K",
        )


def make_case(name: str, base: xr.Dataset) -> xr.Dataset:
    """Return the weather of a case; the base isn't changed."""
    return CASES[name](base)


def _keep(base: xr.Dataset) -> xr.Dataset:
    return base.copy(deep=True)


def _set_rain(base: xr.Dataset, change: Callable[[np.ndarray], None]) -> xr.Dataset:
    changed = base.copy(deep=True)
    rain = changed["precipitation"].transpose("cell", "time")
    values = rain.to_numpy().copy()
    change(values)
    changed["precipitation"] = rain.copy(data=values)
    return changed


def _add_pulses(base: xr.Dataset) -> xr.Dataset:
    def change(rain: np.ndarray) -> None:
        rain[:, CHANGED::PULSE_EVERY] += PULSE

    return _set_rain(base, change)


def _add_droughts(base: xr.Dataset) -> xr.Dataset:
    def change(rain: np.ndarray) -> None:
        for first in range(CHANGED, rain.shape[1], DROUGHT_EVERY):
            rain[:, first : first + DROUGHT] = 0.0

    return _set_rain(base, change)


def _dry_a_year(base: xr.Dataset) -> xr.Dataset:
    def change(rain: np.ndarray) -> None:
        rain[:, DRY_YEAR] = 0.0

    return _set_rain(base, change)


def _flood_and_dry(base: xr.Dataset) -> xr.Dataset:
    def change(rain: np.ndarray) -> None:
        rain[:, CHANGED:] = 0.0
        rain[:, CHANGED : CHANGED + FLOOD_DAYS] = FLOOD

    return _set_rain(base, change)


def _turn_future(base: xr.Dataset) -> xr.Dataset:
    """Give the days from `TURN` on the weather of half a year later."""
    changed = base.copy(deep=True)
    for name, array in base.data_vars.items():
        if "time" in array.dims:
            axis = array.get_axis_num("time")
            values = array.to_numpy().copy()
            later = [slice(None)] * values.ndim
            later[axis] = slice(TURN, None)
            part = values[tuple(later)]
            values[tuple(later)] = np.roll(part, -HALF_YEAR, axis=axis)
            changed[name] = array.copy(data=values)
    return changed


def _shift_years(base: xr.Dataset) -> xr.Dataset:
    times = base.get_index("time")
    years = CYCLE if times[-1].year + CYCLE <= LAST_YEAR else -CYCLE
    return base.assign_coords(time=times + pd.DateOffset(years=years))


def _exchange_names(base: xr.Dataset) -> xr.Dataset:
    """Give every cell the name of the next, and turn the order of cells around."""
    names = np.roll(base["cell"].to_numpy(), 1)
    return base.assign_coords(cell=names).isel(cell=slice(None, None, -1))


CASES: Mapping[str, Change] = MappingProxyType(
    {
        "base": _keep,
        "pulses": _add_pulses,
        "droughts": _add_droughts,
        "dry_year": _dry_a_year,
        "flood": _flood_and_dry,
        "future": _turn_future,
        "years": _shift_years,
        "names": _exchange_names,
    }
)
"""Every case by name, with how it is made from the base."""

TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "base": "the weather as it was",
        "pulses": f"{PULSE:g} mm more rain on every {PULSE_EVERY}th day",
        "droughts": f"no rain in {DROUGHT} days, every {DROUGHT_EVERY} days",
        "dry_year": "no rain in the second year",
        "flood": f"{FLOOD:g} mm a day for {FLOOD_DAYS} days, then no rain any more",
        "future": "the weather of half a year later, from the third year on",
        "years": f"the same weather {CYCLE} years later or earlier",
        "names": "every cell under another's name, in reversed order",
    }
)


RELABELLED = ("years", "names")
"""Cases whose days or cells have other labels than the base's."""


def align_to_base(name: str, predicted: xr.DataArray, base: xr.Dataset) -> xr.DataArray:
    """Put what was said of a case on the base's cells and days, by their places.

    Parameters
    ----------
    predicted : DataArray, (layer, cell, time)
        Labelled as the case is.

    Returns
    -------
    DataArray, (layer, cell, time)
        Days or cells that it lacks are NaN.
    """
    labels = base.drop_vars(list(base.data_vars))
    case = make_case(name, labels) if name in RELABELLED else labels
    placed = predicted.reindex(cell=case["cell"], time=case["time"])
    if name == "names":
        placed = placed.isel(cell=slice(None, None, -1))
    return placed.assign_coords(cell=base["cell"], time=base["time"])
