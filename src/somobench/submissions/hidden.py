"""Libraries that readers of strangers' files do without, though they are installed.

xarray loads them as soon as it makes an array. They would take a good part of the time
of a reader, and memory that is meant for values: numbagg and sparse bring a compiler.
"""

import sys

OPTIONAL = ("cupy", "dask", "numbagg", "pint", "sparse")


def hide_libraries(*names: str) -> None:
    """Let no import find libraries, unless they are loaded; called before xarray is."""
    for name in names:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
