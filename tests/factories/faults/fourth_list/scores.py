"""Defects of the tables of scores and of the costs of a shift."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from factories.faults.third_list.opened import Opened

BOUNDS = ["value", "low", "high"]
KEY = ["layer", "metric", "pool_kind", "pool", "against"]


def _pick(table: pd.DataFrame, **wanted: Any) -> pd.Series:
    """Return where all columns have the values asked for."""
    chosen = pd.Series(data=True, index=table.index)
    for column, value in wanted.items():
        chosen &= table[column] == value
    return chosen


def _copy_by(
    scores: pd.DataFrame, source: pd.Series, mine: pd.Series, key: list[str]
) -> None:
    given = scores[source].set_index(key)[BOUNDS]
    wanted = pd.MultiIndex.from_frame(scores.loc[mine, key])
    found = given.reindex(wanted)
    keep = found["value"].notna().to_numpy()
    rows = scores.index[mine][keep]
    scores.loc[rows, BOUNDS] = found[keep].to_numpy()


def correlation_negated(release: Opened) -> None:
    """Correlations of `reanalysis` on layer 2 of `spatial` negated: 0.85 is -0.85."""
    scores = release.table("scores")
    mine = _pick(
        scores,
        split="spatial",
        model="reanalysis",
        layer=2,
        metric="pearson_r",
        against="",
    )
    negated = -scores.loc[mine, ["value", "high", "low"]].to_numpy()
    scores.loc[mine, BOUNDS] = negated


def bounds_swapped(release: Opened) -> None:
    """Lower and upper bounds of `wet_years` swapped."""
    scores = release.table("scores")
    mine = _pick(scores, split="wet_years")
    scores.loc[mine, ["low", "high"]] = scores.loc[mine, ["high", "low"]].to_numpy()


def correlation_squared(release: Opened) -> None:
    """`linear_1` of `ungauged` has r squared instead of r: 0.25 for 0.5."""
    scores = release.table("scores")
    mine = _pick(
        scores, split="ungauged", model="linear_1", metric="pearson_r", against=""
    )
    for name in BOUNDS:
        values = scores.loc[mine, name]
        scores.loc[mine, name] = (values * values.abs()).round(4)


def errors_in_percent(release: Opened) -> None:
    """RMSE and bias of layer 3 in percent, 100 times too high."""
    scores = release.table("scores")
    mine = scores["metric"].isin(["rmse", "bias", "ubrmse"]) & (scores["layer"] == 3)
    scores.loc[mine, BOUNDS] *= 100


def rmse_without_bias(release: Opened) -> None:
    """RMSE and unbiased RMSE of `climatology` on `temporal` swapped."""
    scores = release.table("scores")
    mine = _pick(scores, split="temporal", model="climatology")
    swapped = {"rmse": "ubrmse", "ubrmse": "rmse"}
    both = mine & scores["metric"].isin(swapped)
    named = scores.loc[both].assign(metric=scores.loc[both, "metric"].replace(swapped))
    key = ["layer", "metric", "pool_kind", "pool", "against"]
    given = named.set_index(key)[BOUNDS]
    wanted = pd.MultiIndex.from_frame(scores.loc[both, key])
    scores.loc[both, BOUNDS] = given.reindex(wanted).to_numpy()


def layers_swapped(release: Opened) -> None:
    """Layers 2 and 3 of `gradient_boosting` on `temporal` swapped; days aren't."""
    scores = release.table("scores")
    mine = _pick(scores, split="temporal", model="gradient_boosting", against="")
    before = scores.copy()
    for layer, other in ((2, 3), (3, 2)):
        place = mine & (scores["layer"] == layer)
        given = before[mine & (before["layer"] == other)]
        key = ["metric", "pool_kind", "pool"]
        found = given.set_index(key)[BOUNDS].reindex(
            pd.MultiIndex.from_frame(before.loc[place, key])
        )
        keep = found["value"].notna().to_numpy()
        scores.loc[scores.index[place][keep], BOUNDS] = found[keep].to_numpy()


def difference_of_wrong_sign(release: Opened) -> None:
    """Differences to `climatology` on `temporal` negated: rungs above it look worse."""
    scores = release.table("scores")
    mine = _pick(scores, split="temporal", against="climatology")
    scores.loc[mine, BOUNDS] = -scores.loc[mine, ["value", "high", "low"]].to_numpy()


def regions_swapped(release: Opened) -> None:
    """Europe and Oceania of `ridge_memory` on `dry_years` hold each other's scores."""
    scores = release.table("scores")
    mine = _pick(
        scores, split="dry_years", model="ridge_memory", pool_kind="region", against=""
    )
    before = scores.copy()
    key = ["layer", "metric"]
    for name, other in (("europe", "oceania"), ("oceania", "europe")):
        place = mine & (scores["pool"] == name)
        given = before[mine & (before["pool"] == other)].set_index(key)[BOUNDS]
        wanted = pd.MultiIndex.from_frame(before.loc[place, key])
        scores.loc[place, BOUNDS] = given.reindex(wanted).to_numpy()


def days_of_layers_counted_thrice(release: Opened) -> None:
    """Day counts over all layers of `spatial` are three times those of the layers."""
    scores = release.table("scores")
    mine = _pick(scores, split="spatial", layer=0)
    scores.loc[mine, "day_count"] *= 3


