"""Experiment `coupling`: soil moisture and evaporation, and how fast soil dries.

Where water limits evaporation, moister soil evaporates more; where energy does, it
evaporates less, since its days are wet and dull. That is asked of observations, of the
reanalysis and of what models predict, on the same days above 10 degrees Celsius.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.experiments.compare import average_repeats, finish_rows, tabulate
from somobench.experiments.crossfit import Crossfit, run_tasks
from somobench.experiments.design import list_tasks, plan_layers, refuse_unable
from somobench.experiments.dry_down import measure_dry_down
from somobench.experiments.features import EVERY, draw_every_arm
from somobench.experiments.fit import Candidate
from somobench.experiments.outcome import Outcome, describe_design
from somobench.experiments.settings import Settings
from somobench.experiments.world import World
from somobench.metrics.days import ResampledDays
from somobench.schemas.errors import UsageError
from somobench.scoring.shift_costs import measure_series_losses
from somobench.uncertainty.bootstrap import (
    BootstrappedScores,
    bootstrap_scores,
    draw_days,
)

EVAPORATION = ("evapotranspiration_observed", "evaporation")
"""Observed first; `evaporation` is that of a reanalysis."""
RADIATION = ("shortwave_radiation", "net_radiation", "daytime_net_radiation")
ENERGY_UNITS = {"net_radiation": 1.0, "daytime_net_radiation": 0.0864}
"""Factor to MJ m-2 d-1. Of the hours of daylight it is too large by one that hardly
differs within a month, so that the fraction's anomalies are true but for their size."""
MODELS = ("ridge_memory", "gradient_boosting", "water_balance")
OBSERVED = "observations"
WARM = 283.15  # K, of the growing season
LATENT_HEAT = 2.45  # MJ kg-1
LEAST_RADIATION = 2.0  # MJ m-2 d-1, of a day with an evaporative fraction
WITH_EVAPORATION, WITH_FRACTION = "evapotranspiration", "evaporative fraction"
LIMITATION, DRY_DOWN = "soil moisture less radiation", "dry-down"
"""Correlation of soil moisture with evapotranspiration less that of radiation with it:
above 0 water limits evaporation (Denissen et al. 2022,
doi:10.1038/s41558-022-01403-8)."""
METRICS = ("pearson_r", "anomaly_r")


