"""The parts of a score's record, from what was scored."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

import numpy as np
from pydantic import ValidationError as PydanticError

from somobench.catalog.resolve import Release
from somobench.catalog.storage.hashing import sources_sha256
from somobench.folds.audit import audit_folds
from somobench.folds.view import Folds
from somobench.metrics.days import ResampledDays
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.submission_names import LONGEST_NAME
from somobench.scoring.case import ScoringCase
from somobench.scoring.ladders import Ladder
from somobench.scoring.lead_times import CLIMATOLOGY, PERSISTENCE
from somobench.scoring.record import (
    BootstrapRecord,
    CodeRecord,
    FoldRecord,
    GriddedRecord,
    LadderRecord,
    SpreadRecord,
    SubmissionRecord,
)
from somobench.submissions.submission import Submission
from somobench.uncertainty.pooling import LEVEL

PACKAGES = ("somobench", "somobench.catalog", "somobench.schemas")


def hash_code() -> str:
    """Return one sha256 of all sources of the package that a score may depend on."""
    return sources_sha256({package: package for package in PACKAGES})


def describe_code() -> CodeRecord:
    """Name the code that scores."""
    return CodeRecord(version=metadata.version("somobench"), sha256=hash_code())


def describe_submission(submission: Submission) -> SubmissionRecord:
    """Name a submission, with its hashes.

    Raises
    ------
    InputError
        If its reader says of a model's grid what can't be.
    """
    try:
        facts = submission.gridded
        gridded = None if facts is None else GriddedRecord.model_validate(facts)
    except PydanticError as error:
        raise InputError(
            f"submission {submission.name}",
            found=f"{error.error_count()} facts of its reader that can't be",
            expected="how it was brought to cells",
        ) from error
    return SubmissionRecord(
        name=submission.name,
        file_sha256=submission.file_sha256,
        file_size=submission.file_size,
        values_sha256=submission.values_sha256,
        members=submission.grid.sizes.get("member"),
        lead_times=submission.leads,
        understood=list(submission.notes),
        gridded=gridded,
    )


def describe_ladder(
    ladder: Ladder | None, missing: str, release: Release, split: str
) -> LadderRecord:
    """Name the rungs that were compared with, and say why others weren't."""
    listed = release.manifest.rungs.get(split, {}).items()
    return LadderRecord(
        sha256=ladder.sha256 if ladder else None,
        of_release=ladder.of_release if ladder else None,
        rungs=[rung.name for rung in ladder.rungs] if ladder else [],
        observing=sorted(ladder.needs_observations) if ladder else [],
        missing=missing,
        not_available={rung: why for rung, why in listed if why},
    )


def describe_bootstrap(days: ResampledDays) -> BootstrapRecord:
    """Say how days and cells were drawn."""
    return BootstrapRecord(
        block_length=days.length,
        block_length_wanted=days.wanted_length,
        draws=days.draws,
        seed=days.seed,
        level=LEVEL,
    )


def describe_folds(folds: Folds, release: Release) -> list[FoldRecord]:
    """Say of every fold what it tests and what its audit found.

    Raises
    ------
    ValidationError
        If the audit of a fold fails.
    """
    return [
        FoldRecord(
            fold=item.fold,
            test_cells=item.test_cells,
            train_cells=item.train_cells,
            nearest_km=item.nearest_km,
            findings=None if item.findings is None else list(item.findings),
        )
        for item in audit_folds(folds, release)
    ]


def describe_spread(case: ScoringCase) -> dict[str, SpreadRecord]:
    """Say how far the sensors behind the scored targets lie apart, by layer.

    The spread of a target is the standard deviation of its sensors' means over their
    mean, known where there are several: no model can be shown to be closer to the
    cell's mean than its sensors are to each other.
    """
    found = {}
    for layer in case.own_layers:
        values = case.sensor_spread[case.series_layers == layer]
        known = values[np.isfinite(values)]
        found[str(layer)] = SpreadRecord(
            series=values.size,
            with_several_sensors=known.size,
            median_relative_spread=round(float(np.median(known)), 4)
            if known.size
            else None,
        )
    return found


def check_model_name(name: object, lead_times: Sequence[int]) -> str:
    """Return the name of a model if tables and pages can take it.

    Parameters
    ----------
    name : str
    lead_times : of the submission, days; none where it has no such dim

    Raises
    ------
    UsageError
        For an empty or long name, one with half a surrogate pair and, with lead times,
        for that of a reference which the curves show too.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
        raise UsageError(
            "name of the model",
            found=f"{len(name)} letters" if isinstance(name, str) else repr(name)[:80],
            expected=f"a text of 1 to {LONGEST_NAME} letters",
            hint="name= in Python, --name on the command line",
        )
    try:
        name.encode()
    except UnicodeEncodeError as error:  # of a file's name in no encoding
        raise UsageError(
            "name of the model",
            found=ascii(name)[:80],
            expected="letters that UTF-8 has",
            hint="name= in Python, --name on the command line",
        ) from error
    if lead_times and name.strip().casefold() in {PERSISTENCE, CLIMATOLOGY}:
        raise UsageError(
            "name of the model",
            found=name,
            expected="another name: with lead times this is a reference beside it",
            hint="name= in Python, --name on the command line",
        )
    return name
