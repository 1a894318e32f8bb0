"""A release in memory after a defect: nothing is written but the text of its page."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import xarray as xr

from factories.faults.third_list.opened import Defect, Opened
from factories.faults.third_list.writing import put_values
from somobench.recognise import TABLES
from somobench.schemas.manifest import Manifest, parse_manifest

RELEASED = ("cells", "splits", "stations", "scores", "shift_costs")


class World(NamedTuple):
    """A release in memory, and the text of its page."""

    folder: Path
    manifest: Manifest
    reports: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    grids: dict[str, xr.Dataset]


def spoil(
    release: Path, grids: dict[str, xr.Dataset], defect: Defect, folder: Path
) -> World:
    """Return a release in memory after a defect; the page lies in another folder."""
    opened = Opened(release)
    defect(opened)
    page = opened.texts.get("report.html", opened.text("report.html"))
    (folder / "report.html").write_text(page, encoding="utf-8")
    changed = {name: grid.copy() for name, grid in grids.items()}
    for name, grid in opened.grids.items():
        for array, values in grid.arrays.items():
            old = changed[name].get(array)
            if old is not None and array not in changed[name].indexes:
                new = put_values(old, values, grid.attributes[array])
                changed[name] = changed[name].assign({array: new})
        changed[name].attrs |= grid.attributes[""]
    return World(
        folder,
        parse_manifest(json.dumps(opened.manifest).encode(), "MANIFEST.json"),
        copy.deepcopy(opened.validation),
        {name: opened.table(name) for name in TABLES if name in RELEASED},
        changed,
    )
