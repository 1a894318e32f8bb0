"""The content-addressed cache, and when bytes on disk count as verified.

An object lies at `<cache>/sha256/<first two>/<sha256>` and only ever appears there
complete and verified. Beside the objects stand small records of which grid was last
verified in which state, so that a large file isn't hashed again in every process: what
rots on the disk afterwards, the checksums of its chunks find. Other files have none and
are hashed at every opening.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from somobench.catalog.registry import chosen_folder
from somobench.schemas.errors import InputError, IntegrityError
from somobench.schemas.manifest import SHA256

SETTLED_SECONDS = 2.0  # a younger file could change again within one clock tick
LEFTOVER_SECONDS = 6 * 3600.0  # a partial download this old belongs to nobody
LOCK_POLL_SECONDS = 0.1
LOCK_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
"""A pipe in the lock's place blocks nobody, and a link leads nowhere."""

State = tuple[int, ...]
_verified: dict[str, tuple[State, str]] = {}


def cache_folder() -> Path:
    """Return the cache: `SOMOBENCH_CACHE`, or the user's cache of this system."""
    chosen = os.environ.get("SOMOBENCH_CACHE", "").strip()
    if chosen:
        return chosen_folder("SOMOBENCH_CACHE", chosen)
    import platformdirs

    return Path(platformdirs.user_cache_dir("somobench"))


def object_path(sha256: str) -> Path:
    """Return where the object with this content lies, present or not."""
    if not re.fullmatch(SHA256, sha256):
        raise IntegrityError(
            "name of a cached object", found=repr(sha256), expected="a sha256"
        )
    return cache_folder() / "sha256" / sha256[:2] / sha256


def open_verified(
    path: Path, sha256: str, size: int, *, always: bool = False
) -> BinaryIO:
    """Open a file that holds exactly the published bytes.

    The very descriptor that is returned was hashed, so that no other file can come in
    between. It is hashed at its first use in a process, unless device, inode, size,
    mtime and ctime are those of its last verification.

    Parameters
    ----------
    path : Path
    sha256, size : str, int in bytes
        As the manifest states them.
    always : bool
        Hash whatever the records say, and leave none.

    Raises
    ------
    IntegrityError
        If the file is missing, is no regular file, or has other bytes.
    InputError
        If the system can't read it, which says nothing of its bytes.
    """
    stream = open_regular(path)
    try:
        _verify(stream, path, sha256, size, always)
    except BaseException:
        stream.close()
        raise
    return stream


def read_verified(stream: BinaryIO, sha256: str) -> bytes:
    """Return the bytes of an open file, which are the ones that were hashed.

    Raises
    ------
    IntegrityError
        If they are others.
    InputError
        If the system can't read them.
    """
    path = Path(stream.name)
    try:
        content = stream.read()
    except OSError as error:
        raise make_read_error(path, error) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise make_content_error(path, f"sha256 {digest}", f"sha256 {sha256}")
    return content


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file; a pipe or a device in its place blocks nobody.

    Raises
    ------
    IntegrityError
        If there is none.
    InputError
        If the system can't read it.
    """
    try:
        stream = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115
        if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            return stream
        stream.close()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise make_content_error(path, error.strerror, "a file") from error
    except IsADirectoryError:
        pass
    except OSError as error:
        raise make_read_error(path, error) from error
    raise make_content_error(path, "no regular file", "a regular file")


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _verify(stream: BinaryIO, path: Path, sha256: str, size: int, always: bool) -> None:
    state = _state(stream, path)
    if state[2] != size:
        raise make_content_error(path, f"{state[2]} bytes", f"{size} bytes")
    if not always and _is_verified(path, state, sha256):
        return
    digest = _hash(stream, path)
    if digest != sha256:
        _verified.pop(str(path), None)
        raise make_content_error(path, f"sha256 {digest}", f"sha256 {sha256}")
    if not always and _state(stream, path) == state:
        _remember(path, state, sha256)


def recall_sha256(path: Path) -> str:
    """Return the sha256 of a file; it is hashed only if its state changed since.

    The state is device, inode, size, mtime and ctime.

    Raises
    ------
    IntegrityError
        If the file is missing or is no regular file.
    InputError
        If the system can't read it.
    """
    with open_regular(path) as stream:
        state = _state(stream, path)
        known = _verified.get(str(path)) or _recorded(path)
        if known is not None and known[0] == state:
            return known[1]
        sha256 = _hash(stream, path)
        if _state(stream, path) == state:
            _remember(path, state, sha256)
    return sha256


def _state(stream: BinaryIO, path: Path) -> State:
    try:
        status = os.fstat(stream.fileno())
    except OSError as error:
        raise make_read_error(path, error) from error
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _hash(stream: BinaryIO, path: Path) -> str:
    """Return the sha256 of an open file, and leave it at its start."""
    try:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
        stream.seek(0)
    except OSError as error:
        raise make_read_error(path, error) from error
    return digest


def make_read_error(path: Path, error: OSError) -> InputError:
    """Return the error of a file that the system doesn't let us read."""
    hint = "check its permissions, the disk and the number of open files"
    return InputError(
        f"file {path}",
        found=error.strerror or error,
        expected="a file that can be read",
        hint="free memory, or raise its limit" if error.errno == errno.ENOMEM else hint,
    )


