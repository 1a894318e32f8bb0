"""Defects of `scores.parquet` and `shift_costs.parquet`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from factories.faults.second_list.folder import Folder  # noqa: F401 - what the decorators hand on
from factories.faults.second_list.tables import table

scores, costs = table("scores"), table("shift_costs")
HIDDEN = "one resampling gives other bounds, and no pairs lie in the folder"


def rename(frame, column, names, where=None) -> None:
    """Exchange labels of a column, in some rows."""
    where = slice(None) if where is None else where
    frame.loc[where, column] = frame.loc[where, column].replace(names)


def exchange(frame, column, one, other, where=None) -> None:
    """Exchange two labels of a column."""
    rename(frame, column, {one: other, other: one}, where)


def of(frame, **labels):
    """Return which rows have these labels."""
    found = np.ones(len(frame), bool)
    for name, label in labels.items():
        found &= (frame[name] == label).values
    return found


@scores("correlations have the other sign")
def _(frame):
    where = of(frame, metric="pearson_r", against="")
    frame.loc[where, ["value", "low", "high"]] *= -1


@scores("lower and upper bounds changed places")
def _(frame):
    frame[["low", "high"]] = frame[["high", "low"]].values


@scores("intervals lie 0.5 above their values")
def _(frame):
    frame[["low", "high"]] += 0.5


@scores("intervals are standard errors around the value", unknowable=HIDDEN)
def _(frame):
    half = (frame["high"] - frame["low"]) / 3.29
    frame["low"], frame["high"] = frame["value"] - half, frame["value"] + half


@scores("intervals have no width")
def _(frame):
    frame["low"] = frame["high"] = frame["value"]


@scores("intervals are missing")
def _(frame):
    frame["low"] = frame["high"] = np.nan


@scores("NSE is above 1")
def _(frame):
    where = of(frame, metric="nse", against="")
    frame.loc[where, ["value", "low", "high"]] += 1.5


@scores("two rungs changed places")
def _(frame):
    exchange(frame, "model", "ridge_memory", "linear_1")


@scores("the split in time and the split in space changed places")
def _(frame):
    exchange(frame, "split", "temporal", "spatial")


@scores("layers 1 and 2 changed places")
def _(frame):
    frame["layer"] = frame["layer"].replace({1: 2, 2: 1})


@scores("NSE and KGE changed places")
def _(frame):
    exchange(frame, "metric", "nse", "kge_2009")


@scores("RMSE and ubRMSE changed places")
def _(frame):
    exchange(frame, "metric", "rmse", "ubrmse")


@scores("bias and absolute bias changed places")
def _(frame):
    exchange(frame, "metric", "bias", "absolute_bias")


@scores("hit rates and false-alarm rates changed places")
def _(frame):
    exchange(frame, "metric", "hit_rate_dry", "false_alarm_rate_dry")


@scores("regimes changed places")
def _(frame):
    exchange(frame, "pool", "energy-limited", "water-limited")


@scores("two regions changed places")
def _(frame):
    exchange(frame, "pool", "africa", "europe")


@scores("plain and region-balanced pools changed places")
def _(frame):
    exchange(frame, "pool_kind", "plain", "region_balanced")


@scores("differences have the other sign")
def _(frame):
    where = frame["against"] != ""
    frame.loc[where, ["value", "low", "high"]] *= -1


@scores("differences are absolute values")
def _(frame):
    where = frame["against"] != ""
    frame.loc[where, "value"] = frame.loc[where, "value"].abs()


@scores("a rung is compared with itself")
def _(frame):
    where = of(frame, against="climatology", model="ridge_memory")
    frame.loc[where, "against"] = "ridge_memory"


@scores("RMSE in percent of volume")
def _(frame):
    where = of(frame, metric="rmse")
    frame.loc[where, ["value", "low", "high"]] *= 100


@scores("RMSE wasn't rooted")
def _(frame):
    where = of(frame, metric="rmse", against="")
    frame.loc[where, ["value", "low", "high"]] **= 2


@scores("correlations are squared")
def _(frame):
    where = of(frame, metric="pearson_r", against="")
    frame.loc[where, ["value", "low", "high"]] **= 2


@scores("numbers of cells are doubled")
def _(frame):
    frame["cell_count"] *= 2


@scores("numbers of days are those of cells")
def _(frame):
    frame["day_count"] = frame["cell_count"]


@scores("numbers of days are those of all roles")
def _(frame):
    frame["day_count"] *= 3


@scores("the note on reference moments is gone")
def _(frame):
    frame["note"] = ""


@scores("correlations bear the note on reference moments")
def _(frame):
    frame.loc[of(frame, metric="pearson_r"), "note"] = "reference_moments"


@scores("a rung is gone")
def _(frame):
    return frame[frame["model"] != "persistence"]


@scores("a rung is gone from one split")
def _(frame):
    return frame[~of(frame, model="water_balance", split="spatial")]


@scores("a split is gone")
def _(frame):
    return frame[frame["split"] != "ungauged"]


@scores("a metric is gone")
def _(frame):
    return frame[frame["metric"] != "anomaly_r"]


@scores("a layer is gone from one split")
def _(frame):
    return frame[~of(frame, layer=2, split="temporal")]


@scores("every tenth row is gone")
def _(frame):
    return frame[np.arange(len(frame)) % 10 != 0]


@scores("the last thousand rows are gone")
def _(frame):
    return frame.iloc[:-1000]


@scores("values have one decimal")
def _(frame):
    frame["value"] = frame["value"].round(1)


@scores("a metric of one rung is missing")
def _(frame):
    frame.loc[of(frame, metric="nse", model="linear_1"), "value"] = np.nan


@scores("one headline score is 0.1 too high, with its interval")
def _(frame):
    where = of(
        frame,
        metric="pearson_r",
        model="ridge_memory",
        split="temporal",
        layer=0,
        pool_kind="plain",
        against="",
    )
    frame.loc[where, ["value", "low", "high"]] += 0.1


@scores("one rung is 0.05 too good on one split, differences left alone")
def _(frame):
    where = of(
        frame, metric="pearson_r", model="water_balance", split="spatial", against=""
    )
    frame.loc[where, ["value", "low", "high"]] += 0.05


@scores("a difference of one rung is too large")
def _(frame):
    where = of(
        frame,
        metric="pearson_r",
        model="ridge_memory",
        against="climatology",
        split="temporal",
        layer=0,
        pool_kind="plain",
    )
    frame.loc[where, ["value", "low", "high"]] += 0.2


@scores("rows are doubled")
def _(frame):
    return pd.concat([frame, frame.head(300)])


@scores("a pool of regions is named by another word")
def _(frame):
    rename(frame, "pool", {"namerica": "north_america"})


@scores("hit rates in percent")
def _(frame):
    where = of(frame, metric="hit_rate_wet", against="")
    frame.loc[where, ["value", "low", "high"]] *= 100


@scores("scores of dry years are those of wet years")
def _(frame):
    wet = frame[frame["split"] == "wet_years"].assign(split="dry_years")
    return pd.concat([frame[frame["split"] != "dry_years"], wet])


@scores("scores of persistence are those of another rung")
def _(frame):
    other = frame[frame["model"] == "ridge_state"].assign(model="persistence")
    return pd.concat([frame[frame["model"] != "persistence"], other])


@scores("layers are pooled as layer 1 alone")
def _(frame):
    first = frame[frame["layer"] == 1].assign(layer=np.int8(0))
    return pd.concat([frame[frame["layer"] != 0], first])


@scores("the plain pool holds one regime")
def _(frame):
    where = of(frame, pool_kind="plain")
    kept = frame[of(frame, pool="water-limited")].assign(pool_kind="plain", pool="")
    return pd.concat([frame[~where], kept])


@scores("bias has the other sign in one layer")
def _(frame):
    where = of(frame, metric="bias", layer=3, against="")
    frame.loc[where, ["value", "low", "high"]] *= -1


@scores("overlap of distributions is above 1")
def _(frame):
    frame.loc[of(frame, metric="pdf_overlap", against=""), "value"] += 0.7


@scores("networks changed places")
def _(frame):
    exchange(frame, "pool", "VNET-ALPS", "VNET-SAHEL")


@scores("a class of dryness is named by its neighbour")
def _(frame):
    exchange(frame, "pool", "1 to 2", "2 to 5")


@costs("costs have the other sign")
def _(frame):
    frame[["cost", "low", "high"]] *= -1


@costs("shifted and reference scores changed places")
def _(frame):
    frame[["shifted", "reference"]] = frame[["reference", "shifted"]].values


@costs("bounds changed places")
def _(frame):
    frame[["low", "high"]] = frame[["high", "low"]].values


@costs("costs in percent")
def _(frame):
    frame[["cost", "low", "high"]] *= 100


@costs("costs are relative to the reference")
def _(frame):
    frame["cost"] /= frame["reference"]


@costs("costs lie outside of their intervals")
def _(frame):
    frame["cost"] = frame["high"] + 0.1


@costs("two splits changed places")
def _(frame):
    exchange(frame, "split", "dry_years", "spatial")


@costs("dry and wet years changed places")
def _(frame):
    exchange(frame, "split", "dry_years", "wet_years")


@costs("costs are said to be against another split")
def _(frame):
    frame["reference_split"] = "spatial"


@costs("two rungs changed places")
def _(frame):
    exchange(frame, "model", "climatology", "gradient_boosting")


@costs("layers 1 and 2 changed places")
def _(frame):
    frame["layer"] = frame["layer"].replace({1: 2, 2: 1})


@costs("both metrics changed places")
def _(frame):
    exchange(frame, "metric", "pearson_r", "anomaly_r")


@costs("a rung is gone")
def _(frame):
    return frame[frame["model"] != "reanalysis"]


@costs("a split is gone")
def _(frame):
    return frame[frame["split"] != "ungauged"]


@costs("reference scores are 0.1 too high")
def _(frame):
    frame["reference"] += 0.1


@costs("one cost is 0.2 too high, with its interval")
def _(frame):
    frame.loc[100, ["cost", "low", "high"]] += 0.2


@costs("no cell stands behind a cost")
def _(frame):
    frame["cell_count"] = np.int32(0)


@costs("numbers of days are those of cells")
def _(frame):
    frame["day_count"] = frame["cell_count"]


@costs("rows are doubled")
def _(frame):
    return pd.concat([frame, frame.head(20)])


@costs("costs of layer 0 are missing")
def _(frame):
    frame.loc[frame["layer"] == 0, "cost"] = np.nan


@costs("the table is empty")
def _(frame):
    return frame.iloc[:0]
