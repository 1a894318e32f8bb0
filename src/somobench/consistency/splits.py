"""Splits made and audited again, with the targets and stations of their release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.consistency.rules import has_rules_of_today
from somobench.schemas.errors import Failure, SomobenchError
from somobench.schemas.grids import list_complete
from somobench.schemas.manifest import Manifest
from somobench.schemas.recipe import SplitParams
from somobench.splits import KINDS, Assignment, build_splits, definition_of
from somobench.splits.audit import audit_split
from somobench.splits.data import SplitData, list_sources, select_rows

COUNTED = (
    *("cells", "cell_days", "cells_in_train_and_test", "days_in_two_roles"),
    *("empty_roles", "target_days_by_layer"),
)
"""What every audit has measured alike since the first release."""
YEARLY = ("precipitation", "net_radiation")
MEASURED = 2e-3  # of distances in km, which have three decimals
COLUMNS = ["cell_id", "start", "end", "role"]


def find_other_audits(
    manifest: Manifest,
    reports: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> list[Failure]:
    """Make and audit every split again; return leakage, and what is otherwise.

    Of audits by earlier rules, what they have always counted is compared.
    """
    if {"splits", "cells", "stations"} - set(tables) or "targets" not in grids:
        return []
    if "targets" not in reports:
        return []
    rows, failures = tables["splits"], []
    named = set(rows["split"].astype(str))
    if named != set(manifest.splits):
        expected = f"those of splits.parquet, {sorted(named)}"
        found = str(sorted(manifest.splits))
        failures.append(Failure("MANIFEST.json splits", found, expected))
    try:
        data = _collect_data(manifest, reports["targets"], tables, grids["targets"])
        for name in sorted(named & set(manifest.splits)):
            chosen = rows[rows["split"] == name]
            failures += _compare_audit(manifest, name, chosen, data)
        if not failures and "forcing" in grids and _can_be_made(manifest):
            failures += _compare_made(manifest, rows, data, grids["forcing"])
    except SomobenchError as error:
        failures.append(Failure(str(error.what), str(error.found), str(error.expected)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        expected = "what every build says of its splits"
        failures.append(Failure("MANIFEST.json splits", f"no {error}"[:200], expected))
    return failures


def _collect_data(
    manifest: Manifest,
    report: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    targets: xr.Dataset,
) -> SplitData:
    names = targets["cell"].to_numpy().astype(str)
    series = targets[["soil_moisture", "is_gapfilled"]].transpose("layer", "cell", ...)
    cells = tables["cells"].set_index("cell_id", drop=False)
    return SplitData(
        cells=select_rows(cells, names, "cells.parquet"),
        days=pd.DatetimeIndex(targets["time"].to_numpy()),
        available=np.isfinite(series["soil_moisture"].to_numpy()),
        sources=list_sources(report, tables["stations"]),
        filled=series["is_gapfilled"].to_numpy() == 1,
        lags=find_lags(manifest) or 0,
    )


def find_lags(manifest: Manifest) -> int | None:
    """Return the days that lagged inputs look back; None where nothing says so.

    A release may lack the feature set that has lags, whose recipe keeps them apart.
    """
    known = [lag for item in manifest.feature_sets.values() for lag in item.lags if lag]
    for record in manifest.splits.values():
        known += [int(record.definition.get("embargo_days", 0))]
    return max((lag for lag in known if lag), default=None)


def _compare_audit(
    manifest: Manifest, name: str, rows: pd.DataFrame, data: SplitData
) -> Iterator[Failure]:
    record = manifest.splits[name]
    audit = audit_split(rows, data, record.definition)
    for finding in audit.failures:
        where = f"splits.parquet {name}, {finding.check}"
        yield Failure(where, finding.found, "no leakage from train to test")
    measured = audit.content()
    counted = {*measured} if _can_be_made(manifest) else {*COUNTED}
    for what in sorted(counted):
        published = record.audit.get(what, measured[what])
        if not _is_same(measured[what], published):
            where = f"splits.parquet {name}, {what}"
            yield Failure(where, str(measured[what]), f"{published}, as audited")


def _can_be_made(manifest: Manifest) -> bool:
    """Tell whether a release says all that its splits and audits were made from."""
    return has_rules_of_today(manifest) and find_lags(manifest) is not None


def _is_same(found: Any, published: Any) -> bool:
    """Tell whether two contents are the same but for the last digit of a distance."""
    if isinstance(found, Mapping) and isinstance(published, Mapping):
        return {*found} == {*published} and all(
            _is_same(found[key], published[key]) for key in found
        )
    if isinstance(found, list | tuple) and isinstance(published, list | tuple):
        pairs = zip(found, published, strict=False)
        return len(found) == len(published) and all(_is_same(*pair) for pair in pairs)
    if isinstance(found, float) and isinstance(published, int | float):
        return abs(found - published) <= MEASURED
    return bool(found == published)


def _compare_made(
    manifest: Manifest, rows: pd.DataFrame, data: SplitData, forcing: xr.Dataset
) -> Iterator[Failure]:
    """Compare rows and definitions with what the parameters of a split make."""
    parameters = {
        name: record.definition["parameters"]
        for name, record in manifest.splits.items()
        if name in KINDS and record.definition.get("kind") == name
    }
    try:
        params = SplitParams.model_validate(parameters)
    except ValueError as error:
        yield Failure("MANIFEST.json splits", str(error)[:200], "their parameters")
        return
    made = build_splits(params, _add_forcing(data, forcing))
    for name in parameters:
        where, assignment = f"splits.parquet {name}", made[name]
        if not isinstance(assignment, Assignment):
            yield Failure(where, "rows", f"none: {assignment.reason}")
            continue
        given = _sort_rows(rows[rows["split"] == name])
        if given != _sort_rows(assignment.rows):
            count = len({*given} ^ {*_sort_rows(assignment.rows)})
            yield Failure(
                where, f"{count} other rows", "those that its definition makes"
            )
        definition = manifest.splits[name].definition
        expected = definition_of(name, getattr(params, name), assignment)
        other = [
            key for key in expected if not _is_same(expected[key], definition.get(key))
        ]
        if other:
            found = f"{other[0]} {definition.get(other[0])}"
            yield Failure(
                f"{where}, definition", found[:200], str(expected[other[0]])[:200]
            )


def _sort_rows(rows: pd.DataFrame) -> list[tuple[Any, ...]]:
    table = rows[COLUMNS].astype({"cell_id": "str", "role": "str"})
    return sorted(table.itertuples(index=False, name=None))


def _add_forcing(data: SplitData, forcing: xr.Dataset) -> SplitData:
    """Add what tells dry years from wet ones."""
    complete = list_complete(forcing)
    places = {"cell": data.cells["cell_id"].to_numpy(), "time": data.days}
    chosen = forcing[[name for name in YEARLY if name in complete]].sel(places)
    weather = {
        str(name): values.transpose("cell", "time").to_numpy()
        for name, values in chosen.items()
    }
    return replace(data, forcing=weather)
