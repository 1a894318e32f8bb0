"""The folds of a release's spatial split, as models learn and scores are computed.

A fold is what the release would publish as `spatial` if its recipe named that fold. Its
train cells keep their role for the whole period, so their scale factors are those of
the full record; held-out cells have these too, as in every split. Climatology and
normalisation are derived from the fold's train cells as the stage `features` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.resolve import Release
from somobench.catalog.split_view import SplitView
from somobench.catalog.view import FACTORS, view_roles
from somobench.folds.names import FOLD, POOLED, SPATIAL, check_split, name_folds
from somobench.ladder.release import LATENT_HEAT, open_files
from somobench.schemas.errors import IntegrityError, UsageError
from somobench.schemas.manifest import Manifest
from somobench.schemas.recipe import FeatureParams
from somobench.schemas.variables import TEST, TRAIN
from somobench.splits import spatial_fold, split_sha256, split_table
from somobench.splits.data import Assignment
from somobench.statistics.derive import (
    GRID,
    NET_RADIATION,
    Options,
    derive_statistics,
)

REANALYSIS = "reanalysis"
TOLERANCE = 2e-5  # m3 m-3; published targets have five decimals
CHECKED = ("climatology", "climatology_source")


@dataclass(frozen=True, eq=False)
class Folds:
    """All folds of a spatial split.

    Attributes
    ----------
    published : SplitView
        The fold that the release publishes.
    forcing : Dataset, (cell, time)
        Weather, and the soil moisture of the reanalysis where there is one.
    rows : tuple of DataFrame, one a fold
        cell_id, start, end, role.
    options : Options
        Of climatologies.
    """

    published: SplitView
    forcing: xr.Dataset
    rows: tuple[pd.DataFrame, ...]
    options: Options

    @property
    def count(self) -> int:
        """Number of folds."""
        return len(self.rows)

    @property
    def sha256(self) -> str:
        """Hash of the rows of all folds, as `split_sha256` of one split."""
        named = zip(name_folds(self.count), self.rows, strict=True)
        return split_sha256(
            split_table({name: Assignment(rows, {}, {}) for name, rows in named})
        )

    def roles(self, fold: int) -> xr.DataArray:
        """Return the role of every cell and day in a fold, (cell, time), int8."""
        rows = self.rows[fold].assign(split=SPATIAL)
        return view_roles(rows, self.published.targets, SPATIAL)

    def view(self, fold: int) -> SplitView:
        """Return a fold as a split of its own."""
        role = self.roles(fold)
        train = role.to_numpy() == TRAIN
        factors = self._take_factors(~train.any(axis=1))
        learned = derive_statistics(
            self.published.targets, factors, self.forcing, train, self.options
        )
        return SplitView(
            split=SPATIAL,
            targets=self.published.targets,
            features=factors.merge(learned),
            role=role,
            cells=self.published.cells,
        )

    def pool(self) -> SplitView:
        """Return the test parts of all folds as one split, in which no cell trains.

        A cell's climatology is that of the fold that tests it.
        """
        views = [self.view(fold) for fold in range(self.count)]
        tested = np.stack([view.has_role(TEST).any(axis=1) for view in views])
        features = self._take_factors(np.ones(tested.shape[1], dtype=bool))
        for name in CHECKED:
            parts = [
                view.features[name].transpose(*GRID, ...).where(_mark(cells), 0)
                for view, cells in zip(views, tested, strict=True)
            ]
            features[name] = sum(parts[1:], start=parts[0])
        taking_part = np.asarray(tested.any(axis=0))
        names = np.where(taking_part, tested.argmax(axis=0).astype(str), "")
        role = np.where(taking_part[:, None], TEST, np.zeros_like(views[0].role))
        return SplitView(
            split=POOLED,
            targets=self.published.targets,
            features=features,
            role=views[0].role.copy(data=role.astype(np.int8)),
            cells=self.published.cells.assign(**{FOLD: names}),
        )

    def _take_factors(self, held_out: NDArray[np.bool_]) -> xr.Dataset:
        """Return full-record factors; those of held-out cells know their days."""
        targets, own = self.published.targets, self.published.features
        layers = targets["layer"].to_numpy().tolist()
        scaled = np.isin(layers, sorted(self.options.referenced))
        has_target = np.isfinite(targets["scale_slope"].transpose(*GRID).to_numpy())
        flag = scaled[:, None] & held_out & has_target
        like = own["scale_is_full_record"].transpose(*GRID)
        factors = {
            name: targets[name].transpose(*GRID).astype(float) for name in FACTORS
        }
        return xr.Dataset(
            factors | {like.name: like.copy(data=flag.astype(like.dtype))}
        )


def _mark(cells: NDArray[np.bool_]) -> xr.DataArray:
    return xr.DataArray(cells, dims="cell")


def read_folds(release: Release, *, always: bool = False) -> Folds:
    """Read the folds of a release's spatial split; its files are verified.

    Parameters
    ----------
    release : Release
    always : bool
        Hash its files again, whatever was verified before.

    Raises
    ------
    UnknownNameError
        If the release has no spatial split, with the reason.
    UsageError
        If it has no weather, or climatologies by other rules than recipes' defaults,
        so that those of other folds can't be derived.
    IntegrityError
        If a file isn't the published one.
    """
    manifest = release.manifest
    check_split(manifest, POOLED)
    files = open_files(release, always=always)
    published = files.split(SPATIAL)
    scaled = files.targets(manifest.layers)
    published.targets.update({name: scaled[name] for name in FACTORS})
    forcing = files.weather(published.targets)
    reanalysis = files.reanalysis()
    if reanalysis is not None:
        forcing[reanalysis.name] = reanalysis
    definition = manifest.splits[SPATIAL].definition
    folds = Folds(
        published,
        forcing.load(),
        list_rows(published, definition),
        choose_options(manifest, published.cells),
    )
    refuse_other_rules(folds, release.id)
    return folds


def list_rows(
    view: SplitView, definition: Mapping[str, Any]
) -> tuple[pd.DataFrame, ...]:
    """Return the rows of every fold, of the cells that take part in the split."""
    part = view.cells[(view.role != 0).any("time").to_numpy()]
    days = pd.DatetimeIndex(view.targets["time"].to_numpy())
    cells = part.reset_index()
    folds = range(_count_folds(definition))
    return tuple(spatial_fold(cells, days, definition, fold) for fold in folds)


def _count_folds(definition: Mapping[str, Any]) -> int:
    """Return the number of folds, each of which has blocks, and no block another one.

    Raises
    ------
    IntegrityError
        If that isn't so.
    """
    parameters, blocks = definition.get("parameters"), definition.get("blocks")
    count = parameters.get("folds") if isinstance(parameters, Mapping) else None
    given = [*blocks.values()] if isinstance(blocks, Mapping) else []
    is_whole = all(type(number) is int for number in (count, *given))
    if not is_whole or sorted({*given}) != [*range(count or 0)] or not given:
        shown = ", ".join(sorted({str(number) for number in given}))
        raise IntegrityError(
            f"definition of split {SPATIAL}",
            found=f"folds {count!r}, blocks in folds {shown or 'none'}"[:200],
            expected="the number of folds, and every block in one of them",
        )
    return int(count or 0)


def choose_options(manifest: Manifest, cells: pd.DataFrame) -> Options:
    """Return by which rules a release derives climatologies: recipes' defaults."""
    moments = manifest.target_moments_from.items()
    sources = cells.get("dryness_source", pd.Series([NET_RADIATION]))
    return Options(
        referenced=frozenset(int(n) for n, word in moments if word == REANALYSIS),
        dryness=str(sources.iloc[0]),
        latent_heat=LATENT_HEAT,
        params=FeatureParams(),
    )


def refuse_other_rules(folds: Folds, release: str) -> None:
    """Derive the published fold again, and refuse a release where that differs.

    Raises
    ------
    IntegrityError
        If the rows differ.
    UsageError
        If the climatology does.
    """
    role, own = folds.published.role, folds.published.features
    same = [
        fold for fold in range(folds.count) if (folds.roles(fold) == role).all().item()
    ]
    if not same:
        raise IntegrityError(
            f"split {SPATIAL} of release {release}",
            found="rows that are none of its folds",
            expected="the fold that its definition names",
        )
    derived = folds.view(same[0]).features
    for name in CHECKED:
        found = derived[name].transpose(*own[name].dims).to_numpy()
        if not np.allclose(
            found, own[name].to_numpy(), rtol=0, atol=TOLERANCE, equal_nan=True
        ):
            raise UsageError(
                f"folds of release {release}",
                found=f"{name} of the published fold by other rules",
                expected="those of recipes by default: "
                + ", ".join(f"{k} {v}" for k, v in folds.options.params),
                hint="set splits.spatial.fold in its recipe and build each fold",
            )
