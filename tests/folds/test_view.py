"""All folds of a spatial split: who is tested where, and what each fold learns."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from factories.scoring import RELEASE, copy_world
from somobench.catalog.resolve import resolve
from somobench.folds import FOLD, POOLED, list_scored, view
from somobench.folds.audit import audit_folds
from somobench.folds.view import Folds, read_folds, refuse_other_rules
from somobench.schemas.errors import IntegrityError, UnknownNameError, UsageError
from somobench.schemas.recipe import FeatureParams
from somobench.schemas.variables import TEST, TRAIN, VALIDATION

VIRTUAL = "virtual-2.0.0"
PUBLISHED = 0  # the fold that its recipe names

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def folds() -> Folds:
    return read_folds(resolve(VIRTUAL))


def test_each_cell_is_tested_in_one_fold_and_trains_in_the_others(folds: Folds) -> None:
    roles = np.stack([folds.roles(fold).to_numpy() for fold in range(folds.count)])
    assert (roles == roles[:, :, :1]).all()  # the whole period
    counts = {role: (roles[:, :, 0] == role).sum(axis=0) for role in (1, 2, 3)}
    assert set(counts[TEST].tolist()) == {1}
    assert set(counts[VALIDATION].tolist()) == {1}
    assert set(counts[TRAIN].tolist()) == {3}  # of five folds


def test_published_fold_has_the_features_of_the_release(folds: Folds) -> None:
    derived, own = folds.view(PUBLISHED).features, folds.published.features
    for name in ("climatology", "normalisation_mean", "normalisation_std"):
        found = derived[name].transpose(*own[name].dims).to_numpy()
        # Factors of train cells are those of the full record to 1e-7.
        np.testing.assert_allclose(found, own[name].to_numpy(), rtol=1e-5, atol=2e-6)
    assert (derived["climatology_source"] == own["climatology_source"]).all()
    flags = derived["scale_is_full_record"].to_numpy()
    assert (flags == own["scale_is_full_record"].to_numpy()).all()


def test_pooled_view_tests_all_cells_with_the_climatology_of_their_fold(
    folds: Folds,
) -> None:
    pooled = folds.pool()
    assert (pooled.role.to_numpy() == TEST).all()
    target = folds.published.targets["scale_slope"].transpose("layer", "cell")
    known = np.isfinite(target.to_numpy())
    flagged = pooled.features["scale_is_full_record"].to_numpy() == 1
    assert (flagged == known).all()
    for fold in range(folds.count):
        view = folds.view(fold)
        cells = np.flatnonzero(view.has_role(TEST).any(axis=1))
        assert set(pooled.cells[FOLD].iloc[cells]) == {str(fold)}
        np.testing.assert_array_equal(
            pooled.climatology().isel(cell=cells), view.climatology().isel(cell=cells)
        )


def test_hash_is_that_of_the_rows_of_all_folds(folds: Folds) -> None:
    lines = [
        f"spatial_{fold},{row.cell_id},{row.start:%Y-%m-%d},{row.end:%Y-%m-%d},{row.role}\n"
        for fold, rows in enumerate(folds.rows)
        for row in rows.itertuples()
    ]
    assert len(lines) == folds.count * 40
    text = "".join(sorted(lines)).encode()
    assert folds.sha256 == hashlib.sha256(text).hexdigest()


def test_every_fold_passes_the_audit_of_its_release(folds: Folds) -> None:
    found = audit_folds(folds, resolve(VIRTUAL))
    assert [item.fold for item in found] == [0, 1, 2, 3, 4]
    assert sum(item.test_cells for item in found) == 40
    # As published in the manifest: 27.799 km for the fold that the release holds.
    assert found[PUBLISHED].nearest_km == pytest.approx(27.799)
    assert found[PUBLISHED].findings is not None
    assert "test cells lie 27.799 km or more" in found[PUBLISHED].findings[0]


def test_climatologies_by_other_rules_are_refused(folds: Folds) -> None:
    params = FeatureParams(climatology_window=5)
    other = replace(folds, options=folds.options._replace(params=params))
    with pytest.raises(UsageError, match="climatology of the published fold by other"):
        refuse_other_rules(other, VIRTUAL)


def test_release_without_a_spatial_split_is_refused(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path_factory.mktemp("world")
    copy_world(root)
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(root / "releases"))
    with pytest.raises(UnknownNameError, match="spatial"):
        read_folds(resolve(RELEASE))


def test_pooled_split_is_named_where_there_is_a_spatial_one() -> None:
    assert list_scored(["spatial", "temporal"]) == ["spatial", "temporal", POOLED]
    assert list_scored(["temporal"]) == ["temporal"]


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"parameters": {}, "blocks": {"1_1": 0}},
        {"parameters": {"folds": None}, "blocks": {"1_1": 0}},
        {"parameters": {"folds": "x"}, "blocks": {"1_1": 0}},
        {"parameters": {"folds": 2.0}, "blocks": {"1_1": 0, "1_2": 1}},
        {"parameters": {"folds": 1}, "blocks": {"1_1": 0, "1_2": 1}},
        {"parameters": {"folds": 3}, "blocks": {"1_1": 0, "1_2": 1}},
        {"parameters": {"folds": 2}, "blocks": {"1_1": 0, "1_2": 0.5}},
        {"parameters": {"folds": 0}, "blocks": {}},
    ],
    ids=str,
)
def test_definition_that_would_drop_folds_is_refused(
    definition: dict[str, Any],
) -> None:
    with pytest.raises(IntegrityError, match="every block in one of them"):
        view._count_folds(definition)
