"""The ladder in a release's report: numbers of its score table and no others."""

from __future__ import annotations

import math
import re

import pandas as pd
import pytest

from factories.cards import (
    CELLS,
    OBSERVING,
    POOLS,
    RUNGS,
    make_cell_scores,
    make_scores,
)
from factories.web.page_text import Reading
from somobench.cards.sections import NO_THRESHOLDS
from somobench.pages.frame import render_page
from somobench.pages.texts import write_score
from somobench.pipelines.release.report.ladder import make_ladder_sections
from somobench.pipelines.release.report.ladder_details import (
    EXTREMES,
    CellTables,
    Rung,
    find_highest_learned,
)

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


def make_tables() -> CellTables:
    """Return scores of cells, 0.1 more with each rung; the last cell has no dryness."""
    parts = [
        make_cell_scores(rung, split, 0.3 + 0.1 * place)
        for split in SPLITS
        for place, rung in enumerate(RUNGS)
    ]
    cells = pd.DataFrame({"cell_id": CELLS, "dryness": [0.4, 0.9, 2.5, float("nan")]})
    return CellTables(pd.concat(parts, ignore_index=True), cells)


def make_page(scores: pd.DataFrame, tables: CellTables | None = None) -> str:
    ladder = [{"rung": r, "needs_observations": r in OBSERVING} for r in RUNGS]
    record = {"splits": {split: {"ladder": ladder} for split in SPLITS}}
    absent = {"spatial": {"linear_1": "the forcing has no radiation", "reanalysis": ""}}
    return render_page("Ladder", make_ladder_sections(scores, record, absent, tables))


def part_of(text: str, split: str, summary: str) -> str:
    """Return what opens on demand under a summary in the section of a split."""
    section = text.partition(f"<h2>The ladder on {split}</h2>")[2]
    part = section.partition(f"<summary>{summary}</summary>")[2]
    return part.partition("</details>")[0]


def test_every_score_of_the_ladder_is_a_row_of_the_table() -> None:
    scores = make_ladder()
    rows = {
        tuple(write_score(row[key]) for key in ("value", "low", "high"))
        for row in scores.to_dict("records")
    }
    found = Reading(make_page(scores, make_tables())).triples()
    # By split and rung: one in the overview, one in the plot, seven metrics, two
    # layers, three networks and three metrics of extremes: 8 times 17; and a split has
    # 6 differences and 2 classes of dryness.
    assert len(found) == 8 * 17 + 2 * (6 + 2)
    assert set(found) <= rows


def test_network_has_the_score_of_every_rung_and_its_series() -> None:
    scores = make_ladder()
    part = part_of(make_page(scores), "spatial", "By network")
    own = scores.query(
        "split == 'spatial' and pool == 'NET-A' and metric == 'pearson_r' "
        "and layer == 0 and against == ''"
    ).set_index("model")
    cells = [
        "{} ({} to {})".format(*(write_score(row[k]) for k in ("value", "low", "high")))
        for row in own.loc[list(RUNGS)].to_dict("records")
    ]
    line = " ".join(["NET-A", *cells, "8"])
    assert line in " ".join(Reading(part).text.split())
    assert [key for tag, key in Reading(part).keys if tag == "th"][-3:] == sorted(
        POOLS["network"]
    )
    assert "<b>net</b>" not in part


def test_split_whose_series_have_no_thresholds_says_so() -> None:
    scores = make_ladder()
    lacking = scores["metric"].isin(EXTREMES) & (scores["split"] == "spatial")
    scores.loc[lacking, ["value", "low", "high"]] = float("nan")
    text = make_page(scores)
    part = part_of(text, "spatial", "Dry extremes")
    assert NO_THRESHOLDS in part
    assert "<table" not in part
    assert "<table" in part_of(text, "temporal", "Dry extremes")


def test_map_shows_the_highest_rung_that_learns() -> None:
    # Of climatology, ridge_memory, reanalysis, persistence, it is the second.
    tables = make_tables()
    text = make_page(make_ladder(), tables)
    part = part_of(text, "temporal", "Maps of other layers: Ridge, forcing and memory")
    own = tables.select_scores("temporal", "ridge_memory")
    tips = {
        f"{cell}: {'no score' if math.isnan(value) else write_score(value)}"
        for cell, value in zip(own["cell_id"], own["value"], strict=True)
    }
    rest = text.split("<h2>The ladder on temporal</h2>")[1]
    shown = re.findall("<title>([^<]+: [^<]+)</title>", rest)
    assert {line for tip in shown for line in tip.split("\n")} == tips
    # The first layer stands beside the ladder, the other one opens on demand.
    overview = rest.partition('id="ladder-2-overview"')[2].partition("</figure>")[0]
    assert "Pearson r, layer 1" in overview
    assert "Ridge, forcing and memory" in overview
    assert "Pearson r, layer 2" in part


def test_cells_are_drawn_against_dryness_where_it_is_known() -> None:
    text = make_page(make_ladder(), make_tables())
    summary = "Against dryness: Ridge, forcing and memory"
    # Three of four cells have a dryness, in two layers; the last has none.
    assert part_of(text, "spatial", summary).count("<title>") == 6
    assert "dryness 0.5 to 1" in part_of(text, "spatial", summary)


def test_anchors_of_a_page_are_its_own_each() -> None:
    anchors = re.findall(' id="([^"]+)"', make_page(make_ladder(), make_tables()))
    assert len(anchors) > 8
    assert len(set(anchors)) == len(anchors)


def test_release_without_scores_of_cells_has_no_map() -> None:
    empty = make_tables()._replace(scores=make_tables().scores.iloc[:0])
    for tables in (None, empty):
        text = make_page(make_ladder(), tables)
        assert "Maps of other layers" not in text
        assert 'class="map"' not in text
        assert "Against dryness" not in text


@pytest.mark.parametrize(
    ("rungs", "highest"),
    [
        (["climatology", "ridge_memory", "reanalysis", "persistence"], "ridge_memory"),
        (["climatology", "water_balance", "ridge_state"], "water_balance"),
        (["reanalysis", "persistence"], None),
    ],
)
def test_highest_rung_that_learns_reads_no_observation(
    rungs: list[str], highest: str | None
) -> None:
    observing = {"persistence", "ridge_state"}
    ladder = [Rung(name, name in observing) for name in rungs]
    assert find_highest_learned(ladder) == highest


def test_rungs_that_read_observations_are_marked_and_apart() -> None:
    text = Reading(make_page(make_ladder())).text
    # In the overview, and in four tables of each split: scores, layers, what it beats,
    # extremes.
    assert text.count("Persistence reads observations") == 1 + 2 * 4
    assert "Reanalysis reads observations" not in text
    split = text.split("The ladder on spatial\n")[-1]
    heading = split.index("Rungs that read observations of the cell")
    assert split.index("Climatology") < heading < split.index("Persistence")


def test_missing_rung_is_shown_with_its_reason() -> None:
    text = Reading(make_page(make_ladder())).text
    reason = "One-variable regression: the forcing has no radiation"
    assert text.count(reason) == 1
    assert text.index(reason) < text.rindex("The ladder on temporal")


def test_all_splits_are_drawn_on_one_scale() -> None:
    text = make_page(make_ladder())
    scales = [part.split("</svg>")[0] for part in text.split('<div class="row scale"')]
    assert len(scales) == 3
    assert scales[1] == scales[2]
