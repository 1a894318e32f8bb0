"""Processes that end with the one that started them, however that ends.

A module of ours is run as `python -m somobench.bound PARENT MODULE ...`, and a worker
gets a `BindingName`: both are bound before they load anything that takes time. So
nothing else is imported here.
"""

from __future__ import annotations

import os
import signal
import sys

SIGNAL_OF_PARENT_DEATH = 1  # PR_SET_PDEATHSIG of Linux


def make_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module for as long as this process lives."""
    launcher = [sys.executable, "-P", "-m", __name__, str(os.getpid())]
    return [*launcher, module, *arguments]


def bind_to_parent(parent: int) -> None:
    """Let this process be killed when its parent ends; end, if that is gone already.

    Parameters
    ----------
    parent : int
        The process that started this one. Only Linux tells of its end.
    """
    if sys.platform != "linux":
        return
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(SIGNAL_OF_PARENT_DEATH, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


class BindingName(str):
    """Name of a process of `multiprocessing`, the first thing that the process reads.

    Reading it binds the process to the one that wrote it.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[object, tuple[int, str]]:
        return _bind_and_name, (os.getpid(), str(self))


def _bind_and_name(parent: int, name: str) -> str:
    bind_to_parent(parent)
    return name


if __name__ == "__main__":
    import runpy

    bind_to_parent(int(sys.argv[1]))
    sys.argv[:] = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
