"""A release folder in memory: defects edit it, and it is written with matching hashes.

A broken pipeline hashes what it wrote, so every size, hash, count, minimum, maximum and
mean of the manifest fits the defect; only what a defect says about itself is wrong.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xarray as xr

from factories.faults.vouched import MANIFEST, vouch
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.atomic import format_json
from somobench.catalog.storage.hashing import describe_file


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

    def edit_bytes(self, name: str, edit: Callable[[dict[str, bytes]], None]) -> None:
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
        text = json.dumps(self.validation, indent=1, sort_keys=True)
        (self.path / "validation.json").write_text(text + "\n")
        for name, record in self.manifest.get("assets", {}).items():
            if (self.assets / name).is_file():
                record.update(describe_file(self.assets / name).model_dump(mode="json"))
        (self.path / MANIFEST).write_text(format_json(self.manifest))
        vouch(self.path)
        return self.path


Apply = Callable[[Folder], None]


@dataclass(frozen=True)
class Defect:
    """One thing that a maintainer or a broken pipeline does to a release."""

    part: str
    name: str
    apply: Apply
    unknowable: str = ""
    """Why nothing in the folder can contradict it; such ones count apart."""


DEFECTS: list[Defect] = []


def defect(part: str, words: str, unknowable: str = "") -> Callable[[Apply], Apply]:
    """Register a function of a `Folder` as the defect that `words` describe."""

    def register(apply: Apply) -> Apply:
        DEFECTS.append(Defect(part, words, apply, unknowable))
        return apply

    return register
