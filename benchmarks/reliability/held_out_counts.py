"""Defects that checks were not made for, and harmless changes, held to `validate`."""

from __future__ import annotations

import functools
from pathlib import Path

from remembered import Validator

from factories.faults.harmless import HARMLESS
from factories.faults.held_out import HELD_OUT
from factories.faults.vouched import spoilt

RELEASE = Path(__file__).resolve().parents[2] / "releases" / "virtual-2.0.0"
FOUND_FIRST = {
    "forcing": (13, 24),
    "targets": (19, 21),
    "features": (8, 15),
    "splits": (6, 11),
    "cells": (11, 13),
    "stations": (14, 17),
    "scores": (8, 8),
    "shift costs": (3, 3),
    "manifest and documents": (None, 2),
}
"""What the checks of commit 4a00639 found, in the file alone and in the folder."""
Rows = list[list[object]]


@functools.cache
def start_validator() -> Validator:
    """Return a validator of copies of the release, which is valid itself."""
    validator = Validator()
    if found := validator.keep(RELEASE):
        message = f"the undamaged release: {found}"
        raise RuntimeError(message)
    return validator


@functools.cache
def _find_all() -> dict[str, dict[str, tuple[bool, bool]]]:
    """Tell of every defect whether its file alone, and its folder, is refused."""
    found: dict[str, dict[str, tuple[bool, bool]]] = {}
    validator = start_validator()
    for kind, (file, defects) in HELD_OUT.items():
        for name, defect in defects.items():
            with spoilt(RELEASE, defect) as folder:
                alone = bool(file) and bool(validator.find(folder / file))
                either = alone or bool(validator.find(folder))
            found.setdefault(kind, {})[name] = (alone, either)
    return found


def count_held_out() -> Rows:
    """Count defects by kind: found when they were written down, and found now."""
    rows: Rows = []
    sums = [0, 0, 0, 0, 0]
    for kind, found in _find_all().items():
        alone, whole = (sum(it[place] for it in found.values()) for place in (0, 1))
        first = FOUND_FIRST[kind]
        has_file = first[0] is not None
        shown = [first[0] if has_file else "", alone if has_file else ""]
        rows.append([kind, len(found), shown[0], first[1], shown[1], whole])
        counted = (len(found), first[0] or 0, first[1], alone, whole)
        sums = [one + other for one, other in zip(sums, counted, strict=True)]
    return [*rows, ["all", *sums]]


def list_missed() -> str:
    """Name the defects that are found nowhere."""
    return "; ".join(
        f"{kind}: {name}"
        for kind, found in _find_all().items()
        for name, (_, whole) in found.items()
        if not whole
    )


def count_harmless_alarms() -> tuple[int, int]:
    """Return how many files and folders were tried, and how many were alarms."""
    tried = alarms = 0
    validator = start_validator()
    for file, _, change in HARMLESS:
        with spoilt(RELEASE, change) as folder:
            alone = file.endswith((".zip", ".parquet"))
            judged = [folder, folder / file] if alone else [folder]
            tried += len(judged)
            alarms += sum(bool(validator.find(path)) for path in judged)
    return tried, alarms
