"""Defects of the fourth list: what the weather of a release itself contradicts.

What follows from a faulty forcing may follow it everywhere; so here no other file is
asked, as it would have to be where the whole pipeline carried the fault along.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from factories.faults.fourth_list import FOURTH_LIST
from factories.faults.in_memory import World, spoil
from somobench.consistency.accounts import find_other_accounts
from somobench.consistency.costs import find_incoherent_costs
from somobench.consistency.documents import find_other_documents, read_reports
from somobench.consistency.reference_scores import find_other_reference_scores
from somobench.consistency.single_series import find_broken_identities
from somobench.consistency.stations import find_other_sources
from somobench.consistency.weather import find_impossible_weather
from somobench.schemas.errors import Failure

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.heavy]

DEFECTS = {it.__name__: it for defects in FOURTH_LIST.values() for it in defects}
WEATHER = (
    ("net_shortwave_taken_for_downward", "shortwave_radiation"),
    ("shortwave_a_day_late", "net_radiation"),
    ("longwave_forgotten", "net_radiation"),
    ("longwave_of_wrong_sign", "net_radiation"),
    ("three_hourly_sums_read_as_hourly", "shortwave_radiation"),
    ("radiation_of_the_other_hemisphere", "shortwave_radiation"),
    ("net_radiation_of_local_days", "net_radiation"),
    ("net_radiation_averaged_not_summed", "net_radiation"),
    ("first_of_january_summed_twice", "shortwave_radiation"),
    ("last_day_without_sun", "shortwave_radiation"),
    ("shortwave_of_a_neighbouring_climate", "net_radiation"),
    ("net_radiation_clipped_at_zero", "net_radiation"),
    ("skin_temperature_late_after_leap_day", "skin_temperature"),
    ("lapse_rate_applied_twice", "specific_humidity"),
    ("humidity_without_molar_ratio", "specific_humidity"),
    ("humidity_in_whole_grams", "specific_humidity"),
    ("temperature_in_whole_kelvin", "air_temperature"),
    ("heat_clipped", "air_temperature"),
    ("frost_without_its_sign", "skin_temperature"),
    ("air_of_another_region", "skin_temperature"),
    ("air_temperature_of_local_days", "skin_temperature"),
    ("skin_filled_by_air", "skin_temperature"),
    ("august_of_the_year_before", "air_temperature"),
    ("two_cells_of_one_weather", "air_temperature"),
    ("rain_clipped", "precipitation"),
    ("snow_left_out", "precipitation"),
    ("evaporation_downward", "evaporation"),
    ("evaporation_in_energy", "evaporation"),
    ("potential_evaporation_taken", "evaporation"),
    ("evaporation_of_the_year_before", "evaporation"),
    ("evaporation_filled_forward", "evaporation"),
    ("rain_and_evaporation_swapped", "evaporation"),
    ("reanalysis_of_the_year_before", "reanalysis_soil_moisture"),
    ("humidity_of_the_coldest_hour", "specific_humidity"),
)
OTHERS = (
    ("days_of_few_values_kept", "observation_count"),
    ("rain_of_the_report_in_metres", "forcing, precipitation, mean"),
    ("costs_in_percent", "shift_costs.parquet cost"),
    ("elevation_in_feet", "stations.parquet elevation"),
    ("bias_of_wrong_sign", "scores.parquet bias"),
)
FITTED = (
    ("weather_of_a_month_reversed", "validation_rmse"),
    ("weather_of_a_month_reversed", "scores.parquet value"),
)


def judge_weather(world: World) -> list[Failure]:
    return find_impossible_weather(world.grids["forcing"], world.tables["stations"])


def judge_others(world: World) -> list[Failure]:
    _, manifest, reports, tables, grids = world
    return [
        *find_other_accounts(reports, manifest, tables, grids),
        *find_incoherent_costs(manifest, tables),
        *find_other_sources(tables["stations"]),
        *find_broken_identities(manifest, tables["scores"]),
    ]


def judge_fits(world: World) -> list[Failure]:
    _, manifest, reports, tables, grids = world
    only = {name: tables[name] for name in ("splits", "cells", "scores")}
    named = {name: manifest.splits[name] for name in ("temporal", "spatial")}
    only["scores"] = only["scores"][only["scores"]["split"].isin(named)]
    cut = manifest.model_copy(update={"splits": named})
    return find_other_reference_scores(cut, only, grids, reports["stages"])


def test_names_of_defects_are_their_own() -> None:
    assert len(DEFECTS) == sum(map(len, FOURTH_LIST.values()))


def test_release_has_none_of_these(
    release: Path, grids: dict[str, xr.Dataset], tmp_path: Path
) -> None:
    world = spoil(release, grids, lambda _: None, tmp_path)
    assert [*judge_weather(world), *judge_others(world), *judge_fits(world)] == []
    assert find_other_documents(release, world.manifest, "UTC") == []
    assert read_reports(release, world.manifest)[1] == []


@pytest.mark.parametrize(
    ("name", "where", "judge"),
    [
        *((name, where, judge_weather) for name, where in WEATHER),
        *((name, where, judge_others) for name, where in OTHERS),
        *((name, where, judge_fits) for name, where in FITTED),
    ],
)
def test_defect_is_found_where_it_is(
    release: Path,
    grids: dict[str, xr.Dataset],
    tmp_path: Path,
    name: str,
    where: str,
    judge: Callable[[World], list[Failure]],
) -> None:
    world = spoil(release, grids, DEFECTS[name], tmp_path)
    assert any(where in failure.where for failure in judge(world))


@pytest.mark.parametrize("drawn", [None, 10**6])
def test_what_a_report_says_of_draws_is_no_way_around_a_fit(
    release: Path, grids: dict[str, xr.Dataset], tmp_path: Path, drawn: int | None
) -> None:
    world = spoil(release, grids, lambda _: None, tmp_path)
    fit = world.reports["stages"]["baselines"]["splits"]["temporal"]["ridge_state"]
    fit["fit"]["layer1"] |= {"drawn_values": drawn, "validation_rmse": 0.01}
    assert "validation_rmse" in judge_fits(world)[0].where


def test_penalty_of_any_size_is_a_fault(
    release: Path, grids: dict[str, xr.Dataset], tmp_path: Path
) -> None:
    world = spoil(release, grids, lambda _: None, tmp_path)
    fit = world.reports["stages"]["baselines"]["splits"]["temporal"]["ridge_state"]
    fit["hyper_parameters"]["layer1"]["penalty"] = 10**400
    assert any("baselines" in failure.where for failure in judge_fits(world))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("README.md", "grid 0.25 degrees", "grid 0.1 degrees"),
        ("README.md", "the reanalysis's by", "the observations' by"),
        ("report.html", "2021-12-31 (UTC)", "2021-12-31 (local time)"),
        ("validation.json", '"r": 0.913605', '"r": 91.3605'),
    ],
)
def test_documents_say_what_the_files_hold(
    release: Path,
    grids: dict[str, xr.Dataset],
    tmp_path: Path,
    file: str,
    old: str,
    new: str,
) -> None:
    manifest = spoil(release, grids, lambda _: None, tmp_path).manifest
    for name in ("README.md", "report.html", "validation.json"):
        text = (release / name).read_text(encoding="utf-8")
        if name == file:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = find_other_documents(tmp_path, manifest, "UTC")
    found += read_reports(tmp_path, manifest)[1]
    assert [failure.where.partition(" ")[0] for failure in found] == [file]
