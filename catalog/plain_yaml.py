"""YAML as the catalog may write it: small, flat, without anchors, aliases and tags.

Whatever else a text holds is found in its stream of events, before anything is built
from it, so that no text can take long, fill the memory or make an object.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from somobench.schemas.errors import Failure

MAXIMUM_SIZE = 200_000  # bytes of one file
MAXIMUM_DEPTH = 12  # of mappings and lists in each other
PLAIN = "neither anchors, aliases nor tags"


def plain_failures(where: str, content: bytes) -> list[Failure]:
    """Return what a catalog's YAML mustn't hold; of several troubles the first few."""
    if len(content) > MAXIMUM_SIZE:
        expected = f"at most {MAXIMUM_SIZE} bytes"
        return [Failure(where, f"{len(content)} bytes", expected)]
    try:
        failures = list(_event_failures(where, content.decode()))
        if not failures:
            yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return [Failure(where, str(error)[:300], "YAML")]
    return failures


def load_plain(content: bytes) -> Any:
    """Return what a catalog's YAML holds.

    Raises
    ------
    ValueError
        If it isn't plain.
    """
    for failure in plain_failures("text", content):
        message = f"{failure.found}, expected {failure.expected}"
        raise ValueError(message)
    return yaml.safe_load(content)


def _event_failures(where: str, text: str) -> Iterator[Failure]:
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        for kind in ("anchor", "tag"):
            value = getattr(event, kind, None)
            if value is not None:
                yield Failure(where, f"{kind} {value}", PLAIN)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAXIMUM_DEPTH:
            yield Failure(where, f"over {MAXIMUM_DEPTH} levels", "fewer levels")
            return
