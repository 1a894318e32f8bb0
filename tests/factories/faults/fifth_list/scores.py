"""Defects of the tables of scores and of what shifts cost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from factories.faults.third_list.opened import Defect, Opened

RANGE = ["value", "low", "high"]
COST = ["cost", "low", "high"]
PLACE = ["split", "model", "layer", "pool_kind", "pool", "against"]


def _put(release: Opened, rows: pd.Series, values: pd.DataFrame | pd.Series) -> None:
    table = release.table("scores")
    table.loc[rows, RANGE] = values.to_numpy()


def _copy_metric(release: Opened, rows: pd.Series, old: str, new: str) -> None:
    """Give rows of a metric what the same place has for another."""
    table = release.table("scores")
    source = table[table["metric"] == old].set_index(PLACE)[RANGE]
    chosen = rows & (table["metric"] == new)
    keys = pd.MultiIndex.from_frame(table.loc[chosen, PLACE])
    found = source.reindex(keys)
    known = found["value"].notna().to_numpy()
    places = table.index[chosen][known]
    table.loc[places, RANGE] = found[known].to_numpy()


def _all(release: Opened) -> pd.Series:
    return pd.Series(True, index=release.table("scores").index)


def squared_error_without_its_root(release: Opened) -> None:
    """Persistence: `rmse` is the mean squared error, intervals too."""
    table = release.table("scores")
    rows = (table["metric"] == "rmse") & (table["model"] == "persistence")
    rows &= table["against"] == ""
    _put(release, rows, (table.loc[rows, RANGE] ** 2).round(4))


def one_efficiency_for_two(release: Opened) -> None:
    """`kge_2012` repeats `kge_2009` where both are given."""
    _copy_metric(release, _all(release), "kge_2009", "kge_2012")


def anomalies_of_another_kind(release: Opened) -> None:
    """Ridge memory: `anomaly_r` repeats `deseasonalised_r`."""
    rows = release.table("scores")["model"] == "ridge_memory"
    _copy_metric(release, rows, "deseasonalised_r", "anomaly_r")


def error_with_the_bias_left_in(release: Opened) -> None:
    """Water balance: `ubrmse` repeats `rmse`."""
    rows = release.table("scores")["model"] == "water_balance"
    _copy_metric(release, rows, "rmse", "ubrmse")


def differences_turned_round(release: Opened) -> None:
    """Differences to persistence are persistence minus the model."""
    table = release.table("scores")
    rows = table["against"] == "persistence"
    _put(release, rows, -table.loc[rows, ["value", "high", "low"]])


def regions_weighed_by_cells(release: Opened) -> None:
    """Region-balanced rows of the temporal split repeat the plain ones."""
    table = release.table("scores")
    key = ["split", "model", "layer", "metric", "against"]
    plain = table[table["pool_kind"] == "plain"].set_index(key)[RANGE]
    rows = (table["pool_kind"] == "region_balanced") & (table["split"] == "temporal")
    found = plain.reindex(pd.MultiIndex.from_frame(table.loc[rows, key]))
    _put(release, rows, found)


def two_regions_exchanged(release: Opened) -> None:
    """Spatial: rows of Europe and of Oceania bear each other's numbers."""
    rows = release.table("scores")["split"] == "spatial"
    _exchange(release, rows, "pool", ("europe", "oceania"))


def two_layers_exchanged(release: Opened) -> None:
    """Ungauged, boosting: numbers of layers 1 and 2 are exchanged."""
    table = release.table("scores")
    rows = (table["split"] == "ungauged") & (table["model"] == "gradient_boosting")
    _exchange(release, rows, "layer", (1, 2))


