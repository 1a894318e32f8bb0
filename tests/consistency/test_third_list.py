"""Defects of the third list that the checks once missed, each found where it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from factories.faults.in_memory import World, spoil
from factories.faults.third_list import THIRD_LIST, stations
from factories.faults.third_list.opened import Opened
from somobench.consistency.accounts import find_other_accounts
from somobench.consistency.attributes import find_other_attributes
from somobench.consistency.costs import find_incoherent_costs
from somobench.consistency.page.numbers import find_other_pages
from somobench.consistency.page.tables import find_other_tables
from somobench.consistency.reference_scores import find_other_reference_scores
from somobench.consistency.scores import find_impossible_scores
from somobench.consistency.single_series import find_broken_identities
from somobench.consistency.soil import find_other_soils
from somobench.consistency.splits import find_other_audits
from somobench.consistency.stations import find_other_layers
from somobench.consistency.weather import find_impossible_weather
from somobench.schemas.errors import Failure

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.heavy]


Rule = Callable[[World], list[Failure]]


def weather(world: World) -> list[Failure]:
    return find_impossible_weather(world.grids["forcing"])


def audits(world: World) -> list[Failure]:
    stages = world.reports["stages"]
    return find_other_audits(world.manifest, stages, world.tables, world.grids)


def pages(world: World) -> list[Failure]:
    return find_other_pages(world.reports, world.tables, world.grids)


def page_tables(world: World) -> list[Failure]:
    folder, manifest, reports, tables, _ = world
    return find_other_tables(folder, manifest, reports, tables)


def costs(world: World) -> list[Failure]:
    return find_incoherent_costs(world.manifest, world.tables)


def scores(world: World) -> list[Failure]:
    table = world.tables["scores"]
    possible = find_impossible_scores("scores", table)
    return [*possible, *find_broken_identities(world.manifest, table)]


def soils(world: World) -> list[Failure]:
    return find_other_soils(world.tables["cells"])


def accounts(world: World) -> list[Failure]:
    _, manifest, reports, tables, grids = world
    return find_other_accounts(reports, manifest, tables, grids)


def attributes(world: World) -> list[Failure]:
    stages = world.reports["stages"]
    return find_other_attributes(stages, world.manifest, world.tables, world.grids)


def layers(world: World) -> list[Failure]:
    return find_other_layers(world.tables["stations"], world.grids["targets"])


def fits(world: World) -> list[Failure]:
    _, manifest, reports, tables, grids = world
    only = {name: it for name, it in tables.items() if name in {"splits", "cells"}}
    named = {name: manifest.splits[name] for name in ("temporal", "spatial")}
    cut = manifest.model_copy(update={"splits": named})
    return find_other_reference_scores(cut, only, grids, reports["stages"])


RULES = (
    *(weather, audits, pages, page_tables, costs, scores, soils, accounts, attributes),
    *(layers, fits),
)
DEFECTS = {
    f"stations {defect.__name__}"
    if defect is stations.days_said_to_be_local
    else defect.__name__: defect
    for defects in THIRD_LIST.values()
    for defect in defects
}
FOUND: tuple[tuple[str, Rule, str], ...] = (
    ("rain_a_day_late_in_a_region", weather, "precipitation"),
    ("rain_a_day_early_everywhere", fits, "validation_rmse"),
    ("skin_is_the_air", weather, "skin_temperature"),
    ("skin_is_the_air", fits, "validation_rmse"),
    ("humidity_above_saturation", fits, "validation_rmse"),
    ("humidity_of_the_other_hemisphere", weather, "specific_humidity"),
    ("evaporation_downward", weather, "evaporation"),
    ("evaporation_as_latent_heat", weather, "evaporation"),
    ("saturation_without_bound_water", soils, "saturation"),
    ("deep_soil_of_another_cell", fits, "validation_rmse"),
    ("radiation_without_one_hour_in_six", fits, "validation_rmse"),
    ("ten_centimetres_in_the_second_layer", layers, "stations.parquet layer"),
    ("stations days_said_to_be_local", attributes, "day_definition"),
    ("cell_of_the_other_regime_tested", audits, "energy_to_water"),
    ("leap_year_ends_a_day_early", audits, "dry_years"),
    ("split_parameters_of_another_recipe", audits, "temporal"),
    ("held_out_cells_said_to_be_far", audits, "distance_km"),
    ("stations_said_to_be_apart", audits, "stations"),
    ("spread_by_population", pages, "spread"),
    ("agreement_of_another_layer", pages, "median"),
    ("observed_days_of_the_next_year", pages, "observed"),
    ("report_with_other_numbers", page_tables, "layer 3"),
    ("training_with_validation_days", fits, "train_values"),
    ("values_dropped_uncounted", accounts, "values"),
    ("costs_of_two_rungs_exchanged", costs, "reference"),
    ("one_values_interval_of_another_split", scores, "scores.parquet value"),
    ("scores_of_the_release_before", scores, "sedi_dry"),
)


def test_list_has_150_defects_by_their_names() -> None:
    assert len(DEFECTS) == sum(map(len, THIRD_LIST.values())) == 150


def test_release_has_none_of_these(
    release: Path, grids: dict[str, xr.Dataset], tmp_path: Path
) -> None:
    world = spoil(release, grids, lambda _: None, tmp_path)
    assert [failure for rule in RULES for failure in rule(world)] == []


@pytest.mark.parametrize(("name", "rule", "where"), FOUND)
def test_defect_is_found_where_it_is(
    release: Path,
    grids: dict[str, xr.Dataset],
    tmp_path: Path,
    name: str,
    rule: Rule,
    where: str,
) -> None:
    world = spoil(release, grids, DEFECTS[name], tmp_path)
    assert any(where in failure.where for failure in rule(world))


@pytest.mark.parametrize("names", [("sand", "clay"), ("sand", "silt")])
def test_shares_of_a_cell_that_changed_places_are_found(
    release: Path, grids: dict[str, xr.Dataset], tmp_path: Path, names: tuple[str, str]
) -> None:
    def exchange(opened: Opened) -> None:
        one, other = (f"{name}_fraction" for name in names)
        opened.cells.loc[0, [one, other]] = opened.cells.loc[0, [other, one]].to_numpy()

    assert fits(spoil(release, grids, exchange, tmp_path))


def test_soil_of_the_next_row_is_found(
    release: Path, grids: dict[str, xr.Dataset], tmp_path: Path
) -> None:
    def shift(opened: Opened) -> None:
        for name in ("clay", "sand", "silt"):
            column = opened.cells[f"{name}_fraction"]
            opened.cells.loc[5, f"{name}_fraction"] = column[6]

    assert fits(spoil(release, grids, shift, tmp_path))
