"""How many rows, cells, days and values each published release has: a reviewed file.

`expected_counts.yaml` is small and changes only in review: a release that loses a
station or a year without an error doesn't get past it. A recipe that isn't listed isn't
checked. Run on a release's folder, this module prints the entry to review.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from somobench.schemas.errors import Failure, ValidationError
from somobench.schemas.manifest import ArrayRecord, Manifest, parse_manifest

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
