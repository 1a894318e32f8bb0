"""Run the programs of a build, and end them with it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from somobench.schemas.errors import SomobenchError

GATE = 'read -r _ || exit 1; exec "$@" </dev/null'
"""What a program waits for: a line that says that its end is seen to."""
STDERR = 2  # the file descriptor, whatever sys.stderr was replaced by
PATIENCE = 5.0  # seconds that an interrupted program gets to end by itself


def make_runner(
    folder: Path, environment: Mapping[str, str], lock: IO[bytes]
) -> Callable[..., None]:
    """Return a function that runs a program in the private copy.

    The program's output goes to standard error. It inherits the lock, so that one that
    outlives a killed build still keeps the next build out of its folder.
    """

    def run(step: str, *command: str) -> None:
        with (
            subprocess.Popen(
                ["sh", "-c", GATE, "sh", *command],
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=STDERR,
                pass_fds=(lock.fileno(),),
                start_new_session=True,
            ) as process,
            _end_with_us(process),
        ):
            process.communicate(b"\n")
            status = process.returncode
        if status:
            error = SomobenchError(
                f"step '{step}' of the build of {folder.name}",
                found=f"{command[0]} ended with status {status}",
                expected="status 0",
                hint="read the messages above; nothing was published",
            )
            error.exit_code = status if status in range(1, 6) else 1
            raise error

    return run


@contextmanager
def _end_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a program and all that it started when this process ends, however it ends.

    A shell waits for a line from us. If there comes none, we were killed, and it kills
    the program's group. An interruption from the keyboard reaches the group through us.
    """
    guard = f"read -r _ || kill -KILL -{process.pid}"
    with subprocess.Popen(
        ["sh", "-c", guard], stdin=subprocess.PIPE, start_new_session=True
    ) as watcher:
        try:
            yield
        except BaseException:
            _end_group(process)
            raise
        finally:
            watcher.communicate(b"\n")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        os.killpg(process.pid, signal.SIGKILL)
