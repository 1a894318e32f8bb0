"""Boosted trees on means of the weather, a model a layer, and their score card."""

import numpy as np
import xarray as xr
from sklearn.ensemble import HistGradientBoostingRegressor

import somobench
from somobench.windows import open_windows

split = {"release": "virtual-2.0.0", "split": "temporal"}
layers = []
for layer in (1, 2, 3):
    tables = {}
    for role in ("train", "test"):
        windows = open_windows("forcing", **split, layer=layer, length=90, role=role)
        batch = windows.take(range(len(windows)))
        means = [batch.inputs[:, -days:].mean(axis=1) for days in (1, 3, 7, 30, 90)]
        tables[role] = np.hstack([*means, batch.statics]), batch.target
    model = HistGradientBoostingRegressor(random_state=1).fit(*tables["train"])
    layers.append(windows.to_predictions(model.predict(tables["test"][0])))
score = somobench.evaluate(xr.concat(layers, "layer"), **split, name="trees")
score.write("scikit_learn_card", overwrite=True)
