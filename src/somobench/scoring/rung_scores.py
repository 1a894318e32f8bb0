"""Scores of the ladder itself: every rung, and how it compares with those below."""

from __future__ import annotations

import pandas as pd

from somobench.metrics.days import ResampledDays
from somobench.scoring.case import ScoringCase
from somobench.scoring.ladders import Ladder, compare_with_rungs
from somobench.scoring.models import LEADING, ScoredModels, score_model
from somobench.scoring.tables import COARSE, cell_table, score_table


def score_ladder(
    case: ScoringCase, ladder: Ladder, days: ResampledDays
) -> dict[str, list[pd.DataFrame]]:
    """Score every rung of a split, and compare it with all rungs below.

    Parameters
    ----------
    case : ScoringCase
    ladder : Ladder
    days : ResampledDays
        Drawn for all rungs.

    Returns
    -------
    dict
        Parts of the tables `scores` and `cell_scores`.
    """
    scores: list[pd.DataFrame] = []
    cell_scores: list[pd.DataFrame] = []
    compared = ScoredModels(case, days, LEADING)
    for place, rung in enumerate(ladder.rungs):
        own = score_model(case, rung.load(), days)
        scores.append(score_table(case, own, rung.name))
        cell_scores.append(cell_table(case, own, rung.name))
        below = ladder.rungs[:place]
        scores += compare_with_rungs(compared, rung, below, kinds=COARSE)
    return {"scores": scores, "cell_scores": cell_scores}
