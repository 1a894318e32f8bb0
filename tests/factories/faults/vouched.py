"""Folders of a release changed in one place, with hashes that match what is there."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from somobench.catalog.manifest_checksum import CHECKSUM, format_checksum
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.atomic import format_json
from somobench.catalog.storage.hashing import describe_file, sha256_file
from somobench.check_files import main
from somobench.recognise import RELEASE
from somobench.splits import split_sha256
from somobench.validate import REPORTS

MANIFEST = "MANIFEST.json"
Defect = Callable[[Path], None]


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def replace_text(path: Path, text: str) -> None:
    """Write a text as a new file: the old one may be shared by a link."""
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")


def in_table(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Defect:
    def spoil(folder: Path) -> None:
        path = folder / f"{name}.parquet"
        changed = change(pd.read_parquet(path))
        path.unlink()
        changed.to_parquet(path, index=False)

    return spoil


def in_grid(
    name: str, change: Callable[..., xr.Dataset], *others: str, **options: Any
) -> Defect:
    """Change a grid, given with it the grids of other names."""

    def spoil(folder: Path) -> None:
        path = folder / f"{name}.zarr.zip"
        grids = [
            open_zarr_zip(folder / f"{it}.zarr.zip").load() for it in (name, *others)
        ]
        changed = change(*grids)
        path.unlink()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write_zarr_zip(changed, path, **options)

    return spoil


def in_json(name: str, change: Callable[[Any], object]) -> Defect:
    """Change what a file of JSON holds, in place."""

    def spoil(folder: Path) -> None:
        content = read_json(folder / name)
        change(content)
        replace_text(folder / name, json.dumps(content, indent=2))

    return spoil


def in_text(name: str, change: Callable[[str], str]) -> Defect:
    def spoil(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        changed = change(text)
        if changed == text:
            message = f"nothing is changed in {name}"
            raise ValueError(message)
        replace_text(folder / name, changed)

    return spoil


def vouch(folder: Path) -> None:
    """Write hashes, sizes and descriptions of arrays as a build of these files would.

    What names a file's former hash, in whatever document, names the new one.
    """
    content = read_json(folder / MANIFEST)
    renamed = dict(_hash_splits(folder, content))
    # They hold hashes of others, the last one of the other as well.
    last = ("validation.json", "croissant.json")
    others = [name for name in content["files"] if name not in last]
    for name in (*others, *last):
        if name not in content["files"]:
            continue
        record, path = content["files"][name], folder / name
        if not path.is_file():
            continue
        if name in last:
            text = path.read_text(encoding="utf-8")
            for old, new in renamed.items():
                text = text.replace(old, new)
            replace_text(path, text)
        if sha256_file(path) != record["sha256"]:
            described = _describe(path, record)
            renamed |= {record["sha256"]: described["sha256"]}
            renamed |= {f'"{record["size"]} B"': f'"{described["size"]} B"'}
            record.update(described)
    write_manifest(folder, format_json(content))


def _describe(path: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Describe a file; what nobody can open keeps its arrays of before."""
    try:
        described: dict[str, Any] = describe_file(path).model_dump(mode="json")
    except Exception:  # noqa: BLE001 (whatever a damaged file makes of its reader)
        return record | {"sha256": sha256_file(path), "size": path.stat().st_size}
    return described


def _hash_splits(folder: Path, content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    table = pd.read_parquet(folder / "splits.parquet")
    if (
        sha256_file(folder / "splits.parquet")
        == (content["files"]["splits.parquet"]["sha256"])
    ):
        return
    for name, record in content["splits"].items():
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
            digest = split_sha256(table[table["split"] == name])
            yield record["sha256"], digest
            record["sha256"] = digest


def write_manifest(folder: Path, text: str) -> None:
    """Write a manifest and the checksum beside it."""
    replace_text(folder / MANIFEST, text)
    (folder / CHECKSUM).unlink(missing_ok=True)
    (folder / CHECKSUM).write_bytes(format_checksum(text.encode()))


@contextlib.contextmanager
def spoilt(release: Path, defect: Defect) -> Iterator[Path]:
    """Give a copy of a release with one change, vouched for."""
    with tempfile.TemporaryDirectory() as root:
        yield write_spoilt(release, defect, Path(root))


def write_spoilt(release: Path, defect: Defect, root: Path) -> Path:
    """Write a copy of a release with one change, vouched for, into a folder."""
    folder = root / release.name
    shutil.copytree(release, folder, copy_function=os.link)
    defect(folder)
    vouch(folder)
    return folder


def is_refused(path: Path) -> bool:
    """Tell whether `validate` finds something wrong, as its child process does."""
    with tempfile.TemporaryDirectory() as left:
        child = os.fork()
        if child == 0:
            status = 70
            with contextlib.suppress(BaseException), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kind = [RELEASE] if path.is_dir() else []
                status = main([str(path), left, *kind])
            os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 0:
            reports = read_json(Path(left, REPORTS))["reports"]
            return any(report["failures"] for report in reports)
        if not Path(left, "refusal.json").is_file():
            message = f"the check of {path.name} ended with {status}"
            raise RuntimeError(message)
        return True
