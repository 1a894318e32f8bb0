"""Damaged submissions and zips: the right data, or a refusal in our words."""

from __future__ import annotations

import contextlib
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from factories.faults.fuzzed import stores, zips
from factories.faults.fuzzed.deliveries import make_site_zip
from factories.faults.fuzzed.submissions import ODD, make_grid, make_members
from somobench.pipelines.forcing.era5.files.members import find_members
from somobench.pipelines.stations import Rejection
from somobench.pipelines.stations.fluxnet import FluxnetSource
from somobench.schemas.errors import InputError
from somobench.submissions.submission import open_submission

pytestmark = pytest.mark.heavy

QUICK = [name for name in zips.DEFECTS if "zeros" not in name and "70,000" not in name]
PICKLES = [name for name in stores.ONCE[2] if "pickle" in name]
HUGE = ("a shape of a billion", "chunks of a billion", "a chunk that unpacks to 1 GB")


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_submission_is_refused_at_once(
    tmp_path: Path, name: str, rng: np.random.Generator
) -> None:
    path, start = tmp_path / "given", time.process_time()
    ODD[name](path, rng)
    with pytest.raises(InputError, match="expected:"):
        open_submission(path)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("name", [*PICKLES, *HUGE])
def test_store_that_could_do_harm_is_refused(
    tmp_path: Path, name: str, rng: np.random.Generator
) -> None:
    path = tmp_path / "given"
    path.write_bytes(zips.pack(stores.ONCE[2][name](make_members(2), rng)))
    stores.EXECUTED.unlink(missing_ok=True)
    with pytest.raises(InputError, match="expected:"):
        open_submission(path)
    assert not stores.EXECUTED.exists()


def test_the_store_that_is_damaged_is_good(tmp_path: Path) -> None:
    path = tmp_path / "given"
    path.write_bytes(zips.pack(make_members(2)))
    found = open_submission(path).grid["soil_moisture"].to_numpy()
    np.testing.assert_array_equal(found, make_grid()["soil_moisture"])


@pytest.mark.parametrize("name", QUICK)
def test_damaged_zip_of_a_tower_is_told_or_refused(
    tmp_path: Path, name: str, rng: np.random.Generator
) -> None:
    path, good = tmp_path / "a.zip", make_site_zip()
    path.write_bytes(zips.pack({"a.zip": good, "b.zip": zips.spoil(good, name, rng)}))
    found = list(FluxnetSource().read(path))
    assert [it for it in found if not isinstance(it, Rejection)]
    path.write_bytes(zips.spoil(good, name, rng))
    with contextlib.suppress(InputError):
        list(FluxnetSource().read(path))


@pytest.mark.parametrize("name", QUICK)
def test_damaged_zip_of_weather_is_told_or_refused(
    tmp_path: Path, name: str, rng: np.random.Generator
) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(
        zips.spoil(zips.pack({"a.nc": b"CDF\1", "b.txt": b"x"}), name, rng)
    )
    refused: list[InputError] = []
    with ExitStack() as stack:
        found, passed_over = find_members(path, stack, refused.append)
    assert found or passed_over or refused
