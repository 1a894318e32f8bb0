"""A zoo of broken submissions, and what catches each.

Run from the checkout with `PYTHONPATH=tests python -m`, as
`factories.faults.broken_submissions`: makes every one for the embedded release, asks
every check, and writes the table of docs/zoo.md. A submission that nothing catches says
why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from factories.faults import broken_models
from somobench.catalog.resolve import resolve
from somobench.catalog.storage.atomic import write_text
from somobench.probes.run import probe_model, read_weather
from somobench.schemas.errors import SomobenchError
from somobench.scoring.case import ScoringCase
from somobench.scoring.copies import average_members, find_copies
from somobench.scoring.coverage import check_coverage
from somobench.scoring.inputs import list_references, read_case
from somobench.scoring.ladders import Ladder, choose_ladder
from somobench.scoring.marks.checks import find_marks
from somobench.scoring.models import Model
from somobench.submissions.submission import open_submission

RELEASE, SPLIT = "virtual-2.0.0", "temporal"
HONEST = "water_balance"
PAGE = Path("docs/zoo.md")
BEGIN, END = "<!-- zoo -->", "<!-- end -->"
BEGIN_HELD_OUT = "<!-- zoo:held_out -->"


@dataclass(frozen=True, eq=False)
class Zoo:
    """What broken submissions are made from: a split, and an honest model on it."""

    case: ScoringCase
    ladder: Ladder
    references: list[Model]

    @cached_property
    def target(self) -> np.ndarray:
        """Targets of test days, (series, time)."""
        return self.case.target.to_numpy().astype(np.float64)

    @cached_property
    def honest(self) -> np.ndarray:
        """Predictions of a rung, on every test day."""
        return self.rung(HONEST)

    @cached_property
    def deviation(self) -> np.ndarray:
        """Standard deviation of the target, (series, 1)."""
        return np.nanstd(self.target, axis=1, keepdims=True)

    @property
    def days_of_year(self) -> np.ndarray:
        return self.case.target.get_index("time").day_of_year.to_numpy()

    def rung(self, name: str) -> np.ndarray:
        model = {rung.name: rung for rung in self.references}[name]
        return average_members(model.load())

    def draw(self, seed: int = 0) -> np.ndarray:
        """Return standard normal numbers, (series, time)."""
        return np.random.default_rng(seed).standard_normal(self.target.shape)

    def rows(self, layer: int) -> np.ndarray:
        return np.flatnonzero(self.case.series_layers == layer)


def open_zoo(release: str = RELEASE, split: str = SPLIT) -> Zoo:
    """Open the split of a release, with the ladder that it carries."""
    found = resolve(release)
    case = read_case(found, split)
    ladder, missing = choose_ladder(found, case, None)
    if ladder is None:
        raise LookupError(missing)
    return Zoo(case, ladder, list_references(found, case, ladder))


class Animal(NamedTuple):
    """A broken submission: what it does, how it is made, and why nothing catches it."""

    what: str
    make: Callable[[Zoo], np.ndarray]
    why_not: str = ""


def _move(values: np.ndarray, days: int) -> np.ndarray:
    """Move rows later; the ends keep their values."""
    moved = np.roll(values, days, axis=1)
    if days > 0:
        moved[:, :days] = values[:, :days]
    else:
        moved[:, days:] = values[:, days:]
    return moved


def _smooth(values: np.ndarray, days: int) -> np.ndarray:
    """Return the centred moving mean over known days."""
    known, kernel = np.isfinite(values), np.ones(days)
    total = [np.convolve(row, kernel, "same") for row in np.nan_to_num(values)]
    count = [np.convolve(row, kernel, "same") for row in known.astype(float)]
    return np.array(total) / np.maximum(np.array(count), 1)


def _average_season(zoo: Zoo) -> np.ndarray:
    """Return the mean of test days within 15 days of the day of the year."""
    result = np.full(zoo.target.shape, np.nan)
    days = zoo.days_of_year
    for day in np.unique(days):
        near = np.isin((days - day + 15) % 366, np.arange(31))
        with np.errstate(all="ignore"):
            known = np.isfinite(zoo.target[:, near])
            total = np.where(known, zoo.target[:, near], 0.0).sum(axis=1)
            mean = total / np.maximum(known.sum(axis=1), 1)
        result[:, days == day] = mean[:, None]
    return result


def _turn_cells(zoo: Zoo, values: np.ndarray, step: int = -1) -> np.ndarray:
    """Reverse the cells of every layer, as if north were south."""
    result = values.copy()
    for layer in zoo.case.own_layers:
        rows = zoo.rows(layer)
        result[rows] = values[rows[::step]]
    return result


def _permute_cells(zoo: Zoo) -> np.ndarray:
    result = zoo.honest.copy()
    for layer in zoo.case.own_layers:
        rows = zoo.rows(layer)
        result[rows] = zoo.honest[np.random.default_rng(layer).permutation(rows)]
    return result


def _swap_layers(zoo: Zoo) -> np.ndarray:
    """Exchange the first and the last layer of every cell that has both."""
    result = zoo.honest.copy()
    cells = zoo.case.series_cells
    for cell in np.unique(cells):
        rows = np.flatnonzero(cells == cell)
        result[rows] = zoo.honest[rows[::-1]]
    return result


def _average_train(zoo: Zoo) -> np.ndarray:
    """Return each station's mean of other than test days."""
    observed = zoo.case.observed.to_numpy().astype(np.float64)
    times = zoo.case.observed.get_index("time")
    train = times < zoo.case.target.get_index("time")[0]
    known = np.isfinite(observed) & train
    total = np.where(known, observed, 0.0).sum(axis=1, keepdims=True)
    mean = total / np.maximum(known.sum(axis=1, keepdims=True), 1)
    return np.where(mean > 0, mean, 0.25) + 0 * zoo.honest


