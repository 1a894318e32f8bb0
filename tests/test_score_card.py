"""The score card: numbers of its tables and no others, and no faith in its author."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from card_factory import HOSTILE, RUNGS, make_card, write_card, write_made
from page_text import Reading
from somobench.card_folder import read_card
from somobench.metric_registry import METRICS
from somobench.page import POLICY, THOUSANDS
from somobench.schemas.errors import InputError, ValidationError
from somobench.score_card import score_card
from somobench.score_card import write_card as write_report
from somobench.score_maps import Place, map_panels, neighbourhoods, place_of
from somobench.score_plots import Dot, Scale, dot_plot, linear_scale
from somobench.score_scatter import dryness_scatter
from somobench.score_texts import TITLES, score_text

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
)
"""Texts with digits that are no numbers of the card."""


def make_cells() -> pd.DataFrame:
    cells = make_card()[1]["cell_scores"]["cell_id"].unique()
    return pd.DataFrame({"cell_id": cells, "dryness": [0.4, 0.9, 2.5, float("nan")]})


def shown(row: dict[str, Any]) -> tuple[str, str, str]:
    days = str(row["metric"]).endswith("_lag")
    return (
        score_text(row["value"], 1 if days else 3),
        score_text(row["low"], 1 if days else 3),
        score_text(row["high"], 1 if days else 3),
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
    cell_values = {score_text(v) for v in tables["cell_scores"]["value"]}
    # Counts of the factory; 2 of 3 rungs are beaten; 90 % of 500 draws of 44 days.
    counts = {"8", "2400", "2300", "90", "500", "44", "2", "3", "1", "5"}
    found = Reading(score_card(record, tables)).numbers(
        *FIXED, *tables["cell_scores"]["cell_id"]
    )
    assert {
        text.replace(THOUSANDS, "") for text in found
    } - cell_values - counts == set()


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
    assert set(keys) <= stored


def test_table_row_shows_the_scores_of_each_layer() -> None:
    record, tables = make_card()
    rows = tables["scores"].query(
        "metric == 'anomaly_r' and pool_kind == 'plain' and against == ''"
    )
    told = ["{} ({} to {})".format(*shown(row)) for row in rows.to_dict("records")]
    # Layers 0 (all), 1 and 2 in this order, then 8 series.
    line = "\n".join(["anomaly r, 35 days ", *(f"{each} " for each in told), "8"])
    text = Reading(score_card(record, tables)).text
    assert line.replace(" ", "") in text.replace(" ", "")


def test_metrics_that_score_the_reference_are_marked_and_the_leading_ones_not() -> None:
    text = reading().text
    assert "ubRMSE, m³ m⁻³ scores the reference" in text
    assert "Pearson r scores the reference" not in text
    assert "this metric partly measures agreement with the reanalysis" in text


def test_headline_names_the_highest_rung_and_the_next() -> None:
    # 0.85 - 0.6 + 0.25 is far above 0 for each rung; 0.4 - 0.6 + 0.25 = 0.05 less
    # 0.15 a rung is below 0 from the second on.
    assert "Beats “Reanalysis” and every rung below it with confidence: all 3" in (
        reading(skill=0.85).text
    )
    weak = reading(skill=0.3).text
    assert "beat the lowest rung, “Climatology”, with confidence." in weak


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


def test_card_without_a_ladder_says_why() -> None:
    text = reading(ladder=False).text
    reason = "the release carries no predictions of the rungs"
    assert f"Headline not available: {reason}." in text


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


def test_report_is_written_into_the_folder_of_a_card(tmp_path: Path) -> None:
    folder = write_card(tmp_path / "card", release="uscrn-9.9.9")
    written = write_report(folder)
    assert written == folder / "report.html"
    assert "Virtual: simulated" not in written.read_text("utf-8")


def change_headline(record: dict[str, Any]) -> None:
    record["headline"]["highest_rung_beaten"] = "persistence"


def change_difference(record: dict[str, Any]) -> None:
    record["headline"]["rungs"][0]["low"] += 0.001


def hide_rung(record: dict[str, Any]) -> None:
    record["ladder"]["rungs"] = [*RUNGS[:2], "persistence"]


def move_rung_apart(record: dict[str, Any]) -> None:
    item = record["headline"]["rungs"].pop()
    record["headline"]["rungs_with_observations"].insert(0, item)


def change_summary(record: dict[str, Any]) -> None:
    record["summary"]["plain"]["pearson_r"]["value"] = 0.99


def change_model(record: dict[str, Any]) -> None:
    record["model"] = "another"


def change_split(record: dict[str, Any]) -> None:
    record["split"] = "spatial"


def change_hash(record: dict[str, Any]) -> None:
    record["manifest_sha256"] = "0" * 63


def change_schema(record: dict[str, Any]) -> None:
    record["schema_version"] = "2"


def exceed_days(record: dict[str, Any]) -> None:
    record["coverage"]["given"] = 2401


def climb_by_path(record: dict[str, Any]) -> None:
    record["release"] = "../../virtual-0.1.0"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (change_headline, "highest_rung_beaten"),
        (change_difference, "headline, rungs"),
        (hide_rung, "scores, against: found reanalysis"),
        (move_rung_apart, "rungs_with_observations"),
        (change_summary, "summary"),
        (change_model, "scores, model: found model-a, expected another"),
        (change_split, "scores, split: found temporal, expected spatial"),
        (change_hash, "manifest_sha256"),
        (change_schema, "schema_version"),
        (exceed_days, "coverage: found 2401"),
        (climb_by_path, "release"),
    ],
)
def test_card_that_says_other_than_its_tables_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], named: str
) -> None:
    record, tables = make_card()
    change(record)
    folder = write_made(tmp_path / "card", record, tables)
    with pytest.raises(ValidationError, match=named):
        read_card(folder)


@pytest.mark.parametrize(
    "content",
    ["", "[" * 100_000, "not JSON", "[1]", "null", '{"model": NaN}', "\x00\xff"],
    ids=["empty", "deep", "text", "list", "null", "nan", "bytes"],
)
def test_damaged_record_is_refused(tmp_path: Path, content: str) -> None:
    folder = write_card(tmp_path / "card")
    (folder / "score.json").write_text(content, "latin-1")
    with pytest.raises((InputError, ValidationError)):
        read_card(folder)


@pytest.mark.parametrize("file", ["scores.parquet", "cell_scores.parquet"])
def test_damaged_or_missing_table_is_refused(tmp_path: Path, file: str) -> None:
    folder = write_card(tmp_path / "card")
    (folder / file).write_bytes((folder / file).read_bytes()[:-20])
    with pytest.raises(InputError, match=file):
        read_card(folder)
    (folder / file).unlink()
    with pytest.raises(InputError, match=file):
        read_card(folder)


def test_table_that_breaks_its_schema_is_refused(tmp_path: Path) -> None:
    record, tables = make_card()
    tables["scores"].loc[0, "low"] = 2.0
    folder = write_made(tmp_path / "card", record, tables)
    with pytest.raises(ValidationError, match="low not above high"):
        read_card(folder)


def test_number_that_is_not_finite_in_the_record_is_refused(tmp_path: Path) -> None:
    folder = write_card(tmp_path / "card")
    record = json.loads((folder / "score.json").read_text("utf-8"))
    record["bootstrap"]["level"] = math.inf
    (folder / "score.json").write_text(json.dumps(record), "utf-8")
    with pytest.raises(ValidationError, match="bootstrap.level"):
        read_card(folder)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        # Five steps at most: (0.71 - 0.12) / 5 = 0.118, so steps of 0.2.
        ([0.12, 0.71], (0.0, 0.2, 0.4, 0.6, 0.8)),
        # 0.4 / 5 = 0.08, so steps of 0.1.
        ([-0.2, 0.2], (-0.2, -0.1, 0.0, 0.1, 0.2)),
        ([math.nan, None], (-0.1, -0.05, 0.0, 0.05, 0.1)),
    ],
)
def test_scale_has_round_ticks_that_hold_the_values(
    values: list[float | None], ticks: tuple[float, ...]
) -> None:
    assert linear_scale(values).ticks == ticks


def test_dot_and_interval_stand_where_the_scale_says() -> None:
    # 3 % are left free at both ends: 0 -> 3, 0.5 -> 50, 1 -> 97; 0.25 -> 26.5.
    scale = Scale(0.0, 1.0, (0.0, 1.0))
    drawn = dot_plot([Dot("a", 0.5, 0.25, 1.0, filled=False)], "score", scale=scale)
    assert '<circle cx="50.0%" cy="50%" r="5.5" fill="var(--surface)"' in drawn
    assert '<line x1="26.5%" y1="50%" x2="97.0%" y2="50%"' in drawn
    assert "0.500" in drawn
    assert "(0.250 to 1.000)" in drawn


def test_row_without_a_value_has_no_dot_and_says_so() -> None:
    drawn = dot_plot([Dot("a", None, None, None, absent="not estimable")], "score")
    assert "<circle" not in drawn
    assert "not estimable" in drawn


def test_dryness_axis_is_logarithmic_with_a_line_at_one() -> None:
    # From 0.1 to 10: 1 stands in the middle.
    drawn = dryness_scatter({"a": [(0.1, 0.5, ""), (10.0, 0.5, "")]}, "score")
    assert '<line x1="50.0%" y1="6" x2="50.0%"' in drawn
    assert 'stroke="var(--muted)"' in drawn


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("41.875_-111.625", (41.875, -111.625)),
        ("-33.375_148.125", (-33.375, 148.125)),
        ("95_10", None),
        ("10_190", None),
        ("<b>_10", None),
        ("10_10\n", None),
    ],
)
def test_position_is_that_of_the_cell_name(
    name: str, found: tuple[float, float] | None
) -> None:
    place = place_of(name, 0.5)
    assert (place and (place.latitude, place.longitude)) == found


def test_neighbouring_cells_share_a_panel_across_the_date_line() -> None:
    places = [
        Place("a", 0.0, 179.0, 0.5),
        Place("b", 0.0, -179.0, None),
        Place("c", 40.0, 10.0, -0.2),
    ]
    groups = [sorted(item.cell_id for item in each) for each in neighbourhoods(places)]
    assert groups == [["a", "b"], ["c"]]
    panels, left = map_panels(places)
    assert left == 0
    across = next(panel for panel in panels if "a: 0.500" in panel)
    assert "b: no score" in across
    # 179 and 181 degrees are 2 degrees apart, not 358: labels are around the line.
    assert "180°" in across
    assert "0°" not in across.replace("180°", "").replace(">0°", "")


def test_score_below_zero_is_drawn_hollow() -> None:
    panels, _ = map_panels([Place("c", 40.0, 10.0, -0.2)])
    assert "<polygon" in panels[0]
    assert "<circle" not in panels[0]
