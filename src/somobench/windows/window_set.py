"""Samples of a role: a window of days before each target, in order or drawn."""

from __future__ import annotations

from functools import partial
from typing import Any, Unpack

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.registry import unknown
from somobench.schemas.errors import UsageError
from somobench.schemas.variables import ROLES, VARIABLES
from somobench.windows.balances import BALANCES, Samples, Weights
from somobench.windows.batches import Batch, BatchDataset, Batches, BatchOptions
from somobench.windows.draws import SEQUENTIAL, UNIFORM, Draws
from somobench.windows.samples import describe_samples, select_windows
from somobench.windows.series import Series

MISSING = ("mask", "refuse")


class WindowSet:
    """Windows of one role of a split, as `open_windows` returns them.

    Parameters
    ----------
    series : Series
    role : {"train", "validation", "test"}
    length : int
        Days of a window, at most one more than `series.before`.
    missing : {"mask", "refuse"}

    Attributes
    ----------
    inputs, statics : tuple of str
        Names, in the order of their columns.
    length : int
    role : str
    refused : mapping of reason to count
        `embargo`: train or validation windows that hold a test day of their cell.
        `missing`: those with unknown inputs, where they are refused.
    masked : float
        Share of the windows' days that lack an input or lie before the record.
    """

    def __init__(
        self, series: Series, *, role: str, length: int, missing: str = "mask"
    ) -> None:
        if role not in ROLES:
            raise unknown("role", role, ROLES)
        if missing not in MISSING:
            raise unknown("missing", missing, MISSING)
        if not 1 <= length <= series.before + 1:
            expected = f"from 1 to {series.before + 1} days"
            raise UsageError("length of windows", found=length, expected=expected)
        self.inputs, self.statics = series.input_names, series.static_names
        self.length, self.role = length, role
        self._series = series
        found = select_windows(series, role, length, refuse_missing=missing == "refuse")
        self._rows, self._count = found.rows, found.size
        self.refused, self.masked = found.refused, found.masked
        self._weights: dict[str, Weights] = {}

    def __len__(self) -> int:
        return self._count

    def series(self) -> Series:
        """Return the arrays below the windows, for models that run through records."""
        return self._series

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_weights": {}}

    def take(self, rows: Any, *, weights: str = UNIFORM) -> Batch:
        """Return the samples of some rows.

        Parameters
        ----------
        rows : whole numbers, (sample,), from 0 to `len(self) - 1`
        weights : str
            Of the loss, a name of `BALANCES`.
        """
        rows = self._check_rows(rows)
        series, names = self._series, self.inputs
        places = self._rows.gather(rows)[:, 0].astype(np.intp)
        cell, day = np.divmod(places, len(series.days))
        # Windows begin so many days before, and every cell has days in front.
        starts = places + cell * series.before + series.before + 1 - self.length
        inputs = series.padded.gather(starts, self.length)
        weight = np.ones(rows.size, dtype=np.float32)
        if weights != UNIFORM:
            weight = self.weigh(weights)[rows].astype(np.float32)
        return Batch(
            inputs=inputs.reshape(rows.size, self.length, len(names)),
            statics=series.statics[cell],
            target=series.observed.gather(places)[:, 0],
            weight=weight,
            cell=cell,
            day=day,
            is_present=series.known.gather(starts, self.length),
        )

    def _check_rows(self, rows: Any) -> NDArray[np.intp]:
        given = np.atleast_1d(np.asarray(rows))
        if given.size == 0:
            return np.empty(0, dtype=np.intp)
        whole = given.ndim == 1 and given.dtype.kind in "iu"
        if not whole or given.min() < 0 or given.max() >= len(self):
            raise UsageError(
                "rows of windows",
                found=f"{given.dtype}, {given.flat[0]} to {given.flat[-1]}",
                expected=f"whole numbers from 0 to {len(self) - 1}",
            )
        return given.astype(np.intp, copy=False)

    def weigh(self, name: str) -> Weights:
        """Return the weights that a balance gives the samples, (sample,), mean 1.

        Raises
        ------
        UnknownNameError
        """
        if name not in BALANCES:
            raise unknown("balance of samples", name, tuple(BALANCES))
        if name not in self._weights:
            self._weights[name] = BALANCES[name](self.samples())
        return self._weights[name]

    def samples(self) -> Samples:
        """Return what balances know of the samples."""
        return describe_samples(self._series, self._rows.values[: len(self)])

    def draws(self, size: int, *, sampler: str = UNIFORM, seed: int = 0) -> Draws:
        """Return which rows each batch holds.

        Raises
        ------
        UsageError
            If there is no sample, or a batch of none is asked for.
        UnknownNameError
            If there is no such sampler.
        """
        _check_whole(("size of batches", size, 1), ("seed", seed, 0))
        if not len(self):
            raise UsageError(
                f"{self.role} windows of {self._series.source}, layer"
                f" {self._series.layer}",
                found=f"no sample; refused: {dict(self.refused)}",
                expected="days of that role with a target",
            )
        plain = (SEQUENTIAL, UNIFORM)
        if sampler not in {*BALANCES, SEQUENTIAL}:
            raise unknown("sampler", sampler, (*BALANCES, SEQUENTIAL))
        weights = None if sampler in plain else self.weigh(sampler)
        return Draws(len(self), size, sampler=sampler, weights=weights, seed=seed)

    def batches(
        self,
        size: int = 256,
        *,
        sampler: str = UNIFORM,
        weights: str = UNIFORM,
        seed: int = 0,
        start: int = 0,
        epochs: int = 1,
    ) -> Batches:
        """Return batches by number; the same ones for the same seed.

        Parameters
        ----------
        size : int
            Samples of a batch.
        sampler : str
            `uniform`: every sample once an epoch. `sequential`: in order. `region`,
            `regime`, `quantile`, `extreme`: with replacement, by those weights.
        weights : str
            Of the loss, a name of `BALANCES`; drawn and weighted is twice.
        seed : int
        start : int
            Batches that are passed over, to go on with a run.
        epochs : int
            An epoch has as many samples as there are.
        """
        draws = self.draws(size, sampler=sampler, seed=seed)
        _check_whole(("start", start, 0), ("epochs", epochs, 0))
        take = partial(self.take, weights=weights)
        return Batches(take, draws, start=start, epochs=epochs)

    def torch_dataset(
        self, size: int = 256, **options: Unpack[BatchOptions]
    ) -> BatchDataset:
        """Return `batches`, with the same options, as PyTorch reads them."""
        return BatchDataset(self.batches(size, **options))

    def to_predictions(self, values: Any) -> xr.DataArray:
        """Return normalised predictions of all rows as `somobench.evaluate` takes them.

        Parameters
        ----------
        values : (sample,), normalised, in the order of the rows

        Returns
        -------
        DataArray, (layer, cell, time), m3 m-3, train scaling, float32
            One layer, bounded by what soil moisture can be; NaN on other days.
        """
        given = np.asarray(values)
        if given.dtype.kind not in "fiu":
            raise UsageError(
                "predictions of windows",
                found=f"no numbers: {given.dtype}",
                expected=f"({len(self)},): a finite number a row",
            )
        if given.shape != (len(self),) or not np.isfinite(given).all():
            raise UsageError(
                "predictions of windows",
                found=f"shape {given.shape}, {(~np.isfinite(given)).sum()} not finite",
                expected=f"({len(self)},): a finite number a row",
            )
        series, limits = self._series, VARIABLES["soil_moisture"]
        grid = np.full((1, len(series.cells), len(series.days)), np.nan, np.float32)
        restored = np.clip(series.restore(given), limits.minimum, limits.maximum)
        grid.reshape(-1)[self._rows.values[: len(self)]] = restored
        return xr.DataArray(
            grid,
            {"layer": [series.layer], "cell": series.cells, "time": series.days},
            ("layer", "cell", "time"),
            name="soil_moisture",
            attrs={"units": limits.units, "scaling": "train"},
        )


def _check_whole(*given: tuple[str, Any, int]) -> None:
    """Refuse what is no whole number, or less than it may be."""
    for what, number, least in given:
        if not isinstance(number, int | np.integer) or number < least:
            expected = f"a whole number, {least} or more"
            raise UsageError(what, found=repr(number), expected=expected)
