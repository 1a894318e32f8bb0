"""`validate` in one process, deriving from the unchanged files of a folder only once.

A defect changes one file, or two; what follows from the others alone is the same in
every copy of a release. So many copies cost little more than their changed files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from inspect import isgenerator
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import xarray as xr

from somobench import check_files
from somobench.recognise import (
    GRIDS,
    RELEASE,
    TABLES,
    ZARR_FILES,
    recognise_storage,
)
from somobench.schemas.errors import Failure, SomobenchError
from somobench.schemas.manifest import Manifest

REMEMBERED = (
    ("schemas.checks.derived", "find_other_derivations", "cells splits"),
    ("consistency.descriptions", "describe_table", ""),
    ("consistency.descriptions", "describe_grid", ""),
    ("consistency", "find_other_targets", "cells stations"),
    ("consistency", "find_other_features", "splits"),
    ("consistency.statistics", "_derive_all", "splits cells"),
    ("consistency", "find_other_audits", "splits cells stations"),
    ("consistency.reference_scores", "_predict_references", "splits cells"),
    ("consistency.reference_scores", "_score_side", ""),
    ("consistency.reference_scores", "_measure_costs", ""),
)
"""Functions that depend on their arguments alone, and the tables that they read."""
FILES = {*TABLES, *GRIDS}


class _UnknownError(Exception):
    """An argument isn't of a file that was kept."""


class Memory:
    """Results of functions whose arguments are those of kept files.

    A file's content is known by identity, since files with the same bytes give the same
    object; what a manifest or a report says, by its text.
    """

    def __init__(self) -> None:
        self._kept: dict[int, object] = {}
        self._results: dict[tuple[object, ...], Any] = {}

    def keep(self, *items: object) -> None:
        """Know objects from now on; they must not change."""
        self._kept |= {id(item): item for item in items}

    def clear(self) -> None:
        """Forget everything, as another release comes."""
        self._kept.clear()
        self._results.clear()

    def remember(self, module: ModuleType, name: str, tables: str) -> None:
        """Put a function in a module's place that looks results up."""
        function = getattr(module, name)
        needed = {*tables.split(), *GRIDS}

        @wraps(function)
        def look_up(*arguments: Any, **options: Any) -> Any:
            given = (*arguments, options)
            try:
                key = (name, *(self._name(_cut(it, needed)) for it in given))
            except _UnknownError:
                return function(*arguments, **options)
            if key not in self._results:
                found = function(*arguments, **options)
                if isinstance(found, tuple):
                    self.keep(found, *found)
                self._results[key] = list(found) if isgenerator(found) else found
            return self._results[key]

        setattr(module, name, look_up)

    def _name(self, item: Any) -> object:
        """Return what stands for an argument."""
        if id(item) in self._kept:
            return id(item)
        if isinstance(item, Manifest):
            return item.model_dump_json(exclude={"files", "assets", "created"})
        if isinstance(item, Mapping):
            return tuple((key, self._name(item[key])) for key in sorted(item))
        if isinstance(item, xr.Dataset | pd.DataFrame):
            raise _UnknownError
        if isinstance(item, list | tuple):
            return tuple(map(self._name, item))
        if isinstance(item, str | int | float | None):
            return item
        raise _UnknownError


def _cut(item: Any, needed: set[str]) -> Any:
    """Return what a function needs of a mapping of files; anything else as it is."""
    if isinstance(item, Mapping) and item and {*item} <= FILES:
        return {key: it for key, it in item.items() if key in needed}
    return item


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether tables or grids are the same to the last bit, type and attribute.

    What was written in another way only is the same once it is read.
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, pd.DataFrame):
        columns = list(one.columns) == list(other.columns)
        types = columns and list(one.dtypes) == list(other.dtypes)
        return bool(types and one.equals(other) and not one.attrs)
    if ([*one.variables], [*one]) != ([*other.variables], [*other]):
        return False
    arrays = [(one.variables[it], other.variables[it]) for it in one.variables]
    return all(
        [*it.attrs.items()] == [*them.attrs.items()]
        for it, them in [(one, other), *arrays]
    ) and all(_has_same_bits(it, them) for it, them in arrays)


def _has_same_bits(one: xr.Variable, other: xr.Variable) -> bool:
    if (one.dims, one.dtype, one.shape) != (other.dims, other.dtype, other.shape):
        return False
    if one.dtype.kind in "OT":
        return False  # one object's bits say nothing
    return one.to_numpy().tobytes() == other.to_numpy().tobytes()


class Validator:
    """`validate` of copies of one release after the other."""

    def __init__(self) -> None:
        self._memory = Memory()
        self._release: Path | None = None
        self._reports: dict[tuple[str | None, str], Any] = {}
        self._originals: dict[str, Any] = {}
        check_files._import_checkers()
        for name in ("_check_table", "_check_grid"):
            setattr(check_files, name, self._remember_file(getattr(check_files, name)))
        for module, name, tables in REMEMBERED:
            self._memory.remember(import_module(f"somobench.{module}"), name, tables)

    def _remember_file(self, check: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(check)
        def look_up(path: Path, kind: str | None = None) -> Any:
            if path.is_dir():
                return check(path, kind)
            key = kind, hashlib.sha256(path.read_bytes()).hexdigest()
            if key in self._reports:
                return self._reports[key]
            found = check(path, kind)
            if path.parent == self._release:
                self._reports[key] = found
                self._memory.keep(found[1])
                self._originals[path.name] = found[1]
            elif _is_same(found[1], self._originals.get(path.name)):
                return found[0], self._originals[path.name]
            return found

        return look_up

    def keep(self, release: Path) -> list[list[str]]:
        """Validate a release whose copies follow; return what is found."""
        self._memory.clear()
        self._reports.clear()
        self._originals.clear()
        self._release = release
        return self.find(release)

    def find(self, path: Path) -> list[list[str]]:
        """Return the first failures of a folder or file; nothing if it is valid.

        What isn't a refusal of ours is one by the process that `validate` starts.
        """
        try:
            is_store = any((path / name).is_file() for name in ZARR_FILES)
            is_release = path.is_dir() and not is_store
            storage = RELEASE if is_release else recognise_storage(path)
            check_files.inspect_files(path, storage)
            reports = check_files.check_files(path, None, storage)
        except SomobenchError as error:
            return [["refused", str(error), ""]]
        except Exception as error:  # noqa: BLE001
            return [["refused", f"foreign: {error!r}"[:300], ""]]
        failures: list[Failure] = [it for report in reports for it in report.failures]
        return [[*map(str, failure)] for failure in failures[:3]]


def read_results(path: Path) -> dict[str, Any]:
    """Return what earlier pieces of a count left; nothing if there is none."""
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
