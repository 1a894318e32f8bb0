"""The ladder's predictions, and how a model's scores differ from those of each rung.

The ladder is the release's own, or one that is given.
Two models are compared on the cell-days that both predict. That matters for rungs that
read observations: they have no prediction where there was none to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import xarray as xr

from somobench.catalog.release_files import raise_file_errors
from somobench.catalog.resolve import Release
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.catalog.storage.hashing import describe_grid, sha256_file
from somobench.folds import POOLED
from somobench.progress import tell_step
from somobench.schemas.errors import InputError, IntegrityError
from somobench.schemas.grids import PREDICTIONS
from somobench.schemas.manifest import FileRecord
from somobench.schemas.submission_names import LONGEST_NAME, PREDICTION
from somobench.schemas.validate import validate_grid
from somobench.scoring.case import ScoringCase
from somobench.scoring.models import Model, ScoredModels
from somobench.scoring.tables import COARSE, FINE, tabulate_differences_of_models

RELEASE = "release"
"""Attribute of a ladder that no release lists: the release that it was trained on."""
READ_AT_ONCE = 2**28
"""Bytes of all rungs' predictions up to which they are read once, and not each time."""


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
    trained_on : str
        Id of the release that the file says it was trained on; empty where it doesn't.
    """

    rungs: tuple[Model, ...]
    needs_observations: frozenset[str]
    sha256: str
    of_release: bool = False
    trained_on: str = ""


def name_file(split: str) -> str:
    """Return the name of a split's file in a folder of rungs' predictions."""
    return f"{split}.zarr.zip"


def name_asset(split: str) -> str:
    """Return the name of a split's rungs' predictions among a release's assets."""
    return f"predictions_{name_file(split)}"


def find_file(path: Path, split: str) -> Path:
    """Return a split's file of rungs' predictions: in this folder, or this one.

    In a folder of a release's assets it has another name than in the stage's.
    """
    if not path.is_dir():
        return path
    asset = path / name_asset(split)
    return asset if asset.exists() else path / name_file(split)


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
    file = find_file(path, case.split)
    if not file.is_file():
        raise InputError(
            f"ladder of split {case.split}", found=f"no file {file}", expected="one"
        )
    with raise_file_errors(file):
        grid = validate_grid(_read_predictions(file), PREDICTIONS, file.name)
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
        tuple(_build_rung(grid[PREDICTION], name, case) for name in names),
        frozenset(name for name, mark in zip(names, marks, strict=True) if mark),
        sha256_file(file),
        trained_on=str(grid.attrs.get(RELEASE, ""))[:LONGEST_NAME],
    )


def _read_predictions(file: Path) -> xr.Dataset:
    """Read a file into memory, or leave its values on disk where they are many."""
    with open_zarr_zip(file) as grid:
        if grid.nbytes <= READ_AT_ONCE:
            return grid.load()
    return open_zarr_zip(file, {})


def _build_rung(predictions: xr.DataArray, name: str, case: ScoringCase) -> Model:
    chosen = predictions.sel(rung=name, drop=True)
    return Model(name, lambda: case.place_scaled(chosen))


def choose_ladder(
    release: Release, case: ScoringCase, given: Path | str | None
) -> tuple[Ladder | None, str]:
    """Open the rungs' predictions of a split, or say why there are none.

    Parameters
    ----------
    release : Release
    case : ScoringCase
        Of one of its splits.
    given : path, optional
        A file of rungs' predictions, or a folder with one for each split. Where the
        release lists its own, it must have the same values, whatever its chunks.

    Raises
    ------
    IntegrityError
        If the release lists its own, and the one here or the one given is another.
    InputError, ValidationError
        If the file given can't be read or belongs to something else.
    """
    listed = release.manifest.record_of(name_asset(case.split))
    if given is not None:
        ladder = _open_given(Path(given), case, listed)
        _refuse_other_release(ladder, case.split, release.id)
        return ladder, ""
    name = name_asset(case.split)
    if listed and (release.is_here(name) or release.base_urls):
        return _open_given(release.get_path(name), case, listed), ""
    return None, explain_absence(release, case.split)


