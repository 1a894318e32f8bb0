"""What a shift costs a model of yours: two submissions of it, scored on common days."""

from __future__ import annotations

import pandas as pd

from somobench.catalog.request import DatasetRequest
from somobench.catalog.resolve import Release, resolve
from somobench.evaluation import case_of
from somobench.schemas.errors import UsageError
from somobench.schemas.scores import SHIFT_COSTS
from somobench.schemas.validate import validate_table
from somobench.scoring_case import ScoringCase
from somobench.shift_costs import REFERENCE_SPLIT, shift_costs
from somobench.split_scores import Model
from somobench.submission import Predictions, open_submission
from somobench.submission_check import check_coverage, check_labels


def shift_cost(
    predictions: Predictions,
    reference_predictions: Predictions,
    *,
    release: str,
    split: str,
    reference_split: str = REFERENCE_SPLIT,
    allow_missing: bool = False,
    name: str | None = None,
) -> pd.DataFrame:
    """Score what a model loses when it is trained for a split with a shift.

    Both submissions are scored on the series and days that both splits test, so that
    they differ in nothing but what the model learned from. With lead times the shortest
    one is scored.

    Parameters
    ----------
    predictions, reference_predictions : path, DataArray, Dataset or DataFrame
        Of the model as trained for `split` and for `reference_split`; m3 m-3, each in
        its split's train scaling; the layout is in docs/submissions.md.
    release : str
        Full id, such as `virtual-1.1.0`.
    split, reference_split : str
    allow_missing : bool
        Score the days that both predict instead of refusing missing ones.
    name : str, optional
        Of the model; by default the first file's name.

    Returns
    -------
    DataFrame of schema SHIFT_COSTS
        Pearson r and anomaly r of both sides, the cost and its 90 % interval, for all
        layers (0) and each.

    Raises
    ------
    UnknownNameError
        For an unknown release or split.
    UsageError
        If both splits are the same one.
    InputError, ValidationError
        For predictions that can't be scored, or splits without common test days.
    """
    if split == reference_split:
        raise UsageError(
            "split and reference split", found=f"{split} twice", expected="two splits"
        )
    found = resolve(release)
    sides = [
        _opened(found, side, given, allow_missing=allow_missing, name=name)
        for side, given in (
            (split, predictions),
            (reference_split, reference_predictions),
        )
    ]
    (shifted, ours), (reference, theirs) = sides
    table = shift_costs(shifted, reference, [(ours, theirs)])
    return validate_table(table, SHIFT_COSTS, "shift costs")


def _opened(
    release: Release,
    split: str,
    predictions: Predictions,
    *,
    allow_missing: bool,
    name: str | None,
) -> tuple[ScoringCase, Model]:
    """Return a split as it is scored, and a submission on its series and days."""
    request = DatasetRequest(feature_set="climatology", scaling="train", split=split)
    request.check_against(release.manifest)
    submission = open_submission(predictions, name)
    case = case_of(release, split)
    check_labels(submission, case)
    placed = case.on_series(submission.at_lead(next(iter(submission.leads), None)))
    check_coverage(placed, case, name=submission.name, allow_missing=allow_missing)
    return case, Model(name or submission.name, lambda: placed)
