"""By how much a model's answers to the cases break each rule.

A measure returns the excess over what is allowed, (layer, cell, day) or (layer, cell,
1), NaN where there was nothing to look at, and what to say where that is everywhere.
Thresholds have a source, or are below what a sensor resolves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.probes.cases import CHANGED, DRY_YEAR, TURN, YEAR

SAME = 1e-4  # m3 m-3; arithmetic in single precision lies far below, sensors far above
NOTICED = 1e-3  # m3 m-3; what a good sensor resolves
DRY_DAY = 0.2  # mm d-1
WARM, FROST = 278.15, 273.15  # K
BLOCK = 10  # d from a pulse of rain on, and so on until the next
SPELL, WETTING_DAYS = 20, 5  # d; after rain, deeper layers still wet for some days
BEFORE_SPELL = 30  # d without frost before a spell, so that no snow melts in it
# Of what a dry year did, so much may be left a year later. Anomalies of the upper metre
# fade by a factor e in 1 to 2.5 months (Entin and others 2000,
# doi:10.1029/2000JD900051); 5 % are left of a memory of four months.
LEFT = 0.05
# The largest of the saturation values of HTESSEL's soil classes (organic soil; Balsamo
# and others 2009, doi:10.1175/2008JHM1068.1), where the weather has no `saturation`.
SATURATION = 0.766  # m3 m-3
ABOVE_SATURATION = 0.01  # m3 m-3; saturation of a soil class isn't known better

SATURATIONS = ("saturation", "saturation_below_30_cm")
"""Attributes of cells that say how much soil holds; the greater one counts."""

BEFORE: Mapping[str, slice] = MappingProxyType(
    {
        "future": slice(0, TURN),
        **dict.fromkeys(("pulses", "droughts", "flood"), slice(0, CHANGED)),
    }
)
"""Days before a case changes, on which it is the base."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model says of the cases.

    Attributes
    ----------
    base : Dataset, (cell, time)
        Weather of the case `base`.
    droughts : array, (cell, time), mm d-1
        Precipitation of the case `droughts`.
    predicted : mapping of case to array, (layer, cell, time), m3 m-3
        On the places of the base; cases may lack.
    layers : labels
    settled : int
        First day that is looked at.
    """

    base: xr.Dataset
    droughts: Floats
    predicted: Mapping[str, Floats]
    layers: tuple[int, ...]
    settled: int

    def read(self, name: str) -> Floats:
        """Return a variable of the base, (cell, time)."""
        array = self.base[name].transpose("cell", "time")
        return array.to_numpy().astype(np.float64)


def measure_drying(answers: Answers) -> tuple[Floats, str]:
    """Return how far layers are from drying over warm spells without rain.

    A spell is looked at where it begins above the middle between the driest and the
    wettest day of the base: there is something to lose then.
    """
    base = answers.predicted["base"]
    after = base[..., answers.settled :]
    middle = (_ignore_empty(np.nanmax, after) + _ignore_empty(np.nanmin, after)) / 2
    excess = np.full(base.shape, np.nan)
    rains = {"base": answers.read("precipitation"), "droughts": answers.droughts}
    for name, rain in rains.items():
        if name not in answers.predicted:
            continue
        said = answers.predicted[name]
        for cell, first, last in _find_spells(rain, answers):
            begin, end = said[:, cell, first + WETTING_DAYS], said[:, cell, last]
            wet = begin >= middle[:, cell] - SAME
            risen = np.where(wet, end - begin + SAME, np.nan)
            excess[:, cell, last] = np.fmax(excess[:, cell, last], risen)
    return excess, f"no warm spell of {SPELL} days without rain that begins moist"


def _find_spells(rain: Floats, answers: Answers) -> Iterator[tuple[int, int, int]]:
    """Yield cell, first and last day of warm spells without rain."""
    temperature = answers.read("air_temperature")
    dry = (rain < DRY_DAY) & (temperature > WARM)
    dry[:, : answers.settled] = False
    frost = np.cumsum(temperature < FROST, axis=1)
    for cell in range(len(dry)):
        edges = np.diff(np.concatenate([[0], dry[cell].astype(np.int8), [0]]))
        begun, ended = (np.flatnonzero(edges == sign).tolist() for sign in (1, -1))
        for first, stop in zip(begun, ended, strict=True):
            before = int(frost[cell, first] - frost[cell, max(first - BEFORE_SPELL, 0)])
            if stop - first >= SPELL and not before:
                yield cell, first, stop - 1


def measure_rain(answers: Answers) -> tuple[Floats, str]:
    """Return by how much more than a sensor sees added rain dries blocks of days."""
    gained = _subtract(answers, "pulses")[..., CHANGED:]
    if not (np.abs(gained) > SAME).any():
        return np.empty(0), "added rain changes nothing"
    blocks = gained.shape[-1] // BLOCK
    parts = gained[..., : blocks * BLOCK].reshape(*gained.shape[:-1], blocks, BLOCK)
    excess = np.full(answers.predicted["base"].shape, np.nan)
    excess[..., CHANGED : CHANGED + blocks * BLOCK : BLOCK] = (
        -parts.mean(axis=-1) - NOTICED
    )
    return excess, "no block of days has both predictions"


def measure_foresight(answers: Answers) -> tuple[Floats, str]:
    """Return by how much days before a change differ, in whichever case most."""
    excess = np.full(answers.predicted["base"].shape, np.nan)
    for name, days in BEFORE.items():
        if name in answers.predicted:
            before = slice(answers.settled, days.stop)
            apart = np.abs(_subtract(answers, name)[..., before]) - SAME
            excess[..., before] = np.fmax(excess[..., before], apart)
    return excess, "no day before a change has predictions"


def measure_memory(answers: Answers) -> tuple[Floats, str]:
    """Return by how much more of a dry year is left a year later than may be.

    Compared are the greatest difference of the dry year's last half, and the mean one
    of the year that begins a year after it.
    """
    apart = np.abs(_subtract(answers, "dry_year"))
    half = slice(DRY_YEAR.stop - YEAR // 2, DRY_YEAR.stop)
    later = slice(DRY_YEAR.stop + YEAR, DRY_YEAR.stop + 2 * YEAR)
    done = _ignore_empty(np.nanmax, apart[..., half])
    left = _ignore_empty(np.nanmean, apart[..., later])
    excess = np.where(done > NOTICED, left - np.fmax(LEFT * done, NOTICED), np.nan)
    return excess[..., None], "a year without rain changes nothing"


def measure_bounds(answers: Answers) -> tuple[Floats, str]:
    """Return by how much soil holds more than its pores, or less than nothing."""
    pores = np.full(answers.base.sizes["cell"], np.nan)
    for name in SATURATIONS:
        if name in answers.base:
            pores = np.fmax(pores, answers.base[name].to_numpy())
    pores = np.where(np.isfinite(pores), pores, SATURATION)
    top = (pores + ABOVE_SATURATION)[None, :, None]
    excess = np.full(answers.predicted["base"].shape, np.nan)
    for said in answers.predicted.values():
        late = said[..., answers.settled :]
        outside = np.fmax(late - top, -late) - SAME
        excess[..., answers.settled :] = np.fmax(
            excess[..., answers.settled :], outside
        )
    return excess, "no prediction"


def measure_same(name: str) -> Callable[[Answers], tuple[Floats, str]]:
    """Return a measure of by how much days of a case differ from the base."""

    def measure(answers: Answers) -> tuple[Floats, str]:
        apart = np.abs(_subtract(answers, name)[..., answers.settled :]) - SAME
        return _pad(apart, answers.settled), "no day has both predictions"

    return measure


def _subtract(answers: Answers, name: str) -> Floats:
    return answers.predicted[name] - answers.predicted["base"]


def _pad(values: Floats, days: int) -> Floats:
    before = np.full((*values.shape[:-1], days), np.nan)
    return np.concatenate([before, values], axis=-1)


def _ignore_empty(reduce: Callable[..., Any], values: Floats) -> Floats:
    """Reduce the last axis over known values; NaN where there is none."""
    known = np.asarray(np.isfinite(values).any(axis=-1))
    return np.where(
        known, reduce(np.where(known[..., None], values, 0.0), axis=-1), np.nan
    )
