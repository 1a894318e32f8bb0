"""From the start of a process to its first dataset, and one cell's series after it.

    python benchmarks/harness.py bench_open

Of the release that the package brings, `virtual-2.0.0`. xarray alone is the floor;
where Dask is installed xarray loads it with its first array.
"""

from __future__ import annotations

import subprocess
import sys

import xarray as xr
from harness import Arrays, Race

import somobench

RELEASE = {"release": "virtual-2.0.0", "split": "temporal", "scaling": "train"}
OPEN = f"import somobench; somobench.open_dataset('forcing', **{RELEASE})"


def _start(code: str) -> Arrays:
    subprocess.run([sys.executable, "-c", code], check=True)
    return {}


def take_cell(opened: xr.Dataset) -> Arrays:
    """Take all variables of one cell."""
    cell = opened.isel(cell=7).load()
    return {"soil_moisture": cell["soil_moisture"].to_numpy()}


RACES = {
    "start": Race(
        "process start to first dataset",
        lambda: None,
        {
            "ours": lambda _: _start(OPEN),
            "import xarray": lambda _: _start("import xarray"),
            "xarray's first array": lambda _: _start(
                "import xarray as x; x.DataArray(1)"
            ),
        },
        {"import xarray": 1 / 1.2},
    ),
    "cell": Race(
        "one cell, all variables, in memory",
        lambda: somobench.open_dataset("forcing", **RELEASE),  # type: ignore[arg-type]
        {"ours": take_cell},
        {"ours": 0.01},
    ),
}
