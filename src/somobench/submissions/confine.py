"""Take from this process what reading one submission doesn't need.

Three walls, each where the system has it: limits of resources; Landlock and a filter of
system calls (Linux), which bind native code too; a hook on Python's own events.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from somobench.catalog.storage.room import measure_address_space

SECONDS = 600  # of processor time
OPEN_FILES = 256
SPARE_MEMORY = 256_000_000  # bytes over what the libraries take
MEMORY_A_BYTE = 4  # times the size of the arrays: decoding and ordering make copies
SPARE_OUTPUT = 65_000_000  # bytes of a file that the process leaves
OUTPUT_A_BYTE = 5  # float32 from bytes, and labels

_EPERM = 1
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _SECCOMP_FILTER = 38, 22, 2
_LANDLOCK = 444, 445, 446  # create a ruleset, add a rule, restrict: on every machine
_READ = 1 << 2 | 1 << 3  # files and folders
_WRITE = 1 << 1 | sum(1 << bit for bit in range(4, 13))
_BY_VERSION = ((2, 1 << 13), (3, 1 << 14))  # move across folders, truncate
_FILE_RIGHTS = 1 << 1 | 1 << 2 | 1 << 14

_CALLS = {  # socket, connect, bind, execve, execveat, ptrace
    "x86_64": (0xC000003E, (41, 42, 49, 59, 322, 101)),
    "aarch64": (0xC00000B7, (198, 203, 200, 221, 281, 117)),
}
_OTHER_NUMBERS = 0x40000000  # of the x32 interface, under which calls repeat

_FORBIDDEN = (
    *("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"),
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"),
)
_CHANGES = (
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.chown"),
    *("os.link", "os.symlink", "os.truncate", "os.utime", "shutil.rmtree"),
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def limit_resources(declared_bytes: int) -> None:
    """Limit memory, time and output to what arrays of a size need.

    The memory that the libraries take already is added to what the arrays may take.
    """
    memory = _measure_use() + SPARE_MEMORY + MEMORY_A_BYTE * declared_bytes
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, SPARE_OUTPUT + OUTPUT_A_BYTE * declared_bytes),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (soft, hard))
        except (ValueError, OSError):
            continue


@contextmanager
def limit_memory(spare: int) -> Iterator[None]:
    """Give this process so many bytes more, and no others, where the system can.

    Whatever needs more raises a MemoryError. Other threads share the limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = _measure_use() + spare
    limited = most if soft == resource.RLIM_INFINITY else min(most, soft)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limited, hard))
    except (ValueError, OSError):
        limited = soft
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _measure_use() -> int:
    """Return the bytes of address space in use; a guess where Linux doesn't tell."""
    return measure_address_space() or 3_000_000_000


def confine(readable: Path, writable: Path) -> None:
    """Let this process read one path and Python's own files, and write one folder.

    Parameters
    ----------
    readable : file or folder of the submission
    writable : folder
    """
    # Where an installation consists of links, our own modules lie elsewhere.
    ours = {
        str(Path(module.__file__).resolve().parent)
        for name, module in sys.modules.items()
        if name.partition(".")[0] == "somobench" and module.__file__
    }
    libraries = [sys.prefix, sys.base_prefix, *sys.path, "/usr", "/lib", "/lib64"]
    libraries += ours
    devices = ["/proc/self", "/proc/meminfo", "/sys/devices/system/cpu"]
    devices += ["/dev/null", "/dev/urandom"]
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        _restrict_files(libc, [str(readable), *libraries, *devices], str(writable))
        _deny_calls(libc)
    _watch_events(writable)


def _restrict_files(libc: ctypes.CDLL, readable: Iterable[str], writable: str) -> bool:
    """Restrict files by Landlock; tell whether the kernel does it."""
    create, add, restrict = _LANDLOCK
    version = libc.syscall(create, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        return False
    writing = _WRITE | sum(right for since, right in _BY_VERSION if version >= since)
    handled = ctypes.c_uint64(_READ | writing)
    rules = libc.syscall(
        create, ctypes.byref(handled), ctypes.sizeof(handled), ctypes.c_uint32(0)
    )
    if rules < 0:
        return False
    for path in readable:
        _allow_path(libc, add, rules, path, _READ)
    _allow_path(libc, add, rules, writable, handled.value)
    done = libc.syscall(restrict, rules, ctypes.c_uint32(0)) == 0
    os.close(rules)
    return done


class _Beneath(ctypes.Structure):
    """Rights on what lies beneath a folder, or on a file."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


def _allow_path(
    libc: ctypes.CDLL, add: int, rules: int, path: str, rights: int
) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not Path(path).is_dir():
        rights &= _FILE_RIGHTS
    rule = _Beneath(rights, opened)
    libc.syscall(add, rules, 1, ctypes.byref(rule), ctypes.c_uint32(0))
    os.close(opened)


class _Step(ctypes.Structure):
    """An instruction of the filter."""

    _fields_ = (
        *(("code", ctypes.c_uint16), ("right", ctypes.c_uint8)),
        *(("wrong", ctypes.c_uint8), ("value", ctypes.c_uint32)),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step)))


def _deny_calls(libc: ctypes.CDLL) -> bool:
    """Refuse new sockets, connections and programs; tell whether the kernel does it."""
    if os.uname().machine not in _CALLS or sys.maxsize < 2**32:
        return False
    architecture, calls = _CALLS[os.uname().machine]
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    allowed, denied = 0x7FFF0000, 0x00050000 | _EPERM
    last = len(calls)
    listed = [
        (load, 0, 0, 4),
        (equal, 0, last + 3, architecture),
        (load, 0, 0, 0),
        (at_least, last + 1, 0, _OTHER_NUMBERS),
        *((equal, last - place, 0, call) for place, call in enumerate(calls)),
        (give, 0, 0, allowed),
        (give, 0, 0, denied),
    ]
    steps = (_Step * len(listed))(*(_Step(*step) for step in listed))
    program = _Program(len(listed), steps)
    filtered = libc.prctl(_SET_SECCOMP, _SECCOMP_FILTER, ctypes.byref(program), 0, 0)
    return bool(filtered == 0)


def _watch_events(writable: Path) -> None:
    """Refuse connections, programs and changes of other folders that Python makes."""
    inside = os.path.realpath(writable)

    def is_inside(path: object) -> bool:
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if not isinstance(path, str):
            return True  # a descriptor, which was opened under these rules
        return os.path.realpath(path).startswith(inside + os.sep)

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in _FORBIDDEN:
            raise PermissionError(_EPERM, event)
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & _WRITING
            if writes and path not in ("/dev/null",) and not is_inside(path):
                raise PermissionError(_EPERM, event)
        if event in _CHANGES and not is_inside(arguments[0]):
            raise PermissionError(_EPERM, event)

    sys.addaudithook(watch)
