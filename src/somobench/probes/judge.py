"""What a model's answers to the cases say of it: each probe with its threshold.

A probe counts what it looked at and what of it is broken. It is undecided where there
is nothing to look at, and where nothing fails but the model answers one case on days on
which it is silent in the other: so silence never passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from somobench.probes.cases import CASES, CHANGED, DRY_YEAR, YEAR
from somobench.probes.measures import (
    BEFORE,
    Answers,
    Floats,
    measure_bounds,
    measure_drying,
    measure_foresight,
    measure_memory,
    measure_rain,
    measure_same,
)

BASE = "base"
ALL_DAYS = slice(None)
Verdict = Literal["passes", "fails", "undecided"]


@dataclass(frozen=True)
class Judgement:
    """What a probe found.

    `looked_at` counts what `unit` names, `broken` those that break the rule; `allowed`
    is the share of them that may. `unanswered` counts cell-days that are predicted in
    the base or in a case, and not in both. `worst` describes the worst one, or says why
    the probe is undecided.
    """

    probe: str
    rule: str
    unit: str
    looked_at: int
    broken: int
    allowed: float
    worst: str
    unanswered: int = 0

    @property
    def verdict(self) -> Verdict:
        """Whether the model passes."""
        if self.broken > self.allowed * self.looked_at:
            return "fails"
        return "undecided" if self.unanswered or not self.looked_at else "passes"

    def describe(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        return vars(self) | {"verdict": self.verdict}


@dataclass(frozen=True)
class Probe:
    """A rule of physics, what it is counted in, and the share that may break it.

    `needs` names the cases without which there is nothing to look at; `reads` the days
    of each case, the base apart, that are looked at.
    """

    rule: str
    unit: str
    allowed: float
    needs: tuple[str, ...]
    reads: Mapping[str, slice]
    measure: Callable[[Answers], tuple[Floats, str]]


def judge(answers: Answers) -> list[Judgement]:
    """Judge a model by every probe.

    Returns
    -------
    list of Judgement
        In the order of `PROBES`; undecided where a case, or anything to look at, lacks.
    """
    return [_judge(name, probe, answers) for name, probe in PROBES.items()]


def _judge(name: str, probe: Probe, answers: Answers) -> Judgement:
    lacking = [case for case in probe.needs if case not in answers.predicted]
    if lacking:
        excess, worst = np.empty(0), f"no predictions of {', '.join(lacking)}"
    else:
        excess, reason = probe.measure(answers)
        worst = _say_worst(excess, answers) if np.isfinite(excess).any() else reason
    silent = _count_unanswered(probe, answers)
    if silent:
        listed = ", ".join(f"{count:,} of {name}" for name, count in silent.items())
        said = f"predicted in one case, not in the other: {listed} cell-days"
        worst = f"{worst}; {said}" if worst else said
    return Judgement(
        probe=name,
        rule=probe.rule,
        unit=probe.unit,
        looked_at=int(np.isfinite(excess).sum()),
        broken=int((excess > 0).sum()),
        allowed=probe.allowed,
        worst=worst,
        unanswered=sum(silent.values()),
    )


def _count_unanswered(probe: Probe, answers: Answers) -> dict[str, int]:
    """Count cell-days of cases that the base alone answers, or the case alone."""
    base, found = np.isfinite(answers.predicted[BASE]), {}
    for name, days in probe.reads.items():
        if name in answers.predicted:
            apart = base != np.isfinite(answers.predicted[name])
            apart[..., : answers.settled] = False
            found[name] = int(apart[..., days].sum())
    return {name: count for name, count in found.items() if count}


def _say_worst(excess: Floats, answers: Answers) -> str:
    """Name layer, cell and day of the greatest excess, where there is any."""
    place = np.unravel_index(int(np.nanargmax(excess)), excess.shape)
    worst = float(excess[place])
    if worst <= 0:
        return ""
    cell = str(answers.base["cell"].to_numpy()[place[1]])
    layer = answers.layers[place[0]]
    said = f"{worst:.4f} m3 m-3 beyond the limit in {cell}, layer {layer}"
    if excess.shape[2] == 1:
        return said
    return (
        f"{said}, {np.datetime_as_string(answers.base['time'].values[place[2]], 'D')}"
    )


PROBES: Mapping[str, Probe] = MappingProxyType(
    {
        "dries": Probe(
            "layers that are moist dry in warm spells without rain",
            "spells",
            0.05,
            (BASE,),
            {"droughts": ALL_DAYS},
            measure_drying,
        ),
        "rain_wets": Probe(
            "more rain never leaves it drier, in means of 10 days",
            "blocks",
            0.01,
            (BASE, "pulses"),
            {"pulses": slice(CHANGED, None)},
            measure_rain,
        ),
        "no_foresight": Probe(
            "nothing changes before the weather does",
            "cell-days",
            0.0,
            (BASE, "future"),
            BEFORE,
            measure_foresight,
        ),
        "forgets": Probe(
            "of a dry year 5 % at most is left a year later",
            "series",
            0.05,
            (BASE, "dry_year"),
            {"dry_year": slice(DRY_YEAR.stop - YEAR // 2, DRY_YEAR.stop + 2 * YEAR)},
            measure_memory,
        ),
        "bounded": Probe(
            "between 0 and saturation, in floods and droughts too",
            "cell-days",
            0.0,
            (BASE,),
            {name: ALL_DAYS for name in CASES if name != BASE},
            measure_bounds,
        ),
        "any_year": Probe(
            "the same weather in other years gives the same",
            "cell-days",
            0.0,
            (BASE, "years"),
            {"years": ALL_DAYS},
            measure_same("years"),
        ),
        "any_name": Probe(
            "names and order of cells don't matter",
            "cell-days",
            0.0,
            (BASE, "names"),
            {"names": ALL_DAYS},
            measure_same("names"),
        ),
    }
)
"""Every probe by name."""
