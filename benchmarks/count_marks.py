"""How often are honest models marked? Rungs, and what is made of them, on every split.

    python benchmarks/count_marks.py RELEASE FOLDER [split ...]
    python benchmarks/count_marks.py RELEASE FOLDER --trained NETWORKS [split ...]

FOLDER holds the rungs' predictions of each split. With `--trained` models that no limit
was chosen on are counted: those that `bench_neural.py` trained in NETWORKS, and the
forecasts of `somobench train`, as forecasts. Of every rung there are the
predictions themselves, with white noise and with noise that lasts ten days (a tenth to
twice the target's standard deviation), damped, averaged over the week before, and
blended with every other rung. Rungs that read observations are counted apart: they are
to be marked, since `evaluate` doesn't know that they do. The counts are in docs/zoo.md.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from somobench.catalog.resolve import resolve
from somobench.neural.run import PREDICTIONS_FILE
from somobench.scoring.case import ScoringCase
from somobench.scoring.copies import average_members
from somobench.scoring.inputs import list_references, read_case
from somobench.scoring.ladders import choose_ladder
from somobench.scoring.marks.checks import find_marks
from somobench.submissions.submission import open_submission

LEVELS = (0.1, 0.2, 0.5, 1.0, 2.0)
LASTING = 0.9  # correlation of slow noise with the day before
WEEK = 7

Values = np.ndarray


def vary(own: Values, others: list[Values], case: ScoringCase) -> Iterator[Values]:
    """Yield honest models that are made of a rung."""
    generator = np.random.default_rng(1)
    target = case.target.to_numpy().astype(float)
    deviation = np.nanstd(target, axis=1, keepdims=True)
    yield own
    for level in LEVELS:
        noise = generator.standard_normal(own.shape)
        yield own + level * deviation * noise
        for day in range(1, own.shape[1]):
            before = LASTING * noise[:, day - 1]
            noise[:, day] = before + np.sqrt(1 - LASTING**2) * noise[:, day]
        yield own + level * deviation * noise
    yield 0.5 * (own + np.nanmean(own, axis=1, keepdims=True))
    days = [np.roll(own, day, axis=1) for day in range(WEEK)]
    yield np.mean(days, axis=0)
    for other in others:
        yield (own + other) / 2


def count_trained(release: str, folder: Path, split: str, trained: Path) -> None:
    """Count marks on models that aren't rungs, without blends."""
    found = resolve(release)
    case = read_case(found, split)
    ladder, _ = choose_ladder(found, case, folder)
    assert ladder is not None
    references = list_references(found, case, ladder)
    plain = [m for m in references if m.name not in ladder.needs_observations]
    for path in sorted((trained / release / split).glob(f"*/model/{PREDICTIONS_FILE}")):
        submission = open_submission(path)
        marked: Counter[str] = Counter()
        total = hit = 0
        for lead in submission.leads or [None]:
            own = average_members(case.place_scaled(submission.select_lead(lead)))
            for each in [own] if lead else vary(own, [], case):
                marks = find_marks(case, each, plain, is_forecast=lead is not None)
                total, hit = total + 1, hit + bool(marks)
                marked.update(mark.check for mark in marks)
        name = path.parent.parent.name
        print(
            release, split, name, f"{hit} of {total} marked", dict(marked), flush=True
        )


def count(release: str, folder: Path, split: str) -> None:
    found = resolve(release)
    case = read_case(found, split)
    ladder, _ = choose_ladder(found, case, folder)
    assert ladder is not None
    references = list_references(found, case, ladder)
    observing = ladder.needs_observations
    plain = [model for model in references if model.name not in observing]
    values = {model.name: average_members(model.load()) for model in references}
    for kind in ("honest", "observing"):
        names = [
            name for name in values if (name in observing) == (kind == "observing")
        ]
        marked: Counter[str] = Counter()
        total = hit = 0
        for place, name in enumerate(names):
            others = [] if kind == "observing" else names[place + 1 :]
            for each in vary(values[name], [values[n] for n in others], case):
                marks = find_marks(case, each, plain)
                total, hit = total + 1, hit + bool(marks)
                marked.update(f"{mark.check} ({name})" for mark in marks)
        print(
            release, split, kind, f"{hit} of {total} marked", dict(marked), flush=True
        )


if __name__ == "__main__":
    release, folder, *rest = sys.argv[1:]
    networks = rest[1] if rest[:1] == ["--trained"] else None
    chosen = rest[2 if networks else 0 :] or sorted(resolve(release).manifest.splits)
    for name in chosen:
        if networks:
            count_trained(release, Path(folder), name, Path(networks))
        else:
            count(release, Path(folder), name)
