"""What follows from other files is derived again: one defect a rule, none if good."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from somobench.catalog.split_view import view_split
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.catalog.view import align_to_targets
from somobench.consistency.accounts import find_other_accounts
from somobench.consistency.attributes import find_other_attributes
from somobench.consistency.descriptions import find_other_descriptions
from somobench.consistency.documents import find_other_cells, find_other_documents
from somobench.consistency.features import find_other_features
from somobench.consistency.reference_scores import find_other_reference_scores
from somobench.consistency.rules import has_rules_of_today
from somobench.consistency.scores import find_impossible_scores, find_other_scores
from somobench.consistency.statistics import _measure_delay, compare_statistics
from somobench.consistency.targets import find_other_targets
from somobench.folds.view import choose_options
from somobench.recognise import GRIDS, TABLES
from somobench.schemas.checks.derived import TRAIN_ROLE, find_other_derivations
from somobench.schemas.errors import Failure
from somobench.schemas.manifest import Manifest, parse_manifest
from somobench.schemas.recipe import FeatureParams
from somobench.schemas.variables import TRAIN
from somobench.statistics.derive import derive_statistics

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.heavy]


class World(NamedTuple):
    """A release in memory, which a test may change."""

    manifest: Manifest
    reports: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    grids: dict[str, xr.Dataset]


@pytest.fixture(scope="module")
def loaded(release: Path) -> World:
    files = {name: release / f"{name}.parquet" for name in TABLES}
    return World(
        parse_manifest((release / "MANIFEST.json").read_bytes(), "MANIFEST.json"),
        json.loads((release / "validation.json").read_text(encoding="utf-8")),
        {name: pd.read_parquet(it) for name, it in files.items() if it.is_file()},
        {name: open_zarr_zip(release / f"{name}.zarr.zip").load() for name in GRIDS},
    )


@pytest.fixture
def world(loaded: World) -> World:
    return World(
        loaded.manifest,
        copy.deepcopy(loaded.reports),
        {name: table.copy() for name, table in loaded.tables.items()},
        {name: grid.copy(deep=True) for name, grid in loaded.grids.items()},
    )


Rule = Callable[[World], list[Failure]]


def derivations(world: World) -> list[Failure]:
    return find_other_derivations(world.tables, world.grids)


def sensors(world: World) -> list[Failure]:
    return find_other_targets(world.reports["stages"], world.tables, world.grids)


def features(world: World) -> list[Failure]:
    return find_other_features(world.tables, world.grids)


def statistics(world: World) -> list[Failure]:
    return compare_statistics(world.manifest, world.tables, world.grids).failures


def scores(world: World) -> list[Failure]:
    possible = find_impossible_scores("scores", world.tables["scores"])
    return [*possible, *find_other_scores(world.manifest, world.tables)]


def attributes(world: World) -> list[Failure]:
    stages = world.reports["stages"]
    return find_other_attributes(stages, world.manifest, world.tables, world.grids)


def accounts(world: World) -> list[Failure]:
    manifest, reports, tables, grids = world
    return find_other_accounts(reports, manifest, tables, grids)


RULES: tuple[Rule, ...] = (
    *(derivations, sensors, features, statistics, scores, attributes, accounts),
)


def test_release_contradicts_nothing(loaded: World) -> None:
    manifest, _, tables, grids = loaded
    assert [failure for rule in RULES for failure in rule(loaded)] == []
    assert find_other_reference_scores(manifest, tables, grids) == []


def rename_metric(world: World) -> None:
    metric = world.tables["scores"]["metric"]
    world.tables["scores"]["metric"] = metric.replace(
        {"rmse": "ubrmse", "ubrmse": "rmse"}
    )


def drop_note(world: World) -> None:
    world.tables["scores"]["note"] = ""


def move_climatology(world: World) -> None:
    grid = world.grids["features"]
    held = grid["climatology_source"].to_numpy() == 1
    grid["climatology"].values[held] += 0.2


def roughen_climatology(world: World) -> None:
    noise = np.random.default_rng(2).normal(
        0, 0.003, world.grids["features"]["climatology"].shape
    )
    world.grids["features"]["climatology"].values[...] += noise


def forget_layer_moments(world: World) -> None:
    world.grids["features"]["normalisation_mean"].values[:, -1] += 0.02


def count_the_primary(world: World) -> None:
    world.grids["targets"]["accepted_count"].values[:, 0] = 2


def spread_in_percent(world: World) -> None:
    world.grids["targets"]["station_spread"].values[...] *= 100


def count_as_mask(world: World) -> None:
    counts = world.grids["targets"]["observation_count"].values
    counts[counts > 0] = 1


def lose_a_day(world: World) -> None:
    for name in ("soil_moisture", "soil_moisture_in_situ"):
        world.grids["targets"][name].values[..., 912] = np.nan
    world.grids["targets"]["observation_count"].values[..., 912] = 0


def dry_up(world: World) -> None:
    world.grids["forcing"]["evaporation"].values[...] = 0


def change_weights(world: World) -> None:
    attrs = world.grids["forcing"]["reanalysis_soil_moisture"].attrs
    attrs["layer_weights"] = "1: 1 swvl1; 2: 1 swvl2; 3: 1 swvl3"


def rename_in_cf(world: World) -> None:
    world.grids["forcing"]["precipitation"].attrs["standard_name"] = "snowfall_flux"


def exchange_flags(world: World) -> None:
    attrs = world.grids["targets"]["is_gapfilled"].attrs
    attrs["flag_meanings"] = "gap_filled primary_or_none"


def localise_days(world: World) -> None:
    world.grids["targets"].attrs["day_definition"] = "local_standard_time"


def empty_rejected(world: World) -> None:
    world.reports["stages"]["targets"]["rejected_sensors"] = []


def shift_records(world: World) -> None:
    stations = world.tables["stations"]
    stations["valid_days"] = np.roll(stations["valid_days"].to_numpy(), 1)


def double_median(world: World) -> None:
    page = world.reports["report"]["layers"]["1"]
    page["distributions"]["scaled"]["median"] *= 2


def silence_audit(world: World) -> None:
    world.reports["stages"]["features"]["audit"]["spatial"] = []


SPOILT: list[tuple[Callable[[World], None], Rule, str]] = [
    (rename_metric, scores, "scores.parquet ubrmse"),
    (drop_note, scores, "scores.parquet note"),
    (move_climatology, features, "features.zarr.zip climatology"),
    (roughen_climatology, features, "features.zarr.zip climatology"),
    (forget_layer_moments, statistics, "normalisation_mean of soil_moisture_layer3"),
    (count_the_primary, sensors, "accepted_count"),
    (spread_in_percent, sensors, "station_spread"),
    (count_as_mask, sensors, "values"),
    (lose_a_day, sensors, "days"),
    (dry_up, derivations, "evaporation"),
    (change_weights, attributes, "layer_weights"),
    (rename_in_cf, attributes, "precipitation standard_name"),
    (exchange_flags, attributes, "is_gapfilled flag_meanings"),
    (localise_days, attributes, "day_definition"),
    (empty_rejected, accounts, "validation.json rejected sensors"),
    (shift_records, sensors, "days"),
    (double_median, accounts, "median of scaled of layer 1"),
    (silence_audit, accounts, "full-record factors of spatial"),
]


@pytest.mark.parametrize(("spoil", "rule", "where"), SPOILT)
def test_defect_is_found_where_it_is(
    world: World, spoil: Callable[[World], None], rule: Rule, where: str
) -> None:
    spoil(world)
    assert any(where in failure.where for failure in rule(world))


def test_climatology_of_half_precision_is_found(world: World) -> None:
    values = world.grids["features"]["climatology"].values
    values[...] = values.astype("float16")
    assert any("climatology" in failure.where for failure in statistics(world))


def test_exchanged_labels_are_found_by_scoring_again(world: World) -> None:
    def find(**labels: tuple[str, str, str]) -> set[str]:
        tables = dict(world.tables)
        for table, (column, one, other) in labels.items():
            exchanged = tables[table][column].replace({one: other, other: one})
            tables[table] = tables[table].assign(**{column: exchanged})
        failures = find_other_reference_scores(world.manifest, tables, world.grids)
        return {failure.where.partition(".parquet")[0] for failure in failures}

    assert find(scores=("pool", "africa", "europe")) == {"scores"}
    years = ("split", "dry_years", "wet_years")
    assert find(scores=("split", "temporal", "spatial"), shift_costs=years) == {
        "scores",
        "shift_costs",
    }


def test_rung_that_the_reference_split_lacks_has_no_shift_costs(world: World) -> None:
    rungs = dict(world.manifest.rungs)
    rungs["temporal"] = {**rungs["temporal"], "ridge_state": "no reason"}
    scored, costs = world.tables["scores"], world.tables["shift_costs"]
    lacks = (scored["split"] == "temporal") & (scored["model"] == "ridge_state")
    tables = {
        "scores": scored[~lacks],
        "shift_costs": costs[costs["model"] != "ridge_state"],
    }
    manifest = world.manifest.model_copy(update={"rungs": rungs})
    found = find_other_scores(manifest, tables)
    assert [item for item in found if "model" in item.where] == []
    kept = find_other_scores(manifest, tables | {"shift_costs": costs})
    assert "shift_costs.parquet model" in [item.where for item in kept]


@pytest.mark.parametrize(("cells", "alarm"), [(4, False), (5, True)])
def test_rung_may_lack_costs_where_few_series_are_in_common(
    world: World, cells: int, alarm: bool
) -> None:
    costs = world.tables["shift_costs"]
    left = costs[(costs["split"] != "ungauged") | (costs["model"] != "climatology")]
    counts = left["cell_count"].where(left["split"] != "ungauged", cells)
    tables = {"shift_costs": left.assign(cell_count=counts)}
    found = [item.where for item in find_other_scores(world.manifest, tables)]
    assert ("shift_costs.parquet model" in found) is alarm


def test_release_of_one_split_has_no_shift_costs(world: World) -> None:
    splits = {"temporal": world.manifest.splits["temporal"]}
    manifest = world.manifest.model_copy(update={"splits": splits})
    tables = world.tables | {
        "scores": world.tables["scores"].query("split == 'temporal'"),
        "shift_costs": world.tables["shift_costs"].head(0),
    }
    assert find_other_reference_scores(manifest, tables, world.grids) == []
    tables["shift_costs"] = world.tables["shift_costs"]
    (failure,) = find_other_reference_scores(manifest, tables, world.grids)
    assert failure.where == "shift_costs.parquet"


def test_release_without_a_split_has_no_scores(world: World) -> None:
    manifest = world.manifest.model_copy(update={"splits": {}})
    tables = world.tables | {"scores": world.tables["scores"].head(0)}
    assert find_other_reference_scores(manifest, tables, world.grids) == []


@pytest.mark.parametrize(("days", "is_found"), [(300, False), (2000, True)])
def test_full_record_factors_are_judged_where_train_days_are_enough(
    world: World, days: int, is_found: bool
) -> None:
    # A recipe may ask for 200 common days or more, which 300 with gaps don't give.
    rows = world.tables["splits"]
    train = (rows["split"] == "temporal") & (rows["role"] == TRAIN_ROLE)
    last = rows["start"] + pd.Timedelta(days=days - 1)
    rows["end"] = rows["end"].where(~train, np.minimum(rows["end"], last))
    world.grids["features"]["scale_is_full_record"].loc["temporal"] = 1
    failures = find_other_derivations(world.tables, world.grids)
    where = "features.zarr.zip scale_is_full_record, split temporal"
    assert (where in {failure.where for failure in failures}) == is_found


def test_note_on_moments_is_that_of_layers_with_scores(world: World) -> None:
    table = world.tables["scores"]
    first = world.tables["scores"] = table[table["layer"].isin([0, 1])].copy()
    manifest = world.manifest.model_copy(
        update={"target_moments_from": {"1": "observations", "2": "reanalysis"}}
    )
    first["note"] = ""
    assert _find_notes(manifest, first) == []
    first.loc[(first["metric"] == "rmse") & (first["layer"] == 0), "note"] = (
        "reference_moments"
    )
    assert _find_notes(manifest, first) == ["scores.parquet note"]


def _find_notes(manifest: Manifest, scores: pd.DataFrame) -> list[str]:
    found = find_other_scores(manifest, {"scores": scores})
    return [it.where for it in found if it.where.endswith("note")]


def derive_by(world: World, params: FeatureParams) -> None:
    """Replace every climatology by that of a recipe with other parameters."""
    features = world.grids["features"]
    for place, split in enumerate(features["split"].to_numpy().astype(str)):
        view = view_split(
            split,
            targets=world.grids["targets"],
            features=features,
            splits=world.tables["splits"],
            cells=world.tables["cells"],
        )
        forcing = align_to_targets(world.grids["forcing"], view.targets, "forcing")
        options = choose_options(world.manifest, world.tables["cells"])
        derived = derive_statistics(
            view.targets,
            view.features,
            forcing,
            view.has_role(TRAIN),
            options._replace(params=params),
        )
        for name in ("climatology", "climatology_source"):
            dims = features[name].dims[1:]
            features[name].values[place] = derived[name].transpose(*dims)


def judge_climatology(world: World) -> list[str]:
    compared = compare_statistics(world.manifest, world.tables, world.grids)
    shapes = find_other_features(world.tables, world.grids, derived=compared.derived)
    found = [*derivations(world), *compared.failures, *shapes]
    return [it.where for it in found if "climatology" in it.where]


def test_climatology_of_another_recipe_may_be_rough(world: World) -> None:
    params = FeatureParams(climatology_window=1, climatology_shrinkage_years=0.5)
    derive_by(world, params)
    assert judge_climatology(world) == []
    values = world.grids["features"]["climatology"].values
    values[...] = np.roll(values, 1, axis=-1)
    assert any("climatology" in where for where in judge_climatology(world))


@pytest.mark.parametrize(("cells", "days"), [(3, 0), (4, 28)])
def test_delay_is_measured_of_ten_series(cells: int, days: int) -> None:
    season = np.cos(2 * np.pi * np.arange(366) / 366)
    shape = np.broadcast_to(season, (3, cells, 366))
    late = np.roll(shape, 28, axis=-1)
    one, other = (
        xr.Dataset({"climatology": (("layer", "cell", "day_of_year"), it)})
        for it in (shape, late)
    )
    assert _measure_delay(one, other) == days


@pytest.mark.parametrize(
    ("least", "years"),
    [(30, 0.25), (180, 0.0), (400, 1.0), (400, 3.0)],
)
def test_parameters_of_a_recipe_show_in_its_climatologies(
    world: World, least: int, years: float
) -> None:
    params = FeatureParams(
        climatology_minimum_days=least, climatology_shrinkage_years=years
    )
    derive_by(world, params)
    assert judge_climatology(world) == []
    split = str(world.grids["features"]["split"].to_numpy()[2])
    values = world.grids["features"]["climatology"].values
    values[2, 0, 3] += np.float32(0.002)
    where = f"features.zarr.zip climatology, split {split}"
    assert judge_climatology(world) == [where]


def test_another_source_of_a_climatology_is_found(world: World) -> None:
    values = world.grids["features"]["climatology_source"].values
    values[values == 1] = 2
    assert any("climatology_source" in it.where for it in statistics(world))


def test_reanalysis_that_targets_are_scaled_to_must_be_there(world: World) -> None:
    forcing = world.grids["forcing"].drop_vars("reanalysis_soil_moisture")
    world.grids["forcing"] = forcing
    (failure,) = statistics(world)
    assert failure.found == "no reanalysis_soil_moisture of layer 1, 2, 3"


def test_static_attribute_that_no_cell_has_is_found(world: World) -> None:
    assert find_other_cells({}, world.tables) == []
    world.tables["cells"]["saturation"] = np.nan
    (failure,) = find_other_cells({}, world.tables)
    assert failure.where == "cells.parquet saturation"


@pytest.mark.parametrize(
    ("field", "value"), [("redistributable", False), ("schema_version", "2")]
)
def test_manifest_of_other_files_or_another_schema_is_found(
    loaded: World, repository: Path, field: str, value: object
) -> None:
    folder = repository / "releases" / "virtual-2.0.0"
    assert find_other_descriptions(folder, loaded.manifest, {}, {}) == []
    manifest = loaded.manifest.model_copy(update={field: value})
    (failure,) = find_other_descriptions(folder, manifest, {}, {})
    assert failure.where == f"MANIFEST.json {field}"


def test_croissant_names_the_variables_of_its_files(
    loaded: World, repository: Path, tmp_path: Path
) -> None:
    text = (repository / "releases/virtual-2.0.0/croissant.json").read_text("utf-8")
    (tmp_path / "croissant.json").write_text(text, "utf-8")
    assert find_other_documents(tmp_path, loaded.manifest) == []
    changed = text.replace('"precipitation"', '"annual_rain"')
    (tmp_path / "croissant.json").write_text(changed, "utf-8")
    (failure,) = find_other_documents(tmp_path, loaded.manifest)
    assert failure.found == "annual_rain, precipitation"


def test_readme_names_the_licences_of_sources(
    loaded: World, repository: Path, tmp_path: Path
) -> None:
    text = (repository / "releases/virtual-2.0.0/README.md").read_text("utf-8")
    (tmp_path / "README.md").write_text(text, "utf-8")
    assert find_other_documents(tmp_path, loaded.manifest) == []
    source = loaded.manifest.sources[0].model_copy(update={"licence": "proprietary"})
    sources = (source, *loaded.manifest.sources[1:])
    manifest = loaded.manifest.model_copy(update={"sources": sources})
    (failure,) = find_other_documents(tmp_path, manifest)
    assert "licence proprietary" in failure.expected


def test_only_releases_of_earlier_rules_are_not_scored_again(loaded: World) -> None:
    def of(version: str) -> Manifest:
        return loaded.manifest.model_copy(update={"package_version": version})

    assert has_rules_of_today(of("2.0.0"))
    assert has_rules_of_today(of("10.1.0"))
    assert not has_rules_of_today(of("1.9.0"))
    assert find_other_reference_scores(of("1.1.0"), {}, loaded.grids) == []
