"""What the audit of a split looks for, and how bad it is if it is there.

Names only, without the looking: pages and the command line read an audit from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

Severity = Literal["failure", "reported"]
KEPT_APART = "_kept_apart"


class Check(NamedTuple):
    """A thing that is looked for; a `failure` makes the split unusable."""

    looks_for: str
    severity: Severity


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "days_in_two_roles": Check("a day of a cell with two roles", "failure"),
        "empty_roles": Check("a role without a target", "failure"),
        "unknown_cells": Check("a cell that the release lacks", "failure"),
        "target_lags": Check(
            "days of two roles within the reach of lagged targets", "failure"
        ),
        "forcing_lags": Check("lagged forcing that two roles share", "reported"),
        "shared_station": Check(
            "a station behind cells of two roles, on days within that reach", "failure"
        ),
        "shared_site": Check("the same of stations less than 1 km apart", "failure"),
        "shared_position": Check("the same of cells less than 1 km apart", "failure"),
        "distance": Check("how near test cells lie to train cells", "reported"),
        "weather": Check("test days on which another cell trains", "reported"),
        "stations": Check(
            "stations behind train and test targets of other days", "reported"
        ),
    }
)
"""Every check that any split has, in the order of an audit."""


def check_named(name: str) -> Check:
    """Return a check by name, those of a split's own promise included."""
    if name in CHECKS:
        return CHECKS[name]
    groups = name.removesuffix(KEPT_APART)
    text = f"a {groups} of two roles that the split promises to keep apart"
    return Check(text, "failure")


def checks_with(claim_kind: str | None) -> tuple[str, ...]:
    """Return the names of all checks of a split that promises this, or nothing."""
    own = () if claim_kind is None else (f"{claim_kind}{KEPT_APART}",)
    names = tuple(CHECKS)
    place = names.index("distance")
    return (*names[:place], *own, *names[place:])
