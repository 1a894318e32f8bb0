"""Models as they are applied to blocks of cells, in any process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.ladder.apply import FittedRung
from somobench.ladder.problem import Array, collect_statics
from somobench.model_function import call_model, load_model
from somobench.schemas.errors import InputError
from somobench.schemas.variables import VARIABLES


class Block(NamedTuple):
    """Cells with all their days.

    Attributes
    ----------
    weather : by variable, (cell, day), in its unit
    statics : by name, (cell,)
    latitude, longitude : (cell,), degrees north, and east from -180 to 180
    days : (day,)
    """

    weather: Mapping[str, NDArray[np.float32]]
    statics: Mapping[str, Array]
    latitude: Array
    longitude: Array
    days: NDArray[np.datetime64]

    def derive_statics(self) -> dict[str, Array]:
        """Return attributes of cells: those given, and climate means of all days."""
        latitude = xr.Dataset({"latitude": ("cell", self.latitude)})
        given = pd.DataFrame(dict(self.statics), index=range(len(self.latitude)))
        window = np.ones(len(self.days), dtype=bool)
        found = collect_statics(latitude, self.weather, window, given.astype("float64"))
        return found | dict(self.statics)


class Applied(Protocol):
    """A model that predicts blocks; can be sent to another process."""

    def predict(self, block: Block) -> NDArray[np.float32]:
        """Predict (layer, cell, day), m3 m-3."""


class AppliedRung(NamedTuple):
    """A rung of the ladder."""

    fitted: FittedRung

    def predict(self, block: Block) -> NDArray[np.float32]:
        """Predict (layer, cell, day), m3 m-3."""
        return self.fitted.predict(block.weather, block.derive_statics())


class AppliedFunction(NamedTuple):
    """A function by its name, which each process loads, and its layers."""

    name: str
    layers: tuple[int, ...]

    def predict(self, block: Block) -> NDArray[np.float32]:
        """Predict (layer, cell, day), m3 m-3.

        Raises
        ------
        InputError
            If it has other layers than on the cell that it was tried on.
        """
        said = call_model(load_model(self.name), make_dataset(block))
        found = said["layer"].to_numpy().tolist()
        if set(found) != set(self.layers):
            raise InputError(
                "layers that the model returned",
                found=", ".join(map(str, found)),
                expected=", ".join(map(str, self.layers)),
                hint="a layer without a prediction is NaN",
            )
        return said.sel(layer=list(self.layers)).to_numpy()


NETWORK = 400_000_000  # bytes that PyTorch and the states of a network take


class AppliedNetwork(NamedTuple):
    """A trained network in its folder, which each process loads."""

    folder: Path

    def predict(self, block: Block) -> NDArray[np.float32]:
        """Predict (layer, cell, day), m3 m-3; a day without its weather is missing."""
        from somobench.neural.apply import load_trained, predict_cells

        trained = load_trained(self.folder)
        values = predict_cells(trained, block.weather, block.derive_statics())
        return np.where(trained.mark_known(block.weather), values, np.float32(np.nan))


def make_dataset(block: Block) -> xr.Dataset:
    """Return a block as functions are given it; see `somobench.model_function`."""
    pairs = zip(block.latitude.tolist(), block.longitude.tolist(), strict=True)
    names = [f"{north}_{east}" for north, east in pairs]
    if len(set(names)) < len(names):
        names = [f"{name}_{place}" for place, name in enumerate(names)]
    dataset = xr.Dataset(
        coords={
            "cell": names,
            "time": block.days.astype("datetime64[ns]"),
            "latitude": ("cell", block.latitude),
            "longitude": ("cell", block.longitude),
        }
    )
    for name, values in block.weather.items():
        dataset[name] = (("cell", "time"), values, {"units": VARIABLES[name].units})
    for name, own in block.derive_statics().items():
        if name not in dataset.variables:
            dataset[name] = ("cell", own)
    return dataset