def _exchange(
    release: Opened, rows: pd.Series, column: str, pair: tuple[object, object]
) -> None:
    """Exchange the numbers of rows that differ in a column alone."""
    table = release.table("scores")
    key = [it for it in (*PLACE, "metric") if it != column]
    numbers = [*RANGE, "cell_count", "day_count"]
    first, second = (
        table[rows & (table[column] == it)].reset_index().set_index(key) for it in pair
    )
    both = first.index.intersection(second.index)
    one, other = (part.loc[both, ["index", *numbers]] for part in (first, second))
    for name in numbers:
        table.loc[one["index"], name] = other[name].to_numpy()
        table.loc[other["index"], name] = one[name].to_numpy()


def intervals_of_another_level(release: Opened) -> None:
    """Energy to water: intervals are wider by 1.19, those of 95 %, not 90 %."""
    table = release.table("scores")
    rows = (table["split"] == "energy_to_water") & (table["metric"] == "pearson_r")
    for name in ("low", "high"):
        wide = table["value"] + 1.19 * (table[name] - table["value"])
        table.loc[rows, name] = wide[rows].clip(-1, 1).round(4)


def days_counted_by_cell_only(release: Opened) -> None:
    """Layer 0: the number of cells is that of cells, not of their layers."""
    table = release.table("scores")
    rows = (table["layer"] == 0) & (table["pool_kind"] == "plain")
    counts = table.loc[rows, "cell_count"]
    known = np.minimum(counts, len(release.cells))
    one = table[(table["layer"] == 1) & (table["pool_kind"] == "plain")]
    key = ["split", "model", "metric", "against"]
    found = one.set_index(key)["cell_count"].reindex(
        pd.MultiIndex.from_frame(table.loc[rows, key])
    )
    filled = found.fillna(pd.Series(known.to_numpy(), index=found.index))
    table.loc[rows, "cell_count"] = filled.to_numpy().astype("int32")


def costs_turned_round(release: Opened) -> None:
    """Costs are the shifted score minus the reference one."""
    table = release.table("shift_costs")
    table[COST] = -table[["cost", "high", "low"]].to_numpy() + 0.0


def costs_of_another_split(release: Opened) -> None:
    """Wet years repeat the rows of dry years."""
    table = release.table("shift_costs")
    key = ["model", "layer", "metric"]
    columns = ["shifted", "reference", *COST, "cell_count", "day_count"]
    source = table[table["split"] == "dry_years"].set_index(key)[columns]
    rows = table["split"] == "wet_years"
    found = source.reindex(pd.MultiIndex.from_frame(table.loc[rows, key]))
    for name in columns:
        values = found[name].to_numpy()
        table.loc[rows, name] = values.astype(table[name].dtype)


def costs_relative_to_the_reference(release: Opened) -> None:
    """Spatial: costs are shares of the reference score."""
    table = release.table("shift_costs")
    rows = table["split"] == "spatial"
    for name in COST:
        share = table[name] / table["reference"].abs()
        table.loc[rows, name] = share[rows].round(4)


def reference_on_all_its_days(release: Opened) -> None:
    """Ungauged: the reference score is that of all cells, not of common ones."""
    table, scores = release.table("shift_costs"), release.table("scores")
    key = ["model", "layer", "metric"]
    plain = (scores["pool_kind"] == "plain") & (scores["against"] == "")
    source = scores[plain & (scores["split"] == "temporal")].set_index(key)["value"]
    rows = table["split"] == "ungauged"
    found = source.reindex(pd.MultiIndex.from_frame(table.loc[rows, key]))
    table.loc[rows, "reference"] = found.to_numpy()


SCORES: tuple[Defect, ...] = (
    squared_error_without_its_root,
    one_efficiency_for_two,
    anomalies_of_another_kind,
    error_with_the_bias_left_in,
    differences_turned_round,
    regions_weighed_by_cells,
    two_regions_exchanged,
    two_layers_exchanged,
    intervals_of_another_level,
    days_counted_by_cell_only,
)
COSTS: tuple[Defect, ...] = (
    costs_turned_round,
    costs_of_another_split,
    costs_relative_to_the_reference,
    reference_on_all_its_days,
)
