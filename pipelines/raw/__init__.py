"""Stage `raw`: know every input by its bytes, and simulate the virtual ones.

Real archives are recorded where they lie and never copied; the record is all that
later stages need to find and to verify them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from somobench.catalog.storage.atomic import replacing, write_json
from somobench.pipelines.inputs import (
    INPUTS_FILE,
    RAW_FOLDER,
    InputRecord,
    Role,
    absent_input,
    input_root,
    relative_path,
    size_and_sha256,
)
from somobench.pipelines.raw.world import (
    FORCING_FOLDER,
    STATIONS_FILE,
    TRUTH_FILE,
    write_virtual_world,
)
from somobench.schemas.errors import InputError, IntegrityError
from somobench.schemas.recipe import InputParams, Recipe, load_recipe

VIRTUAL = "virtual"
_READERS = {"stations": "ismn", "forcing": "era5", "reference": "era5"}
"""The reader that understands what the virtual world is written as, by role."""


def record_inputs(recipe: Recipe, folder: Path) -> None:
    """Fill `folder` with the record of all inputs and the generated ones.

    The folder is replaced as a whole, once it is complete.

    Raises
    ------
    InputError
        If a real input is absent, or a recipe asks of the virtual world what it lacks.
    IntegrityError
        If an input isn't the one that the recipe names by sha256.
    """
    with replacing(folder) as partial:
        partial.mkdir(parents=True)
        wanted = list(_wanted(recipe))
        real = [_real_record(*item) for item in wanted if item[2].path != VIRTUAL]
        virtual = [item for item in wanted if item[2].path == VIRTUAL]
        if virtual:
            write_virtual_world(recipe, partial)
        records = real + [
            record for item in virtual for record in _virtual_records(*item, partial)
        ]
        records.sort(key=lambda record: (record.role, record.path))
        content = [record.model_dump(mode="json") for record in records]
        write_json(content, partial / INPUTS_FILE)


def _wanted(recipe: Recipe) -> Iterator[tuple[Role, str, InputParams]]:
    """Yield role, reader and parameters of every input that a recipe names."""
    for item in recipe.stations.inputs:
        yield "stations", recipe.stations.source, item
    for item in recipe.forcing.inputs:
        yield "forcing", recipe.forcing.source, item
    for item in recipe.reference.inputs:
        yield "reference", recipe.reference.source, item


def _real_record(role: Role, source: str, params: InputParams) -> InputRecord:
    path = input_root() / relative_path(params.path)
    if not path.exists():
        raise absent_input(params.name, path, params.url)
    record = _record(role, source, params, path, params.path, generated=False)
    if params.sha256 is not None and params.sha256 != record.sha256:
        raise IntegrityError(
            f"raw input {params.name} at {path}",
            found=f"sha256 {record.sha256}",
            expected=f"sha256 {params.sha256}, as the recipe says",
            hint="get the version that the recipe names, or correct the recipe",
        )
    return record


def _virtual_records(
    role: Role, source: str, params: InputParams, folder: Path
) -> list[InputRecord]:
    """Return the records of what the virtual world holds for a role."""
    if source != _READERS[role]:
        raise InputError(
            f"virtual input {params.name}",
            found=f"{role} source {source!r}",
            expected=f"{_READERS[role]!r}, the format the virtual world is written in",
        )
    files: list[tuple[Role, Path]] = [
        (role, path) for path in sorted((folder / FORCING_FOLDER).iterdir())
    ]
    if role == "stations":
        files = [(role, folder / STATIONS_FILE), ("truth", folder / TRUTH_FILE)]
    return [
        _record(
            own,
            source if own == role else VIRTUAL,
            params,
            path,
            path.relative_to(folder).as_posix(),
            generated=True,
        )
        for own, path in files
    ]


def _record(
    role: Role,
    source: str,
    params: InputParams,
    path: Path,
    shown: str,
    *,
    generated: bool,
) -> InputRecord:
    size, sha256 = size_and_sha256(path)
    return InputRecord(
        role=role,
        source=source,
        name=params.name,
        path=shown,
        size=size,
        sha256=sha256,
        generated=generated,
        producer=params.producer,
        version_producer=params.version_producer,
        licence=params.licence,
        citation=params.citation,
        url=params.url,
        doi=params.doi,
        date_accessed=params.date_accessed,
    )


def main() -> None:
    """Run the stage on `params.yaml` of the current folder."""
    record_inputs(load_recipe(), RAW_FOLDER)
