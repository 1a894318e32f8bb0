"""Axes of figures: round ticks, and places along the axis in percent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

STEPS = 5  # at most, between ticks
INSET = 3.0  # percent, left free at both ends
TICKS = 7  # of a logarithmic axis at most, so that labels fit on a phone


class Scale(NamedTuple):
    """An axis from `low` to `high` with ticks, and their labels if not the numbers."""

    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool = False
    labels: tuple[str, ...] = ()

    def place(self, value: float) -> float:
        """Return where a value stands, in percent from the low end."""
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        share = (value - low) / (high - low)
        return round(INSET + (100 - 2 * INSET) * share, 2)

    def place_up(self, value: float) -> float:
        """Return where a value stands, in percent from the top."""
        return round(100 - self.place(value), 2)

    @property
    def labelled(self) -> list[tuple[float, str]]:
        """Ticks with what is written at them."""
        labels = self.labels or tuple(map(write_tick, self.ticks))
        return list(zip(self.ticks, labels, strict=True))


def make_linear_scale(
    values: Iterable[float | None], *, zero: bool = False, steps: int = STEPS
) -> Scale:
    """Return a scale with round ticks that holds all values.

    Parameters
    ----------
    values : those that aren't finite are left out
    zero : whether 0 has to be in it
    steps : between ticks, at most

    Examples
    --------
    >>> make_linear_scale([0.12, 0.71]).ticks
    (0.0, 0.2, 0.4, 0.6, 0.8)
    """
    known = [value for value in map(finite_or_none, values) if value is not None]
    known += [0.0] if zero or not known else []
    low, high = min(known), max(known)
    if low == high:
        low, high = low - 0.1, high + 0.1
    power = 10.0 ** math.floor(math.log10((high - low) / steps))
    for factor in (1, 2, 5, 10, 20):
        step = power * factor
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= steps:
            break
    ticks = tuple(round(step * place, 10) for place in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def make_log_scale(values: Sequence[float]) -> Scale:
    """Return a logarithmic scale with ticks at 1, 2 and 5 that holds all values."""
    steps = [
        round(factor * 10.0**power, 6) for power in range(-6, 7) for factor in (1, 2, 5)
    ]
    first = max((step for step in steps if step <= min(values)), default=steps[0])
    last = min((step for step in steps if step >= max(values)), default=steps[-1])
    if first == last:
        first, last = first / 2, last * 2
    ticks = tuple(step for step in steps if first <= step <= last)
    if len(ticks) > TICKS:
        ticks = tuple(tick for tick in ticks if math.log10(tick).is_integer())
    return Scale(first, last, ticks, logarithmic=True)


def write_tick(value: float) -> str:
    """Write a tick without needless digits."""
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def finite_or_none(value: Any) -> float | None:
    """Return a number, or None for what isn't finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(value)
