"""Lint of the catalog: a catalog file is code to Intake, so ours may say very little.

Allowed are known keys, our own drivers and the one template `{{ CATALOG_DIR }}`;
refused are large files, anchors, aliases, tags, plugins and every other template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from somobench.catalog.plain_yaml import plain_failures
from somobench.catalog.request import TEMPLATE
from somobench.schemas.errors import Failure, ValidationError

TOP_KEYS = frozenset({"metadata", "sources"})
METADATA_KEYS = frozenset({"version", "record"})
ENTRY_KEYS = frozenset({"description", "driver", "args"})
NESTED_DRIVERS = frozenset(
    {"somobench.catalog.driver.ReleaseCatalog", "somobench.catalog.driver.LocalCatalog"}
)
ARGS_OF = {"somobench": frozenset({"feature_set", "release"})} | {
    driver: frozenset({"path"}) for driver in NESTED_DRIVERS
}
PATH = re.compile(r"\{\{ CATALOG_DIR \}\}/releases/[a-z0-9_.-]+\.yaml")


def lint_catalog(folder: Path) -> None:
    """Check `somobench.yaml` and every record beside it.

    Raises
    ------
    ValidationError
        With everything that isn't allowed.
    """
    paths = [folder / "somobench.yaml", *sorted((folder / "releases").glob("*.yaml"))]
    failures = [failure for path in paths for failure in lint_file(path)]
    if failures:
        raise ValidationError(f"catalog {folder}", failures)


def lint_file(path: Path) -> list[Failure]:
    """Return everything in a catalog file that isn't allowed."""
    content = path.read_bytes()
    failures = plain_failures(path.name, content)
    if not failures:
        failures += _lint_keys(path.name, yaml.compose(content, yaml.SafeLoader))
        failures += _lint_content(path.name, yaml.safe_load(content))
    return failures


def _lint_keys(where: str, node: Node | None) -> Iterator[Failure]:
    """Refuse a key that stands twice, of which a reader would see one."""
    if isinstance(node, MappingNode):
        keys = [key.value for key, _ in node.value]
        for key in sorted({str(key) for key in keys if keys.count(key) > 1}):
            yield Failure(where, f"key {key} twice", "each key once")
    if isinstance(node, MappingNode | SequenceNode):
        for child in node.value:
            parts = child if isinstance(child, tuple) else (child,)
            for part in parts:
                yield from _lint_keys(where, part)


def _lint_content(where: str, content: Any) -> Iterator[Failure]:
    if not isinstance(content, Mapping):
        yield Failure(where, type(content).__name__, "a mapping")
        return
    yield from _only(where, content, TOP_KEYS)
    yield from _only(f"{where}: metadata", content.get("metadata"), METADATA_KEYS)
    sources = content.get("sources")
    if not isinstance(sources, Mapping):
        yield Failure(f"{where}: sources", repr(sources)[:40], "a mapping")
        return
    for name, entry in sources.items():
        yield from _lint_entry(f"{where}: {name}", entry)
    yield from _lint_templates(where, content)


def _lint_entry(where: str, entry: Any) -> Iterator[Failure]:
    yield from _only(where, entry, ENTRY_KEYS)
    if not isinstance(entry, Mapping):
        return
    driver = entry.get("driver")
    allowed = ARGS_OF.get(str(driver))
    if allowed is None:
        yield Failure(where, f"driver {driver!r}", f"one of {sorted(ARGS_OF)}")
        return
    yield from _only(f"{where}: args", entry.get("args", {}), allowed)


def _lint_templates(where: str, value: Any) -> Iterator[Failure]:
    """Refuse every template but the path of a record."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _lint_templates(f"{where}: {key}", item)
            yield from _lint_templates(where, key)
    elif isinstance(value, list):
        for item in value:
            yield from _lint_templates(where, item)
    elif isinstance(value, str) and TEMPLATE.search(value):
        is_path = where.endswith(": path") and PATH.fullmatch(value)
        if not is_path:
            yield Failure(where, value[:80], "no template but a record's path")


def _only(where: str, value: Any, allowed: frozenset[str]) -> Iterator[Failure]:
    if not isinstance(value, Mapping):
        yield Failure(where, repr(value)[:40], "a mapping")
        return
    for key in value:
        if key not in allowed:
            yield Failure(where, f"key {key!r}", f"one of {sorted(allowed)}")
