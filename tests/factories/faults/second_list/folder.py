"""A release folder in memory: defects edit it, and it is written with matching hashes.

A broken pipeline hashes what it wrote, so every size, hash, count, minimum, maximum and
mean of the manifest fits the defect; only what a defect says about itself is wrong.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from somobench.catalog.manifest_checksum import CHECKSUM, format_checksum
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.hashing import describe_file
from somobench.splits import split_sha256

GRIDS = ("targets", "forcing", "features")


class Folder:
    """A copy of a release, and of the predictions beside it, that defects may edit.

    `grids` and `tables` hold what a defect asked for; `manifest` and `validation` are
    the documents; `edit_bytes` changes members of a zip below xarray.
    """

    def __init__(self, source: Path, path: Path) -> None:
        shutil.copytree(source, path)
        self.path = path
        self.assets = path.parent / "assets" / path.name
        beside = source.parent / "assets" / source.name
        if beside.is_dir():
            shutil.copytree(beside, self.assets)
        self.manifest = json.loads((path / "MANIFEST.json").read_text())
        self.validation = json.loads((path / "validation.json").read_text())
        self._grids: dict[Path, xr.Dataset] = {}
        self._tables: dict[Path, pd.DataFrame] = {}

    def get_grid(self, name: str) -> xr.Dataset:
        """Load a grid of the release, or predictions beside it, into memory."""
        at = self.assets if name.startswith("predictions") else self.path
        path = at / f"{name}.zarr.zip"
        if path not in self._grids:
            with open_zarr_zip(path) as grid:
                self._grids[path] = grid.load()
        return self._grids[path]

    def set_grid(self, name: str, grid: xr.Dataset) -> None:
        """Put another grid in the place of one that was loaded."""
        at = self.assets if name.startswith("predictions") else self.path
        self._grids[at / f"{name}.zarr.zip"] = grid

    def get_table(self, name: str) -> pd.DataFrame:
        """Read a table with plain object columns, ready to be edited."""
        path = self.path / f"{name}.parquet"
        if path not in self._tables:
            frame = pd.read_parquet(path)
            texts = {c: object for c in frame if frame[c].dtype.kind not in "iufMb"}
            self._tables[path] = frame.astype(texts)
        return self._tables[path]

    def set_table(self, name: str, frame: pd.DataFrame) -> None:
        """Put another table in the place of one that was read."""
        self._tables[self.path / f"{name}.parquet"] = frame

    def edit_bytes(
        self, name: str, edit: Callable[[dict[str, bytes]], None]
    ) -> None:
        """Rewrite the members of a zipped grid after `edit` changed them."""
        path = self.path / f"{name}.zarr.zip"
        with zipfile.ZipFile(path) as archive:
            members = {item: archive.read(item) for item in archive.namelist()}
        edit(members)
        with zipfile.ZipFile(path, "w") as archive:
            for item in sorted(members):
                entry = zipfile.ZipInfo(item, (1980, 1, 1, 0, 0, 0))
                archive.writestr(entry, members[item])

    def write(self) -> Path:
        """Write what was edited, then the hashes and records of every file."""
        for path, grid in self._grids.items():
            write_zarr_zip(grid, path)
        for path, frame in self._tables.items():
            frame.to_parquet(path, index=False)
        self._rewrite_split_hashes()
        text = json.dumps(self.validation, indent=1, sort_keys=True)
        (self.path / "validation.json").write_text(text + "\n")
        self._describe("files", self.path)
        self._rewrite_croissant()
        self._describe("files", self.path)
        self._describe("assets", self.assets)
        text = json.dumps(self.manifest, indent=1, sort_keys=True) + "\n"
        (self.path / "MANIFEST.json").write_text(text)
        (self.path / CHECKSUM).write_bytes(format_checksum(text.encode()))
        return self.path

    def _rewrite_split_hashes(self) -> None:
        frame = self._tables.get(self.path / "splits.parquet")
        if frame is None or "split" not in frame:
            return
        for name, record in self.manifest["splits"].items():
            rows = frame[frame["split"] == name]
            record["sha256"] = _try(lambda rows=rows: split_sha256(rows), record["sha256"])

    def _describe(self, group: str, at: Path) -> None:
        for name, record in self.manifest.get(group, {}).items():
            path = at / name
            if path.is_file() and record.get("sha256"):
                found = _try(
                    lambda path=path: describe_file(path).model_dump(mode="json"), None
                )
                if found is None:  # what no library opens has a size and a hash still
                    found = describe_as_bytes(path) | {"arrays": record["arrays"]}
                if found["sha256"] != record["sha256"]:
                    record.update(found)

    def _rewrite_croissant(self) -> None:
        path = self.path / "croissant.json"
        croissant = json.loads(path.read_text())
        for item in croissant.get("distribution", []):
            record = self.manifest["files"].get(item.get("name"))
            if record and "sha256" in item:
                item["sha256"] = record["sha256"]
                item["contentSize"] = f"{record['size']} B"
        path.write_text(json.dumps(croissant, indent=2, sort_keys=True) + "\n")


def describe_as_bytes(path: Path) -> dict[str, Any]:
    """Return size and sha256 of a file that can't be opened as data."""
    import hashlib

    content = path.read_bytes()
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _try(make: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return make()
    except Exception:  # noqa: BLE001 - a defect may break whatever describes it
        return otherwise


@dataclass(frozen=True)
class Defect:
    """One thing that a maintainer or a broken pipeline does to a release."""

    part: str
    name: str
    apply: Callable[[Folder], None]
    unknowable: str = ""
    """Why nothing in the folder can contradict it; such ones count apart."""


DEFECTS: list[Defect] = []


def defect(part: str, words: str, unknowable: str = "") -> Callable[..., Any]:
    """Register a function of a `Folder` as the defect that `words` describe."""

    def register(apply: Callable[[Folder], None]) -> Callable[[Folder], None]:
        DEFECTS.append(Defect(part, words, apply, unknowable))
        return apply

    return register


def list_defects() -> Iterator[Defect]:
    """Yield every defect of the list."""
    yield from DEFECTS
