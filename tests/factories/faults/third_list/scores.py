"""Scores that are wrong: of another rung, pool, layer or build; costs of shifts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from factories.faults.third_list.opened import Opened

KEYS = ["split", "model", "against", "layer", "metric", "pool_kind", "pool"]
NUMBERS = ["value", "low", "high"]


def _scores(release: Opened, **wanted: object) -> pd.DataFrame:
    """Return the rows of scores that have the values."""
    scores = release.table("scores")
    mask = np.ones(len(scores), dtype=bool)
    for name, value in wanted.items():
        mask &= (scores[name] == value).to_numpy()
    return scores[mask]


def _exchange(release: Opened, table: str, column: str, pair: tuple, **where: object):  # noqa: ANN202
    """Exchange numbers of rows that differ in one column alone."""
    frame = release.table(table)
    mask = np.ones(len(frame), dtype=bool)
    for name, value in where.items():
        mask &= (frame[name] == value).to_numpy()
    keys = [name for name in frame.columns if frame[name].dtype.kind not in "f"]
    keys = [
        name for name in keys if name not in (column, "cell_count", "day_count", "note")
    ]
    numbers = [name for name in frame.columns if frame[name].dtype.kind == "f"]
    one, two = (frame[mask & (frame[column] == value)] for value in pair)
    joined = one.reset_index().merge(two.reset_index(), on=keys, suffixes=("", "_2"))
    first, second = joined["index"].to_numpy(), joined["index_2"].to_numpy()
    for name in numbers:
        values = frame[name].to_numpy(copy=True)
        values[first], values[second] = values[second].copy(), values[first].copy()
        frame[name] = values


def rungs_exchanged_on_a_split(release: Opened) -> None:
    """On `spatial`, numbers of `ridge_forcing` and `ridge_memory` are exchanged.

    Memory seems to harm. Contradicted by their differences to each other and to other
    rungs, whose sign no longer fits.
    """
    pair = ("ridge_forcing", "ridge_memory")
    _exchange(release, "scores", "model", pair, split="spatial", against="")


def mean_for_the_median(release: Opened) -> None:
    """The plain pool of `ungauged` over all layers is the mean of the layers' values.

    Off by up to 0.1. Contradicted by other pools of the same series.
    """
    scores = release.table("scores")
    found = _scores(release, split="ungauged", pool_kind="plain", against="")
    means = found[found["layer"] > 0].groupby(["model", "metric"])["value"].mean()
    for row in found[found["layer"] == 0].itertuples():
        if (row.model, row.metric) in means.index:
            mean = round(float(means[row.model, row.metric]), 4)
            scores.loc[row.Index, "value"] = mean


def one_values_interval_of_another_split(release: Opened) -> None:
    """Intervals of `gradient_boosting` on `temporal` are those of `wet_years`.

    A stale join. Contradicted by values outside of their intervals.
    """
    scores = release.table("scores")
    keys = [name for name in KEYS if name != "split"]
    one = _scores(release, split="temporal", model="gradient_boosting").reset_index()
    two = _scores(release, split="wet_years", model="gradient_boosting")
    joined = one.merge(two, on=keys, suffixes=("", "_2"))
    for name in ("low", "high"):
        scores.loc[joined["index"], name] = joined[f"{name}_2"].to_numpy()


def difference_the_other_way(release: Opened) -> None:
    """On `dry_years` differences to `climatology` are reference minus rung.

    Every rung loses to the climatology. Contradicted by the two rungs' own values.
    """
    scores = release.table("scores")
    rows = _scores(release, split="dry_years", against="climatology").index
    value, low, high = (scores.loc[rows, name].to_numpy() for name in NUMBERS)
    scores.loc[rows, "value"], scores.loc[rows, "low"] = -value, -high
    scores.loc[rows, "high"] = -low


def errors_in_per_cent(release: Opened) -> None:
    """RMSE and ubRMSE of the reanalysis are in per cent by volume.

    A hundred times too large. Contradicted by other rungs and by targets' range.
    """
    scores = release.table("scores")
    errors = scores["metric"].isin(["rmse", "ubrmse"])
    mask = errors & (scores["model"] == "reanalysis") & (scores["against"] == "")
    for name in NUMBERS:
        scores.loc[mask, name] *= 100


def bias_of_the_other_sign(release: Opened) -> None:
    """`bias` of every rung is target minus prediction.

    Wet models look dry. Contradicted by nothing but targets' and predictions' means:
    the reanalysis's own soil moisture is in the forcing.
    """
    scores = release.table("scores")
    rows = scores.index[(scores["metric"] == "bias") & (scores["against"] == "")]
    value, low, high = (scores.loc[rows, name].to_numpy() for name in NUMBERS)
    scores.loc[rows, "value"], scores.loc[rows, "low"] = -value, -high
    scores.loc[rows, "high"] = -low


def layers_exchanged(release: Opened) -> None:
    """On `temporal` layers 2 and 3 are exchanged in every row.

    Contradicted by counts of cells and days, which targets give by layer.
    """
    scores = release.table("scores")
    mask = scores["split"] == "temporal"
    layers = scores.loc[mask, "layer"].replace({2: 3, 3: 2})
    scores.loc[mask, "layer"] = layers.astype(np.int8)
    release.tables["scores"] = scores.sort_values(KEYS, ignore_index=True)


def efficiency_as_squared_correlation(release: Opened) -> None:
    """NSE of all rungs is the square of their Pearson r.

    Biased models look good. Contradicted by errors and standard deviations.
    """
    scores = release.table("scores")
    keys = [name for name in KEYS if name != "metric"]
    one = _scores(release, metric="nse", against="").reset_index()
    two = _scores(release, metric="pearson_r", against="")
    joined = one.merge(two, on=keys, suffixes=("", "_2"))
    for name in NUMBERS:
        squares = np.sign(joined[f"{name}_2"]) * joined[f"{name}_2"] ** 2
        scores.loc[joined["index"], name] = squares.round(4).to_numpy()


def regions_exchanged(release: Opened) -> None:
    """Scores of Africa and Oceania are exchanged on `wet_years`.

    Contradicted by counts of cells and days, and by networks of the regions.
    """
    pair = ("africa", "oceania")
    _exchange(release, "scores", "pool", pair, split="wet_years", pool_kind="region")


def days_counted_with_train_days(release: Opened) -> None:
    """`day_count` on `temporal` counts all target days of the cells.

    Scores seem to rest on five times as many days. Contradicted by targets and roles.
    """
    scores = release.table("scores")
    mask = (scores["split"] == "temporal") & (scores["day_count"] > 0)
    scores.loc[mask, "day_count"] = (scores.loc[mask, "day_count"] * 4).astype(np.int32)


def scores_of_the_release_before(release: Opened) -> None:
    """One rung's scores on `ungauged` are those of the release before: a stale file.

    `cluster_regression` differs by up to 0.01 in r and more by pool. Contradicted by
    its differences to other rungs, which are new.
    """
    before = release.folder.parent / "virtual-1.1.0" / "scores.parquet"
    old, scores = pd.read_parquet(before), release.table("scores")
    where = {"split": "ungauged", "model": "cluster_regression", "against": ""}
    one = _scores(release, **where).reset_index()
    joined = one.merge(old, on=KEYS, suffixes=("", "_2"))
    for name in NUMBERS:
        scores.loc[joined["index"], name] = joined[f"{name}_2"].to_numpy()


def errors_without_their_note(release: Opened) -> None:
    """Errors and efficiencies lack the note that targets have reference moments.

    A reader takes agreement with the reanalysis for skill. Contradicted by
    `target_moments_from` of the manifest.
    """
    scores = release.table("scores")
    mask = scores["metric"].isin(["rmse", "bias", "nse", "kge_2009", "kge_2012"])
    scores.loc[mask, "note"] = ""


def costs_of_the_other_sign(release: Opened) -> None:
    """Costs on `ungauged` are gains: shifted minus reference.

    Contradicted by medians beside them, and by the words of the specification.
    """
    costs = release.table("shift_costs")
    rows = costs.index[costs["split"] == "ungauged"]
    cost, low, high = (
        costs.loc[rows, name].to_numpy() for name in ("cost", "low", "high")
    )
    costs.loc[rows, "cost"], costs.loc[rows, "low"] = -cost, -high
    costs.loc[rows, "high"] = -low


def costs_as_difference_of_medians(release: Opened) -> None:
    """Costs are the difference of the two medians, not the median of differences.

    Up to 0.1 off, half of them outside of their interval or of another sign.
    Contradicted by intervals.
    """
    costs = release.table("shift_costs")
    costs["cost"] = (costs["reference"] - costs["shifted"]).round(4)


def costs_of_two_rungs_exchanged(release: Opened) -> None:
    """On `water_to_energy` `water_balance` and `ridge_memory` are exchanged.

    The process model seems to lose. Contradicted by scores of the split, which has
    the rungs' medians on nearly the same series.
    """
    pair = ("ridge_memory", "water_balance")
    _exchange(release, "shift_costs", "model", pair, split="water_to_energy")


def costs_of_two_layers_exchanged(release: Opened) -> None:
    """On `energy_to_water` costs of layers 1 and 3 are exchanged, counts aren't.

    Contradicted by scores of each layer.
    """
    _exchange(release, "shift_costs", "layer", (1, 3), split="energy_to_water")


def shifted_and_reference_exchanged(release: Opened) -> None:
    """On `dry_years` the columns `shifted` and `reference` are exchanged.

    Rungs seem better after the shift, with a cost above 0. Contradicted by scores of
    the reference split where series and days are the same.
    """
    costs = release.table("shift_costs")
    mask = costs["split"] == "dry_years"
    both = ["shifted", "reference"]
    costs.loc[mask, both] = costs.loc[mask, both[::-1]].to_numpy()


def cost_days_of_the_whole_test(release: Opened) -> None:
    """`day_count` of costs is that of the split's test, not of common days.

    Costs seem to rest on up to five times as many days. Contradicted by days that the
    split and `temporal` both test.
    """
    costs, scores = release.table("shift_costs"), release.table("scores")
    plain = scores[(scores["pool_kind"] == "plain") & (scores["against"] == "")]
    days = plain.set_index(["split", "model", "layer", "metric"])["day_count"]
    keys = pd.MultiIndex.from_frame(costs[["split", "model", "layer", "metric"]])
    costs["day_count"] = days.reindex(keys).to_numpy().astype(np.int32)


SCORES = (
    rungs_exchanged_on_a_split,
    mean_for_the_median,
    one_values_interval_of_another_split,
    difference_the_other_way,
    errors_in_per_cent,
    bias_of_the_other_sign,
    layers_exchanged,
    efficiency_as_squared_correlation,
    regions_exchanged,
    days_counted_with_train_days,
    scores_of_the_release_before,
    errors_without_their_note,
)
COSTS = (
    costs_of_the_other_sign,
    costs_as_difference_of_medians,
    costs_of_two_rungs_exchanged,
    costs_of_two_layers_exchanged,
    shifted_and_reference_exchanged,
    cost_days_of_the_whole_test,
)