def predictions_of_another_rung(release: Opened) -> None:
    """`ridge_memory` of `water_to_energy` has the scores of `ridge_forcing`.

    Their difference isn't zero, and the costs of the shift are others.
    """
    scores = release.table("scores")
    here = _pick(scores, split="water_to_energy", against="")
    source, mine = (
        here & (scores["model"] == name) for name in ("ridge_forcing", "ridge_memory")
    )
    _copy_by(scores, source, mine, ["layer", "metric", "pool_kind", "pool"])


def note_of_moments_lost(release: Opened) -> None:
    """Errors on `temporal` no longer say that their moments are the reference's."""
    scores = release.table("scores")
    mine = _pick(scores, split="temporal") & scores["metric"].isin(["rmse", "nse"])
    scores.loc[mine, "note"] = ""


def anomalies_not_taken(release: Opened) -> None:
    """Anomaly correlation of `water_balance` is its plain correlation, 0.3 higher."""
    scores = release.table("scores")
    here = _pick(scores, model="water_balance", against="")
    source, mine = (
        here & (scores["metric"] == name) for name in ("pearson_r", "anomaly_r")
    )
    _copy_by(scores, source, mine, ["split", "layer", "pool_kind", "pool"])


def bias_of_wrong_sign(release: Opened) -> None:
    """Bias of `ridge_forcing` is observed less predicted, in every split."""
    scores = release.table("scores")
    mine = _pick(scores, model="ridge_forcing", metric="bias", against="")
    scores.loc[mine, BOUNDS] = -scores.loc[mine, ["value", "high", "low"]].to_numpy()


def regions_not_balanced(release: Opened) -> None:
    """Region-balanced scores of `ungauged` are the plain ones."""
    scores = release.table("scores")
    here = _pick(scores, split="ungauged", against="")
    source = here & (scores["pool_kind"] == "plain")
    mine = here & (scores["pool_kind"] == "region_balanced")
    _copy_by(scores, source, mine, ["model", "layer", "metric"])


def nse_from_rmse(release: Opened) -> None:
    """NSE of layer 1 on `spatial` is 1 - RMSE: 0.97 where it is 0.3."""
    scores = release.table("scores")
    here = _pick(scores, split="spatial", layer=1, against="")
    source, mine = (
        here & (scores["metric"] == "rmse"),
        here & (scores["metric"] == "nse"),
    )
    _copy_by(scores, source, mine, ["model", "pool_kind", "pool"])
    flipped = 1 - scores.loc[mine, ["value", "high", "low"]].to_numpy()
    scores.loc[mine, BOUNDS] = np.round(flipped, 4)


def cost_of_wrong_sign(release: Opened) -> None:
    """Costs of `dry_years` negated: what is lost looks won."""
    costs = release.table("shift_costs")
    mine = _pick(costs, split="dry_years")
    negated = -costs.loc[mine, ["cost", "high", "low"]].to_numpy()
    costs.loc[mine, ["cost", "low", "high"]] = negated


def shifted_and_reference_swapped(release: Opened) -> None:
    """Scores of `energy_to_water` as shifted and as reference swapped."""
    costs = release.table("shift_costs")
    mine = _pick(costs, split="energy_to_water")
    pair = costs.loc[mine, ["reference", "shifted"]].to_numpy()
    costs.loc[mine, ["shifted", "reference"]] = pair


def reference_of_another_metric(release: Opened) -> None:
    """References of anomaly correlation in `spatial` are those of plain correlation."""
    costs = release.table("shift_costs")
    mine = _pick(costs, split="spatial", metric="anomaly_r")
    given = costs[_pick(costs, split="spatial", metric="pearson_r")]
    costs.loc[mine, "reference"] = given["reference"].to_numpy()


def costs_in_percent(release: Opened) -> None:
    """Costs of `ridge_state` in percent, 100 times too high, bounds as well."""
    costs = release.table("shift_costs")
    mine = _pick(costs, model="ridge_state")
    costs.loc[mine, ["cost", "low", "high"]] *= 100


def shifts_swapped(release: Opened) -> None:
    """Rows of `dry_years` and `wet_years` swapped by name."""
    costs = release.table("shift_costs")
    other = {"dry_years": "wet_years", "wet_years": "dry_years"}
    costs["split"] = costs["split"].replace(other)
    ordered = costs.sort_values(["split", "model", "layer", "metric"], kind="stable")
    release.tables["shift_costs"] = ordered.reset_index(drop=True)


def days_a_cell(release: Opened) -> None:
    """Day counts of costs are means a series, twenty times too low."""
    costs = release.table("shift_costs")
    days = costs["day_count"] // costs["cell_count"]
    costs["day_count"] = days.astype("int32")


def shift_lost(release: Opened) -> None:
    """No row says what `ungauged` costs; every other shift has some."""
    costs = release.table("shift_costs")
    kept = costs[costs["split"] != "ungauged"]
    release.tables["shift_costs"] = kept.reset_index(drop=True)


SCORES = (
    correlation_negated,
    bounds_swapped,
    correlation_squared,
    errors_in_percent,
    rmse_without_bias,
    layers_swapped,
    difference_of_wrong_sign,
    regions_swapped,
    days_of_layers_counted_thrice,
    predictions_of_another_rung,
    note_of_moments_lost,
    anomalies_not_taken,
    bias_of_wrong_sign,
    regions_not_balanced,
    nse_from_rmse,
)
COSTS = (
    cost_of_wrong_sign,
    shifted_and_reference_swapped,
    reference_of_another_metric,
    costs_in_percent,
    shifts_swapped,
    days_a_cell,
    shift_lost,
)
