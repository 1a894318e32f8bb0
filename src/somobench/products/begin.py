"""Before a product is made: where it may lie, and what an earlier run left."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from somobench.products.forcing import ForcingStore
from somobench.products.models import PreparedModel
from somobench.products.plan import Plan
from somobench.products.write import NETCDF, create_store, is_product
from somobench.schemas.errors import UsageError
from somobench.scoring.describe import hash_code


def check_out(out: Path, forcing: Path, *, overwrite: bool) -> None:
    """Refuse a name that isn't a product's, or under which something else lies.

    Raises
    ------
    UsageError
        If it has another suffix, is or lies in the forcing, or exists; with `overwrite`
        only if what exists is no product.
    """
    if out.suffix not in {*NETCDF, ".zarr", ""}:
        expected = "a name that ends in .nc, or in .zarr or nothing for a folder"
        raise UsageError("output", found=out.name, expected=expected)
    place, given = out.resolve(), forcing.resolve()
    if given == place or given in place.parents or place in given.parents:
        expected = "another place than the forcing's"
        raise UsageError("output", found=str(out), expected=expected)
    if not out.exists():
        return
    if not overwrite:
        raise UsageError(
            "output", found=f"{out} exists", expected="a new name", hint="--overwrite"
        )
    if not is_product(out):
        expected = "a product, which alone is replaced"
        raise UsageError("output", found=f"{out}, something else", expected=expected)


def check_disk(out: Path, plan: Plan) -> None:
    """Refuse to lay down more weather than the disk holds: a full one kills a run."""
    folder = next(folder for folder in out.resolve().parents if folder.is_dir())
    free = shutil.disk_usage(folder).free
    if plan.staged > free:
        raise UsageError(
            "disk",
            found=f"{free / 1e6:.0f} MB free in {folder}",
            expected=f"at least {plan.staged / 1e6:.0f} MB to lay the weather down by"
            " cell, beside the result",
            hint="more --memory, or a store in chunks of many days and few cells",
        )


def begin_run(
    folder: Path, store: ForcingStore, model: PreparedModel, plan: Plan
) -> set[str]:
    """Prepare the folder of an unfinished run; return what an earlier run finished.

    Parameters
    ----------
    folder : Path
        Beside the output.
    store : ForcingStore
    model : PreparedModel
    plan : Plan
    """
    said = json.dumps(
        {
            "model": model.name,
            "training": [model.training, model.identity, hash_code()],
            "source_sha256": _hash_source(model.name),
            "forcing": str(store.path.resolve()),
            "forcing_state": _describe_state(store.path),
            "plan": str(plan),
        },
        indent=1,
    )
    note = folder / "plan.json"
    if note.exists() and note.read_text(encoding="utf-8") == said:
        return {item.name for item in (folder / "done").iterdir()}
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "done").mkdir(parents=True)
    (folder / "model.pickle").write_bytes(pickle.dumps((model, plan)))
    create_store(folder / "result.zarr", store, model, plan)
    if plan.slabs:
        (folder / "staged").mkdir()
        for name in store.variables:
            map_staged(folder, name, plan, "w+")
    note.write_text(said, encoding="utf-8")
    return set()


def _hash_source(name: str) -> str:
    """Return the hash of a function's file, so that a changed one starts over."""
    path = Path(name.rpartition(":")[0])
    if path.suffix != ".py" or not path.is_file():
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _describe_state(path: Path) -> list[int]:
    """Return how many files a store has, their bytes, and when one changed last."""
    files = [item for item in path.rglob("*") if item.is_file()] or [path]
    stats = [item.stat() for item in files]
    return [
        len(stats),
        sum(item.st_size for item in stats),
        max(item.st_mtime_ns for item in stats),
    ]


def map_staged(folder: Path, name: str, plan: Plan, mode: Any) -> Any:
    """Map a variable that is laid down by cell, (place..., day), in a mode of NumPy."""
    shape = (*plan.shape, plan.days)
    return np.memmap(folder / "staged" / name, np.float32, mode, shape=shape)
