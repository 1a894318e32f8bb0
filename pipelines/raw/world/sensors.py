"""What virtual sensors report: true soil moisture, their own errors, and defects.

Flags are those that ISMN's checks would set (Dorigo et al. 2013, doi:10.2136/
vzj2012.0097); as there, some defects stay undetected and carry G.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from somobench.pipelines.raw.world.stations import Station
from somobench.pipelines.raw.world.weather import FREEZING, Floats, draw_autoregressive

FLAGS = (
    *("C01", "C02", "C03"),
    *("D01", "D02", "D03", "D04", "D05", "D06", "D07", "D08", "D09", "D10"),
)
BIT = {flag: np.uint16(1 << place) for place, flag in enumerate(FLAGS)}
MISSING_BIT = np.uint16(1 << len(FLAGS))  # the value is absent: -9999 with flag M
MIDPOINTS = (50.0, 200.0, 400.0, 750.0)  # mm: of the truth's layers
DETECTED = 0.9  # of defects that ISMN's checks find
WETTEST = 0.60  # m3 m-3: above it C02
SUPERCOOLING = 0.6  # K below freezing until a sensor sees ice
LOST = 0.001  # of values that a network marks as missing
SHALLOW = 0.10  # m: D04 and D05 are for sensors above it
DEFECTS = (("D06",), ("D07",), ("D08",), ("D09",), ("D10",), ("C01",), ("C02",))
SHALLOW_DEFECTS = (("D04",), ("D05",), ("D04", "D05"))
LARGEST = 0.9999  # m3 m-3 that the archive's number format holds

Bits = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Signals:
    """Hourly truth at a sensor, (24 D + 1,): moisture m3 m-3, temperatures K."""

    moisture: Floats
    soil_temperature: Floats
    air_temperature: Floats
    reanalysis_temperature: Floats


@dataclass(frozen=True)
class Readings:
    """A sensor's file: hours since the period's start, values, flag bits."""

    hours: npt.NDArray[np.int64]
    values: Floats
    flags: Bits


def weigh_depths(depth_from: float, depth_to: float) -> Floats:
    """Return weights of the truth's layers at a sensor's mean depth (m)."""
    depth = 1000.0 * (depth_from + depth_to) / 2.0
    middles = np.asarray(MIDPOINTS)
    return np.asarray(
        [
            np.interp(depth, middles, np.eye(middles.size)[i])
            for i in range(middles.size)
        ]
    )


def read_sensor(
    station: Station,
    depth: tuple[float, float],
    signals: Signals,
    saturation: float,
    rng: np.random.Generator,
) -> Readings:
    """Simulate one sensor's record with its errors, defects, gaps and flags."""
    step = station.network.step
    start, stop = 24 * station.first, 24 * (station.last + 1)
    hours = np.arange(start, stop, step, dtype="int64")
    values = _add_errors(station, signals.moisture[hours], hours, rng)
    flags = np.zeros(hours.size, dtype="uint16")
    _freeze(values, hours, signals, rng)
    flags |= _flag_frost(station, depth[0], signals, hours)
    _add_defects(values, flags, station, depth[0], rng)
    values = np.rint(np.clip(values, -LARGEST, LARGEST) * 1e4) / 1e4
    flags[values < 0.0] |= BIT["C01"]
    flags[values > WETTEST] |= BIT["C02"]
    flags[values > saturation] |= BIT["C03"]
    if station.network.marks_missing:
        flags[rng.random(hours.size) < LOST] = MISSING_BIT
    kept = _draw_reported(hours.size, station, rng)
    return Readings(hours[kept], values[kept], flags[kept])


