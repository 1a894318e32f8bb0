"""Check that what the stages left under `data/` is what `dvc.lock` says.

DVC hands out an object of its cache without hashing it, so a damaged cache would reach
a release unseen. This check hashes the files themselves.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from somobench.schemas.errors import InputError, IntegrityError

LOCK = "dvc.lock"
NO_LOCK = (AttributeError, KeyError, TypeError, ValueError)  # YAML of another shape


def verify_outputs(root: Path) -> int:
    """Hash every output of every stage and compare it with `dvc.lock`.

    Parameters
    ----------
    root : Path
        The checkout, or a copy of it.

    Returns
    -------
    int
        How many outputs were checked.

    Raises
    ------
    InputError
        If there is no `dvc.lock`.
    IntegrityError
        With every output that is missing or has other content.
    """
    expected = _read_locked_outputs(root)
    wrong = []
    for path, digest in sorted(expected.items()):
        found = _hash_output(root / path)
        if found != digest:
            wrong.append(f"{path}: md5 {found}, not {digest}")
    if wrong:
        raise IntegrityError(
            f"outputs of the stages in {root.absolute()}",
            found="; ".join(wrong),
            expected=f"the content that {LOCK} records",
            hint="delete data/ and the damaged objects of .dvc/cache, then dvc repro",
        )
    return len(expected)


def _read_locked_outputs(root: Path) -> dict[str, str]:
    try:
        lock: dict[str, Any] = yaml.safe_load((root / LOCK).read_text("utf-8"))
        return {
            output["path"]: output["md5"]
            for stage in lock["stages"].values()
            for output in stage.get("outs", [])
        }
    except (OSError, *NO_LOCK, yaml.YAMLError) as error:
        raise InputError(
            f"lock file {root / LOCK}",
            found=getattr(error, "strerror", None)
            or f"{type(error).__name__}: {error}",
            expected="the hashes of a pipeline that ran",
            hint="dvc repro",
        ) from error


def _hash_output(path: Path) -> str | None:
    """Hash a file, or a folder as DVC does: the JSON list of its files' hashes."""
    if path.is_dir():
        files = {
            file.relative_to(path).as_posix(): file
            for file in path.rglob("*")
            if file.is_file()
        }
        listed = [
            {"md5": _hash_output(files[name]), "relpath": name}
            for name in sorted(files)
        ]
        text = json.dumps(listed, sort_keys=True)
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(
            stream, lambda: hashlib.md5(usedforsecurity=False)
        ).hexdigest()
