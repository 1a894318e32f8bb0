"""What a score is computed on, read from the files of a release."""

from __future__ import annotations

from somobench.catalog.release_files import ReleaseFiles, raise_file_errors
from somobench.catalog.resolve import Release
from somobench.folds import POOLED
from somobench.folds.view import Folds, read_folds
from somobench.scoring.case import REANALYSIS, ScoringCase, build_case
from somobench.scoring.ladders import Ladder
from somobench.scoring.models import Model


def read_case(
    release: Release, split: str, *, scaled: bool = True, folds: Folds | None = None
) -> ScoringCase:
    """Return a split of a release as it is scored; its files are hashed again.

    Targets are in train scaling where `scaled`, and otherwise as measured. For all
    folds pooled, `folds` are those of the release, if they were read already.
    """
    moments_from = release.manifest.target_moments_from.items()
    if split == POOLED:
        view = (folds or read_folds(release, always=True)).pool()
    else:
        view = ReleaseFiles(release, lazy=False, always=True).split(split)
    with raise_file_errors(f"of release {release.id}"):
        words = {int(layer): word for layer, word in moments_from}
        return build_case(view, words, scaled=scaled)


def list_references(
    release: Release, case: ScoringCase, ladder: Ladder | None
) -> list[Model]:
    """Return what predictions may be a copy of: the reanalysis and the rungs."""
    rungs = list(ladder.rungs) if ladder else []
    grid = ReleaseFiles(release, lazy=False, always=True).reanalysis()
    if grid is None:
        return rungs
    with raise_file_errors(f"of release {release.id}"):
        days = case.target["time"]
        part = grid.sel(cell=sorted(set(case.series_cells)), time=days)
    others = [rung for rung in rungs if rung.name != REANALYSIS]
    return [Model(REANALYSIS, lambda: case.place_on_series(part)), *others]
