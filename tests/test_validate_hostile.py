"""Hostile files given to `validate`: no other file is read, no memory filled."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from factories.faults.bombs import BOMBS, one_text_again_and_again
from factories.good.grids import GOOD as GRIDS
from factories.warm.python import run_warm
from somobench.schemas.errors import InputError
from somobench.validate import validate_file

pytestmark = pytest.mark.heavy

MOST_MEMORY = 512_000  # kB, of which libraries take about 300
SECRET = "hush-4711"


def keep_values_elsewhere(path: Path, secret: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["cell"]
        kept = [(str(secret), 0, len(SECRET))]
        file.create_dataset("cell", (1,), f"S{len(SECRET)}", external=kept)


def link_elsewhere(path: Path, secret: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["cell"]
        file["cell"] = h5py.ExternalLink(str(secret.with_suffix(".h5")), "/x")


def map_elsewhere(path: Path, secret: Path) -> None:
    layout = h5py.VirtualLayout((1,), f"S{len(SECRET)}")
    layout[:] = h5py.VirtualSource(str(secret.with_suffix(".h5")), "x", (1,))
    with h5py.File(path, "a") as file:
        del file["cell"]
        file.create_virtual_dataset("cell", layout)


ELSEWHERE: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "external storage": (keep_values_elsewhere, "values in another file"),
    "external link": (link_elsewhere, "external link"),
    "virtual array": (map_elsewhere, "a virtual array"),
}


@pytest.mark.parametrize("case", ELSEWHERE)
def test_no_other_file_is_read(tmp_path: Path, case: str) -> None:
    change, match = ELSEWHERE[case]
    path, secret = tmp_path / "mine.nc", tmp_path / "secret"
    secret.write_text(SECRET)
    with h5py.File(secret.with_suffix(".h5"), "w") as file:
        file["x"] = np.array([SECRET], "S")
    GRIDS["targets"]().to_netcdf(path, engine="h5netcdf")
    change(path, secret)
    with pytest.raises(InputError, match=match) as error:
        validate_file(path)
    assert SECRET not in str(error.value)


FILES = {
    name: BOMBS[name][:2]
    for name in ("sparse HDF5", "large chunk in Zarr", "rows of one value")
} | {"one text again and again": ("a.parquet", one_text_again_and_again)}


MEASURE = """
import re, sys
from pathlib import Path
from somobench.check_files import main
main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def measure_check(path: Path, folder: Path) -> tuple[int, dict[str, Any]]:
    """Return the most memory of a child, kB, and its refusal."""
    folder.mkdir()
    command = [sys.executable, "-P", "-c", MEASURE, str(path), str(folder)]
    done = run_warm(command, capture_output=True, text=True, check=True)
    return int(done.stdout), json.loads((folder / "refusal.json").read_text())


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells the memory")
@pytest.mark.filterwarnings("ignore:.*Zarr V3.*")
@pytest.mark.parametrize("bomb", FILES)
def test_small_file_is_refused_in_little_memory(tmp_path: Path, bomb: str) -> None:
    name, write = FILES[bomb]
    memory, said = measure_check(write(tmp_path / name), tmp_path / "out")
    assert memory < MOST_MEMORY
    assert said["expected"]


def test_nested_columns_are_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"split": [["a"]], "role": ["train"]})
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="texts, days or numbers"):
        validate_file(tmp_path / "a.parquet")


@pytest.mark.usefixtures("cold_start")
def test_installed_accelerators_of_xarray_take_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A numbagg that can't be loaded stands for one that needs more than is left."""
    (tmp_path / "numbagg.py").write_text("raise MemoryError\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    path = tmp_path / "targets.nc"
    GRIDS["targets"]().to_netcdf(path, engine="h5netcdf")
    assert [report.failures for report in validate_file(path)] == [()]
