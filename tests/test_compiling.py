"""Sums of compiled loops against numpy's, and loops that other processes compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from somobench.compiling import LANES, sum_pairwise


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 127, 128, 129, 136, 1000, 8001])
def test_pairwise_sum_has_the_bits_of_numpys(
    rng: np.random.Generator, size: int
) -> None:
    values = rng.standard_normal((3, size + 4))
    expected = values[:, 2 : size + 2].copy().sum(axis=1)
    found = [sum_pairwise(row, 2, size + 2, np.empty(LANES)) for row in values]
    np.testing.assert_array_equal(found, expected)


DAYS = """
import numpy as np
from somobench.pipelines.stations.selection_kernel import average_days
minutes = np.arange(0, 200 * 60, 60)
assert average_days(minutes, np.full(minutes.size, 0.3), 6)[0].tolist() == [*range(9)]
"""
ANOMALIES = """
import numpy as np
from somobench.metrics.kernels.series import fill_anomalies
found = np.ones((1, 400))
fill_anomalies(np.full((1, 400), 0.3), 17, found)
assert not found.any()
"""


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.heavy
def test_loops_run_whichever_process_compiled_what_they_share(tmp_path: Path) -> None:
    for code in (DAYS, ANOMALIES, DAYS, ANOMALIES):
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
            check=True,
        )