def run_coupling(world: World, settings: Settings, processes: int) -> Outcome:
    """Correlate soil moisture of several sources with evaporation.

    Raises
    ------
    UsageError
        If the release has no evaporation, no radiation or no air temperature.
    """
    name = find_variable(world, "evaporation", EVAPORATION)
    radiation = find_variable(world, "radiation", RADIATION)
    find_variable(world, "air temperature", ("air_temperature",))
    whole = np.full_like(world.regimes, EVERY)
    layers, refused = plan_layers(world, settings, whole, 1)
    refuse_unable("coupling", world, layers, refused)
    fewer = settings.model_copy(update={"repeats": max(1, settings.repeats // 2)})
    tasks = list(list_tasks(world, layers, fewer, whole, draw_every_arm))
    candidates = tuple(Candidate(model, model) for model in MODELS)
    found = run_tasks(world, tasks, candidates, fewer, processes)
    sources = dict(list_sources(world, found))
    targets = make_targets(world, found, name, radiation)
    days = draw_days(
        [found.target],
        targets[WITH_EVAPORATION],
        draws=settings.draws,
        seed=settings.seed,
    )
    parts = list(
        tabulate_couplings(
            world, found, sources, targets, radiation=radiation, days=days
        )
    )
    design = describe_design(world, layers, found, fewer, days.length)
    return Outcome(
        finish_rows(parts),
        {**design, "evaporation": name, "radiation": radiation},
        {**refused, **found.refused},
    )


def find_variable(world: World, what: str, names: tuple[str, ...]) -> str:
    """Return the first of some variables that a release has.

    Raises
    ------
    UsageError
        If it has none.
    """
    for name in names:
        if name in world.weather:
            return name
    raise UsageError(
        f"experiment coupling on release {world.release}",
        found=f"no {what}: "
        + "; ".join(
            world.left_out.get(name, f"{name} isn't in the release") for name in names
        ),
        expected=" or ".join(names),
    )


def list_sources(
    world: World, found: Crossfit
) -> Iterator[tuple[str, list[NDArray[np.float32]]]]:
    """Yield soil moisture by its source, (series, time), on days that all have."""
    layer, cells = found.target["layer_place"].to_numpy(), found.places
    every = {
        OBSERVED: [found.target.to_numpy().astype(np.float32)],
        **{name: list(parts) for (name, _), parts in found.predictions.items()},
    }
    for name, values in world.list_untrained().items():
        every[name] = [values[layer, cells].astype(np.float32)]
    common = np.all(
        [np.isfinite(part) for parts in every.values() for part in parts], axis=0
    )
    for name, parts in every.items():
        yield name, [np.where(common, part, np.nan) for part in parts]


def make_targets(
    world: World, found: Crossfit, name: str, radiation: str
) -> dict[str, xr.DataArray]:
    """Return evaporation of warm days, and its share of the energy there is.

    For the limitation evaporation counts on days with radiation alone.
    """
    cells = found.places
    warm = world.weather["air_temperature"][cells] > WARM
    evaporation = world.weather[name][cells].astype(np.float64)
    driven = warm & np.isfinite(world.weather[radiation][cells])
    made = {
        WITH_EVAPORATION: np.where(warm, evaporation, np.nan),
        LIMITATION: np.where(driven, evaporation, np.nan),
    }
    for energy_name in (key for key in ENERGY_UNITS if key in world.weather):
        energy = world.weather[energy_name][cells].astype(np.float64)
        energy *= ENERGY_UNITS[energy_name]
        bright = warm & (energy >= LEAST_RADIATION)
        share = LATENT_HEAT * evaporation / np.where(bright, energy, np.nan)
        made.setdefault(WITH_FRACTION, share)
    return {
        key: found.target.copy(data=np.where(np.isfinite(evaporation), values, np.nan))
        for key, values in made.items()
    }


def tabulate_couplings(
    world: World,
    found: Crossfit,
    sources: Mapping[str, list[NDArray[np.float32]]],
    targets: Mapping[str, xr.DataArray],
    *,
    radiation: str,
    days: ResampledDays,
) -> Iterator[pd.DataFrame]:
    """Yield couplings of every source, and what each has less than observations."""
    regimes = world.regimes[found.places]
    rain = world.weather["precipitation"][found.places]
    light = world.weather[radiation][found.places].astype(np.float32)
    common = np.isfinite(sources[OBSERVED][0])  # the same for every source
    driven = couple(found, [np.where(common, light, np.nan)], targets[LIMITATION], days)
    known: dict[tuple[str, str], BootstrappedScores] = {}
    for source, parts in sources.items():
        for arm, target in targets.items():
            known[source, arm] = couple(found, parts, target, days)
        known[source, LIMITATION] = measure_series_losses(
            driven, known[source, LIMITATION]
        )
        labelled = [found.label(part) for part in parts]
        known[source, DRY_DOWN] = measure_dry_down(labelled, rain, days)
    for (source, arm), scored in known.items():
        yield tabulate(scored, regimes, model=source, arm=arm, against="")
        if source != OBSERVED:
            less = measure_series_losses(scored, known[OBSERVED, arm])
            yield tabulate(less, regimes, model=source, arm=arm, against=OBSERVED)


def couple(
    found: Crossfit,
    parts: list[NDArray[np.float32]],
    target: xr.DataArray,
    days: ResampledDays,
) -> BootstrappedScores:
    """Correlate soil moisture with another series, mean over repeats."""
    scored = [
        bootstrap_scores(found.label(part), target, days=days, metrics=METRICS)
        for part in parts
    ]
    return average_repeats(scored, days.seed)
