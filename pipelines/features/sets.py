"""Which feature sets a release can carry, and what each of them holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from somobench.schemas.variables import DYNAMIC_FORCING, FEATURE_SETS, STATE_FORCING


def define_feature_sets(
    variables: Collection[str], layers: Sequence[int], lags: int
) -> dict[str, Any]:
    """Define the feature sets that the available variables carry.

    Lags apply to meteorology alone.

    Parameters
    ----------
    variables : collection of str
        What the forcing holds.
    layers : sequence of int
        Layers with at least one target.
    lags : int, days
        Longest lag of feature set `memory`.

    Returns
    -------
    dict
        `feature_sets` by name; `refused` with the missing inputs of the others.
    """
    weather = [name for name in DYNAMIC_FORCING if name in variables]
    surface = [name for name in STATE_FORCING if name in variables]
    no_weather = (
        "" if weather else f"the forcing has none of {', '.join(DYNAMIC_FORCING)}"
    )
    no_surface = "" if surface else f"the forcing has no {', '.join(STATE_FORCING)}"
    memory = list(range(lags + 1))
    inputs: dict[str, tuple[list[str], list[int], str]] = {
        "climatology": (["day_of_year", "climatology"], [0], ""),
        "forcing": (weather, [0], no_weather),
        "memory": (weather, memory, no_weather),
        "state": (
            [*weather, *surface, "soil_moisture_above"],
            memory,
            no_weather or no_surface,
        ),
    }
    return {
        "feature_sets": {
            name: {
                "variables": names,
                "lags": days,
                "needs_observations": name == "state",
                "layers": list(layers),
                "description": FEATURE_SETS[name].format(lags=lags),
            }
            for name, (names, days, lacking) in inputs.items()
            if not lacking
        },
        "refused": {
            name: lacking for name, (_, _, lacking) in inputs.items() if lacking
        },
    }
