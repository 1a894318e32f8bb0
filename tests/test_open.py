"""The package's own door: cheap to import, open in many processes at once."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import somobench
from factories.releases import RELEASE
from somobench.schemas.errors import SomobenchError

pytestmark = pytest.mark.heavy

HEAVY = ("numpy", "pandas", "xarray", "zarr", "intake", "dask", "pandera", "pooch")


def loaded_by(statement: str) -> set[str]:
    code = f"import sys, json; {statement}; print(json.dumps(list(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    return set(json.loads(answer.stdout))


@pytest.mark.parametrize(
    "statement",
    [
        "import somobench",
        "import somobench; somobench.SomobenchError",
        "import somobench; somobench.list_releases()",
        "import somobench.cli",
    ],
)
def test_importing_and_listing_loads_nothing_heavy(statement: str) -> None:
    assert loaded_by(statement).isdisjoint(HEAVY)


def test_opening_in_memory_loads_neither_intake_nor_pandera(toy: Path) -> None:
    statement = (
        f"import somobench; somobench.open_dataset('state', release='{RELEASE}')"
    )
    assert loaded_by(statement).isdisjoint({"intake", "pandera", "dvc", "pooch"})


@pytest.mark.once  # the oldest xarray loads them with any array
def test_opening_in_memory_without_lags_loads_no_arrays_of_dask(toy: Path) -> None:
    which = f"release='{RELEASE}', split='temporal', scaling='train'"
    statement = f"import somobench; somobench.open_dataset('forcing', {which})"
    assert loaded_by(statement).isdisjoint({"dask.array", "scipy"})


def test_every_public_name_is_there() -> None:
    assert all(hasattr(somobench, name) for name in somobench.__all__)
    assert set(somobench.__all__) <= set(dir(somobench))
    assert somobench.SomobenchError is SomobenchError
    with pytest.raises(AttributeError, match="nonsense"):
        somobench.nonsense  # noqa: B018


def test_list_releases_names_local_ones(toy: Path) -> None:
    assert RELEASE in somobench.list_releases()


def test_a_lazy_dataset_is_read_on_demand_and_equals_the_one_in_memory(
    toy: Path,
) -> None:
    lazy = somobench.open_dataset("memory", release=RELEASE, lazy=True)
    eager = somobench.open_dataset("memory", release=RELEASE)
    assert lazy["precipitation"].chunks is not None
    xr.testing.assert_identical(lazy.compute(), eager)
    one = lazy["precipitation"].isel(cell=0, lag=0).compute(scheduler="synchronous")
    np.testing.assert_array_equal(one, eager["precipitation"].isel(cell=0, lag=0))


def test_another_working_directory_and_time_zone_change_nothing(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = somobench.open_dataset("state", release=RELEASE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Asia/Seoul")
    there = somobench.open_dataset("state", release=RELEASE)
    xr.testing.assert_identical(here, there)


def _total(dataset: xr.Dataset) -> float:
    return float(
        dataset["soil_moisture"].sum().compute(scheduler="synchronous").to_numpy()
    )


def _totals(dataset: xr.Dataset) -> list[float]:
    return [_total(dataset) for _ in range(20)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_forked_children_read_what_their_parent_opened(toy: Path) -> None:
    lazy = somobench.open_dataset("forcing", release=RELEASE, lazy=True)
    expected = [_total(lazy)] * 20
    with ProcessPoolExecutor(3, multiprocessing.get_context("fork")) as pool:
        assert list(pool.map(_totals, [lazy] * 3)) == [expected] * 3
        assert _totals(lazy) == expected


def test_dask_processes_read_one_zip(toy: Path) -> None:
    lazy = somobench.open_dataset("forcing", release=RELEASE, lazy=True)
    eager = somobench.open_dataset("forcing", release=RELEASE)
    found = lazy.compute(scheduler="processes", num_workers=2)
    xr.testing.assert_identical(found, eager)
