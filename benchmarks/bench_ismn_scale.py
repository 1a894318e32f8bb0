"""An ISMN archive to daily means of good values: this package against `ismn`.

    python benchmarks/bench_ismn_scale.py [stations] [years] [folder]
    python benchmarks/bench_ismn_scale.py 3000 0.1     # 6,000 small files

By default 300 stations with two probes, five years hourly: 600 files, 0.8 GB unpacked.
The archive is generated once and kept if a folder is named. Each reader runs in a
process of its own, so that peaks of memory are its own. Ours is the `ingest` stage as
far as its tables, with every check and count; `stage` also writes and compares them;
`ismn` builds its index, reads each sensor, and pandas takes daily means; `again` is the
same with the index at hand. All must give the same days, counts and, to 1e-12, means.
`inflate` only unpacks the members as ours does, one after the other, and sums them;
`zlib` does so by zipfile. Ours, and what only unpacks, run three times, in turns with
the others; medians count.
"""

from __future__ import annotations

import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DEPTHS = (0.05, 0.20)
FLAGS = (b"G", b"D03", b"C02", b"D01,D03")
SHARES = (0.93, 0.05, 0.01, 0.01)
FIRST = 2010
HOURS_A_YEAR = 8760
MINIMUM_COUNT = 6
MIB = 1024  # KiB


def _times(years: float, first: int = FIRST) -> np.ndarray:
    start = np.datetime64(f"{first}-01-01T00", "h")
    end = np.datetime64(f"{first + int(years)}-01-01T00", "h")
    hours = np.arange(start, end + int(years % 1 * HOURS_A_YEAR))
    texts = np.char.replace(np.datetime_as_string(hours, unit="m"), "-", "/")
    texts = np.char.replace(texts, "T", " ")
    return texts.astype("S16").view("u1").reshape(-1, 16)


def _digits(values: np.ndarray) -> np.ndarray:
    """Return `0.dddd` for values from 0 to 0.9999, as bytes (row, 6)."""
    whole = np.round(values * 10_000).astype(int)
    powers = np.array([1000, 100, 10, 1])
    digits = whole[:, None] // powers % 10 + ord("0")
    head = np.broadcast_to(np.frombuffer(b"0.", "u1"), (len(values), 2))
    return np.hstack([head, digits.astype("u1")])


def _rows(times: np.ndarray, rng: np.random.Generator) -> bytes:
    """Return rows as ISMN writes them; zero bytes pad the flags and are left out."""
    hours = np.arange(len(times))
    season = 0.25 + 0.1 * np.sin(hours / 24 * 2 * np.pi / 365 + rng.uniform(0, 6))
    values = np.clip(season + rng.normal(0, 0.01, len(times)), 0, 0.9)
    width = max(len(flag) for flag in FLAGS)
    table = np.array(FLAGS, f"S{width}").view("u1").reshape(-1, width)
    flags = table[rng.choice(len(FLAGS), len(times), p=SHARES)]
    blank = np.full((len(times), 3), ord(" "), "u1")
    end = np.broadcast_to(np.frombuffer(b" M\r\n", "u1"), (len(times), 4))
    parts = [times, blank, _digits(values), blank[:, :1], flags, end]
    rows = np.hstack(parts).ravel()
    return rows[rows != 0].tobytes()


def generate(path: Path, stations: int, years: float) -> None:
    """Write an archive in the header+values layout."""
    rng = np.random.default_rng(20260601)
    times = _times(years)
    span = f"{FIRST}0101_{FIRST - 1 + math.ceil(years)}1231"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for number in range(stations):
            name = f"ST{number:04d}"
            place = f"{rng.uniform(30, 60):9.5f} {rng.uniform(-120, 30):10.5f}"
            for depth in DEPTHS:
                head = f"NET NET {name} {place} 100.00 {depth:7.2f} {depth:7.2f} Probe"
                stem = f"NET/{name}/NET_NET_{name}_sm_{depth:.6f}_{depth:.6f}_Probe"
                content = f"{head}\n\r".encode() + _rows(times, rng)
                archive.writestr(f"{stem}_{span}.stm", content)


def ours(path: Path) -> pd.DataFrame:
    """Return table OBSERVATIONS."""
    from somobench.pipelines.ingest.report import make_observations_tables

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        sensors = _read(path, folder)
        return pd.concat(make_observations_tables(sensors, Path(folder)))


def stage(path: Path) -> pd.DataFrame:
    """Return the same, once it is written, compared with what was meant, and read."""
    from somobench.catalog.storage.atomic import write_parquet_parts
    from somobench.pipelines.ingest.report import make_observations_tables

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        parts = partial(make_observations_tables, _read(path, folder), Path(folder))
        table = Path(folder) / "observations.parquet"
        write_parquet_parts(parts, table)
        return pd.read_parquet(table)


def _read(path: Path, folder: str) -> Sequence[Any]:
    """Read the archive with every check and count; return the records of sensors."""
    from somobench.pipelines.ingest.reading import read_stations
    from somobench.pipelines.ingest.report import account
    from somobench.schemas.recipe import Recipe, load_recipe

    file = Path(__file__).parents[1] / "conf" / "recipe" / "ismn_era5.yaml"
    content = load_recipe(file).model_dump(mode="json")
    content["stations"]["minimum_days"] = 2
    recipe = Recipe.model_validate(content)
    ingested = read_stations([("ismn", path)], recipe, Path(folder))
    if ingested.rejections:
        raise RuntimeError(ingested.rejections[0])
    account(ingested, [], MINIMUM_COUNT)
    return ingested.sensors