def _add_errors(
    station: Station,
    truth: Floats,
    hours: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> Floats:
    """Return what the sensor would show without defects: offset, gain, drift, noise."""
    carelessness = 1.3 - station.care
    years = (hours - hours[0]) / 8766.0
    middle = float(truth.sum()) / truth.size
    slow = _draw_slow_noise(hours, rng)
    if station.unrelated:
        truth = middle + 0.15 * (truth - middle) + 0.06 * slow
    offset = 0.035 * (0.6 + carelessness) * rng.standard_normal()
    gain = np.exp(0.22 * (0.5 + carelessness) * rng.standard_normal())
    drift = 0.008 * carelessness * rng.standard_normal()
    values = middle + offset + gain * (truth - middle) + drift * years
    values += 0.015 * carelessness * slow
    values += 0.004 * rng.standard_normal(hours.size)
    values += 0.002 * np.cos(2.0 * np.pi * hours / 24.0)
    if rng.random() < 0.3 * carelessness:  # a sensor replaced in silence
        change = int(rng.integers(hours.size))
        values[change:] += 0.03 * rng.standard_normal()
    shown: Floats = np.maximum(values, 0.005 + 0.01 * rng.random())
    return shown


def _draw_slow_noise(hours: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Return standard normal noise that lasts for weeks, at the given hours."""
    days = int(hours[-1] - hours[0]) // 24 + 2
    series = draw_autoregressive(rng, days, 1, 0.95)[:, 0]
    noise: Floats = np.interp((hours - hours[0]) / 24.0, np.arange(days), series)
    return noise


def _freeze(
    values: Floats,
    hours: npt.NDArray[np.int64],
    signals: Signals,
    rng: np.random.Generator,
) -> None:
    """Let frozen soil read low and stuck, in place: a probe sees liquid water only."""
    frozen = signals.soil_temperature[hours] < FREEZING - SUPERCOOLING
    stuck = 0.05 + 0.03 * rng.random()
    noise = 0.0005 * rng.standard_normal(hours.size)
    values[frozen] = np.minimum(values, stuck + noise)[frozen]


def _flag_frost(
    station: Station, depth_from: float, signals: Signals, hours: npt.NDArray[np.int64]
) -> Bits:
    """Return the flags that tell of frost, from what thermometers there are."""
    flags = np.zeros(hours.size, dtype="uint16")
    if station.network.soil_thermometer:
        flags[signals.soil_temperature[hours] < FREEZING] |= BIT["D01"]
    if station.network.air_thermometer and depth_from < SHALLOW:
        flags[signals.air_temperature[hours] < FREEZING] |= BIT["D02"]
    flags[signals.reanalysis_temperature[hours] < FREEZING] |= BIT["D03"]
    return flags


def _add_defects(
    values: Floats,
    flags: Bits,
    station: Station,
    depth_from: float,
    rng: np.random.Generator,
) -> None:
    """Break stretches of the record in place; flag those that checks would find."""
    years = values.size * station.network.step / 8766.0
    kinds = [*DEFECTS, *(SHALLOW_DEFECTS if depth_from < SHALLOW else ())]
    for kind in kinds:
        for _ in range(int(rng.poisson(1.6 * years * (1.3 - station.care)))):
            start = int(rng.integers(1, max(2, values.size - 150)))
            length = _break(kind[0], values, start, rng)
            if rng.random() < DETECTED and kind[0][0] == "D":
                for name in kind:
                    flags[start : start + length] |= BIT[name]


def _break(kind: str, values: Floats, start: int, rng: np.random.Generator) -> int:
    """Break a stretch in place; return how many values the check of `kind` sees."""
    size = float(rng.uniform(0.06, 0.25))
    few, many = int(rng.integers(3, 9)), int(rng.integers(24, 97))
    level = float(values[start])
    length = {"D06": 1, "D09": many, "D10": many}.get(kind, few)
    stretch = slice(start, start + length)
    if kind == "D06":
        values[stretch] += rng.choice((size, -min(size, 0.8 * level)))
    elif kind == "D07":
        values[stretch] -= 0.6 * level
    elif kind == "D08":
        values[stretch] += size
    elif kind == "C01":
        values[stretch] = -size
    elif kind in (
        "D04",
        "D05",
    ):  # water that no gauge saw; its recession is not flagged
        tail = np.arange(min(96, values.size - start))
        values[start : start + tail.size] += 0.4 * size * np.exp(-tail / 24.0)
    else:
        values[stretch] = {"D09": 0.3 * level, "D10": level + size}.get(
            kind, 0.61 + size
        )
    return length


def _draw_reported(
    count: int, station: Station, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Return which values reach the archive: long and short gaps are left out."""
    kept = np.ones(count, dtype=bool)
    step = station.network.step
    years = count * step / 8766.0
    for rate, longest in ((1.0, 960), (6.0, 24)):  # gaps a year, longest in hours
        for _ in range(int(rng.poisson(rate * years * (1.4 - station.care)))):
            start = int(rng.integers(count))
            kept[start : start + max(1, int(rng.integers(longest)) // step)] = False
    kept[0] = kept[-1] = True
    return kept
