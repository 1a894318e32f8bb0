"""The same work for many items: in this process, on all its cores, or on Dask.

A Dask scheduler is asked where one is named, by argument or by `SOMOBENCH_DASK`:
`local` starts a cluster on this machine, anything else is the address of one that runs.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import TYPE_CHECKING, Any, TypeVar

from somobench.bound import BindingName
from somobench.progress import tell_step
from somobench.schemas.errors import SomobenchError, UsageError

if TYPE_CHECKING:
    from distributed import Client

Inputs = TypeVar("Inputs")
Item = TypeVar("Item")
Result = TypeVar("Result")
SCHEDULER = "SOMOBENCH_DASK"
LOCAL = "local"
_task: tuple[Callable[[Any, Any], Any], Any] | None = None
"""What a worker process does, and what it does it with."""
_read: dict[str, Any] = {}
"""On a worker of Dask: what was read for the run that it works for, by its token."""


class BoundProcess(SpawnProcess):
    """A worker that ends with the process that started it, whatever it is at."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.name = BindingName(self.name)


class BoundContext(SpawnContext):
    """How workers start."""

    Process = BoundProcess


def map_items(
    work: Callable[[Inputs, Item], Result],
    items: Sequence[Item],
    read: Callable[[], Inputs],
    processes: int,
    scheduler: str | None = None,
    *,
    held: Inputs | None = None,
) -> list[Result]:
    """Do work for every item, such as a split, and return the results in their order.

    On Dask an item whose worker dies is done again by another one, so that work which
    writes files has to write the same ones again.

    Parameters
    ----------
    work : callable
        Of what `read` gives and an item. With several processes both are sent to them,
        so they have to be importable.
    items : sequence
    read : callable
        Called once in every process: inputs are read there, and never sent.
    processes : int
        With one, all is done in this process, unless a scheduler is named.
    scheduler : str, optional
        `local` for a Dask cluster of so many processes on this machine, or an address;
        by default what `SOMOBENCH_DASK` says, and without that no Dask at all.
    held : optional
        What `read` would give, where this process has it: taken if all is done here.

    Raises
    ------
    UsageError
        If there is no scheduler at the address.
    SomobenchError
        If a process ends before its work is done.
    """
    scheduler = scheduler or os.environ.get(SCHEDULER)
    if scheduler and items:
        with connect(scheduler, processes) as client:
            return _map_on_dask(client, work, items, read)
    processes = min(processes, len(items))
    if processes <= 1:
        if not items:
            return []
        inputs = read() if held is None else held
        return list(_tell_each((work(inputs, item) for item in items), items))
    pool = ProcessPoolExecutor(
        processes, BoundContext(), initializer=_prepare, initargs=(work, read)
    )
    try:
        with pool:
            return list(_tell_each(pool.map(_do, items), items))
    except BrokenProcessPool as error:
        raise SomobenchError(
            "worker processes",
            found="one ended before its work was done",
            expected=f"{processes} that live until the end",
            hint="killed for memory, as a rule: give more of it, or fewer processes",
        ) from error


@contextmanager
def connect(scheduler: str, processes: int) -> Iterator[Client]:
    """Connect to a scheduler, or start a cluster of this machine for as long.

    Raises
    ------
    UsageError
        If there is none at the address.
    """
    try:
        import distributed
    except ImportError as error:
        raise UsageError(
            "Dask",
            found=error,
            expected="dask.distributed",
            hint="pip install 'somobench[scale]'",
        ) from error
    make_cluster: Any = distributed.LocalCluster
    make_client: Any = distributed.Client
    if scheduler == LOCAL:
        with (
            _bind_workers_of_dask(),
            make_cluster(
                n_workers=max(processes, 1),
                threads_per_worker=1,
                dashboard_address=None,
            ) as cluster,
            make_client(cluster) as client,
        ):
            yield client
        return
    try:
        client = make_client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise UsageError(
            "Dask scheduler",
            found=f"none at {scheduler[:200]}",
            expected=f"its address, such as tcp://host:8786, or {LOCAL}",
            hint=f"--scheduler, or the environment variable {SCHEDULER}",
        ) from error
    with client:
        yield client


@contextmanager
def _bind_workers_of_dask() -> Iterator[None]:
    """Let the workers that Dask starts here be bound from their beginning.

    By itself it binds them when they have loaded it, seconds later.
    """
    import distributed.process

    starting: Any = distributed.process
    usual = starting.get_mp_context
    starting.get_mp_context = BoundContext
    try:
        yield
    finally:
        starting.get_mp_context = usual


def _map_on_dask(
    client: Client,
    work: Callable[[Inputs, Item], Result],
    items: Sequence[Item],
    read: Callable[[], Inputs],
) -> list[Result]:
    token = secrets.token_hex(8)
    do = partial(_do_on_dask, token, work, read)
    futures = client.map(do, items, pure=False)
    return list(_tell_each((future.result() for future in futures), items))


def _do_on_dask(
    token: str,
    work: Callable[[Any, Any], Any],
    read: Callable[[], Any],
    item: Any,
) -> Any:
    if token not in _read:
        _read.clear()
        _read[token] = read()
    return work(_read[token], item)


def _tell_each(results: Iterable[Result], items: Sequence[Item]) -> Iterator[Result]:
    """Pass results on, and say which is waited for."""
    waiting = iter(results)
    for number, item in enumerate(items, 1):
        name = f", {item}" if isinstance(item, str) else ""
        tell_step(f"{number} of {len(items)}{name}")
        yield next(waiting)


def _prepare(work: Callable[[Inputs, Item], Any], read: Callable[[], Inputs]) -> None:
    global _task  # noqa: PLW0603 - a worker has one task for its whole life
    _task = work, read()


def _do(item: Any) -> Any:
    if _task is None:
        message = "a worker is asked before it is prepared"
        raise RuntimeError(message)
    work, inputs = _task
    return work(inputs, item)
