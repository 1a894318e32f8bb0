"""Days made from preliminary values (ERA5T), which ECMWF may still change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.schemas.errors import InputError

Days = NDArray[np.datetime64]


def describe_days(days: Days) -> dict[str, Any]:
    """Count days, and list the first and last of each run of them."""
    return {"count": len(days), "runs": [list(run) for run in _find_runs(days)]}


def describe_in_attrs(days: Days) -> dict[str, str]:
    """Return the attribute of a released array that has preliminary days."""
    return {"preliminary_days": describe_in_words(days)} if len(days) else {}


def describe_in_words(days: Days) -> str:
    """Write runs of days as `3 days: 2024-01-01 to 2024-01-03`."""
    runs = [
        first if first == last else f"{first} to {last}"
        for first, last in _find_runs(days)
    ]
    return f"{len(days)} days: {', '.join(runs)}"


def _find_runs(days: Days) -> list[tuple[str, str]]:
    if not len(days):
        return []
    ends = np.flatnonzero(np.diff(days.astype("datetime64[D]")).astype(int) > 1)
    firsts = days[np.append(0, ends + 1)].astype("datetime64[D]")
    lasts = days[np.append(ends, len(days) - 1)].astype("datetime64[D]")
    return [(str(a), str(b)) for a, b in zip(firsts, lasts, strict=True)]


def refuse_preliminary(days: Mapping[str, Days]) -> None:
    """Refuse variables with a preliminary day.

    Raises
    ------
    InputError
        With the days of each variable.
    """
    found = [
        f"{name}: {describe_in_words(held)}" for name, held in days.items() if len(held)
    ]
    if found:
        raise InputError(
            "preliminary values (ERA5T, expver 5) in forcing inputs",
            found="; ".join(found),
            expected="final values (forcing.preliminary: refuse)",
            hint="get these days again once they are final, three months later; end "
            "the period before them; or set forcing.preliminary to accept",
        )
