"""Stage `raw`: the record of all inputs, and the virtual ones themselves.

Real archives are recorded where they lie and never copied; the record is all that
later stages need to find and to verify them.
"""

from __future__ import annotations

from pathlib import Path

from somobench.catalog.storage.atomic import replace_file
from somobench.catalog.storage.processors import count_cores
from somobench.pipelines.inputs import (
    DATA,
    INPUTS_FILE,
    RAW_FOLDER,
    InputRecord,
    Role,
    make_input_record,
    measure_file,
    read_inputs,
    write_inputs,
)
from somobench.pipelines.raw.world import (
    FORCING_FOLDER,
    STATIONS_FILE,
    TRUTH_FILE,
    write_virtual_world,
)
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import NamedInput, Recipe, load_recipe

_READERS = {"stations": "ismn", "forcing": "era5", "reference": "era5"}
"""The reader that understands what the virtual world is written as, by role."""


def main() -> None:
    """Run the stage on the recipe and folder of the checkout."""
    write_raw(load_recipe(), DATA / INPUTS_FILE, RAW_FOLDER, processes=count_cores())


def write_raw(
    recipe: Recipe, inputs_file: Path, folder: Path, *, processes: int = 1
) -> None:
    """Fill `folder` with the record of all inputs and the generated ones.

    The folder is replaced as a whole, once it is complete.

    Parameters
    ----------
    recipe : Recipe
    inputs_file : Path
        Record of the archives, as stage `inputs` wrote it.
    folder : Path
    processes : int
        Regions of a virtual world are simulated by so many at a time.

    Raises
    ------
    InputError
        If the record can't be read, or a recipe asks of the virtual world what it
        lacks.
    """
    records = list(read_inputs(inputs_file))
    generated = [item for item in recipe.raw_inputs() if item.params.generated]
    with replace_file(folder) as partial:
        partial.mkdir(parents=True)
        if generated:
            write_virtual_world(recipe, partial, processes=processes)
        for item in generated:
            records += _record_virtual_inputs(item, partial)
        write_inputs(records, partial / INPUTS_FILE)


def _record_virtual_inputs(item: NamedInput, folder: Path) -> list[InputRecord]:
    """Return the records of what the virtual world holds for a role."""
    if item.source != _READERS[item.role]:
        raise InputError(
            f"virtual input {item.params.name}",
            found=f"{item.role} source {item.source!r}",
            expected=f"{_READERS[item.role]!r}, the format of the virtual world",
        )
    if item.role == "stations":
        truth = _record_virtual_input(
            item, folder / TRUTH_FILE, folder, "truth", "virtual"
        )
        return [_record_virtual_input(item, folder / STATIONS_FILE, folder), truth]
    return [
        _record_virtual_input(item, path, folder)
        for path in sorted((folder / FORCING_FOLDER).iterdir())
    ]


def _record_virtual_input(
    item: NamedInput,
    path: Path,
    folder: Path,
    role: Role | None = None,
    source: str | None = None,
) -> InputRecord:
    size, sha256 = measure_file(path)
    return make_input_record(
        item.params,
        role=role or item.role,
        source=source or item.source,
        path=path.relative_to(folder).as_posix(),
        size=size,
        sha256=sha256,
        generated=True,
    )
