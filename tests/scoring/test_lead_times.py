"""Curves over lead time beside persistence and climatology."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.scoring import (
    CELLS,
    RELEASE,
    SPLIT,
    TIMES,
    copy_world,
    make_case,
    make_targets,
    predicted,
)
from somobench.pages.frame import write_number
from somobench.schemas.errors import InputError
from somobench.schemas.scores import LEAD_SCORES
from somobench.schemas.validate import validate_table
from somobench.scoring.case import ScoringCase
from somobench.scoring.evaluate import evaluate
from somobench.scoring.lead_times import (
    count_common_days,
    predict_climatology,
    predict_persistence,
    score_lead_times,
    summarise_leads,
)

LEADS = (1, 3, 10)
NOISE = {1: 0.2, 3: 0.6, 10: 2.0}


@pytest.fixture(scope="module")
def case() -> ScoringCase:
    return make_case()


@pytest.fixture(scope="module")
def curves(case: ScoringCase) -> pd.DataFrame:
    return score_lead_times(
        case, "mine", lambda lead: case.place_on_series(predicted(NOISE[lead])), LEADS
    )


def value(table: pd.DataFrame, lead: int, model: str, **chosen: object) -> float:
    wanted = {"metric": "pearson_r", "layer": 0, "against": ""} | chosen
    rows = table[(table["lead_time"] == lead) & (table["model"] == model)]
    for column, label in wanted.items():
        rows = rows[rows[column] == label]
    return float(rows["value"].iloc[0])


def test_persistence_is_the_target_of_so_many_days_before(case: ScoringCase) -> None:
    targets = make_targets()["soil_moisture"]
    for lead in LEADS:
        found = predict_persistence(case, lead)
        assert found.sizes == case.target.sizes
        # Day 205 of layer 1 and the third cell, `lead` days later.
        day = targets["time"].to_numpy()[205 + lead]
        row = case.series_cells.tolist().index(CELLS[2])
        expected = targets.sel(layer=1, cell=CELLS[2]).to_numpy()[205]
        assert float(found.sel(time=day)[row]) == expected
        # Day 210 has no target, so neither is there a persistence from it.
        after = targets["time"].to_numpy()[210 + lead]
        assert np.isnan(found.sel(time=after)).all()


def test_climatology_is_given_on_every_day(case: ScoringCase) -> None:
    found = predict_climatology(case)
    assert found.sizes == case.target.sizes
    assert (found == 0.25).all()


def test_curves_hold_their_schema(curves: pd.DataFrame) -> None:
    validate_table(curves, LEAD_SCORES, "curves")
    assert sorted(set(curves["lead_time"])) == list(LEADS)
    assert set(curves["model"]) == {"mine", "persistence", "climatology"}


def test_skill_falls_with_noise_and_lead(curves: pd.DataFrame) -> None:
    for model in ("mine", "persistence"):
        first, third, tenth = (value(curves, lead, model) for lead in LEADS)
        assert first > third > tenth
    # The signal's correlation over k days is 0.8 ** k.
    assert value(curves, 1, "persistence") == pytest.approx(0.8, abs=0.1)
    assert value(curves, 3, "persistence") == pytest.approx(0.8**3, abs=0.15)


def test_flat_climatology_has_a_correlation_of_zero(curves: pd.DataFrame) -> None:
    assert value(curves, 1, "climatology") == 0
    assert value(curves, 1, "climatology", metric="rmse") > 0


def test_difference_is_that_of_the_pooled_scores(curves: pd.DataFrame) -> None:
    for lead in LEADS:
        expected = value(curves, lead, "mine") - value(curves, lead, "persistence")
        found = value(curves, lead, "mine", against="persistence")
        assert found == pytest.approx(expected, abs=2e-4)


def test_all_lead_times_are_scored_on_the_same_days(
    case: ScoringCase, curves: pd.DataFrame
) -> None:
    rows = curves[(curves["layer"] == 0) & (curves["metric"] == "rmse")]
    # Every tenth day of the release has no target, so of ten days those that are 0, 1
    # or 3 after a gap lack the target or what persists for 1, 3 or 10 days. The other
    # 7 of ten leave 112 of 160 test days in each of 11 series.
    assert set(rows["day_count"]) == {11 * 112}
    found = count_common_days(
        case, lambda lead: case.place_on_series(predicted(NOISE[lead])), LEADS
    )
    assert found.model_dump() == {"asked": 11 * 144, "common": 11 * 112}


def test_equal_forecasts_have_equal_scores_at_every_lead_time(
    case: ScoringCase,
) -> None:
    table = score_lead_times(
        case, "mine", lambda _: case.place_on_series(predicted(0.8)), LEADS
    )
    for model, metric in (("mine", "pearson_r"), ("mine", "anomaly_r")):
        values = {value(table, lead, model, metric=metric) for lead in LEADS}
        assert len(values) == 1
    assert len({value(table, n, "climatology", metric="rmse") for n in LEADS}) == 1


def test_day_that_one_lead_time_lacks_counts_for_none(case: ScoringCase) -> None:
    whole = case.place_on_series(predicted(0.8))
    # Day 205 has a target, and so have the days 1, 3 and 10 before: 204, 202 and 195.
    lacking = whole.where(whole["time"] != TIMES[205])
    found = count_common_days(case, lambda lead: lacking if lead == 3 else whole, LEADS)
    assert found.common == 11 * 111


def test_no_common_day_leaves_curves_without_values(case: ScoringCase) -> None:
    whole = case.place_on_series(predicted(0.8))
    half = whole["time"] < TIMES[280]
    table = score_lead_times(
        case, "mine", lambda lead: whole.where(half if lead == 1 else ~half), (1, 3)
    )
    assert table["value"].isna().all()
    assert (table["day_count"] == 0).all()


def test_summary_gives_curves_and_the_leads_that_beat_persistence(
    curves: pd.DataFrame,
) -> None:
    found = summarise_leads(curves, "mine")
    assert found["lead_times"] == list(LEADS)
    line = found["curves"]["pearson_r"]["mine"]["value"]
    assert line == [value(curves, lead, "mine") for lead in LEADS]
    assert found["curves"]["pearson_r"]["climatology"]["value"] == [0.0] * 3
    assert 1 in found["beats"]["pearson_r"]["persistence"]
    assert 1 in found["beats"]["rmse"]["persistence"]  # errors: below 0 is better


def test_evaluation_scores_the_shortest_lead_and_keeps_the_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(copy_world(tmp_path)))
    forecast = xr.concat([predicted(NOISE[lead]) for lead in LEADS], "lead_time")
    forecast = forecast.assign_coords(lead_time=list(LEADS))
    forecast = forecast.assign_attrs(units="m3 m-3")
    found = evaluate(forecast, release=RELEASE, split=SPLIT)
    alone = evaluate(predicted(NOISE[1]), release=RELEASE, split=SPLIT)
    assert found.record.scored_lead_time == 1
    described = found.describe()
    assert described["summary"] == alone.describe()["summary"]
    assert found.lead_scores is not None
    assert described["lead_coverage"] == {"asked": 11 * 144, "common": 11 * 112}
    found.write(tmp_path / "card")
    page = (tmp_path / "card" / "report.html").read_text("utf-8")
    assert (
        f"the {write_number(1232)} of {write_number(1584)} cell-days that all three"
        in page
    )
    assert described["lead_times"]["lead_times"] == list(LEADS)
    with pytest.raises(InputError, match="predictions missing"):
        evaluate(
            forecast.where(forecast["lead_time"] < 10).assign_attrs(units="m3 m-3"),
            release=RELEASE,
            split=SPLIT,
        )
