"""Stage `inputs`: look at every archive that the recipe names, and record its bytes.

DVC can't know whether a file outside the repository changed, so it runs this stage
every time; all others follow from the record. An archive is hashed once: what was
hashed in which state of the file is remembered in the user's cache.
"""

from __future__ import annotations

from pathlib import Path

from somobench.catalog.fetching.cache import recall_sha256
from somobench.pipelines.inputs import (
    DATA,
    INPUTS_FILE,
    AbsentInput,
    InputRecord,
    input_root,
    make_absence_error,
    make_input_record,
    measure_file,
    relative_path,
    write_inputs,
)
from somobench.progress import tell_step
from somobench.schemas.errors import IntegrityError
from somobench.schemas.recipe import NamedInput, Recipe, load_recipe


def main() -> None:
    """Run the stage on the recipe and folder of the checkout."""
    record_inputs(load_recipe(), DATA / INPUTS_FILE)


def record_inputs(recipe: Recipe, path: Path) -> None:
    """Write the record of the archives that a recipe names; none if all is generated.

    Raises
    ------
    InputError
        If archives are absent: with each of them.
    IntegrityError
        If an archive isn't the one that the recipe names by sha256.
    """
    archives = [
        (item, input_root() / relative_path(item.params.path))
        for item in recipe.raw_inputs()
        if not item.params.generated
    ]
    absent = [
        AbsentInput(item.params.name, place, item.params.url)
        for item, place in archives
        if not place.exists()
    ]
    if absent:
        raise make_absence_error(list(dict.fromkeys(absent)))
    write_inputs([_record(item, place) for item, place in archives], path)


def _record(item: NamedInput, place: Path) -> InputRecord:
    params = item.params
    tell_step(f"hashing {place.name}")
    size, sha256 = measure_file(place, recall_sha256)
    if params.sha256 not in {None, sha256}:
        raise IntegrityError(
            f"raw input {params.name} at {place}",
            found=f"sha256 {sha256}",
            expected=f"sha256 {params.sha256}, as the recipe says",
            hint="get the version that the recipe names, or correct the recipe",
        )
    return make_input_record(
        params,
        role=item.role,
        source=item.source,
        path=params.path,
        size=size,
        sha256=sha256,
        generated=False,
    )
