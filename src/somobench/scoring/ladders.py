"""The ladder's predictions, and how a model's scores differ from those of each rung.

Two models are compared on the cell-days that both predict. That matters for rungs that
read observations: they have no prediction where there was none to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xarray as xr

from somobench.catalog.storage.archive import open_zarr_zip
from somobench.catalog.storage.hashing import sha256_file
from somobench.metrics.days import ResampledDays
from somobench.schemas.errors import InputError
from somobench.schemas.grids import PREDICTIONS
from somobench.schemas.submission_names import PREDICTION
from somobench.schemas.validate import validate_grid
from somobench.scoring.case import ScoringCase
from somobench.scoring.models import COMPARED, Model, score_model
from somobench.scoring.tables import COARSE, FINE, difference_table
from somobench.uncertainty.bootstrap import BootstrappedScores


@dataclass(frozen=True, eq=False)
class Ladder:
    """Rungs of a split, lowest first.

    Attributes
    ----------
    rungs : tuple of Model
    needs_observations : set of names
        Rungs that read observations of the cell that they predict.
    sha256 : str
        Of the file of predictions.
    of_release : bool
        Whether the release lists these very predictions; `sha256` is then that of the
        file it lists.
    """

    rungs: tuple[Model, ...]
    needs_observations: frozenset[str]
    sha256: str
    of_release: bool = False


def predictions_file(split: str) -> str:
    """Return the name of a split's file in a folder of rungs' predictions."""
    return f"{split}.zarr.zip"


def asset_name(split: str) -> str:
    """Return the name of a split's rungs' predictions among a release's assets."""
    return f"predictions_{predictions_file(split)}"


def ladder_file(path: Path, split: str) -> Path:
    """Return a split's file of rungs' predictions: in this folder, or this one.

    In a folder of a release's assets it has another name than in the stage's.
    """
    if not path.is_dir():
        return path
    asset = path / asset_name(split)
    return asset if asset.exists() else path / predictions_file(split)


def open_ladder(path: Path, case: ScoringCase) -> Ladder:
    """Open the rungs' predictions of a split; values are loaded rung by rung.

    Parameters
    ----------
    path : Path
        A file of schema PREDICTIONS, or the folder that has one for each split, named
        as the stage or as a release's assets are.
    case : ScoringCase

    Raises
    ------
    InputError
        If there is no such file, or it belongs to another split or other cells.
    ValidationError
        If it breaks the schema.
    """
    file = ladder_file(path, case.split)
    if not file.is_file():
        raise InputError(
            f"ladder of split {case.split}", found=f"no file {file}", expected="one"
        )
    grid = validate_grid(open_zarr_zip(file, {}), PREDICTIONS, file.name)
    lacking = set(case.series_cells.tolist()) - set(grid["cell"].to_numpy().tolist())
    if grid.attrs.get("split") != case.split or lacking:
        raise InputError(
            f"ladder {file.name}",
            found=f"split {grid.attrs.get('split')}, {len(lacking)} cells lacking",
            expected=f"split {case.split} of this release, all its test cells",
        )
    names = [str(name) for name in grid["rung"].to_numpy()]
    marks = grid["needs_observations"].to_numpy().astype(bool)
    return Ladder(
        tuple(_rung(grid[PREDICTION], name, case) for name in names),
        frozenset(name for name, mark in zip(names, marks, strict=True) if mark),
        sha256_file(file),
    )


def _rung(predictions: xr.DataArray, name: str, case: ScoringCase) -> Model:
    chosen = predictions.sel(rung=name, drop=True)
    return Model(name, lambda: case.on_series(chosen))


def compare_with_rungs(
    case: ScoringCase,
    ours: Model,
    rungs: Iterable[Model],
    days: ResampledDays,
    *,
    metrics: tuple[str, ...] = COMPARED,
    kinds: tuple[str, ...] = (*COARSE, *FINE),
) -> Iterator[pd.DataFrame]:
    """Yield the table of differences to each rung, over common cell-days.

    Parameters
    ----------
    case : ScoringCase
    ours : Model
    rungs : iterable of Model
    days : ResampledDays
        Drawn for all of them.
    metrics, kinds : tuple of str
        What is compared, and in which pools.
    """
    values = ours.load()
    given = finite_days(values) & finite_days(case.target)
    whole: BootstrappedScores | None = None
    for rung in rungs:
        other = rung.load()
        common = given & finite_days(other)
        if bool((given & ~common).any()):
            mine = score_model(case, values.where(common), days, metrics)
        else:
            whole = mine = whole or score_model(case, values, days, metrics)
        theirs = score_model(case, other.where(common), days, metrics)
        names = (ours.name, rung.name)
        yield difference_table(case, mine, theirs, names, kinds)


def finite_days(values: xr.DataArray) -> xr.DataArray:
    """Mark days that have a value, of all members where there are some."""
    finite = values.notnull()  # noqa: PD004 - xarray has no notna
    return finite.all("member") if "member" in finite.dims else finite
