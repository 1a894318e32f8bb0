"""Checks between the columns of one table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from somobench.schemas.checks import check_whole
from somobench.schemas.variables import ARIDITY, DRYNESS_SOURCES

LATENT_HEAT = (2.0, 3.0)  # MJ kg-1; any recipe's lies between
LOWEST_MAXIMUM = 0.03  # m3 m-3; the driest sensor of USCRN 2020 reaches 0.035
LEAST_PORES = 0.2  # m3 m-3; Saxton and Rawls 2006 have 0.35 (sand) to 0.55 (clay)
MOST_PORES = 0.8  # m3 m-3, of the median cell; only peat has more
TEXTURE_TOLERANCE = 0.03  # of the sum of clay, silt and sand, given in whole percents
LOWEST_MEDIAN = 0.01  # m3 m-3; the driest sensor of USCRN 2020 has 0.015


def _describe_first(frame: pd.DataFrame, wrong: pd.Series, *names: str) -> str | None:
    if not wrong.any():
        return None
    row = frame[wrong.to_numpy()].iloc[0]
    shown = ", ".join(f"{name} {row[name]}" for name in names)
    return f"{int(wrong.sum())} rows such as {shown}"


def _find_wrong_sensor_id(frame: pd.DataFrame) -> str | None:
    station = frame["network"] + "/" + frame["station"]
    depths = frame["depth_from_cm"].astype("str") + "-"
    depths += frame["depth_to_cm"].astype("str")
    expected = station + "/" + depths + "/" + frame["sensor"]
    wrong = (frame["sensor_id"] != expected) | (frame["station_id"] != station)
    return _describe_first(frame, wrong, "sensor_id")


IDS_MATCH = check_whole(
    'sensor_id "{network}/{station}/{depth_from_cm}-{depth_to_cm}/{sensor}"',
    _find_wrong_sensor_id,
    needs=(
        "sensor_id",
        "station_id",
        "network",
        "station",
        "sensor",
        "depth_from_cm",
        "depth_to_cm",
    ),
)


def _find_other_depth(frame: pd.DataFrame) -> str | None:
    wrong = pd.Series(False, index=frame.index)
    for name in ("depth_from", "depth_to"):
        centimetres = frame[f"{name}_cm"].astype("float64")
        wrong |= ~((frame[name] * 100 - centimetres).abs() < 1)
    return _describe_first(frame, wrong, "sensor_id", "depth_from", "depth_from_cm")


DEPTHS_MATCH = check_whole(
    "depths in m that round to those in cm",
    _find_other_depth,
    needs=("sensor_id", "depth_from", "depth_to", "depth_from_cm", "depth_to_cm"),
)


def _find_depth_in_two_layers(frame: pd.DataFrame) -> str | None:
    by_depth = frame.groupby(["depth_from_cm", "depth_to_cm"])["layer"].nunique()
    split = by_depth[by_depth > 1]
    return f"{split.index[0]} cm in {split.iloc[0]} layers" if len(split) else None


ONE_LAYER = check_whole(
    "every depth in one layer",
    _find_depth_in_two_layers,
    needs=("depth_from_cm", "depth_to_cm", "layer"),
)


def _find_too_many_days(frame: pd.DataFrame) -> str | None:
    days = (frame["end"] - frame["start"]).dt.days + 1
    wrong = (frame["valid_days"] > days) | (frame["value_count"] < frame["valid_days"])
    return _describe_first(frame, wrong, "sensor_id", "valid_days", "value_count")


DAYS_FIT = check_whole(
    "valid days within start and end, and a value on each",
    _find_too_many_days,
    needs=("sensor_id", "start", "end", "valid_days", "value_count"),
)


def _find_implausible_moisture(frame: pd.DataFrame) -> str | None:
    values = frame["soil_moisture"].to_numpy()
    if not len(values):
        return None
    median, largest = float(np.median(values)), float(values.max())
    if median >= LOWEST_MEDIAN and largest >= LOWEST_MAXIMUM:
        return None
    return f"a median of {median:.5f} and a maximum of {largest:.5f}"


MAGNITUDE = check_whole(
    f"m3 m-3: a median of at least {LOWEST_MEDIAN}, a maximum of at least "
    f"{LOWEST_MAXIMUM}",
    _find_implausible_moisture,
    needs=("soil_moisture",),
)


def _find_other_dryness(frame: pd.DataFrame) -> str | None:
    if "dryness_source" in frame:
        return _find_unsourced_dryness(frame)
    water = frame["mean_precipitation"]
    expected = frame["mean_net_radiation"] / water.where(water > 0)
    heat = expected / frame["dryness"].where(frame["dryness"] > 0)
    present = frame["dryness"].notna()
    possible = frame["mean_net_radiation"].notna() & (water > 0)
    wrong = (present & ~possible) | ((heat < LATENT_HEAT[0]) | (heat > LATENT_HEAT[1]))
    return _describe_first(frame, wrong, "cell_id", "dryness", "mean_net_radiation")


def _find_unsourced_dryness(frame: pd.DataFrame) -> str | None:
    """Compare dryness with the one source that the table names."""
    sources = sorted(set(frame["dryness_source"]))
    if len(sources) != 1 or sources[0] not in DRYNESS_SOURCES:
        return f"dryness_source {', '.join(map(str, sources))}"
    if sources[0] == "table":
        expected = frame.get(ARIDITY, pd.Series(np.nan, index=frame.index))
    else:
        demand = frame.get(f"mean_{sources[0]}", np.nan)
        expected = demand / frame["mean_precipitation"]
    wrong = ~np.isclose(frame["dryness"], expected, rtol=1e-4, equal_nan=True)
    return _describe_first(
        frame, pd.Series(wrong, index=frame.index), "cell_id", "dryness"
    )


DRYNESS_FITS = check_whole(
    "dryness = mean_net_radiation / (latent heat of 2 to 3 MJ kg-1 x precipitation), "
    "or that of the source that the table names",
    _find_other_dryness,
    needs=("cell_id", "dryness", "mean_net_radiation", "mean_precipitation"),
)


def _find_other_regime(frame: pd.DataFrame) -> str | None:
    expected = np.select(
        [frame["dryness"].isna(), frame["dryness"] < 1],
        ["unknown", "energy-limited"],
        "water-limited",
    )
    return _describe_first(
        frame, frame["regime"] != expected, "cell_id", "dryness", "regime"
    )


REGIME_FITS = check_whole(
    "energy-limited below a dryness of 1, water-limited from 1, unknown without",
    _find_other_regime,
    needs=("cell_id", "dryness", "regime"),
)


def _find_bad_fraction(frame: pd.DataFrame) -> str | None:
    for name in frame.columns:
        if "_fraction" not in str(name):
            continue
        values = frame[name]
        wrong = ~(values.between(0, 1) | values.isna())
        if wrong.any():
            return _describe_first(frame, wrong, str(name))
    for depth in ("", "_below_30_cm"):
        parts = [f"{part}_fraction{depth}" for part in ("clay", "silt", "sand")]
        if not {*parts} <= {*frame.columns}:
            continue
        known, total = frame[parts].notna(), frame[parts].sum(axis=1)
        whole = known.all(axis=1)
        # A cell of rock, ice or water has none of them.
        lacks = (total == 0) & (total.median() > 0)
        wrong = whole & ~lacks & ((total - 1).abs() > TEXTURE_TOLERANCE)
        wrong |= known.any(axis=1) & ~whole
        if wrong.any():
            return _describe_first(frame, wrong, *parts)
    return None


FRACTIONS = check_whole(
    "fractions from 0 to 1, clay, silt and sand together 1", _find_bad_fraction
)


def _find_low_saturation(frame: pd.DataFrame) -> str | None:
    for name in frame.columns:
        if not str(name).startswith("saturation"):
            continue
        middle, least = frame[name].median(), frame[name].min()
        if middle < LEAST_PORES or middle > MOST_PORES:
            return f"{name} of {middle:.3f} in the median cell"
        if least < LEAST_PORES:
            return f"{name} of {least:.3f}"
    return None


SATURATION_FITS = check_whole(
    f"a saturation of at least {LEAST_PORES}, and {MOST_PORES} in the median cell at "
    "most",
    _find_low_saturation,
)


def _find_overlapping_ranges(frame: pd.DataFrame) -> str | None:
    before = frame.groupby(["split", "cell_id"], sort=False)["end"].shift()
    wrong = before.notna() & (frame["start"] <= before)
    return _describe_first(frame, wrong, "split", "cell_id", "start")


DISJOINT_RANGES = check_whole(
    "ranges of a split and cell apart",
    _find_overlapping_ranges,
    needs=("split", "cell_id", "start", "end"),
)


def _find_missing_role(frame: pd.DataFrame) -> str | None:
    roles = frame.groupby("split")["role"].agg(set)
    for split, given in roles.items():
        missing = {"train", "test"} - given
        if missing:
            return f"{split} without {', '.join(sorted(missing))}"
    return None


TRAIN_AND_TEST = check_whole(
    "train and test days in every split", _find_missing_role, needs=("split", "role")
)


def _find_days_to_come(frame: pd.DataFrame) -> str | None:
    latest = frame["end"].max()
    today = pd.Timestamp.now("UTC").tz_localize(None)
    return f"{latest:%Y-%m-%d}" if latest > today + pd.Timedelta(days=1) else None


NO_DAYS_TO_COME = check_whole("no end after today", _find_days_to_come, needs=("end",))
