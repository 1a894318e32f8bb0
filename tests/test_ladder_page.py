"""The ladder in a release's report: numbers of its score table and no others."""

from __future__ import annotations

import pandas as pd

from card_factory import OBSERVING, RUNGS, make_scores
from page_text import Reading
from somobench.ladder_page import ladder_sections
from somobench.page import page
from somobench.score_texts import score_text

SPLITS = ("spatial", "temporal")


def make_ladder() -> pd.DataFrame:
    return pd.concat(
        [
            make_scores(rung, split, 0.3 + 0.1 * place, RUNGS[:place])
            for split in SPLITS
            for place, rung in enumerate(RUNGS)
        ],
        ignore_index=True,
    )


def make_page(scores: pd.DataFrame) -> str:
    ladder = [{"rung": r, "needs_observations": r in OBSERVING} for r in RUNGS]
    record = {"splits": {split: {"ladder": ladder} for split in SPLITS}}
    absent = {"spatial": {"linear_1": "the forcing has no radiation", "reanalysis": ""}}
    return page("Ladder", ladder_sections(scores, record, absent))


def test_every_score_of_the_ladder_is_a_row_of_the_table() -> None:
    scores = make_ladder()
    rows = {
        tuple(score_text(row[key]) for key in ("value", "low", "high"))
        for row in scores.to_dict("records")
    }
    found = Reading(make_page(scores)).triples()
    # By split and rung: one in the overview, one in the plot, seven metrics and three
    # layers: 8 times 12; and 6 differences a split.
    assert len(found) == 8 * 12 + 2 * 6
    assert set(found) <= rows


def test_rungs_that_read_observations_are_marked_and_apart() -> None:
    text = Reading(make_page(make_ladder())).text
    # In the overview, and in the table of each split.
    assert text.count("Persistence reads observations") == 3
    assert "Reanalysis reads observations" not in text
    split = text.split("The ladder on spatial\n")[-1]
    heading = split.index("Rungs that read observations of the cell")
    assert split.index("Climatology") < heading < split.index("Persistence")


def test_missing_rung_is_shown_with_its_reason() -> None:
    text = Reading(make_page(make_ladder())).text
    told = "One-variable regression: the forcing has no radiation"
    assert text.count(told) == 1
    assert text.index(told) < text.rindex("The ladder on temporal")


def test_all_splits_are_drawn_on_one_scale() -> None:
    text = make_page(make_ladder())
    scales = [part.split("</svg>")[0] for part in text.split('<div class="row scale"')]
    assert len(scales) == 3
    assert scales[1] == scales[2]
