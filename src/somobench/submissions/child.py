"""Read a submission in a child process, and take over the arrays that it leaves.

The child is `reader`. Its replies are small, and its arrays are mapped only if their
sizes are those of their files: nothing that it writes is trusted.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.bound import make_command
from somobench.catalog.storage.scratch import make_scratch
from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import DIMS, LONGEST_NAME, PREDICTION
from somobench.submissions.gridded.request import Wanted
from somobench.submissions.layout import Understood
from somobench.submissions.reader import FACTS, REFUSAL, REFUSED, REQUEST

TIMEOUT = 900  # s that reading may take
MAXIMUM_REPLY = 100_000  # bytes of what the child says
LONGEST_NOTE = 1000  # letters
NEEDED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH")
"""Variables by which Python finds its libraries; the child inherits no other."""
# The child loads no filter from this machine's plug-in folders, starts no threads, and
# takes no address space for threads that it doesn't have.
ENVIRONMENT = {
    "HDF5_PLUGIN_PRELOAD": "::",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "PYTHONUTF8": "1",
}
_KINDS = {"lead_time": "i", "layer": "i", "cell": "U", "time": "M", "member": "i"}
"""Kinds of dtype in which the child hands labels over."""


def read_in_child(
    path: Path, asked: int | None = None, wanted: Wanted | None = None
) -> Understood:
    """Read a submission in a process that may do nothing else.

    Parameters
    ----------
    path : file or folder
    asked : int, optional
        Values that a release has: cells x layers x days.
    wanted : Wanted, optional
        What a model's own grid is brought to.

    Raises
    ------
    InputError
        For what the child refuses, or if it ends otherwise.
    """
    given = [str(asked)] if asked else []
    request = None if wanted is None else wanted.to_json()
    with run_confined("somobench.submissions", path, *given, request=request) as folder:
        return _map_arrays(path, folder)


@contextmanager
def run_confined(
    module: str, path: Path, *arguments: str, request: str | None = None
) -> Iterator[Path]:
    """Run a module of ours that confines itself; give the folder of what it leaves.

    Parameters
    ----------
    module : str
        Called with the path, the folder and the arguments; see `reader`.
    path : file or folder
        The only one that it may read.
    request : str, optional
        Left for it in the folder as `REQUEST`.

    Raises
    ------
    InputError
        For what it refuses, or if it ends otherwise.
    """
    with make_scratch() as created:
        folder = created.resolve()
        command = make_command(module, str(path.resolve()), str(folder))
        if request is not None:
            (folder / REQUEST).write_text(request, encoding="utf-8")
        inherited = {name: os.environ[name] for name in NEEDED if name in os.environ}
        with (folder / "errors.txt").open("wb") as errors:
            try:
                ended = subprocess.run(
                    [*command, *arguments],
                    cwd=folder,
                    env=inherited | ENVIRONMENT | {"TMPDIR": str(folder)},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    timeout=TIMEOUT,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise _make_read_error(path, f"no end after {TIMEOUT} s") from None
        if ended.returncode == REFUSED:
            raise _read_refusal(path, folder)
        if ended.returncode != 0:
            raise _make_read_error(
                path, _explain_end(ended.returncode, folder / "errors.txt")
            )
        yield folder


def _explain_end(status: int, errors: Path) -> str:
    """Say how the reader ended; where it could not start, with Python's last words."""
    if status < 0:
        return f"its reader was stopped by signal {-status}"
    with errors.open("rb") as stream:
        stream.seek(max(0, errors.stat().st_size - LONGEST_NAME))
        last = stream.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    return f"its reader ended with status {status}: {last}"


def _make_read_error(path: Path, found: str) -> InputError:
    return InputError(
        f"submission {path.name}",
        found=found,
        expected="a file that is read within the limits on memory and time",
    )


def _read_refusal(path: Path, folder: Path) -> InputError:
    """Return what the child refused, its texts alone."""
    said = read_reply(path, folder / REFUSAL)
    what, found, expected, hint = (
        None if said.get(key) is None else str(said[key])
        for key in ("what", "found", "expected", "hint")
    )
    return InputError(
        what or f"submission {path.name}", found=found, expected=expected, hint=hint
    )


def read_reply(path: Path, reply: Path, *, most: int = MAXIMUM_REPLY) -> dict[str, Any]:
    """Read a small JSON object that the child left.

    Raises
    ------
    InputError
        If there is none, or one of more bytes than `most`.
    """
    try:
        if reply.stat().st_size > most:
            raise _make_read_error(path, f"a reply of {reply.stat().st_size} bytes")
        said = json.loads(reply.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _make_read_error(path, "no reply of its reader") from error
    if not isinstance(said, dict):
        raise _make_read_error(path, "no reply of its reader")
    return said


def _map_arrays(path: Path, folder: Path) -> Understood:
    """Map what the child left into memory, each array of the kind that it must be.

    Values are read from the file as they are used; none of it is copied.
    """
    facts = read_reply(path, folder / FACTS)
    dims = [dim for dim in DIMS if dim in facts.get("dims", ())]
    try:
        labels = {
            dim: _map_array(folder / f"{dim}.npy", kind=_KINDS[dim], dims=1)
            for dim in dims
        }
        values = _map_array(folder / f"{PREDICTION}.npy", kind="f", dims=len(dims))
    except (OSError, ValueError, EOFError) as error:
        raise _make_read_error(path, "no arrays of its reader") from error
    notes = tuple(str(note)[:LONGEST_NOTE] for note in facts.get("notes", ()))
    gridded = facts.get("gridded")
    grid = xr.Dataset({PREDICTION: (tuple(dims), values)}, labels)
    return Understood(grid, notes, gridded if isinstance(gridded, dict) else None)


def _map_array(path: Path, *, kind: str, dims: int) -> NDArray[Any]:
    """Map an array whose size is that of its file."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.dtype.kind != kind or array.ndim != dims:
        message = f"{array.dtype} over {array.ndim} dims"
        raise ValueError(message)
    return np.asarray(array)
