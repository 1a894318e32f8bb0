"""Processes of pools, and workers of Dask, that start with the libraries loaded.

They are forks of a server that has loaded what others wrote; all of our code is loaded
in each of them, in the environment that its starter had.
"""

from __future__ import annotations

import os
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.forkserver import set_forkserver_preload

LIBRARIES = (
    *("dask.array", "distributed", "numba", "pandera.pandas", "pandera.xarray"),
    *("pyarrow.parquet", "pydantic", "scipy.stats", "sklearn.ensemble", "xarray"),
    *("yaml", "zarr"),
)


class WarmProcess(ForkServerProcess):
    """A process with the environment of the one that asked for it."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self.environment = dict(os.environ)

    def run(self) -> None:
        os.environ.clear()
        os.environ.update(self.environment)
        super().run()


class WarmContext(ForkServerContext):
    """How they start, in place of `somobench.parallel.BoundContext`."""

    Process = WarmProcess

    def __init__(self) -> None:
        set_forkserver_preload(list(LIBRARIES))
