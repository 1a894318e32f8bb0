"""Good releases of small worlds, each of another recipe: checks must find nothing.

A seed gives a recipe and what happened to its archives: sensors that were never there,
gaps, stations without static files, months without rain. The stages build it as they
build any other; the truth of the virtual world is left out, as real worlds have none.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from factories.raw.virtual_recipes import make_recipe
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.pipelines.baselines import write_baselines
from somobench.pipelines.features import write_features
from somobench.pipelines.forcing import write_forcing
from somobench.pipelines.ingest import ingest
from somobench.pipelines.inputs import (
    INPUTS_FILE,
    measure_file,
    read_inputs,
    write_inputs,
)
from somobench.pipelines.inputs.stage import record_inputs
from somobench.pipelines.raw import write_raw
from somobench.pipelines.raw.world import FORCING_FOLDER, STATIONS_FILE, TRUTH_FILE
from somobench.pipelines.release import build_release
from somobench.pipelines.scores import write_scores
from somobench.pipelines.splits import write_splits
from somobench.pipelines.targets import write_targets
from somobench.schemas.recipe import Recipe
from somobench.scoring.models import draw_common_days
from somobench.scoring.shift_costs import shift_costs

REGIONS = ("africa", "europe", "namerica", "oceania")
STARTS = ("2015-03-01", "2015-10-15", "2016-01-01", "2016-02-29", "2019-06-30")
LAYERS = (
    {"layer": 1, "depth_from_cm": 0, "depth_to_cm": 10, "midpoint_cm": 5},
    {"layer": 2, "depth_from_cm": 10, "depth_to_cm": 30, "midpoint_cm": 20},
    {"layer": 3, "depth_from_cm": 30, "depth_to_cm": 50, "midpoint_cm": 40},
)
NEEDED = ("precipitation", "air_temperature", "net_radiation")
OTHER = ("specific_humidity", "shortwave_radiation", "skin_temperature", "evaporation")
SPLITS = (
    *("temporal", "spatial", "ungauged", "dry_years", "wet_years"),
    *("energy_to_water", "water_to_energy"),
)
DRAWS = 100  # of the intervals of scores
Random = np.random.Generator


def draw_recipe(seed: int) -> Recipe:
    """Return the recipe of a small world; every seed asks for another one."""
    rng = np.random.default_rng(seed)
    start = np.datetime64(rng.choice(STARTS))
    end = start + int(rng.choice([500, 600, 730, 1000]))
    regions = rng.choice(REGIONS, rng.integers(1, 5), replace=False).tolist()
    blocks = make_recipe().model_dump(mode="json")
    count = int(rng.integers(1, 4))
    chosen = sorted(rng.choice(3, count, replace=False).tolist())
    layers = [LAYERS[it] for it in chosen]
    scaled = [it["layer"] for it in layers if rng.random() < 0.8]
    others = [name for name in OTHER if rng.random() < 0.6]
    return make_recipe(
        regions=tuple(regions),
        start=str(start),
        end=str(end),
        cells=int(rng.integers(1, 5)),
        seed=seed,
        release=blocks["release"]
        | {
            "version": f"0.{seed}.0",
            "predecessor": None,
            "redistributable": bool(rng.random() < 0.8),
        },
        layers=layers,
        grid={"resolution": float(rng.choice([0.1, 0.25, 0.5]))},
        stations=blocks["stations"]
        | {
            "minimum_count": int(rng.choice([1, 6, 12, 24])),
            "minimum_days": int(rng.choice([2, 30, 90, 200])),
            "depth_rounding": str(rng.choice(["nearest", "down", "up"])),
            "maximum_repeats": [None, 10][rng.integers(2)],
        },
        forcing=blocks["forcing"] | {"variables": [*NEEDED, *others]},
        reference=blocks["reference"]
        | {
            "source": "era5" if scaled else "none",
            "layers": scaled,
            "minimum_overlap": int(rng.choice([30, 90, 200])),
        },
        targets={
            "minimum_days": int(rng.choice([30, 90, 180])),
            "secondary_minimum_overlap": int(rng.choice([30, 90])),
            "secondary_minimum_correlation": float(rng.choice([-1, 0.3, 0.8])),
            "decimals": int(rng.choice([5, 6, 7])),
        },
        splits=_draw_splits(rng, blocks["splits"], start, end),
        features={
            "lags": int(rng.choice([0, 1, 3, 7, 30])),
            "climatology_window": int(rng.choice([1, 15, 35, 91])),
            "climatology_minimum_days": int(rng.choice([30, 180, 400])),
            "climatology_shrinkage_years": float(rng.choice([0, 0.5, 1, 3])),
        },
        baselines=_draw_baselines(rng),
    )


def _draw_splits(
    rng: Random, known: dict[str, Any], start: np.datetime64, end: np.datetime64
) -> dict[str, Any]:
    """Return some of the splits, small enough for few cells."""
    days = int((end - start).astype(int))
    few = {"minimum_cells": 3}
    changes = {
        "temporal": {
            "validation_start": str(start + days // 2),
            "test_start": str(start + days * 3 // 4),
            "minimum_train_years": 0.3,
        },
        "spatial": {"folds": int(rng.integers(3, 6)), "block_degrees": 0.25, **few},
        "ungauged": few,
        "dry_years": {"first_month": int(rng.choice([1, 7, 10]))},
        "energy_to_water": {"minimum_cells": 2},
        "water_to_energy": {"minimum_cells": 2},
    }
    named = {"temporal", *rng.choice(SPLITS, rng.integers(1, 3))}
    return {name: known[name] | changes.get(name, {}) for name in sorted(named)}


def _draw_baselines(rng: Random) -> dict[str, Any]:
    """Return a ladder that is climbed in seconds."""
    return {
        "seed": int(rng.integers(1, 9)),
        "penalties": [1e-3, 1e-1],
        "clusters": int(rng.integers(1, 6)),
        "cluster_starts": 1,
        "boosting": {"trees": 10, "leaf_minimum_values": 50},
        "water_balance": {"parameter_sets": 10, "spin_up_days": 100},
    }


def build_world(seed: int, root: Path) -> Path:
    """Build the release of a seed below a folder; return its folder.

    Raises
    ------
    SomobenchError
        If nothing can be made of the world: no target, or no split.
    """
    recipe, data = draw_recipe(seed), root / "data"
    data.mkdir(parents=True)
    record_inputs(recipe, data / INPUTS_FILE)
    # The world is simulated in all of its layers.
    whole = recipe.model_copy(update={"layers": make_recipe().layers})
    write_raw(whole, data / INPUTS_FILE, data / "raw")
    spoil_raw(seed, data / "raw")
    ingest(recipe, data / "raw" / INPUTS_FILE, data, processes=1)
    write_forcing(recipe, data, processes=1)
    stages: tuple[Callable[[Recipe, Path], object], ...] = (
        *(write_targets, write_splits, write_features),
        *(write_baselines, write_scores),
    )
    with _draw_less():
        for write in stages:
            write(recipe, data)
    folder = root / recipe.release.id
    build_release(recipe, data, folder, root / "assets")
    return folder


@contextmanager
def _draw_less() -> Iterator[None]:
    """Make intervals of fewer draws, which take most of the time of a build."""
    functions: tuple[Any, ...] = (draw_common_days, shift_costs)
    before = [it.__kwdefaults__["draws"] for it in functions]
    try:
        for function in functions:
            function.__kwdefaults__["draws"] = DRAWS
        yield
    finally:
        for function, draws in zip(functions, before, strict=True):
            function.__kwdefaults__["draws"] = draws


def spoil_raw(seed: int, folder: Path) -> None:
    """Take sensors, days and statics out of a world, and rain out of its weather."""
    rng = np.random.default_rng([seed, 1])
    if rng.random() < 0.6:
        _thin_archive(rng, folder / STATIONS_FILE)
    if rng.random() < 0.3:
        for path in sorted((folder / FORCING_FOLDER).iterdir()):
            _dry_up(rng, path)
    records = []
    for record in read_inputs(folder / INPUTS_FILE):
        size, sha256 = measure_file(folder / record.path)
        records.append(record.model_copy(update={"size": size, "sha256": sha256}))
    (folder / TRUTH_FILE).unlink()
    write_inputs([it for it in records if it.role != "truth"], folder / INPUTS_FILE)


def _thin_archive(rng: Random, path: Path) -> None:
    """Drop some files of an archive, and rows of others."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            fate = rng.random()
            if fate < 0.15 and name.endswith((".stm", ".csv")):
                continue
            if fate < 0.5 and name.endswith(".stm"):
                content = _cut_rows(rng, content)  # noqa: PLW2901
            archive.writestr(name, content)


def _cut_rows(rng: Random, content: bytes) -> bytes:
    """Cut a gap of up to a year into a sensor's rows; the first and last remain."""
    head, mark, rest = content.partition(b"\n\r")
    rows = rest.splitlines(keepends=True)
    first = int(rng.integers(1, max(2, len(rows) - 1)))
    gap = int(rng.integers(1, 24 * 366))
    kept = [*rows[:first], *rows[min(first + gap, len(rows) - 1) :]]
    return head + mark + b"".join(kept)


def _dry_up(rng: Random, path: Path) -> None:
    """Let no rain fall for some months, on all of a region or on its first column."""
    with open_zarr_zip(path) as opened:
        grid = opened.load()
    hours = grid.sizes["valid_time"]
    first = int(rng.integers(0, hours))
    span = slice(first, first + 24 * int(rng.choice([30, 200, 2000])))
    columns = slice(None) if rng.random() < 0.5 else slice(0, 1)
    grid["tp"].values[span, :, columns] = 0
    write_zarr_zip(grid, path, {"valid_time": 8784})
