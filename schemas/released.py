"""Schemas of what is released or handed to `somobench validate`: tables and grids.

They add to the schemas between stages what only a finished file can promise: that its
variables agree, and that no series stands still or steps. A sensor that stands still is
no reason to stop `ingest`: the target rule refuses it and counts it. In a release it is
one: nobody should learn from it.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType

import pandera.pandas as pa
import yaml
from pandera.api.checks import Check
from pandera.xarray import DatasetSchema
from pydantic import TypeAdapter

from somobench.schemas.checks.grids import (
    COUNTED_WHERE_MEASURED,
    DEPTH_IN_LAYER,
    EVERY_CELL_HAS_TARGET,
    FILLED_WHERE_PRESENT,
    ONLY_WHERE_MEASURED,
    SCALED_AS_STATED,
    SOURCE_TELLS,
)
from somobench.schemas.checks.magnitudes import CLEAR_SKY
from somobench.schemas.checks.places import NOT_SWAPPED, ONE_PLACE, STATION_IN_CELL
from somobench.schemas.checks.series import (
    NO_STEP_OF_A_SENSOR,
    NO_STEP_OF_A_SERIES,
    NO_STUCK_SENSOR,
    no_stuck_series,
)
from somobench.schemas.checks.tables import DAYS_FIT, IDS_MATCH, ONE_LAYER
from somobench.schemas.errors import Failure, ValidationError
from somobench.schemas.grids import FEATURES, FORCING, TARGETS
from somobench.schemas.manifest import ArrayRecord, Manifest, parse_manifest
from somobench.schemas.scores import SCORES, SHIFT_COSTS
from somobench.schemas.tables import CELLS, OBSERVATIONS, SENSORS, SPLITS
from somobench.schemas.variables import DYNAMIC_FORCING

COUNTS_FILE = "expected_counts.yaml"
VALUED = {"targets.zarr.zip": "soil_moisture"}
"""Files of which the finite values of one variable are counted too."""

Counts = dict[str, dict[str, int]]
_COUNTS = TypeAdapter(dict[str, Counts])


def expected_counts() -> dict[str, Counts]:
    """Return the reviewed counts by release, file and what is counted."""
    text = resources.files("somobench.schemas").joinpath(COUNTS_FILE)
    return _COUNTS.validate_python(
        yaml.safe_load(text.read_text(encoding="utf-8")), strict=True
    )


def counts_of(manifest: Manifest) -> Counts:
    """Count rows of tables, and lengths of dimensions of grids, as a manifest has them.

    Such as `{"cells.parquet": {"rows": 40}, "targets.zarr.zip": {"cell": 40, ...}}`;
    `values` are the finite ones of the target.
    """
    counts: Counts = {}
    for name, file in sorted(manifest.files.items()):
        if not file.arrays:
            continue
        if name.endswith(".parquet"):
            counts[name] = {"rows": next(iter(file.arrays.values())).shape[0]}
        else:
            counts[name] = _lengths(file.arrays.values())
        if name in VALUED:
            values = file.arrays[VALUED[name]].finite_count
            counts[name]["values"] = -1 if values is None else values
    return counts


def _lengths(arrays: Iterable[ArrayRecord]) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for array in arrays:
        lengths |= dict(zip(array.dims, array.shape, strict=True))
    return dict(sorted(lengths.items()))


def count_failures(
    found: Mapping[str, Mapping[str, int]], expected: Mapping[str, Mapping[str, int]]
) -> list[Failure]:
    """List every count that is not the expected one; files not expected pass."""
    return [
        Failure(
            f"{file} {what}", str(found.get(file, {}).get(what, "none")), str(count)
        )
        for file, counts in expected.items()
        for what, count in counts.items()
        if found.get(file, {}).get(what) != count
    ]


def validate_counts(manifest: Manifest) -> None:
    """Compare a release with its reviewed counts, where it has some.

    Raises
    ------
    ValidationError
        With every count that is smaller or larger.
    """
    expected = expected_counts().get(manifest.release)
    if expected is None:
        return
    failures = count_failures(counts_of(manifest), expected)
    if failures:
        raise ValidationError(f"counts of {manifest.release}", failures)


def main() -> None:
    """Print the entry of the release in the folder that is named."""
    path = Path(sys.argv[1]) / "MANIFEST.json"
    manifest = parse_manifest(path.read_bytes(), str(path))
    sys.stdout.write(yaml.safe_dump({manifest.release: counts_of(manifest)}))


if __name__ == "__main__":
    main()

MAY_REST_AT_ZERO = ("precipitation", "evaporation", "shortwave_radiation")


def _table(schema: pa.DataFrameSchema, *further: Check) -> pa.DataFrameSchema:
    extended = copy.deepcopy(schema)
    extended.checks = [*schema.checks, *further]
    return extended


def _grid(schema: DatasetSchema, *further: Check) -> DatasetSchema:
    extended = copy.deepcopy(schema)
    extended.checks = [*schema.checks, *further]
    return extended


_STUCK_FORCING = tuple(
    no_stuck_series(name, may_rest_at_zero=name in MAY_REST_AT_ZERO)
    for name in (
        *DYNAMIC_FORCING,
        "skin_temperature",
        "evaporation",
        "reanalysis_soil_moisture",
    )
)

RELEASED_TABLES: Mapping[str, pa.DataFrameSchema] = MappingProxyType(
    {
        "stations": _table(
            SENSORS,
            IDS_MATCH,
            ONE_LAYER,
            DAYS_FIT,
            STATION_IN_CELL,
            ONE_PLACE,
            NOT_SWAPPED,
        ),
        "observations": _table(OBSERVATIONS, NO_STUCK_SENSOR, NO_STEP_OF_A_SENSOR),
        "cells": CELLS,
        "splits": SPLITS,
        "scores": SCORES,
        "shift_costs": SHIFT_COSTS,
    }
)
RELEASED_GRIDS: Mapping[str, DatasetSchema] = MappingProxyType(
    {
        "targets": _grid(
            TARGETS,
            SCALED_AS_STATED,
            COUNTED_WHERE_MEASURED,
            FILLED_WHERE_PRESENT,
            ONLY_WHERE_MEASURED,
            EVERY_CELL_HAS_TARGET,
            DEPTH_IN_LAYER,
            no_stuck_series("soil_moisture"),
            no_stuck_series("soil_moisture_in_situ"),
            NO_STEP_OF_A_SERIES,
        ),
        "forcing": _grid(FORCING, CLEAR_SKY, *_STUCK_FORCING),
        "features": _grid(FEATURES, SOURCE_TELLS),
    }
)
