"""One split of a release: targets, features, roles and cells under the same labels.

What a reader opens, a model learns from and a score is computed on is joined here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.scaling import scale_by_train_days
from somobench.catalog.view import (
    CELL_COLUMNS,
    TEXTS,
    align_to_targets,
    check_rows,
    view_roles,
)
from somobench.schemas.errors import IntegrityError, UnknownNameError
from somobench.schemas.variables import REGIMES


@dataclass(frozen=True, kw_only=True, eq=False)
class SplitView:
    """A split on the layers, cells and days of its targets.

    Attributes
    ----------
    split : name
    targets : Dataset, (layer, cell, time)
    features : Dataset, (layer, cell)
        Scale factors, climatology (day_of_year) and normalisation of the split, in its
        train scaling; empty where they weren't asked for.
    role : DataArray, (cell, time), int8
        0 none, 1 train, 2 validation, 3 test.
    cells : DataFrame by `cell_id`, one row a cell in the order of the targets
    """

    split: str
    targets: xr.Dataset
    features: xr.Dataset
    role: xr.DataArray
    cells: pd.DataFrame

    def take_cells(self, cells: slice) -> SplitView:
        """Return the split on some of its cells."""
        return SplitView(
            split=self.split,
            targets=self.targets.isel(cell=cells),
            features=self.features.isel(cell=cells),
            role=self.role.isel(cell=cells),
            cells=self.cells.iloc[cells],
        )

    def train_scaled(self) -> xr.DataArray:
        """Return the targets in train scaling, (layer, cell, time), m3 m-3, float32."""
        scaled = scale_by_train_days(self.targets, self.features, self.role)
        return scaled.transpose("layer", "cell", "time")

    def climatology(self) -> xr.DataArray:
        """Return the climatology, (layer, cell, day_of_year), m3 m-3, train scaling."""
        return self.features["climatology"].transpose("layer", "cell", "day_of_year")

    def has_role(self, role: int) -> NDArray[np.bool_]:
        """Mark the days of every cell with a role, (cell, time)."""
        return np.asarray(self.role.to_numpy() == role)


def view_split(
    split: str,
    *,
    targets: xr.Dataset,
    features: xr.Dataset | None,
    splits: pd.DataFrame,
    cells: pd.DataFrame,
) -> SplitView:
    """Join the files of a release to one of its splits.

    Parameters
    ----------
    split : str
    targets : Dataset of schema TARGETS
    features : Dataset of schema FEATURES, or None where nothing needs them
    splits : DataFrame of schema SPLITS
    cells : DataFrame of schema CELLS

    Raises
    ------
    UnknownNameError
        If there is no such split.
    IntegrityError
        If a cell of the targets has no features or no row in `cells`, or several, or
        if a row of `splits` says nothing.
    """
    check_rows(splits)
    known = sorted(set(splits["split"].astype(str)))
    if split not in known:
        raise UnknownNameError("split", found=split, expected=", ".join(known))
    return SplitView(
        split=split,
        targets=targets,
        features=_select_features(features, targets, split),
        role=view_roles(splits, targets, split),
        cells=index_cells(cells, targets),
    )


def _select_features(
    features: xr.Dataset | None, targets: xr.Dataset, split: str
) -> xr.Dataset:
    """Select the features of a split, on the layers and cells of the targets."""
    if features is None:
        return xr.Dataset()
    place = features.get_index("split").get_loc(split)
    chosen = features.drop_vars("split").isel(split=place)
    chosen = chosen.sel(layer=targets["layer"].to_numpy())
    return align_to_targets(chosen, targets, "features")


def index_cells(cells: pd.DataFrame, targets: xr.Dataset) -> pd.DataFrame:
    """Return the table of cells by `cell_id`, one row a cell of the targets.

    Raises
    ------
    IntegrityError
        If it lacks a cell or a column, names a cell twice, has other types or a regime
        that there isn't.
    """
    lacking = {"cell_id", *CELL_COLUMNS} - {*map(str, cells.columns)}
    if lacking:
        raise _make_cells_error(f"no column {', '.join(sorted(lacking))}")
    wrong = [name for name in TEXTS if not _are_texts(cells[name])]
    if wrong or not pd.api.types.is_float_dtype(cells["dryness"]):
        raise _make_cells_error(f"no plain values of {', '.join(wrong) or 'dryness'}")
    unknown = sorted({*cells["regime"]} - {*REGIMES})
    if unknown:
        raise _make_cells_error(f"regime {unknown[0][:80]}")
    table = cells.set_index("cell_id")
    wanted = targets["cell"].to_numpy().astype(str)
    absent = pd.Index(wanted).difference(table.index)
    if len(absent):
        raise _make_cells_error(
            f"no row of cell {absent[0]} and {len(absent) - 1} more"
        )
    if not table.index.is_unique:
        raise _make_cells_error(
            f"cell {table.index[table.index.duplicated()][0]} twice"
        )
    return table.loc[wanted]


def _are_texts(column: pd.Series) -> bool:
    return all(isinstance(value, str) for value in column)


def _make_cells_error(found: str) -> IntegrityError:
    expected = f"one row a cell of the targets, with {', '.join(CELL_COLUMNS)}"
    return IntegrityError("cells of the release", found=found, expected=expected)
