"""Whether a process may take the address space that the libraries ask for.

Under a limit that they just don't fit under, a library of linear algebra waits for ever
for memory while it is imported, and no error reaches us.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from somobench.schemas.errors import InputError

LIBRARIES = (("xarray", 350_000_000), ("scipy.special", 900_000_000))
"""Module that shows that a part is loaded, and bytes that loading it takes; measured on
Linux with two cores, where an open took 1.4 GB in all."""
BYTES_A_CORE = 50_000_000  # of threads and their buffers
MB = 10**6
STATM = Path("/proc/self/statm")


def require_room_for_libraries() -> None:
    """Refuse to load libraries under a limit of memory that they don't fit under.

    Raises
    ------
    InputError
        If the limit on this process's address space leaves less than they take.
    """
    limit = _get_limit()
    if limit is not None:  # Arrow's own allocator would reserve a GiB of it
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    lacking = [size for name, size in LIBRARIES if name not in sys.modules]
    if limit is None or not lacking:
        return
    needed = sum(lacking) + BYTES_A_CORE * (os.cpu_count() or 1)
    left = limit - (measure_address_space() or 0)
    if left < needed:
        raise InputError(
            "memory",
            found=f"{max(0, left) // MB} MB left under a limit of {limit // MB} MB",
            expected=f"{needed // MB} MB of address space to load the libraries",
            hint="raise or lift the limit (ulimit -v, RLIMIT_AS)",
        )


def _get_limit() -> int | None:
    try:
        import resource
    except ImportError:  # systems without such limits
        return None
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if soft == resource.RLIM_INFINITY else int(soft)


def measure_address_space() -> int | None:
    """Return the bytes of address space in use; None where the system doesn't tell."""
    try:
        pages = int(STATM.read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
