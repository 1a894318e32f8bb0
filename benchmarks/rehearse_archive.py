"""The full archive, rehearsed: stages of `ismn_era5` on archives of growing size.

    python benchmarks/rehearse_archive.py FOLDER STAGE NUMBER [NUMBER ...]

STAGE is `ingest`, with numbers of stations of two probes, 24 years hourly each;
`build`, with numbers of stations: every stage to the release, five years, a cell a
station, from an hourly store of twelve variables; `scorer`, with numbers of cells of
8,000 days. Every stage runs in a process of its own; its time, that of all cores, the
largest memory of a process and cost by unit are printed. What is generated is kept.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
from large_archive import write_archive

from somobench.catalog.storage.processors import count_cores
from somobench.pipelines.inputs import make_input_record, measure_file
from somobench.schemas.recipe import InputParams, Recipe, load_recipe

FIRST, YEARS, FORCING_YEARS = 2001, 24, 5
HOURS_A_CHUNK = 744
BLOCK_CELLS, DAYS = 1500, 8000
IN_PROCESSES = ("forcing", "baselines", "scores")
RECIPE = Path(__file__).parents[1] / "conf" / "recipe" / "ismn_era5.yaml"
STAGES = (
    *("ingest", "forcing", "targets", "splits", "features"),
    *("baselines", "scores", "release"),
)
WEATHER = {  # mean, daily swing, noise, unit
    "tp": (2e-4, 5e-5, 5e-5, "m"),
    "t2m": (285.0, 8.0, 0.5, "K"),
    "d2m": (278.0, 3.0, 0.5, "K"),
    "sp": (95_000.0, 100.0, 50.0, "Pa"),
    "ssrd": (0.0, 2e6, 1e4, "J m**-2"),
    "ssr": (0.0, 1.6e6, 1e4, "J m**-2"),
    "str": (-2e5, 5e4, 1e4, "J m**-2"),
    "skt": (286.0, 10.0, 0.5, "K"),
    "e": (-5e-5, 2e-5, 1e-5, "m"),
    "swvl1": (0.25, 0.01, 0.02, "m**3 m**-3"),
    "swvl2": (0.27, 0.01, 0.02, "m**3 m**-3"),
    "swvl3": (0.29, 0.0, 0.02, "m**3 m**-3"),
}


def write_store(path: Path, cells: int) -> None:
    """Write hourly weather at cells, in chunks of a month of all of them."""
    import zarr

    rng = np.random.default_rng(1)
    start = np.datetime64(f"{FIRST}-01-01T00", "h")
    end = np.datetime64(f"{FIRST + FORCING_YEARS}-01-01T02", "h")
    hours = np.arange(start, end)
    numbers = np.arange(cells)
    group = zarr.open_group(path, mode="w")
    axes = {
        "latitude": ("location", 30.125 + numbers // 100, "degrees_north"),
        "longitude": ("location", -110.125 + numbers % 100, "degrees_east"),
        "time": ("time", np.arange(len(hours)), f"hours since {FIRST}-01-01"),
    }
    for name, (dim, values, units) in axes.items():
        array = group.create_array(name, data=values, dimension_names=[dim])
        array.attrs["units"] = units
    light = np.maximum(np.sin((np.arange(len(hours)) % 24 - 6) / 12 * np.pi), 0)
    for name, (mean, swing, noise, units) in WEATHER.items():
        array = group.create_array(
            name,
            shape=(len(hours), cells),
            chunks=(HOURS_A_CHUNK, cells),
            dtype="float32",
            dimension_names=["time", "location"],
        )
        array.attrs["units"] = units
        rough = noise * rng.random((HOURS_A_CHUNK, cells), np.float32)
        for first in range(0, len(hours), HOURS_A_CHUNK):
            lit = light[first : first + HOURS_A_CHUNK, np.newaxis]
            array[first : first + len(lit)] = mean + swing * lit + rough[: len(lit)]


def make_recipe(years: int) -> Recipe:
    """Return `ismn_era5`, over some years, with weather at points."""
    content = load_recipe(RECIPE).model_dump(mode="json")
    content["period"] = {
        "start": f"{FIRST}-01-01",
        "end": f"{FIRST + years - 1}-12-31",
    }
    content["splits"]["temporal"] |= {
        "validation_start": f"{FIRST + years - 2}-01-01",
        "test_start": f"{FIRST + years - 1}-01-01",
    }
    content["forcing"] |= {"registration": "points", "remapping": "none"}
    content["forcing"]["inputs"] = content["forcing"]["inputs"][:1]
    return Recipe.model_validate(content)


def record_inputs(recipe: Recipe, folder: Path, files: dict[str, Path]) -> None:
    """Write the record of raw inputs, as stage `raw` does."""
    records = []
    for role, path in files.items():
        part = getattr(recipe, role)
        size, digest = measure_file(path)
        params: InputParams = part.inputs[0]
        record = make_input_record(
            params,
            role=role,  # type: ignore[arg-type]
            source=part.source,
            path=path.name,
            size=size,
            sha256=digest,
            generated=False,
        )
        records.append(record.model_dump(mode="json"))
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    (folder / "raw" / "inputs.json").write_text(json.dumps(records), encoding="utf-8")


def run_stage(name: str, folder: Path, years: int) -> None:
    """Run one stage in this process, and print what it took."""
    recipe = make_recipe(years)
    work = _find_work(name, recipe, folder)
    begun = time.perf_counter()
    work()
    print(json.dumps(_measure(begun)))


def _find_work(name: str, recipe: Recipe, folder: Path) -> Callable[[], object]:
    """Import a stage, and bind it to the recipe and folder."""
    from somobench.pipelines.ingest import ingest
    from somobench.pipelines.release import build_release

    if name == "ingest":
        inputs = folder / "raw" / "inputs.json"
        return partial(ingest, recipe, inputs, folder, processes=count_cores())
    if name == "release":
        packed, assets = folder / "release", folder / "assets"
        return partial(build_release, recipe, folder, packed, assets)
    stage = import_module(f"somobench.pipelines.{name}")
    options = {"processes": count_cores()} if name in IN_PROCESSES else {}
    return partial(getattr(stage, f"write_{name}"), recipe, folder, **options)


def run_scorer(cells: int) -> None:
    """Score cells, block by block, and print what it took."""
    from bench_metrics import make_pairs, score_ours

    pair = make_pairs(BLOCK_CELLS, DAYS)
    score_ours(pair)
    begun, worked = time.perf_counter(), time.process_time()
    for first in range(0, cells, BLOCK_CELLS):
        rows = slice(min(BLOCK_CELLS, cells - first))
        score_ours((pair[0][rows], pair[1][rows]))
    print(json.dumps(_measure(begun) | {"busy": time.process_time() - worked}))


def _measure(begun: float) -> dict[str, float]:
    own = resource.getrusage(resource.RUSAGE_SELF)
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": time.perf_counter() - begun,
        "busy": sum(item.ru_utime + item.ru_stime for item in (own, others)),
        "MB": max(own.ru_maxrss, others.ru_maxrss) / 1e3,
    }


def run_alone(*arguments: object) -> dict[str, float]:
    """Run this program on its own, and return what it printed last."""
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def rehearse(place: Path, kind: str, number: int) -> None:
    """Run the stages on one size, and print a row for each."""
    years = YEARS if kind == "ingest" else FORCING_YEARS
    archive = place / f"large_{number}_{years}.zip"
    if not archive.exists():
        write_archive(archive, number, years, FIRST)
    files = {"stations": archive}
    if kind == "build":
        files["forcing"] = place / f"store_{number}.zarr"
        if not files["forcing"].exists():
            write_store(files["forcing"], number)
    folder = place / f"{kind}_{number}"
    record_inputs(make_recipe(years), folder, files)
    for stage in STAGES if kind == "build" else ("ingest",):
        print_row(number, stage, run_alone("--stage", stage, folder, years))


def print_row(number: int, stage: str, taken: dict[str, float]) -> None:
    """Print a row of the table."""
    cost = 1e3 * taken["busy"] / number
    print(
        f"| {number} | {stage} | {taken['seconds']:.0f} | {taken['busy']:.2f} | "
        f"{cost:.3f} | {taken['MB']:.0f} |",
        flush=True,
    )


def main() -> None:
    """Rehearse a stage on every size asked for."""
    place, kind, numbers = Path(sys.argv[1]), sys.argv[2], map(int, sys.argv[3:])
    os.environ["SOMOBENCH_DATA"] = str(place.resolve())
    print("| number | stage | s | processor s | processor ms by unit | peak MB |")
    print("|---|---|---|---|---|---|")
    for number in numbers:
        if kind == "scorer":
            print_row(number, kind, run_alone("--scorer", number))
        else:
            rehearse(place, kind, number)


if __name__ == "__main__":
    if sys.argv[1] == "--stage":
        run_stage(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1] == "--scorer":
        run_scorer(int(sys.argv[2]))
    else:
        main()
