"""The score card: numbers of its tables and no others."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from factories.cards import HOSTILE, make_card, make_finding, write_card
from factories.web.page_text import Reading
from somobench.cards import sections
from somobench.cards.ladder import find_rung_score
from somobench.cards.lookup import ScoreLookup
from somobench.cards.page import score_card
from somobench.cards.page import write_card as write_report
from somobench.cards.sections import EXTREMES, NO_THRESHOLDS
from somobench.metrics.registry import METRICS
from somobench.pages.frame import (
    ABSENT,
    POLICY,
    THOUSANDS,
    render_template,
    write_number,
)
from somobench.pages.texts import TITLES, write_score
from somobench.schemas.errors import ValidationError

FIXED = (
    *TITLES.values(),
    *(metric.long_name for metric in METRICS.values()),
    "layer 1",
    "layer 2",
    "virtual-0.1.0",
    "right of 0",
    "lies above 0",
    "Above 0 is",
    "below 1 energy",
    "dryness 0.5 to 1",
    "dryness 1 to 2",
    "1 to 3 years",
    "3 to 6 years",
    "1 station",
    "sha256",
    "somobench: 0.1.0",
    "the 10th percentile of a series",
    "the 90th percentile of a series",
)
"""Texts with digits that are no numbers of the card."""


def make_cells() -> pd.DataFrame:
    cells = make_card()[1]["cell_scores"]["cell_id"].unique()
    dryness = [0.4, 0.9, 2.5, float("nan")]
    regions = ["oceania" if cell.startswith("-") else "europe" for cell in cells]
    return pd.DataFrame({"cell_id": cells, "dryness": dryness, "region": regions})


def shown(row: dict[str, Any]) -> tuple[str, str, str]:
    days = str(row["metric"]).endswith("_lag")
    return (
        write_score(row["value"], 1 if days else 3),
        write_score(row["low"], 1 if days else 3),
        write_score(row["high"], 1 if days else 3),
    )


def reading(**made: Any) -> Reading:
    return Reading(score_card(*make_card(**made), cells=make_cells()))


def test_every_score_and_interval_on_the_card_is_a_row_of_its_tables() -> None:
    record, tables = make_card(leads=True)
    rows = [
        shown(row)
        for name in ("scores", "lead_scores")
        for row in tables[name].to_dict("records")
    ]
    found = Reading(score_card(record, tables)).triples()
    # 13 metrics in three columns alone are 39.
    assert len(found) > 100
    assert set(found) - set(rows) == set()


def test_every_other_number_on_the_card_is_a_count_of_its_files() -> None:
    record, tables = make_card(leads=True)
    on_hover = [*tables["cell_scores"]["value"], *tables["lead_scores"]["value"]]
    hovering = {write_score(value) for value in on_hover}
    # Counts of the factory; 2 of 3 rungs are beaten; 90 % of 500 draws of 44 days.
    counts = {"8", "2400", "2300", "90", "500", "44", "2", "3", "1", "5"}
    found = Reading(score_card(record, tables)).numbers(
        *FIXED, *tables["cell_scores"]["cell_id"]
    )
    rungs = {write_score(value, 2) for value in scores_of_rungs(tables["scores"])}
    assert {
        text.replace(THOUSANDS, "") for text in found
    } - hovering - counts - rungs == set()


def scores_of_rungs(scores: pd.DataFrame) -> list[float]:
    """Return the submission's score less its difference to each rung."""
    rows = scores.query("metric == 'pearson_r' and layer == 0 and pool_kind == 'plain'")
    own = rows.loc[rows["against"] == "", "value"].item()
    return [round(own - value, 4) for value in rows.loc[rows["against"] != "", "value"]]


def test_score_of_a_rung_is_given_where_both_rest_on_the_same_days() -> None:
    record, tables = make_card()
    shown = Reading(score_card(record, tables))
    keys = [key for _, key in shown.keys]
    wanted = [str(value) for value in scores_of_rungs(tables["scores"])]
    assert len(wanted) == 4
    assert set(wanted) <= set(keys)


@pytest.mark.parametrize(
    ("compared", "expected"),
    [
        # 0.8123 - 0.1001 = 0.7122
        ({"difference": 0.1001, "cell_count": 8, "day_count": 2400}, 0.7122),
        ({"difference": 0.1001, "cell_count": 8, "day_count": 2399}, None),
        ({"difference": 0.1001, "cell_count": 7, "day_count": 2400}, None),
        ({"difference": None, "cell_count": 8, "day_count": 2400}, None),
    ],
)
def test_difference_tells_a_score_on_equal_counts_only(
    compared: dict[str, Any], expected: float | None
) -> None:
    own = {"value": 0.8123, "cell_count": 8, "day_count": 2400}
    assert find_rung_score(compared, own) == expected
    assert find_rung_score(compared, None) is None


