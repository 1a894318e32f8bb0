"""The child that reads a submission: what it can't do, and what it isn't given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from factories.scoring import predicted
from somobench.schemas.errors import InputError
from somobench.submissions import child
from somobench.submissions.submission import open_submission

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("cold_start")]

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="walls of the Linux kernel")

ATTEMPT = """
import ctypes, os, socket, subprocess, sys
from pathlib import Path
from somobench.submissions import confine
path, folder, outside, walls, attempt = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
if walls == "kernel":
    confine._watch_events = lambda folder: None
if walls == "hook":
    confine._restrict_files = confine._deny_calls = lambda *given: False
confine.confine(Path(path), Path(folder))
def native(call):
    if call < 0:
        raise OSError(ctypes.get_errno(), "native")
try:
    exec(attempt)
    print("done")
except PermissionError as error:
    print("denied")
except OSError as error:
    print("denied" if error.errno in (1, 13) else error)
"""

ALLOWED = {
    "read the submission": "Path(path).read_bytes()",
    "write the folder": "Path(folder, 'x').write_text('x')",
    "rename in the folder": "os.rename(Path(folder, 'a'), Path(folder, 'b'))",
    "import": "import xml.dom.minidom, sqlite3, zoneinfo",
    "a pair of sockets": "socket.socketpair()",
    "a thread": "import threading; t = threading.Thread(target=print); t.start()",
}
DENIED = {
    "write elsewhere": "Path(outside).write_text('x')",
    "make a folder": "os.mkdir(outside + '.d')",
    "remove": "os.remove(outside)",
    "rename": "os.rename(outside, Path(folder, 'stolen'))",
    "connect": "socket.create_connection(('127.0.0.1', 9), 1)",
    "run": "subprocess.run(['/bin/true'], check=True)",
    "system": "if os.system('true'): raise PermissionError",
}
DENIED_BY_KERNEL = {
    "read elsewhere": "Path(outside).read_bytes()",
    "list a folder": "os.listdir('/etc')",
    "native write": "native(libc.open(outside.encode(), os.O_WRONLY))",
    "native read": "native(libc.open(outside.encode(), os.O_RDONLY))",
    "native socket": "native(libc.socket(2, 1, 0))",
    "native program": "native(libc.execv(b'/bin/true', None))",
    "truncate": "os.truncate(outside, 0)",
}


def attempt(tmp_path: Path, code: str, walls: str) -> str:
    path, folder, outside = (tmp_path / name for name in ("in.nc", "out", "other"))
    path.write_bytes(b"x")
    outside.write_bytes(b"secret")
    folder.mkdir()
    (folder / "a").write_bytes(b"x")
    arguments = [str(path), str(folder), str(outside), walls, code]
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPT, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if "secret" in done.stdout or outside.read_bytes() != b"secret":
        return "done"
    return done.stdout.strip().splitlines()[-1] if done.stdout else done.stderr


@pytest.mark.parametrize("walls", ["all", "kernel", "hook"])
@pytest.mark.parametrize("what", ALLOWED)
def test_what_reading_needs_is_allowed(tmp_path: Path, what: str, walls: str) -> None:
    assert attempt(tmp_path, ALLOWED[what], walls) in {"done", ""}


@pytest.mark.parametrize("walls", ["all", pytest.param("kernel", marks=LINUX), "hook"])
@pytest.mark.parametrize("what", DENIED)
def test_what_reading_does_not_need_is_denied(
    tmp_path: Path, what: str, walls: str
) -> None:
    assert attempt(tmp_path, DENIED[what], walls) == "denied"


@LINUX
@pytest.mark.parametrize("what", DENIED_BY_KERNEL)
def test_native_code_is_denied_by_the_kernel(tmp_path: Path, what: str) -> None:
    assert attempt(tmp_path, DENIED_BY_KERNEL[what], "kernel") == "denied"


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "a.nc"
    predicted(0.3).to_dataset(name="soil_moisture").to_netcdf(path, engine="h5netcdf")
    return path


def test_child_inherits_no_variable_that_it_does_not_need(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("HDF5_PLUGIN_PATH", "/x")
    given: dict[str, str] = {}
    run = subprocess.run

    def watched(*arguments: Any, **options: Any) -> Any:
        given.update(options["env"])
        return run(*arguments, **options)

    monkeypatch.setattr(child.subprocess, "run", watched)
    open_submission(plain)
    known = {*child.NEEDED, *child.ENVIRONMENT, "TMPDIR"}
    assert given.keys() <= known
    assert "x" not in given.values()


REPLIES = {
    "nothing": {},
    "no JSON": {"facts.json": b"{"},
    "a list": {"facts.json": b"[]"},
    "deep": {"facts.json": b"[" * 50_000},
    "large": {"facts.json": b" " * 10**6},
    "no arrays": {"facts.json": b'{"dims": ["layer"]}'},
    "an array that lies": {
        "facts.json": b'{"dims": []}',
        "soil_moisture.npy": b"\x93NUMPY\x01\x00\x76\x00"
        + b"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999,), }".ljust(
            117
        )
        + b"\n",
    },
    "objects": {"facts.json": b'{"dims": []}', "soil_moisture.npy": b"\x80\x04N."},
}


@pytest.mark.parametrize("reply", REPLIES)
def test_reply_of_a_child_is_not_trusted(
    plain: Path, reply: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answered(command: list[str], **options: Any) -> Any:
        for name, content in REPLIES[reply].items():
            Path(options["cwd"], name).write_bytes(content)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(child.subprocess, "run", answered)
    with pytest.raises(InputError, match="of its reader|a reply of"):
        open_submission(plain)


def test_child_that_is_killed_is_reported_in_our_words(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(command: list[str], **options: Any) -> Any:
        return subprocess.CompletedProcess(command, -9)

    monkeypatch.setattr(child.subprocess, "run", killed)
    with pytest.raises(InputError, match="its reader was stopped by signal 9"):
        open_submission(plain)
