"""The ladder that a submission is compared with: the release's own, or one given."""

from __future__ import annotations

from pathlib import Path

from somobench.catalog.resolve import Release
from somobench.rung_comparison import Ladder, open_ladder
from somobench.scoring_case import ScoringCase


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
        A file of rungs' predictions, or a folder with one for each split.

    Raises
    ------
    IntegrityError
        If the release's own is here and isn't the published one.
    InputError, ValidationError
        If the file given can't be read or belongs to something else.
    """
    if given is not None:
        return open_ladder(Path(given), case), ""
    name = asset_name(case.split)
    listed = release.manifest.record_of(name) is not None
    if listed and (release.is_here(name) or release.base_urls):
        return open_ladder(release.path_of(name), case), ""
    return None, why_none(release, case.split)


def why_none(release: Release, split: str) -> str:
    """Say why nothing is compared with, alike on all machines."""
    name = asset_name(split)
    if release.manifest.record_of(name):
        return (
            f"{name} of release {release.id} was not on the machine, which looks for "
            f"it in releases/assets/{release.id}/; run `make release` in a checkout "
            "that builds this release, or name the file with --ladder"
        )
    return (
        f"release {release.id} carries no predictions of the ladder's rungs on split "
        f"{split}, and none were given with --ladder"
    )


def asset_name(split: str) -> str:
    """Return the name of a split's rungs' predictions among a release's files."""
    return f"predictions_{split}.zarr.zip"