def _remember_last_year(zoo: Zoo) -> np.ndarray:
    """Return what was observed two years before; else the honest model."""
    observed = zoo.case.observed.to_numpy().astype(np.float64)
    times = zoo.case.observed.get_index("time")
    place = times.get_indexer(zoo.case.target.get_index("time"))
    before = observed[:, np.maximum(place - 2 * 365, 0)]
    return np.where(np.isfinite(before), before, zoo.honest)


def _keep_easy(zoo: Zoo) -> np.ndarray:
    """Predict only the half of the series where the honest model does best."""
    error = np.nanmean((zoo.honest - zoo.target) ** 2, axis=1) / zoo.deviation[:, 0]
    easy = error <= np.median(error)
    return np.where(easy[:, None], zoo.honest, np.nan)


def _damp_persistence(zoo: Zoo) -> np.ndarray:
    mean = np.nanmean(zoo.target, axis=1, keepdims=True)
    before = zoo.rung("persistence")
    return np.where(np.isfinite(before), mean + 0.9 * (before - mean), zoo.honest)


def _scatter_slowly(zoo: Zoo) -> np.ndarray:
    noise = zoo.draw()
    for day in range(1, noise.shape[1]):
        noise[:, day] = 0.8 * noise[:, day - 1] + 0.6 * noise[:, day]
    return np.maximum(zoo.target + 0.7 * zoo.deviation * noise, 0.0)


def _mix(zoo: Zoo, share: float) -> np.ndarray:
    return share * zoo.target + (1 - share) * zoo.honest


