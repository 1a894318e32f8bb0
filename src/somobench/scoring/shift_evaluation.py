"""What a shift costs a model of yours: two submissions of it, scored on common days."""

from __future__ import annotations

import pandas as pd

from somobench.catalog.resolve import Release, resolve
from somobench.folds import check_split
from somobench.progress import tell_step
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.scores import SHIFT_COSTS
from somobench.schemas.validate import validate_table
from somobench.scoring.case import ScoringCase
from somobench.scoring.coverage import check_coverage, check_labels
from somobench.scoring.describe import check_model_name
from somobench.scoring.inputs import read_case
from somobench.scoring.models import Model
from somobench.scoring.shift_costs import REFERENCE_SPLIT, shift_costs
from somobench.submissions.submission import Predictions, Submission, open_submission


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
        Full id, such as `virtual-2.0.0`.
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
        If both splits are the same one, or the name can't be taken.
    InputError, ValidationError
        For predictions that can't be scored, the same ones twice, other lead times, or
        splits without common test days.
    """
    if split == reference_split:
        raise UsageError(
            "split and reference split", found=f"{split} twice", expected="two splits"
        )
    found = resolve(release)
    tell_step("reading the predictions")
    sides = [
        (one, open_submission(given, name))
        for one, given in (
            (split, predictions),
            (reference_split, reference_predictions),
        )
    ]
    model = check_model_name(sides[0][1].name if name is None else name, ())
    _refuse_unlike(*(submission for _, submission in sides))
    (shifted, ours), (reference, theirs) = (
        _open_side(found, *side, model=model, allow_missing=allow_missing)
        for side in sides
    )
    tell_step("scoring both sides on common days")
    table = shift_costs(shifted, reference, [(ours, theirs)])
    return validate_table(table, SHIFT_COSTS, "shift costs")


def _refuse_unlike(ours: Submission, theirs: Submission) -> None:
    """Refuse one submission given twice, and forecasts of different lead times."""
    if ours.values_sha256 == theirs.values_sha256:
        raise InputError(
            "predictions for the split and for the reference split",
            found="the same values twice",
            expected="those of a model that was trained twice, once for each",
        )
    leads = [ours.shortest_lead, theirs.shortest_lead]
    if leads[0] != leads[1]:
        raise InputError(
            "shortest lead times of the two submissions",
            found=" and ".join(
                "none" if lead is None else f"{lead} d" for lead in leads
            ),
            expected="the same",
        )


def _open_side(
    release: Release,
    split: str,
    submission: Submission,
    *,
    model: str,
    allow_missing: bool,
) -> tuple[ScoringCase, Model]:
    """Return a split as it is scored, and a submission on its series and days."""
    check_split(release.manifest, split)
    tell_step(f"reading the test days of {split}")
    case = read_case(release, split)
    check_labels(submission, case)
    placed = case.place_on_series(submission.select_lead(submission.shortest_lead))
    check_coverage(placed, case, name=submission.name, allow_missing=allow_missing)
    return case, Model(model, lambda: placed)