def rival(path: Path, *, rebuild_index: bool = True) -> pd.DataFrame:
    """Return station, depth, day, mean and count by `ismn`."""
    from ismn.interface import ISMN_Interface  # type: ignore[import-untyped]

    warnings.simplefilter("ignore")
    interface = ISMN_Interface(
        path, temp_root=path.parent, force_metadata_collection=rebuild_index
    )
    found = []
    for number in interface.get_dataset_ids("soil_moisture", 0, 1):
        series, meta = interface.read_ts(number, return_meta=True)
        good = series.loc[series["soil_moisture_flag"] == "G", "soil_moisture"]
        days = good.resample("D").agg(["mean", "count"])
        days = days[days["count"] >= MINIMUM_COUNT].rename_axis("day").reset_index()
        station, depth = meta["station"]["val"], meta["instrument"]["depth_from"]
        found.append(days.assign(station=station, depth=round(100 * depth)))
    return pd.concat(found)[["station", "depth", "day", "mean", "count"]]


def rival_again(path: Path) -> pd.DataFrame:
    """Return the same once `ismn` has its index."""
    return rival(path, rebuild_index=False)


def inflate(path: Path) -> pd.DataFrame:
    """Unpack every member and return nothing."""
    from somobench.pipelines.stations.archive import open_archive

    with open_archive(path) as archive:
        for member in archive.members:
            archive.read_buffer(member.name)
    return pd.DataFrame()


def inflate_by_zlib(path: Path) -> pd.DataFrame:
    """Do the same without libdeflate."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            archive.read(name)
    return pd.DataFrame()


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "ours": ours,
    "stage": stage,
    "ismn": rival,
    "again": rival_again,
    "inflate": inflate,
    "zlib": inflate_by_zlib,
}
ONCE = ("ismn", "again")  # they take minutes
ROUNDS = 3


def run_reader(name: str, path: Path, result: Path) -> None:
    """Time one reader in this process; neither imports nor compiling are counted."""
    READERS[name](path.with_name("tiny.zip"))
    start, worked = time.perf_counter(), time.process_time()
    table = READERS[name](path)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    table.to_parquet(result)
    print(json.dumps({"seconds": seconds, "worked": worked, "MiB": peak}))


def measured(name: str, path: Path) -> dict[str, float]:
    """Run a reader in a process of its own.

    This process must still be small: a child's peak begins with its parent's.
    """
    result = path.with_name(f"{name}.parquet")
    command = [sys.executable, __file__, "--run", name, str(path), str(result)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    cost: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return cost


def measure_in_turns(path: Path) -> dict[str, dict[str, float]]:
    """Run every reader, and take the medians of what it cost."""
    costs: dict[str, list[dict[str, float]]] = {name: [] for name in READERS}
    for number in range(ROUNDS):
        for name, found in costs.items():
            if number == 0 or name not in ONCE:
                found.append(measured(name, path))
    return {
        name: {key: statistics.median(cost[key] for cost in found) for key in found[0]}
        for name, found in costs.items()
    }


def _plain(observations: pd.DataFrame) -> pd.DataFrame:
    """Name the columns of table OBSERVATIONS as `rival` does."""
    codes, names = pd.factorize(observations["sensor_id"])
    parts = [name.split("/") for name in names]
    stations = np.array([part[1] for part in parts])
    depths = np.array([int(part[2].partition("-")[0]) for part in parts])
    return pd.DataFrame(
        {
            "station": stations[codes],
            "depth": depths[codes],
            "day": observations["time"],
            "mean": observations["soil_moisture"],
            "count": observations["observation_count"],
        }
    )


def _same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    keys = ["station", "depth", "day"]
    one, other = (
        table.astype({"day": "datetime64[ns]"})
        .sort_values(keys, ignore_index=True)
        .astype({"count": int, "depth": int, "station": str})
        for table in (one, other)
    )
    pd.testing.assert_frame_equal(one, other, rtol=0, atol=1e-12)


def main(stations: int = 300, years: float = 5, folder: str | None = None) -> None:
    """Generate the archive if it is absent, run all readers, and compare."""
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(folder or temporary)
        path = place / f"Data_separate_files_header_{stations}_{years:g}.zip"
        if not path.exists():
            generate(path, stations, years)
        generate(place / "tiny.zip", 1, 1)
        with zipfile.ZipFile(path) as archive:
            sizes = [item.file_size for item in archive.infolist()]
        packed = path.stat().st_size / 1e6
        print(f"{len(sizes)} files, {sum(sizes) / 1e6:.0f} MB, {packed:.0f} MB packed")
        taken = measure_in_turns(path)
        own, theirs, again = (
            pd.read_parquet(place / f"{name}.parquet")
            for name in ("ours", "ismn", "again")
        )
        _same(_plain(own), theirs)
        _same(theirs, again)
        print(f"{len(own)} sensor-days, equal in all")
        for name, cost in taken.items():
            faster = taken["ismn"]["seconds"] / cost["seconds"]
            lighter = taken["ismn"]["worked"] / cost["worked"]
            print(
                f"{name:8} {cost['seconds']:7.2f} s, {faster:.1f}x; on processors "
                f"{cost['worked']:7.2f} s, {lighter:.1f}x; peak {cost['MiB']:.0f} MiB"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run_reader(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        asked = sys.argv[1:]
        main(*map(int, asked[:1]), *map(float, asked[1:2]), *asked[2:3])