ANIMALS: dict[str, Animal] = {
    "target": Animal("the target", lambda zoo: zoo.target),
    "target_rounded": Animal(
        "the target to 3 decimals", lambda zoo: np.round(zoo.target, 3)
    ),
    "target_scaled": Animal(
        "0.7 times the target plus 0.05", lambda zoo: 0.05 + 0.7 * zoo.target
    ),
    "target_curved": Animal(
        "the root of the target times 0.5", lambda zoo: 0.5 * np.sqrt(zoo.target)
    ),
    "target_half": Animal(
        "the target on every second day, a model on the others",
        lambda zoo: np.where(
            np.arange(zoo.target.shape[1]) % 2, zoo.target, zoo.honest
        ),
    ),
    "target_tenth": Animal(
        "the target on a random tenth of days, a model on the others",
        lambda zoo: np.where(zoo.draw() > 1.28, zoo.target, zoo.honest),
    ),
    "noise_small": Animal(
        "the target plus noise of a twentieth of its standard deviation",
        lambda zoo: zoo.target + 0.05 * zoo.deviation * zoo.draw(),
    ),
    "noise_middle": Animal(
        "the target plus noise of 0.3 standard deviations",
        lambda zoo: zoo.target + 0.3 * zoo.deviation * zoo.draw(),
    ),
    "noise_large": Animal(
        "the target plus noise of one standard deviation",
        lambda zoo: np.maximum(zoo.target + zoo.deviation * zoo.draw(), 0.0),
    ),
    "noise_slow": Animal(
        "the target plus noise that lasts a week, of 0.7 standard deviations",
        _scatter_slowly,
        "its errors last as a model's do; only data that nobody had could tell",
    ),
    "mixed": Animal("half target, half model", lambda zoo: _mix(zoo, 0.5)),
    "mixed_little": Animal(
        "a tenth target, the rest model",
        lambda zoo: _mix(zoo, 0.1),
        "it gains a little skill, as a better model would",
    ),
    "window": Animal(
        "a moving mean of the target over 5 days", lambda zoo: _smooth(zoo.target, 5)
    ),
    "window_month": Animal(
        "a moving mean of the target over 31 days", lambda zoo: _smooth(zoo.target, 31)
    ),
    "test_season": Animal("the mean season of the test years", _average_season),
    "persistence": Animal(
        "persistence under the name of a model",
        lambda zoo: np.where(
            np.isfinite(zoo.rung("persistence")), zoo.rung("persistence"), zoo.honest
        ),
    ),
    "damped_persistence": Animal(
        "0.9 times yesterday's departure, without saying that it observes",
        _damp_persistence,
    ),
    "reanalysis": Animal("the reanalysis", lambda zoo: zoo.rung("reanalysis")),
    "reanalysis_corrected": Animal(
        "the reanalysis times 0.9 plus 0.02",
        lambda zoo: 0.02 + 0.9 * zoo.rung("reanalysis"),
        "a corrected reanalysis is a model of its own; the rung stands beside it",
    ),
    "late": Animal("a model, a day late", lambda zoo: _move(zoo.honest, 1)),
    "early": Animal("a model, a day early", lambda zoo: _move(zoo.honest, -1)),
    "reversed": Animal("a model, last day first", lambda zoo: zoo.honest[:, ::-1]),
    "sign": Animal(
        "a model, wet where it is dry",
        lambda zoo: 2 * zoo.honest.mean(axis=1, keepdims=True) - zoo.honest,
    ),
    "mirrored": Animal(
        "a model, its cells in reversed order",
        lambda zoo: _turn_cells(zoo, zoo.honest),
    ),
    "permuted": Animal("a model, its cells in random order", _permute_cells),
    "layers": Animal("a model, its layers in reversed order", _swap_layers),
    "percent": Animal("a model in percent", lambda zoo: 100 * zoo.honest),
    "millimetres": Animal(
        "a model in mm of the upper 10 cm", lambda zoo: 100 * zoo.honest
    ),
    "z_scores": Animal(
        "a model in standard deviations from its mean",
        lambda zoo: (
            (zoo.honest - zoo.honest.mean(axis=1, keepdims=True))
            / zoo.honest.std(axis=1, keepdims=True)
        ),
    ),
    "saturation": Animal(
        "a model as a fraction of saturation (0.42)", lambda zoo: zoo.honest / 0.42
    ),
    "constant": Animal("one number", lambda zoo: 0.25 + 0 * zoo.honest),
    "station_mean": Animal("each station's mean of train days", _average_train),
    "noise": Animal(
        "noise around 0.25",
        lambda zoo: np.clip(0.25 + 0.05 * zoo.draw(), 0.01, 0.6),
    ),
    "train_days": Animal(
        "what was observed on the day two years before",
        _remember_last_year,
        "train days may be known: it is a poor climatology, and scores as one",
    ),
    "easy_cells": Animal("a model, on the easier half of series alone", _keep_easy),
}
"""Broken submissions by name: (series, time), m3 m-3."""