def test_cells_sort_by_the_stored_number_not_the_rounded_one() -> None:
    record, tables = make_card(leads=True)
    stored = {
        value
        for name in ("scores", "lead_scores")
        for value in tables[name]["value"].tolist()
    }
    keys = [
        float(key)
        for tag, key in Reading(score_card(record, tables)).keys
        if tag == "td" and "." in key and key.replace(".", "").lstrip("-").isdigit()
    ]
    assert len(keys) > 100
    assert set(keys) <= stored | set(scores_of_rungs(tables["scores"]))


def test_table_row_shows_the_scores_of_each_layer() -> None:
    record, tables = make_card()
    rows = tables["scores"].query(
        "metric == 'anomaly_r' and pool_kind == 'plain' and against == ''"
    )
    expected = ["{} ({} to {})".format(*shown(row)) for row in rows.to_dict("records")]
    # Layers 0 (all), 1 and 2 in this order, then 8 series.
    line = "\n".join(["anomaly r, 35 days ", *(f"{each} " for each in expected), "8"])
    text = Reading(score_card(record, tables)).text
    assert line.replace(" ", "") in text.replace(" ", "")


def test_metrics_that_score_the_reference_are_marked_and_the_leading_ones_not() -> None:
    text = reading().text
    assert "ubRMSE, m³\u00a0m⁻³ depends on the reanalysis" in text
    assert "Pearson r depends on the reanalysis" not in text
    assert "this metric partly measures agreement with the reanalysis" in text


def test_card_without_marked_metrics_does_not_explain_the_mark() -> None:
    record, tables = make_card()
    tables["scores"]["note"] = ""
    assert "depends on the reanalysis" not in Reading(score_card(record, tables)).text


def test_headline_names_the_highest_rung_and_the_next() -> None:
    # 0.85 - 0.6 + 0.25 is far above 0 for each rung; 0.4 - 0.6 + 0.25 = 0.05 less
    # 0.15 a rung is below 0 from the second on.
    assert "Beats “Reanalysis” and every rung below it with confidence: all 3" in (
        reading(skill=0.85).text
    )
    weak = reading(skill=0.3).text
    assert "beat the lowest rung, “Climatology”, with confidence." in weak


def without_values(scores: pd.DataFrame, metrics: list[str]) -> pd.DataFrame:
    """Return scores of series that lack what some metrics need."""
    chosen = scores["metric"].isin(metrics)
    lacking = scores.copy()
    lacking.loc[chosen, ["value", "low", "high"]] = math.nan
    lacking.loc[chosen, ["cell_count", "day_count"]] = 0
    return lacking


def extremes_of(tables: dict[str, pd.DataFrame], metrics: list[str]) -> str:
    """Return what the section of extremes says of series without some metrics."""
    lookup = ScoreLookup(without_values(tables["scores"], metrics))
    section = render_template(
        "extremes.html.j2", "somobench.cards", lookup=lookup, parts=sections
    )
    return Reading(section).text


def test_series_without_thresholds_have_a_sentence_instead_of_extremes() -> None:
    tables = make_card()[1]
    found = extremes_of(tables, [name for name in METRICS if name in EXTREMES])
    assert NO_THRESHOLDS in found
    assert ABSENT not in found
    assert "hit rate of dry days" not in found
    assert NO_THRESHOLDS not in extremes_of(tables, [])


def test_extreme_that_no_series_has_is_named_and_has_no_row() -> None:
    found = extremes_of(make_card()[1], ["sedi_dry", "drought_onset_lag"])
    assert (
        "No series has such days: SEDI of dry days, lag of drought onset, days."
        in found
    )
    assert found.count("SEDI") == 1
    assert "hit rate of dry days" in found
    assert ABSENT not in found


def test_rungs_that_read_observations_stand_apart_and_marked() -> None:
    text = reading().text
    heading = text.index("Rungs that read observations of the cell")
    assert text.index("Climatology \n") < heading < text.index("Persistence \n")
    assert "Persistence reads observations" in text


def test_rung_that_is_not_available_is_shown_with_its_reason() -> None:
    record, tables = make_card()
    record["ladder"]["not_available"] = {"linear_1": "the forcing has no radiation"}
    text = Reading(score_card(record, tables)).text
    assert "One-variable regression: the forcing has no radiation" in text
    assert "Gradient boosting: the predictions that were compared with don't" in text
    assert "Climatology: " not in text


