"""The problem of a split, read from the files of a release."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import xarray as xr

from somobench.catalog.release_files import CELLS, FORCING, SPLITS, ReleaseFiles
from somobench.catalog.resolve import Release
from somobench.catalog.split_view import view_split
from somobench.ladder.problem import Array, Problem, build_problem
from somobench.schemas.baseline_params import BaselineParams
from somobench.schemas.errors import UnknownNameError, UsageError
from somobench.schemas.submission_names import PREDICTION, SERIES_DIMS

LATENT_HEAT = 2.45  # MJ kg-1, the default of recipes


class LabelledProblem(NamedTuple):
    """A problem, and what its axes mean.

    Attributes
    ----------
    problem : Problem
    cells : DataFrame by `cell_id`, a row a cell
    axes : Dataset
        Coordinates layer, cell and time, without variables.
    """

    problem: Problem
    cells: pd.DataFrame
    axes: xr.Dataset

    def label(self, values: Array, *more: str) -> xr.DataArray:
        """Return predictions in the layout of a submission, without empty days.

        Parameters
        ----------
        values : (..., layer, cell, day), m3 m-3
            NaN where nothing is predicted.
        more : str
            Names of the dims before `layer`; their labels count from 1.
        """
        dims = (*more, "layer", "cell", "time")
        coords = {name: self.axes[name] for name in dims[len(more) :]} | {
            name: range(1, 1 + values.shape[place]) for place, name in enumerate(more)
        }
        labelled = xr.DataArray(
            values.astype("float32"),
            coords,
            dims,
            name=PREDICTION,
            attrs={"units": "m3 m-3", "scaling": "train"},
        )
        return labelled.dropna("time", how="all").dropna("cell", how="all")


def open_files(release: Release, *, always: bool = False) -> ReleaseFiles:
    """Open the files of a release that models can learn from, loaded and verified.

    With `always` they are hashed again, whatever was verified before.

    Raises
    ------
    UsageError
        If the release has no weather.
    """
    if FORCING not in release.manifest.files:
        raise UsageError(
            f"training on release {release.id}",
            found="no forcing",
            expected="the weather that models learn from",
        )
    return ReleaseFiles(release, lazy=False, always=always)


def read_problem(release: Release, split: str) -> LabelledProblem:
    """Return a split of a release as a model meets it; its files are verified.

    Hyper-parameters are the defaults of `BaselineParams`.

    Raises
    ------
    UnknownNameError
        If there is no such split.
    UsageError
        If the release has no weather.
    IntegrityError
        If a file isn't the published one.
    """
    manifest = release.manifest
    if split not in manifest.splits:
        known = ", ".join(sorted(manifest.splits))
        raise UnknownNameError("split", found=split, expected=known)
    files = open_files(release)
    targets = files.targets(manifest.layers)
    view = view_split(
        split,
        targets=targets,
        features=files.features(),
        splits=files.table(SPLITS),
        cells=files.table(CELLS),
    )
    forcing = files.weather(targets)
    reanalysis = files.reanalysis()
    if reanalysis is not None:
        forcing[reanalysis.name] = reanalysis
    problem = build_problem(
        view,
        forcing=forcing,
        feature_sets=manifest.feature_sets,
        refused=manifest.feature_sets_refused,
        latent_heat=LATENT_HEAT,
        params=BaselineParams(),
    )
    axes = xr.Dataset(coords={name: targets[name] for name in SERIES_DIMS})
    return LabelledProblem(problem, view.cells, axes)