MODELS = {
    "future_rain": ("a model that smooths over three days ahead", "no_foresight"),
    "station_name": ("a model that learnt stations by name", "any_name"),
    "calendar": ("a model that learnt the years", "any_year"),
    "no_saturation": ("a model that holds more than pores can", "bounded"),
}
"""Broken models by name: what each does, and the probe whose broken model it is."""


class Caught(NamedTuple):
    """Which check caught a submission, and what it said; both empty if none did."""

    by: str
    said: str


def catch(zoo: Zoo, values: np.ndarray) -> Caught:
    """Hand in predictions as to `evaluate`, and ask its checks in their order."""
    filled = np.where(np.isfinite(zoo.target), values, np.nan)
    series = zoo.case.target.copy(data=filled.astype(np.float32))
    try:
        grid = place_on_grid(series)
        submission = open_submission(grid.assign_attrs(units="m3 m-3"))
        placed = zoo.case.place_on_series(submission.select_lead(None))
        check_coverage(placed, zoo.case, name="zoo", allow_missing=False)
    except SomobenchError as error:
        return Caught("refused", f"{error.found}".split("; ")[0])
    copies = find_copies(zoo.case, lambda _: placed, [None], zoo.references)
    if copies:
        name = "target" if copies[0].source == "target" else "reference"
        return Caught(f"copy of {name}", copies[0].sentence)
    rungs = [m for m in zoo.references if m.name not in zoo.ladder.needs_observations]
    marks = find_marks(zoo.case, average_members(placed), rungs)
    if marks:
        return Caught(f"mark {marks[-1].check}", marks[-1].sentence)
    return Caught("", "")


def place_on_grid(series: xr.DataArray) -> xr.DataArray:
    """Place series on (layer, cell, time); what isn't among them is missing."""
    layers, cells = (np.unique(series[name].to_numpy()) for name in ("layer", "cell"))
    values = np.full((len(layers), len(cells), series.sizes["time"]), np.nan, "float32")
    row = np.searchsorted(layers, series["layer"].to_numpy())
    column = np.searchsorted(cells, series["cell"].to_numpy())
    values[row, column] = series.to_numpy()
    coords = {"layer": layers, "cell": cells, "time": series["time"].to_numpy()}
    return xr.DataArray(values, coords, ("layer", "cell", "time"))


def probe_broken(name: str, release: str = RELEASE) -> Caught:
    """Probe a broken model, and say which probes it fails."""
    probe = MODELS[name][1]
    weather = read_weather(release).isel(cell=slice(None, None, 5)).load()
    found = probe_model(broken_models.BROKEN[probe], weather)
    failed = [item for item in found if item.verdict == "fails"]
    by = ", ".join(item.probe for item in failed)
    said = "; ".join(
        f"{item.broken:,} of {item.looked_at:,} {item.unit} break the rule: {item.rule}"
        for item in failed
    )
    return Caught(f"probe {by}", said)


def list_rows(
    zoo: Zoo, animals: Mapping[str, Animal], models: Mapping[str, tuple[str, str]] = {}
) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, what it does, what catches it, and what that says."""
    for name, animal in animals.items():
        caught = catch(zoo, animal.make(zoo))
        yield name, animal.what, caught.by or "nothing", caught.said or animal.why_not
    for name, (what, _) in models.items():
        yield name, what, *probe_broken(name)


def write_table(rows: Iterator[tuple[str, str, str, str]]) -> str:
    """Return the table of the page."""
    heads = (
        "submission",
        "what it does",
        "caught by",
        "what is said, or why nothing is",
    )
    lines = [heads, ("---",) * 4, *((f"`{row[0]}`", *row[1:]) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Write the tables into the page."""
    from factories.faults.held_out_submissions import HELD_OUT

    zoo, text = open_zoo(), PAGE.read_text("utf-8")
    for begin, rows in (
        (BEGIN, list_rows(zoo, ANIMALS, MODELS)),
        (BEGIN_HELD_OUT, list_rows(zoo, HELD_OUT)),
    ):
        before, rest = text.split(begin)
        after = rest.partition(END)[2]
        text = f"{before}{begin}\n{write_table(rows)}{END}{after}"
    write_text(text, PAGE)


if __name__ == "__main__":
    main()
