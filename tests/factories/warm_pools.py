"""Processes of pools, and workers of Dask, that start with the libraries loaded.

They are forks of a server that has loaded what others wrote; all of our code is loaded
in each of them, in the environment that its starter had.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.forkserver import ensure_running, set_forkserver_preload
from typing import Any

LIBRARIES = (
    *("dask.array", "distributed", "numba", "pandera.pandas", "pandera.xarray"),
    *("pyarrow.parquet", "pydantic", "scipy.stats", "sklearn.ensemble", "xarray"),
    *("yaml", "zarr"),
)


class _Process(ForkServerProcess):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.environment = dict(os.environ)

    def run(self) -> None:
        os.environ.clear()
        os.environ.update(self.environment)
        super().run()


class _Context(ForkServerContext):
    Process = _Process


def get_warm_context(_: str) -> _Context:
    """Return what starts processes, in place of `multiprocessing.get_context`."""
    set_forkserver_preload(list(LIBRARIES))
    return _Context()


def warm(
    connect: Callable[[str, int], AbstractContextManager[Any]],
) -> Callable[[str, int], AbstractContextManager[Any]]:
    """Let a function that starts clusters of Dask start their workers likewise."""

    @contextmanager
    def connect_warm(scheduler: str, processes: int) -> Iterator[Any]:
        import dask
        import distributed  # noqa: F401 - adds its settings

        set_forkserver_preload(list(LIBRARIES))
        ensure_running()
        settings = {
            "distributed.worker.multiprocessing-method": "forkserver",
            "distributed.nanny.environ": dict(os.environ),
        }
        with dask.config.set(settings), connect(scheduler, processes) as client:
            yield client

    return connect_warm