def make_content_error(path: Path, found: object, expected: object) -> IntegrityError:
    """Return the error of a file that isn't the published one."""
    return IntegrityError(
        f"file {path}",
        found=found,
        expected=expected,
        hint="`somobench fetch` with a network replaces a file of the cache; restore"
        " any other from its release",
    )


def _is_verified(path: Path, state: State, sha256: str) -> bool:
    known = _verified.get(str(path))
    if known is None:
        known = _recorded(path)
    return known == (state, sha256)


def _record_path(path: Path) -> Path:
    key = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
    return cache_folder() / "verified" / f"{key}.json"


def _recorded(path: Path) -> tuple[State, str] | None:
    """Read a record, if nobody but this user can have written it."""
    record = _record_path(path)
    try:
        if not _is_private(record.parent):
            return None
        content = json.loads(record.read_text(encoding="utf-8"))
        return tuple(int(number) for number in content["state"]), content["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_private(folder: Path) -> bool:
    status = folder.lstat()
    mine = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
    return stat.S_ISDIR(status.st_mode) and mine and not status.st_mode & 0o022


def _remember(path: Path, state: State, sha256: str) -> None:
    """Record a verification; a cache that can't be written only costs time."""
    age = time.time() - max(state[3], state[4]) / 1e9
    if age < SETTLED_SECONDS:
        return
    _verified[str(path)] = (state, sha256)
    from somobench.catalog.storage.atomic import write_json

    record = _record_path(path)
    with contextlib.suppress(OSError):
        record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_json({"sha256": sha256, "state": list(state)}, record)


def remove_leftovers(folder: Path) -> None:
    """Delete partial downloads that a killed process left in a folder."""
    from somobench.catalog.storage.atomic import PARTIAL

    for leftover in folder.glob(f"{PARTIAL}*"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
                leftover.unlink()


WAYS_OUT = {
    errno.ENOSPC: "free some space, or ",
    errno.EDQUOT: "free some space, or ",
    errno.EMFILE: "raise the limit of open files (ulimit -n), or ",
    errno.ENFILE: "close other programs, or ",
    errno.EACCES: "let yourself write there, or ",
    errno.EROFS: "let yourself write there, or ",
}
"""What to try, by the number of a system error, before another folder."""


def make_write_error(path: Path, error: OSError, size: int) -> InputError:
    """Return the error of a cache that takes no file."""
    first = WAYS_OUT.get(error.errno or 0, "")
    return InputError(
        f"cache {path}",
        found=error.strerror or error,
        expected=f"a folder that takes {size} bytes",
        hint=f"{first}set SOMOBENCH_CACHE to another folder",
    )


@contextlib.contextmanager
def lock_object(sha256: str, patience: float) -> Iterator[None]:
    """Let one process at a time fetch an object, where the system has such locks.

    The lock spares downloads; nothing depends on it. A process that waited for
    `patience` seconds, or whose file system has no locks, goes ahead without.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    lock = cache_folder() / "locks" / f"{sha256}.lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        stream = os.fdopen(os.open(lock, LOCK_FLAGS, 0o666), "rb")
    except OSError as error:
        raise make_write_error(lock.parent.parent, error, 0) from error
    with stream:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(LOCK_POLL_SECONDS)
            except OSError:
                break
            else:
                break
        yield
