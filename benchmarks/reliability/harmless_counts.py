"""Good files, folders and harmless changes of a release, held to `validate`."""

from __future__ import annotations

from defect_lists import RELEASE, ROOT
from list_counts import start_validator

from factories.faults.harmless import HARMLESS
from factories.faults.mutations import HARMLESS as IN_MEMORY
from factories.faults.mutations import Judge
from factories.faults.vouched import spoilt
from somobench.check_files import check_files


def count_good() -> list[list[object]]:
    """Count good files, and harmless changes, that are refused."""
    return [
        ["good files", *count_alarms()],
        ["harmless changes", *count_harmless_alarms()],
    ]


def count_alarms() -> tuple[int, int]:
    """Return how many good things were checked, and how many were alarms."""
    judged = Judge(RELEASE)
    found = [
        judged.find(kind, change) is not None
        for kind, changes in IN_MEMORY.items()
        for change in changes.values()
    ]
    for folder in sorted((ROOT / "releases").glob("*-*.*.*")):
        found += [not report.valid for report in check_files(folder, None, "release")]
    return len(found), sum(found)


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