def _open_given(path: Path, case: ScoringCase, listed: FileRecord | None) -> Ladder:
    ladder = open_ladder(path, case)
    if listed is None:
        return ladder
    if ladder.sha256 != listed.sha256:
        _refuse_other_values(find_file(path, case.split), ladder, listed)
    return replace(ladder, of_release=True, sha256=listed.sha256)


def _refuse_other_release(ladder: Ladder, split: str, release: str) -> None:
    """Refuse rungs of all folds that were trained on something else.

    Cells, days and rungs of two releases can be the same, and their values others.
    """
    if split != POOLED or ladder.trained_on == release:
        return
    raise InputError(
        f"ladder of split {split}",
        found=f"trained on {ladder.trained_on or 'a release that it does not name'}",
        expected=f"trained on {release}",
        hint=f"somobench ladder {release} --out DIR",
    )


def _refuse_other_values(file: Path, ladder: Ladder, listed: FileRecord) -> None:
    """Refuse a file whose decoded arrays aren't those that the manifest describes."""
    with raise_file_errors(file), open_zarr_zip(file) as grid:
        found = {name: array.sha256 for name, array in describe_grid(grid).items()}
    wanted = {name: array.sha256 for name, array in listed.arrays.items()}
    names = sorted({*found, *wanted})
    other = [name for name in names if found.get(name) != wanted.get(name)]
    if other:
        raise IntegrityError(
            f"ladder {file.name}",
            found=f"sha256 {ladder.sha256}, other values in {', '.join(other)}",
            expected=f"the release's own: sha256 {listed.sha256}, or its values",
            hint="leave out --ladder, or name a copy of the release's own",
        )


def explain_absence(release: Release, split: str) -> str:
    """Say why nothing is compared with, alike on all machines."""
    name = name_asset(split)
    if split == POOLED:
        return (
            "no release holds the rungs of all folds: train them with `somobench "
            f"ladder {release.id} --out DIR` and name that folder with --ladder"
        )
    if release.manifest.record_of(name):
        return (
            f"{name} of release {release.id} was not on the machine, which looks for "
            f"it in assets/{release.id}/ of the releases folder of a checkout and of "
            "those that SOMOBENCH_RELEASES names; run `make release` in a checkout "
            "that builds this release, or name the file with --ladder"
        )
    return (
        f"release {release.id} carries no predictions of the ladder's rungs on split "
        f"{split}, and none were given with --ladder"
    )


def compare_with_rungs(
    scored: ScoredModels,
    ours: Model,
    rungs: Iterable[Model],
    *,
    kinds: tuple[str, ...] = (*COARSE, *FINE),
) -> Iterator[pd.DataFrame]:
    """Yield the table of differences to each rung, over common cell-days.

    Parameters
    ----------
    scored : ScoredModels
        Of the split and in the metrics that are compared.
    ours : Model
    rungs : iterable of Model
    kinds : tuple of str
        Pools in which they are compared.
    """
    case, values = scored.case, ours.load()
    given = mark_finite_days(values) & mark_finite_days(case.target)
    for number, rung in enumerate(rungs, 1):
        tell_step(f"comparing with rung {number}, {rung.name}")
        other = rung.load()
        common = given & mark_finite_days(other)
        fewer = bool((given & ~common).any())
        mine = scored.score(ours.name, values, common if fewer else None)
        theirs = scored.score(rung.name, other, common)
        names = (ours.name, rung.name)
        yield tabulate_differences_of_models(case, mine, theirs, names, kinds)


def mark_finite_days(values: xr.DataArray) -> xr.DataArray:
    """Mark days that have a value, of all members where there are some."""
    finite = values.notnull()  # noqa: PD004 - xarray has no notna
    return finite.all("member") if "member" in finite.dims else finite
