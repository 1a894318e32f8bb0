"""Run an experiment on a release by name, and write its table, record and page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from somobench.cards.write import refuse_other_files
from somobench.catalog.resolve import resolve
from somobench.catalog.storage.atomic import (
    replace_file,
    write_json,
    write_parquet,
    write_text,
)
from somobench.experiments.coupling import run_coupling
from somobench.experiments.diversity import run_diversity
from somobench.experiments.extremes import run_extremes
from somobench.experiments.features import run_features
from somobench.experiments.independence import run_independence
from somobench.experiments.outcome import Outcome
from somobench.experiments.page import make_page
from somobench.experiments.robustness import run_robustness
from somobench.experiments.settings import Settings
from somobench.experiments.world import World, read_world
from somobench.schemas.errors import UnknownNameError
from somobench.schemas.experiments import EXPERIMENT
from somobench.schemas.validate import validate_table

TABLE_FILE, TEXT_FILE = "table.parquet", "table.csv"
RECORD_FILE, PAGE_FILE = "experiment.json", "report.html"
FILES = (TABLE_FILE, TEXT_FILE, RECORD_FILE, PAGE_FILE)

EXPERIMENTS: Mapping[str, Callable[[World, Settings, int], Outcome]] = MappingProxyType(
    {
        "robustness": run_robustness,
        "diversity": run_diversity,
        "features": run_features,
        "coupling": run_coupling,
        "independence": run_independence,
        "extremes": run_extremes,
    }
)


@dataclass(frozen=True, eq=False)
class Experiment:
    """An experiment that was run, ready to be written.

    Attributes
    ----------
    name : str
    outcome : Outcome
    record : what the numbers depend on, and what the release couldn't carry
    """

    name: str
    outcome: Outcome
    record: Mapping[str, Any]

    def write(self, folder: Path | str, *, overwrite: bool = False) -> None:
        """Write table.parquet, table.csv, experiment.json and report.html.

        All of them or none.

        Raises
        ------
        UsageError
            If the folder holds something else, or an experiment that may not be
            replaced.
        """
        target = Path(folder)
        check_folder(target, overwrite=overwrite)
        table = self.outcome.table
        page = make_page(self.name, self.record, self.outcome)
        with replace_file(target, new=not overwrite) as partial:
            partial.mkdir()
            write_parquet(table, partial / TABLE_FILE)
            text = table.to_csv(index=False, lineterminator="\n")
            write_text(text, partial / TEXT_FILE)
            write_json(self.record, partial / RECORD_FILE)
            write_text(page, partial / PAGE_FILE)


def run_experiment(
    name: str,
    *,
    release: str,
    settings: Settings | None = None,
    processes: int = 1,
) -> Experiment:
    """Run an experiment on a release.

    Parameters
    ----------
    name : str
        A key of `EXPERIMENTS`.
    release : str
        Full id, such as `virtual-2.0.0`.
    settings : Settings, optional
        The published size by default; `QUICK` for a look.
    processes : int
        The numbers don't depend on it.

    Raises
    ------
    UnknownNameError
        For an unknown experiment or release.
    UsageError
        If the release lacks what the experiment needs; the message says what.
    IntegrityError
        If a file isn't the published one.
    """
    if name not in EXPERIMENTS:
        raise UnknownNameError(
            "experiment", found=name, expected=", ".join(EXPERIMENTS)
        )
    chosen = settings or Settings()
    world = read_world(resolve(release))
    outcome = EXPERIMENTS[name](world, chosen, processes)
    validate_table(outcome.table, EXPERIMENT, f"experiment {name}")
    return Experiment(name, outcome, describe_record(name, world, chosen, outcome))


def describe_record(
    name: str, world: World, settings: Settings, outcome: Outcome
) -> dict[str, Any]:
    """Return what the numbers of an experiment depend on, ready for JSON."""
    return {
        "experiment": name,
        "release": world.release,
        "files": dict(world.files),
        "settings": settings.model_dump(mode="json"),
        "design": dict(outcome.design),
        "refused": dict(outcome.refused),
        "period": [
            dt.date.fromisoformat(str(day.astype("datetime64[D]"))).isoformat()
            for day in (world.time[0], world.time[-1])
        ],
    }


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that may not be replaced, before anything is computed.

    Raises
    ------
    UsageError
        If it holds other files, or an experiment without `overwrite`.
    """
    refuse_other_files(folder, set(FILES), "an experiment", overwrite=overwrite)