def test_card_without_a_ladder_says_why() -> None:
    text = reading(ladder=False).text
    reason = "the release carries no predictions of rungs"
    assert f"Headline not available: {reason}." in text


@pytest.mark.parametrize("of_release", [True, False, None])
def test_ladder_that_is_not_the_release_s_is_marked(of_release: bool | None) -> None:
    record, tables = make_card()
    record["ladder"]["of_release"] = of_release
    text = Reading(score_card(record, tables)).text
    assert ("These rungs were brought along" in text) == (of_release is False)
    assert ("doesn\u2019t say whether its ladder is" in text) == (of_release is None)


def test_lead_times_say_how_many_days_they_have_in_common() -> None:
    record, tables = make_card(leads=True)
    counts = f"{write_number(2300)} of {write_number(2400)}"
    common = f"the {counts} cell-days that all three have at every"
    assert common in Reading(score_card(record, tables)).text


def test_copy_of_the_target_is_marked_and_has_no_headline() -> None:
    text = reading(findings=[make_finding(decimals=3)]).text
    said = "the predictions equal the target to 3 decimals, in 8 of 8 series"
    assert f"This is no prediction: {said}." in text
    assert f"Headline not available: {said}: this is no prediction." in text
    assert "This is no prediction" not in reading().text


def test_lead_times_call_rungs_as_the_ladder_does() -> None:
    text = Reading(score_card(*make_card(leads=True))).text
    table = text[text.index("Pearson r by lead time") :].split("\n")
    names = [
        line for line in table if line in {"model-a", "Climatology", "Persistence"}
    ]
    assert names[:3] == ["model-a", "Climatology", "Persistence"]


def test_more_common_days_than_predicted_are_refused() -> None:
    record, tables = make_card(leads=True)
    record["lead_coverage"]["common"] = 2401
    with pytest.raises(ValidationError, match="lead_coverage: 2401 cell-days"):
        score_card(record, tables)


def test_incomplete_submission_is_marked() -> None:
    warning = "Not every cell-day was predicted"
    assert warning in reading(given=1200).text
    assert warning not in reading().text


def test_score_without_an_interval_says_so() -> None:
    record, tables = make_card(ladder=False)
    one = (tables["scores"]["pool"] == "NET-A") & (
        tables["scores"]["metric"] == "pearson_r"
    )
    tables["scores"].loc[one, ["low", "high"]] = math.nan
    assert "(no interval)" in Reading(score_card(record, tables)).text


def test_hostile_names_stay_text_and_nothing_is_asked_for() -> None:
    page = score_card(*make_card(HOSTILE, leads=True))
    found = Reading(page)
    assert HOSTILE in found.text
    assert "<b>net</b>" in found.text
    assert found.tags.count("script") == 1
    assert not {"img", "b", "iframe", "link", "object", "onerror"} & set(found.tags)
    assert all(address.startswith("#") for address in found.addresses)
    assert (
        f"{POLICY}; script-src &#x27;sha256-" in page or f"{POLICY}; script-src" in page
    )


def test_same_card_gives_the_same_page() -> None:
    assert score_card(*make_card(leads=True)) == score_card(*make_card(leads=True))


def test_cells_are_drawn_against_dryness_where_it_is_known() -> None:
    # Three of four cells have a dryness; layer 2 of the last cell has no score.
    page = score_card(*make_card(), cells=make_cells())
    figure = page[page.index('id="dryness-cells"') :]
    figure = figure[: figure.index("</figure>")]
    assert figure.count("<title>") == 6
    assert 'id="dryness-cells"' not in score_card(*make_card())


def test_maps_show_the_score_of_every_cell_by_region() -> None:
    record, tables = make_card()
    page = score_card(record, tables, cells=make_cells())
    for layer in (1, 2):
        figure = page[page.index(f'id="map-{layer}"') :]
        figure = figure[: figure.index("</figure>")]
        assert re.findall(r"(\w+): 2 cells", figure) == ["Europe", "Oceania"]
        rows = tables["cell_scores"].query(
            f"metric == 'pearson_r' and layer == {layer}"
        )
        assert len(rows) == 4
        for cell, value in zip(rows["cell_id"], rows["value"], strict=True):
            assert f"{cell}: {write_score(value)}" in figure


def test_report_is_written_into_the_folder_of_a_card(tmp_path: Path) -> None:
    folder = write_card(tmp_path / "card", release="uscrn-9.9.9")
    written = write_report(folder)
    assert written == folder / "report.html"
    assert "Virtual: simulated" not in written.read_text("utf-8")
