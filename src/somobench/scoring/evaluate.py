"""Score a submission on a split of a release, and write what anybody can recompute.

The command line's `evaluate` and `somobench.evaluate` both end here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from somobench.catalog.fetching.fetch import fetch
from somobench.catalog.reader import CELLS, FEATURES, SPLITS, TARGETS
from somobench.catalog.request import DatasetRequest
from somobench.catalog.resolve import Release, resolve
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.schemas.validate import validate_table
from somobench.scoring.case import ScoringCase, build_case
from somobench.scoring.coverage import check_coverage, check_labels
from somobench.scoring.files import TABLE_FILES, TABLE_SCHEMAS
from somobench.scoring.headline import RungName, headline, no_headline
from somobench.scoring.ladders import Ladder, compare_with_rungs
from somobench.scoring.lead_times import lead_coverage, lead_summary, lead_table
from somobench.scoring.model_name import check_model_name
from somobench.scoring.models import Model, draw_common_days, score_model
from somobench.scoring.record import (
    bootstrap_record,
    ladder_record,
    provenance,
    summary,
    target_uncertainty,
)
from somobench.scoring.release_ladder import choose_ladder, why_none
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
    record : dict
        Content of `score.json`: what was scored against what, and the headline.
    """

    scores: pd.DataFrame
    cell_scores: pd.DataFrame
    lead_scores: pd.DataFrame | None
    record: dict[str, Any]

    def __repr__(self) -> str:
        """Say what was scored on what, and the headline."""
        found = self.record
        said = self.headline.get("sentence") or "No headline."
        scored = f"{found['model']!r} on {found['split']} of {found['release']}"
        return f"<Evaluation of {scored}: {said}>"

    @property
    def headline(self) -> dict[str, Any]:
        """The highest rung that is beaten with confidence, and how each compares."""
        found: dict[str, Any] = self.record["headline"]
        return found

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        named = {name: getattr(self, name) for name in TABLE_FILES}
        return {name: table for name, table in named.items() if table is not None}

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
) -> Evaluation:
    """Score predictions on the test days of a split.

    The release's files are hashed anew. Scores don't depend on the order of cells, days
    or rows, and are rounded so that they are the same on another machine.

    Parameters
    ----------
    predictions : path, DataArray, Dataset or DataFrame
        m3 m-3, in the target's train scaling; the layout is in docs/submissions.md.
    release : str
        Full id, such as `virtual-1.1.0`.
    split : str
    ladder : path, optional
        The rungs' predictions, a file or a folder with one for each split; by default
        those of the release, without which there is no headline.
    allow_missing : bool
        Score the days that are predicted instead of refusing missing ones; rungs are
        compared on the same days.
    name : str, optional
        Of the model in the tables, 200 letters at most; by default the file's name.
        `persistence` and `climatology` are taken where there are lead times.

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
    found = resolve(release)
    shape = found.manifest.files[TARGETS].arrays["soil_moisture"].shape
    return evaluate_submission(
        open_submission(predictions, name, asked=math.prod(shape)),
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
    request = DatasetRequest(feature_set="climatology", scaling="train", split=split)
    request.check_against(release.manifest)
    model = check_model_name(
        submission.name if name is None else name, submission.leads
    )
    case = case_of(release, split)
    check_labels(submission, case)
    rungs, reason = None, why_none(release, split)
    if with_ladder:
        rungs, reason = choose_ladder(release, case, ladder)
    record = provenance(release, split, submission, case)
    result = evaluate_on(case, submission, rungs, model, allow_missing=allow_missing)
    if rungs is None:
        result.record["headline"] = no_headline(reason)
    lacking = release.manifest.rungs.get(split, {}).items()
    reasons = {rung: why for rung, why in lacking if why}
    result.record["ladder"]["not_available"] = reasons
    with open_zarr_zip(release.path_of(TARGETS)) as targets:
        result.record["target_uncertainty"] = target_uncertainty(targets, case)
    return Evaluation(
        scores=result.scores,
        cell_scores=result.cell_scores,
        lead_scores=result.lead_scores,
        record=record | result.record | {"options": {"allow_missing": allow_missing}},
    )


def evaluate_on(
    case: ScoringCase,
    submission: Submission,
    ladder: Ladder | None,
    name: str,
    *,
    allow_missing: bool,
) -> Evaluation:
    """Score a submission on a case, beside a ladder if there is one.

    The record lacks what `evaluate` knows of the release.
    """
    leads = submission.leads
    first = submission.shortest_lead
    wanted: list[int | None] = [*leads] if leads else [None]
    coverage: dict[int | None, dict[str, Any]] = {}
    for lead in wanted:
        placed = case.on_series(submission.at_lead(lead))
        coverage[lead] = check_coverage(
            placed, case, name=submission.name, allow_missing=allow_missing
        )
    ours = Model(name, lambda: case.on_series(submission.at_lead(first)))
    rungs = ladder.rungs if ladder else ()
    days = draw_common_days(case, [ours, *rungs], within=ours)
    scored = score_model(case, ours.load(), days)
    scores = score_table(case, scored, name)
    differences = list(compare_with_rungs(case, ours, rungs, days))
    lead_scores = None

    def forecast(lead: int) -> xr.DataArray:
        return case.on_series(submission.at_lead(lead))

    if leads:
        lead_scores = lead_table(case, name, forecast, leads)
    evaluation = Evaluation(
        scores=finish_scores([scores, *differences]),
        cell_scores=finish_cell_scores([cell_table(case, scored, name)]),
        lead_scores=lead_scores,
        record={},
    )
    for key, table in evaluation.tables.items():
        validate_table(table, TABLE_SCHEMAS[key], TABLE_FILES[key])
    evaluation.record.update(
        {
            "model": name,
            "scored_lead_time": first,
            "coverage": coverage[first],
            "ladder": ladder_record(ladder),
            "bootstrap": bootstrap_record(days),
            "summary": summary(evaluation.scores),
        }
    )
    if ladder:
        names = [RungName(r.name, r.name in ladder.needs_observations) for r in rungs]
        table = evaluation.scores
        evaluation.record["headline"] = headline(table[table["against"] != ""], names)
    if lead_scores is not None:
        evaluation.record["lead_times"] = lead_summary(lead_scores, name)
        evaluation.record["lead_coverage"] = lead_coverage(case, forecast, leads)
    return evaluation


def case_of(release: Release, split: str) -> ScoringCase:
    """Return a split of a release as it is scored; its files are hashed anew."""
    with (
        open_zarr_zip(_verified(release, TARGETS)) as targets,
        open_zarr_zip(_verified(release, FEATURES)) as features,
    ):
        return build_case(
            split,
            targets=targets.load(),
            features=features.load(),
            splits=pd.read_parquet(_verified(release, SPLITS)),
            cells=pd.read_parquet(_verified(release, CELLS)),
            moments_from={
                int(layer): word
                for layer, word in release.manifest.target_moments_from.items()
            },
        )


def _verified(release: Release, name: str) -> Path:
    return release.local_path(name, always=True) or fetch(release.remote(name))
