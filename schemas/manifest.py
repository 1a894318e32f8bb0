"""The manifest of a release: what is in it, hash by hash, and where it came from."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as PydanticError

from somobench.schemas.errors import Failure, ValidationError

RELEASE_ID = r"^[a-z][a-z0-9_]*-\d+\.\d+\.\d+$"
SHA256 = r"^[0-9a-f]{64}$"
SCHEMA_VERSION = "1"
"""Version of the file contract in docs/data-specification.md."""

Sha256 = Annotated[str, Field(pattern=SHA256)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]


DOI = re.compile(r"10\.\d{4,9}/[^\s;,]*[^\s;,.)]")
Size = Annotated[int, Field(ge=0, le=10**15)]  # bytes


class Record(BaseModel):
    """A frozen record that accepts no unknown field."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ArrayRecord(Record):
    """One array, or one column of a table, described by its decoded values."""

    dtype: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    units: str | None = None
    finite_count: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    sha256: Sha256


class FileRecord(Record):
    """One file of the release."""

    size: Size
    sha256: Sha256
    arrays: dict[str, ArrayRecord] = {}


class SourceRecord(Record):
    """One raw input, with the credit that its producer asks for."""

    role: str
    source: str
    name: str
    sha256: Sha256
    size: Size
    producer: str
    licence: str
    citation: str
    version_producer: str | None = None
    url: str | None = None
    doi: str | None = None
    date_accessed: dt.date | None = None


class CreditRecord(Record):
    """How the data of one station are to be cited."""

    doi: Annotated[str, Field(pattern=r"^10\.\d{4,9}/\S{1,200}$")]
    citation: Annotated[str, Field(max_length=5000)] = ""


class FeatureSetRecord(Record):
    """One named selection of model inputs."""

    variables: tuple[str, ...]
    lags: tuple[int, ...]
    needs_observations: bool
    layers: tuple[int, ...]
    description: str


class SplitRecord(Record):
    """One split: its definition, the hash of its rows, and what its audit found."""

    definition: dict[str, Any]
    sha256: Sha256
    audit: dict[str, Any]


class Manifest(Record):
    """Everything that a reader checks before it believes a file."""

    schema_version: str
    release: Annotated[str, Field(pattern=RELEASE_ID)]
    title: str
    description: str
    licence_spdx: str
    redistributable: bool
    predecessor: str | None
    period: tuple[dt.date, dt.date]
    grid_resolution: Annotated[float, Field(gt=0, le=90)]  # degrees
    layers: tuple[int, ...]
    layers_left_out: dict[str, str]
    target_moments_from: dict[Annotated[str, Field(pattern="^[0-9]+$")], str]
    """By layer: `reanalysis` where targets are scaled to it, else `observations`."""
    feature_sets: dict[str, FeatureSetRecord]
    feature_sets_refused: dict[str, str]
    splits: dict[str, SplitRecord]
    splits_left_out: dict[str, str]
    rungs: dict[str, dict[str, str]] = {}
    """By split and rung of the ladder: empty, or why the release lacks it."""
    sources: tuple[SourceRecord, ...]
    networks: tuple[str, ...] = ()
    """Station networks behind the targets; empty in releases older than this field."""
    credits: dict[str, CreditRecord] = {}
    """By station behind the targets, where its archive gives a DOI."""
    recipe_sha256: Sha256
    package_version: str
    pipeline_sha256: Sha256
    files: dict[FileName, FileRecord]
    assets: dict[FileName, FileRecord] = {}
    """Large files beside the release, fetched on request and not in the package."""

    def record_of(self, name: str) -> FileRecord | None:
        """Return the record of a file or an asset, or nothing if there is none."""
        return self.files.get(name) or self.assets.get(name)


def parse_manifest(text: str | bytes, what: str) -> Manifest:
    """Check a manifest's text.

    Raises
    ------
    ValidationError
        With every unknown, missing or impossible field.
    """
    try:
        content = json.loads(
            text, parse_constant=_parse_number, parse_float=_parse_number
        )
        # A lone surrogate can be escaped in JSON, and written nowhere else.
        json.dumps(content, ensure_ascii=False).encode()
        return Manifest.model_validate(content)
    except PydanticError as error:
        failures = [
            Failure(
                ".".join(str(part) for part in item["loc"]),
                repr(item["input"])[:80],
                item["msg"],
            )
            for item in error.errors()
        ]
        raise ValidationError(what, failures) from error
    except (ValueError, RecursionError) as error:
        raise ValidationError(
            what, [Failure("text", str(error)[:200], "a JSON object")]
        ) from error


def _parse_number(text: str) -> float:
    """Return a finite number; JSON has no other."""
    number = float(text)
    if not math.isfinite(number):
        message = f"a number {text[:40]}"
        raise ValueError(message)
    return number
