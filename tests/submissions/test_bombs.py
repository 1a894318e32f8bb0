"""Small files that would fill the memory: refused in little memory and time."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.faults.bombs import BOMBS, grid_file
from factories.scoring import predicted
from factories.warm.python import run_warm
from somobench.schemas.errors import InputError
from somobench.submissions import limits
from somobench.submissions.limits import FREE_BYTES, FREE_VALUES, LARGEST_RATIO
from somobench.submissions.submission import open_submission

pytestmark = pytest.mark.heavy

MOST_MEMORY = 512  # MB, parent and child, of which libraries take about 160
MOST_SECONDS = 30  # of which starting two interpreters takes most; 2 to 4 when idle

MEASURE = r"""
import json, re, resource, sys, time
from pathlib import Path
from somobench.schemas.errors import InputError
from somobench.submissions.submission import open_submission
start = time.monotonic()
try:
    open_submission(sys.argv[1])
    said = "accepted"
except InputError as error:
    said = str(error)
status = Path("/proc/self/status").read_text()
parent = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(json.dumps([said, time.monotonic() - start, parent, child]))
"""


def measure(path: Path) -> tuple[str, float, int, int]:
    """Open a submission in a new process: what was said, s, MB of parent and child."""
    command = [sys.executable, "-c", MEASURE, str(path)]
    done = run_warm(command, capture_output=True, text=True, check=True)
    said, seconds, parent, child = json.loads(done.stdout)
    return said, seconds, parent, child


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.filterwarnings("ignore:.*Zarr V3.*")
def test_small_file_is_refused_in_little_memory(tmp_path: Path, bomb: str) -> None:
    name, write, match = BOMBS[bomb]
    path = write(tmp_path / name)
    size = sum(f.stat().st_size for f in [path, *path.rglob("*")] if f.is_file())
    assert size < 8_000_000
    said, seconds, parent, child = measure(path)
    assert match in said
    assert parent < MOST_MEMORY
    assert child < MOST_MEMORY
    assert seconds < MOST_SECONDS


def test_small_file_that_is_read_takes_little_memory(tmp_path: Path) -> None:
    # Just below what a file of any size may declare: 60 MB of zeros.
    numbers = np.arange(-90_000, 10_000)
    days = {"data": numbers, "compression": "gzip", "shuffle": True}
    ids = np.array([f"{number:03d}.125_10.125" for number in range(150)], "S")
    values = {"shape": (1, 150, 100_000), "dtype": "f4", "chunks": (1, 150, 1000)}
    labels = {"time": days, "cell": {"data": ids}}
    path = grid_file(tmp_path / "a.nc", values, labels)
    assert path.stat().st_size < 1_000_000
    assert FREE_BYTES > 60_000_000
    said, _, parent, child = measure(path)
    assert said == "accepted"
    assert parent < MOST_MEMORY
    assert child < MOST_MEMORY


def test_predictions_with_many_missing_days_are_no_bomb(tmp_path: Path) -> None:
    grid = predicted(0.3).to_dataset(name="soil_moisture").isel(time=[3])
    grid = grid.reindex(time=pd.date_range("1990-01-01", "2060-01-01", unit="ns"))
    grid["soil_moisture"].attrs["units"] = "m3 m-3"
    packed = {"soil_moisture": {"zlib": True, "complevel": 9}}
    grid.to_netcdf(tmp_path / "a.nc", engine="h5netcdf", encoding=packed)
    found = open_submission(tmp_path / "a.nc").grid["soil_moisture"]
    assert int(np.isfinite(found).sum()) == 2 * 6


@pytest.mark.filterwarnings("ignore:.*Zarr V3.*")
def test_far_more_values_than_the_release_has_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "FREE_VALUES", 1900)
    grid = predicted(0.3).to_dataset(name="soil_moisture")
    asked = 2 * 6 * 160
    frame = predicted(0.3).to_dataframe(name="soil_moisture")
    sources: list[Any] = [grid, frame]
    for source in sources:
        open_submission(source, asked=asked // 4)
        with pytest.raises(InputError, match="1920 values: "):
            open_submission(source, asked=asked // 4 - 1)
    members = xr.concat([grid] * 9, "member")
    assert open_submission(members, asked=asked // 4).grid.sizes["member"] == 9


def test_values_of_a_file_are_counted_before_they_are_read(tmp_path: Path) -> None:
    numbers = np.arange(-90_000, 10_000)
    days = {"data": numbers, "compression": "gzip", "shuffle": True}
    ids = np.array([f"{number:03d}.125_10.125" for number in range(161)], "S")
    values = {"shape": (1, 161, 100_000), "dtype": "i1", "chunks": (1, 161, 1000)}
    labels = {"time": days, "cell": {"data": ids}}
    path = grid_file(tmp_path / "a.nc", values, labels)
    with pytest.raises(InputError, match="16100000 values: "):
        open_submission(path, asked=263_040)


def test_rows_may_leave_out_most_combinations() -> None:
    frame = predicted(0.3).to_dataframe(name="soil_moisture").iloc[::60]
    assert len(frame) * LARGEST_RATIO < FREE_VALUES
    assert int(np.isfinite(open_submission(frame).grid["soil_moisture"]).sum()) == 32
