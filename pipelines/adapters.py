"""Adapters by name: a recipe names one, and a table says which class it is."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from somobench.schemas.errors import UnknownNameError


def make_adapter(kind: str, name: str, classes: Mapping[str, str]) -> Any:
    """Import the class of an adapter and return a new object of it.

    Parameters
    ----------
    kind : what is looked for, for the message, such as `station source`
    name : as in the recipe
    classes : `module:class` by name

    Raises
    ------
    UnknownNameError
        If there is no such adapter.
    """
    if name not in classes:
        nearest = difflib.get_close_matches(name, classes, n=1)
        raise UnknownNameError(
            kind,
            found=name,
            expected=f"one of {', '.join(sorted(classes))}",
            hint=f"did you mean {nearest[0]}?" if nearest else None,
        )
    module, _, attribute = classes[name].partition(":")
    return getattr(import_module(module), attribute)()
