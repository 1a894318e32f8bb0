"""Score a submission on a split of a release, and write what anybody can recompute.

The command line's `evaluate` and `somobench.evaluate` both end here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from somobench.catalog.release_files import TARGETS
from somobench.catalog.resolve import Release, resolve
from somobench.folds import POOLED, check_split
from somobench.folds.view import read_folds
from somobench.metrics.days import ResampledDays
from somobench.progress import tell_step
from somobench.schemas.gridded_options import GriddedOptions
from somobench.schemas.validate import validate_table
from somobench.scoring.case import ScoringCase
from somobench.scoring.copies import average_members, find_copies
from somobench.scoring.coverage import check_coverage, check_labels
from somobench.scoring.describe import (
    check_model_name,
    describe_bootstrap,
    describe_code,
    describe_folds,
    describe_ladder,
    describe_spread,
    describe_submission,
)
from somobench.scoring.files import TABLE_FILES, TABLE_SCHEMAS
from somobench.scoring.headline import derive_headline, summarise_scores
from somobench.scoring.inputs import list_references, read_case
from somobench.scoring.ladders import (
    Ladder,
    choose_ladder,
    compare_with_rungs,
    explain_absence,
)
from somobench.scoring.lead_times import (
    count_common_days,
    score_lead_times,
    summarise_leads,
)
from somobench.scoring.marks.checks import find_marks
from somobench.scoring.models import (
    COMPARED,
    Forecast,
    Model,
    ScoredModels,
    draw_common_days,
    score_model,
)
from somobench.scoring.own_grid import describe_wanted
from somobench.scoring.record import (
    SCORE_SCHEMA,
    OptionsRecord,
    ScalingRecord,
    ScoreRecord,
)
from somobench.scoring.tables import (
    cell_table,
    finish_cell_scores,
    finish_scores,
    score_table,
)
from somobench.submissions.submission import Predictions, Submission, open_submission


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Evaluation:
    """A submission's scores.

    Attributes
    ----------
    scores : DataFrame of schema SCORES
    cell_scores : DataFrame of schema CELL_SCORES
    lead_scores : DataFrame of schema LEAD_SCORES, or None without lead times
    record : ScoreRecord
        Content of `score.json`: what was scored against what.
    cells : DataFrame of schema CELLS
        Of the release.
    """

    scores: pd.DataFrame
    cell_scores: pd.DataFrame
    lead_scores: pd.DataFrame | None
    record: ScoreRecord
    cells: pd.DataFrame

    def __repr__(self) -> str:
        """Say what was scored on what, and the headline."""
        record = self.record
        said = self.headline.get("sentence") or "No headline."
        scored = f"{record.model!r} on {record.split} of {record.release}"
        return f"<Evaluation of {scored}: {said}>"

    @cached_property
    def headline(self) -> dict[str, Any]:
        """The highest rung that is beaten with confidence, and how each compares."""
        return derive_headline(self.record, self.scores)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        named = {name: getattr(self, name) for name in TABLE_FILES}
        return {name: table for name, table in named.items() if table is not None}

    def describe(self) -> dict[str, Any]:
        """Return the record with headline, summary and curves, ready for JSON."""
        leads, model = self.lead_scores, self.record.model
        return self.record.model_dump(mode="json") | {
            "headline": self.headline,
            "summary": summarise_scores(self.scores),
            "lead_times": None if leads is None else summarise_leads(leads, model),
            "findings_in_words": [item.sentence for item in self.record.findings],
            "marks_in_words": [item.sentence for item in self.record.marks],
        }

    def write(self, folder: Path | str, *, overwrite: bool = False) -> None:
        """Write the tables, score.json and report.html, all of them or none.

        Raises
        ------
        UsageError
            If the folder holds something else, or scores that may not be replaced.
        """
        from somobench.cards.write import write_card

        write_card(self, folder, overwrite=overwrite)


def evaluate(
    predictions: Predictions,
    *,
    release: str,
    split: str,
    ladder: Path | str | None = None,
    allow_missing: bool = False,
    name: str | None = None,
    gridded: GriddedOptions | None = None,
) -> Evaluation:
    """Score predictions on the test days of a split.

    The release's files are hashed. Scores don't depend on the order of cells, days
    or rows, and are rounded so that they are the same on another machine.

    Parameters
    ----------
    predictions : path, DataArray, Dataset or DataFrame
        m3 m-3, in the target's train scaling; the layout is in docs/submissions.md.
    release : str
        Full id, such as `virtual-2.0.0`.
    split : str
        One of the release, or `spatial_folds`: each cell as predicted by a model that
        was trained for the fold of `spatial` that tests the cell.
    ladder : path, optional
        The rungs' predictions, a file or a folder with one for each split; by default
        those of the release, without which there is no headline.
    allow_missing : bool
        Score the days that are predicted instead of refusing missing ones; rungs are
        compared on the same days.
    name : str, optional
        Of the model in the tables, 200 letters at most; by default the file's name.
        `persistence` and `climatology` are taken where there are lead times.
    gridded : GriddedOptions, optional
        How a model's own grid is brought to the cells, where that isn't to be chosen by
        what the file says. Such a grid is scored against targets as measured.

    Returns
    -------
    Evaluation

    Raises
    ------
    UnknownNameError
        For an unknown release or split.
    UsageError
        For a name that can't be taken.
    InputError, ValidationError
        For predictions that can't be scored, naming the first offenders.
    IntegrityError
        If a file of the release isn't the published one.

    Examples
    --------
    >>> import somobench
    >>> somobench.evaluate("mine.nc", release="virtual-0.1.0", split="temporal")
    ... # doctest: +SKIP
    """
    tell_step(f"opening release {release} and reading the predictions")
    found = resolve(release)
    shape = found.manifest.files[TARGETS].arrays["soil_moisture"].shape
    return evaluate_submission(
        open_submission(
            predictions,
            name,
            asked=math.prod(shape),
            wanted=None
            if "cell" in getattr(predictions, "dims", ())
            else describe_wanted(found, gridded or GriddedOptions()),
        ),
        release=found,
        split=split,
        ladder=ladder,
        allow_missing=allow_missing,
        name=name,
    )


def evaluate_submission(
    submission: Submission,
    *,
    release: Release,
    split: str,
    ladder: Path | str | None = None,
    with_ladder: bool = True,
    allow_missing: bool = False,
    name: str | None = None,
) -> Evaluation:
    """Score predictions that were read already; otherwise as `evaluate`.

    Without `with_ladder` nothing is compared with, even where it could be.
    """
    check_split(release.manifest, split)
    model = check_model_name(
        submission.name if name is None else name, submission.leads
    )
    tell_step(f"reading the test days of {split}")
    scaled = submission.gridded is None
    folds = read_folds(release, always=True) if split == POOLED else None
    case = read_case(release, split, scaled=scaled, folds=folds)
    check_labels(submission, case)
    rungs, missing = None, explain_absence(release, split)
    if with_ladder:
        rungs, missing = choose_ladder(release, case, ladder)
    leads, first = submission.leads, submission.shortest_lead
    asked: list[int | None] = [*leads] or [None]

    def forecast(lead: int | None) -> xr.DataArray:
        return case.place_on_series(submission.select_lead(lead))

    coverage = {
        lead: check_coverage(
            forecast(lead), case, name=submission.name, allow_missing=allow_missing
        )
        for lead in asked
    }
    days, tables = score_forecast(case, model, forecast, asked, rungs)
    tell_step("looking whether the predictions are a copy of something")
    references = list_references(release, case, rungs)
    observing = rungs.needs_observations if rungs else frozenset()
    record = ScoreRecord(
        schema_version=SCORE_SCHEMA,
        model=model,
        release=release.id,
        release_title=release.manifest.title,
        manifest_sha256=release.manifest_sha256,
        split=split,
        split_sha256=folds.sha256 if folds else release.manifest.splits[split].sha256,
        code=describe_code(),
        submission=describe_submission(submission),
        options=OptionsRecord(allow_missing=allow_missing),
        coverage=coverage[first],
        ladder=describe_ladder(rungs, missing, release, split),
        bootstrap=describe_bootstrap(days),
        scaling=ScalingRecord(
            name="train" if scaled else "none",
            series=len(case.full_record),
            full_record_series=int(case.full_record.sum()),
        ),
        scored_lead_time=first,
        lead_coverage=count_common_days(case, forecast, leads) if leads else None,
        target_uncertainty=describe_spread(case),
        findings=find_copies(case, forecast, asked, references),
        marks=find_marks(
            case,
            average_members(forecast(first)),
            [model for model in references if model.name not in observing],
            is_forecast=bool(leads),
        ),
        folds=None if folds is None else describe_folds(folds, release),
    )
    return Evaluation(
        scores=tables["scores"],
        cell_scores=tables["cell_scores"],
        lead_scores=tables.get("lead_scores"),
        record=record,
        cells=case.cells.reset_index(),
    )


def score_forecast(
    case: ScoringCase,
    name: str,
    forecast: Forecast,
    asked: Sequence[int | None],
    ladder: Ladder | None,
) -> tuple[ResampledDays, dict[str, pd.DataFrame]]:
    """Score a model on a case, beside a ladder if there is one.

    Parameters
    ----------
    case : ScoringCase
    name : of the model
    forecast : callable
        Gives the predictions of a lead time, (series, time) and optionally member.
    asked : lead times, days
        The first one is scored, all of them make the curves; None alone where the
        predictions have no lead time.
    ladder : Ladder, optional

    Returns
    -------
    ResampledDays
        That the scores were drawn on.
    dict of DataFrame
        Checked tables by their names in `TABLE_FILES`.
    """
    predicted = forecast(asked[0])
    ours = Model(name, lambda: predicted)
    rungs = ladder.rungs if ladder else ()
    days = draw_common_days(case, [ours, *rungs], within=ours)
    tell_step(f"scoring {name}")
    scored = score_model(case, predicted, days)
    compared = ScoredModels(case, days, COMPARED)
    differences = compare_with_rungs(compared, ours, rungs)
    tables = {
        "scores": finish_scores([score_table(case, scored, name), *differences]),
        "cell_scores": finish_cell_scores([cell_table(case, scored, name)]),
    }
    leads = [lead for lead in asked if lead is not None]
    if leads:
        tables["lead_scores"] = score_lead_times(case, name, forecast, leads)
    for key, table in tables.items():
        validate_table(table, TABLE_SCHEMAS[key], TABLE_FILES[key])
    return days, tables
