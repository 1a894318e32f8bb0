"""What the files of one release must say of each other, worked out again.

A schema tells what a file can't hold; here what a file derives from others is derived
once more and compared: moments of targets, factors and statistics of train days, audits
of splits, counts behind scores, and what the documents repeat. `somobench validate
FOLDER` asks; it stops no build.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from somobench.consistency.accounts import find_other_accounts
from somobench.consistency.attributes import find_other_attributes
from somobench.consistency.costs import find_incoherent_costs
from somobench.consistency.descriptions import find_other_descriptions
from somobench.consistency.documents import (
    find_other_cells,
    find_other_documents,
    read_reports,
)
from somobench.consistency.features import find_other_features
from somobench.consistency.page.numbers import find_other_pages
from somobench.consistency.page.tables import find_other_tables
from somobench.consistency.pools import find_incoherent_scores
from somobench.consistency.reference_scores import find_other_reference_scores
from somobench.consistency.scores import find_other_scores
from somobench.consistency.single_series import find_broken_identities
from somobench.consistency.soil import find_other_soils
from somobench.consistency.splits import find_other_audits
from somobench.consistency.stations import (
    find_other_layers,
    find_other_positions,
    find_other_sources,
)
from somobench.consistency.statistics import compare_statistics
from somobench.consistency.targets import find_other_targets
from somobench.consistency.weather import find_impossible_weather
from somobench.schemas.errors import Failure

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from somobench.schemas.manifest import Manifest


def find_contradictions(
    folder: Path,
    manifest: Manifest,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> list[Failure]:
    """Return what contradicts itself in a release; absent files are left aside.

    Parameters
    ----------
    folder : Path
        Of the release, with its documents.
    tables, grids : mapping by name
        What of its files is valid by itself.
    """
    reports, failures = read_reports(folder, manifest)
    stages = reports.get("stages", {})
    statistics = compare_statistics(manifest, tables, grids)
    days = (
        grids["forcing"].attrs.get("day_definition", "") if "forcing" in grids else ""
    )
    failures += [
        *find_other_descriptions(folder, manifest, tables, grids),
        *find_other_documents(folder, manifest, days),
        *find_other_cells(reports, tables),
        *find_other_targets(stages, tables, grids),
        *find_other_features(tables, grids, derived=statistics.derived),
        *statistics.failures,
        *find_other_audits(manifest, stages, tables, grids),
        *find_other_scores(manifest, tables),
        *find_other_attributes(stages, manifest, tables, grids),
        *find_other_accounts(reports, manifest, tables, grids),
        *find_other_pages(reports, tables, grids),
        *find_other_tables(folder, manifest, reports, tables),
    ]
    if "forcing" in grids:
        failures += find_impossible_weather(grids["forcing"], tables.get("stations"))
    if "scores" in tables:
        failures += find_incoherent_scores(tables["scores"])
        failures += find_broken_identities(manifest, tables["scores"])
    if "shift_costs" in tables:
        failures += find_incoherent_costs(manifest, tables)
    if "stations" in tables:
        failures += find_other_sources(tables["stations"])
        if "targets" in grids:
            failures += find_other_layers(tables["stations"], grids["targets"])
    if "cells" in tables:
        failures += find_other_soils(tables["cells"])
    if {"stations", "cells"} <= set(tables):
        failures += find_other_positions(tables["stations"], tables["cells"])
    # Scoring takes longest, and says little of files that contradict each other.
    return failures or find_other_reference_scores(manifest, tables, grids, stages)
