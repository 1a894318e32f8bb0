"""Python processes that start at once: forks of one that has loaded the libraries.

All of our code runs in them from its first line, in the folder and the environment that
were asked for; only what others wrote is there already, which takes most of a start.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from somobench.submissions.child import ENVIRONMENT, NEEDED
from somobench.submissions.hidden import OPTIONAL

LIBRARIES = ("h5netcdf", "h5py", "pandas", "pyarrow.parquet", "xarray", "zarr.storage")
MORE = ("dask.array", "pandera.pandas", "pandera.xarray", "pydantic", "yaml")
LAUNCHER = "somobench.bound"
READER = "somobench.submissions"  # does without optional libraries

SERVER = """
import importlib, json, os, runpy, sys, traceback

hidden, libraries = map(json.loads, sys.argv[1:])
sys.modules.update(dict.fromkeys(hidden))
for name in libraries:
    importlib.import_module(name)


def become(asked):
    reading, writing = os.O_RDONLY, os.O_WRONLY | os.O_APPEND
    for stream, flags in (("stdin", reading), ("stdout", writing), ("stderr", writing)):
        opened = os.open(asked[stream], flags)
        os.dup2(opened, getattr(sys, stream).fileno())
        os.close(opened)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    added = asked["env"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [path for path in added if path]
    form, code, *sys.argv[1:] = asked["arguments"]
    sys.argv[0] = form
    if form == "-m":
        runpy.run_module(code, run_name="__main__", alter_sys=True)
    else:
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})


for line in sys.stdin:
    child = os.fork()
    if child:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    status = 0
    try:
        become(json.loads(line))
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
"""
"""Reads a line that says what to run, and writes one that says how it ended."""


def run_warm(
    command: list[str],
    *,
    cwd: Path | str | None = None,
    env: dict[str, str] | None = None,
    stdout: IO[bytes] | int | None = None,
    stderr: IO[bytes] | int | None = None,
    capture_output: bool = False,
    text: bool = False,
    check: bool = False,
    **_: Any,
) -> subprocess.CompletedProcess[Any]:
    """Run `python [-P] -m MODULE ...` or `python [-P] -c CODE ...`.

    Parameters are those of `subprocess.run`; input is empty, and no time limit holds.
    """
    arguments = [item for item in command[1:] if item != "-P"]
    if arguments[:2] == ["-m", LAUNCHER]:  # whose parent the server would be
        arguments = ["-m", *arguments[3:]]
    with tempfile.TemporaryDirectory() as folder:
        said = {name: Path(folder, name) for name in ("stdout", "stderr")}
        places = {"stdin": os.devnull}
        for name, given in (("stdout", stdout), ("stderr", stderr)):
            said[name].touch()
            places[name] = str(said[name])
            if given is not None and not isinstance(given, int):
                places[name] = f"/proc/{os.getpid()}/fd/{given.fileno()}"
        asked = {
            "arguments": arguments,
            "cwd": str(cwd or Path.cwd()),
            "env": dict(os.environ if env is None else env),
            **places,
        }
        server = _start_server(arguments[1] == READER)
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        out, err = (path.read_bytes() for path in said.values())
    done: subprocess.CompletedProcess[Any]
    done = subprocess.CompletedProcess(command, status)
    if capture_output:
        done.stdout, done.stderr = (out.decode(), err.decode()) if text else (out, err)
    if check:
        done.check_returncode()
    return done


WARM = SimpleNamespace(**vars(subprocess) | {"run": run_warm})
"""The module `subprocess`, with the other way to run Python."""


@cache
def _start_server(for_reader: bool) -> subprocess.Popen[str]:
    """Start a process that forks; it ends with this one, which holds its input."""
    given = [OPTIONAL, LIBRARIES] if for_reader else [("numbagg",), LIBRARIES + MORE]
    server = subprocess.Popen(
        [sys.executable, "-P", "-c", SERVER, *map(json.dumps, given)],
        env={name: os.environ[name] for name in NEEDED if name in os.environ}
        | ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.communicate)  # closes its input, and waits for its end
    return server
