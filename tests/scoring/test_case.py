"""What a split asks of a model: thresholds of tested and of held-out cells."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from factories.scoring import (
    CELLS,
    RELEASE,
    SPLIT,
    TRAIN_DAYS,
    copy_world,
    make_case,
    make_features,
    make_splits,
)
from somobench.catalog.resolve import resolve
from somobench.catalog.scaling import KNOWS_OTHER_DAYS, LEFT_OUT
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.hashing import describe_file
from somobench.schemas.scores import ALL_LAYERS
from somobench.scoring.case import ScoringCase
from somobench.scoring.inputs import read_case

HELD_OUT = CELLS[2]


@pytest.fixture(scope="module")
def case() -> ScoringCase:
    """Return a split that tests one cell on all days, and the others on later ones."""
    splits = make_splits()
    splits.loc[splits["cell_id"] == HELD_OUT, "role"] = "test"
    return make_case(splits=splits)


def test_thresholds_are_those_of_train_days(case: ScoringCase) -> None:
    place = int(np.flatnonzero(case.series_cells == CELLS[3])[0])
    trained = case.observed.to_numpy()[place, :TRAIN_DAYS]
    for side, level in (("dry", 10), ("wet", 90)):
        expected = np.nanpercentile(trained, level)
        assert case.thresholds[side][place] == pytest.approx(expected, abs=1e-6)


def test_held_out_cell_has_thresholds_of_its_whole_record(case: ScoringCase) -> None:
    places = np.flatnonzero(case.series_cells == HELD_OUT)
    assert places.size == 2
    for place in places:
        whole = case.observed.to_numpy()[place]
        for side, level in (("dry", 10), ("wet", 90)):
            expected = np.nanpercentile(whole, level)
            assert case.thresholds[side][place] == pytest.approx(expected, abs=1e-6)


def test_release_that_leaves_values_out_of_train_days_is_scored_on_all_test_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(copy_world(tmp_path)))
    folder = tmp_path / "releases" / RELEASE
    features = make_features()
    features["scale_is_full_record"].attrs[LEFT_OUT] = KNOWS_OTHER_DAYS
    write_zarr_zip(features, folder / "features.zarr.zip")
    path = folder / "MANIFEST.json"
    manifest = json.loads(path.read_text())
    described = describe_file(folder / "features.zarr.zip").model_dump(mode="json")
    manifest["files"]["features.zarr.zip"] = described
    path.write_text(json.dumps(manifest))
    case, plain = read_case(resolve(RELEASE), SPLIT), make_case()
    xr.testing.assert_equal(case.target, plain.target)
    # Layer 2 of the second cell keeps its full record's factors: no train value stays.
    place = int(np.flatnonzero(case.full_record)[0])
    assert np.isnan(case.observed[place, :TRAIN_DAYS]).all()
    assert np.isfinite(plain.observed[place, :TRAIN_DAYS]).any()


def test_all_layers_have_moments_of_the_reanalysis_by_a_layer_with_series(
    case: ScoringCase,
) -> None:
    layers = case.own_layers
    others = dict.fromkeys(layers, "observations")
    absent = replace(case, moments_from={**others, max(layers) + 1: "reanalysis"})
    assert not absent.is_scaled_to_reference(ALL_LAYERS)
    one = replace(case, moments_from={**others, layers[-1]: "reanalysis"})
    assert one.is_scaled_to_reference(ALL_LAYERS)
    assert not one.is_scaled_to_reference(layers[0])
