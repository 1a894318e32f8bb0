"""The ladder that a submission is compared with: the release's own, or one given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from somobench.catalog.resolve import Release
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.catalog.storage.hashing import describe_grid
from somobench.schemas.errors import IntegrityError
from somobench.schemas.manifest import FileRecord
from somobench.scoring.case import ScoringCase
from somobench.scoring.ladders import Ladder, asset_name, ladder_file, open_ladder


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
    listed = release.manifest.record_of(asset_name(case.split))
    if given is not None:
        return _given_ladder(Path(given), case, listed), ""
    name = asset_name(case.split)
    if listed and (release.is_here(name) or release.base_urls):
        return _given_ladder(release.path_of(name), case, listed), ""
    return None, why_none(release, case.split)


def _given_ladder(path: Path, case: ScoringCase, listed: FileRecord | None) -> Ladder:
    ladder = open_ladder(path, case)
    if listed is None:
        return ladder
    if ladder.sha256 != listed.sha256:
        _refuse_other_values(ladder_file(path, case.split), ladder, listed)
    return replace(ladder, of_release=True, sha256=listed.sha256)


def _refuse_other_values(file: Path, ladder: Ladder, listed: FileRecord) -> None:
    """Refuse a file whose decoded arrays aren't those that the manifest describes."""
    with open_zarr_zip(file) as grid:
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


def why_none(release: Release, split: str) -> str:
    """Say why nothing is compared with, alike on all machines."""
    name = asset_name(split)
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
