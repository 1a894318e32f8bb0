"""Versioned soil-moisture benchmark releases, opened by name.

Names are loaded at first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from somobench.open import (
        catalog_path,
        list_releases,
        open_catalog,
        open_dataset,
    )
    from somobench.schemas.errors import SomobenchError
    from somobench.scoring.evaluate import evaluate
    from somobench.scoring.shift_evaluation import shift_cost

    __version__: str

_HOMES = {
    "SomobenchError": "somobench.schemas.errors",
    "catalog_path": "somobench.open",
    "evaluate": "somobench.scoring.evaluate",
    "list_releases": "somobench.open",
    "open_catalog": "somobench.open",
    "open_dataset": "somobench.open",
    "shift_cost": "somobench.scoring.shift_evaluation",
}

__all__ = [
    "SomobenchError",
    "__version__",
    "catalog_path",
    "evaluate",
    "list_releases",
    "open_catalog",
    "open_dataset",
    "shift_cost",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("somobench")
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
