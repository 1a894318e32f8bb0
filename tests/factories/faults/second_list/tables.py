"""Defects of `cells.parquet` and `stations.parquet`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from factories.faults.second_list.folder import Folder, defect


def table(name: str):
    """Return a decorator that registers defects of the table `name`."""

    def named(words: str, unknowable: str = ""):
        def register(edit):
            def apply(folder: Folder) -> None:
                other = edit(folder.get_table(name))
                if other is not None:
                    folder.set_table(name, other.reset_index(drop=True))

            return defect(name, words, unknowable)(apply)

        return register

    return named


cells, stations = table("cells"), table("stations")


def roll(frame, names, by=1) -> None:
    """Move the values of columns down by some rows."""
    for name in names:
        frame[name] = np.roll(frame[name].values, by)


@cells("latitude and longitude changed places")
def _(frame):
    frame[["latitude", "longitude"]] = frame[["longitude", "latitude"]].values


@cells("one longitude lost its sign")
def _(frame):
    frame.loc[22, "longitude"] *= -1


@cells("identities are one row down")
def _(frame):
    roll(frame, ["cell_id"])


@cells("one cell is in another region")
def _(frame):
    frame.loc[15, "region"] = "europe"


@cells("all cells of a region are said to be in another one")
def _(frame):
    frame["region"] = frame["region"].replace("europe", "asia")


@cells("mean temperature in degrees Celsius")
def _(frame):
    frame["mean_air_temperature"] -= 273.15


@cells("mean precipitation in mm a year")
def _(frame):
    frame["mean_precipitation"] *= 365.25


@cells("mean precipitation is 3 % too high")
def _(frame):
    frame["mean_precipitation"] *= 1.03


@cells("mean net radiation in W m-2")
def _(frame):
    frame["mean_net_radiation"] /= 0.0864


@cells("mean temperatures of two cells changed places")
def _(frame):
    frame.loc[[0, 30], "mean_air_temperature"] = frame.loc[
        [30, 0], "mean_air_temperature"
    ].values


@cells("dryness is its inverse")
def _(frame):
    frame["dryness"] = 1 / frame["dryness"]


@cells("dryness rests on a latent heat of 2.26")
def _(frame):
    frame["dryness"] *= 2.45 / 2.26


@cells("dryness is written without decimals")
def _(frame):
    frame["dryness"] = frame["dryness"].round()


@cells("dryness of one cell is missing, its regime isn't")
def _(frame):
    frame.loc[3, "dryness"] = np.nan


@cells("dryness is radiation over precipitation, without latent heat")
def _(frame):
    frame["dryness"] *= 2.45


@cells("both regimes changed places")
def _(frame):
    names = {"energy-limited": "water-limited", "water-limited": "energy-limited"}
    frame["regime"] = frame["regime"].replace(names)


@cells("one cell is in the other regime")
def _(frame):
    frame.loc[3, "regime"] = "water-limited"


@cells("regime has another spelling")
def _(frame):
    frame["regime"] = frame["regime"].str.replace("-", "_")


@cells("sand and clay changed places")
def _(frame):
    frame[["clay_fraction", "sand_fraction"]] = frame[
        ["sand_fraction", "clay_fraction"]
    ].values


@cells("sand in percent")
def _(frame):
    frame["sand_fraction"] *= 100


@cells("silt is 0, and fractions don't add up")
def _(frame):
    frame["silt_fraction"] = 0.0


@cells("saturation of one cell is below what was measured")
def _(frame):
    frame.loc[9, "saturation"] = 0.1


@cells("saturation is 0.9 everywhere")
def _(frame):
    frame["saturation"] = 0.9


@cells("soil below 30 cm is 0")
def _(frame):
    for name in frame.filter(like="_below_30_cm"):
        frame[name] = 0.0


@cells("soil is that of the row before")
def _(frame):
    names = [c for c in frame if "fraction" in c or "saturation" in c]
    roll(frame, names)


@cells("climate is that of the row before")
def _(frame):
    roll(
        frame,
        ["mean_air_temperature", "mean_precipitation", "mean_net_radiation", "dryness"],
    )


@cells("no corner of the reanalysis stands behind a cell")
def _(frame):
    frame["node_count"] = np.int8(0)


@cells("nine corners stand behind a cell")
def _(frame):
    frame["node_count"] = np.int8(9)


@cells("a cell is left out")
def _(frame):
    return frame.drop(index=7)


@cells("a cell is there twice")
def _(frame):
    return pd.concat([frame, frame.iloc[[4]]])


@cells("a cell without data is there as well")
def _(frame):
    new = frame.iloc[[0]].assign(cell_id="-34.125_148.125", latitude=-34.125)
    return pd.concat([frame, new])


@cells("saturation is missing everywhere")
def _(frame):
    frame["saturation"] = np.nan


@cells("identities have two decimals")
def _(frame):
    frame["cell_id"] = [
        "_".join(f"{float(v):.2f}" for v in name.split("_"))
        for name in frame["cell_id"]
    ]


@stations("latitude and longitude changed places")
def _(frame):
    frame[["latitude", "longitude"]] = frame[["longitude", "latitude"]].values


@stations("longitudes lost their sign")
def _(frame):
    frame["longitude"] = frame["longitude"].abs()


@stations("depths in cm in the columns of metres")
def _(frame):
    frame[["depth_from", "depth_to"]] *= 100


@stations("depths in whole cm are cut off and not rounded: one less")
def _(frame):
    deep = frame["depth_from_cm"] > 0
    frame.loc[deep, ["depth_from_cm", "depth_to_cm"]] -= 1


@stations("depth_from and depth_to changed places")
def _(frame):
    names = ["depth_from", "depth_to"]
    frame[names] = frame[names[::-1]].values


@stations("sensors of layers 1 and 2 changed layers")
def _(frame):
    frame["layer"] = frame["layer"].replace({1: 2, 2: 1})


@stations("no sensor has a layer")
def _(frame):
    frame["layer"] = np.int8(0)


@stations("one sensor is in the cell beside its own")
def _(frame):
    others = frame["cell_id"].unique()
    frame.loc[3, "cell_id"] = next(c for c in others if c != frame.loc[3, "cell_id"])


@stations("networks are one row down")
def _(frame):
    roll(frame, ["network"], 40)


@stations("records end before they start")
def _(frame):
    frame[["start", "end"]] = frame[["end", "start"]].values


@stations("valid days count every day")
def _(frame):
    frame["valid_days"] = ((frame["end"] - frame["start"]).dt.days + 1).astype("int32")


@stations("valid days exceed the days of the record")
def _(frame):
    frame["valid_days"] = ((frame["end"] - frame["start"]).dt.days + 40).astype("int32")


@stations("valid days are those of another sensor")
def _(frame):
    roll(frame, ["valid_days"])


@stations("value counts are those of days")
def _(frame):
    frame["value_count"] = frame["valid_days"]


@stations("value counts are those of another sensor")
def _(frame):
    roll(frame, ["value_count"])


@stations("more values than 24 a day")
def _(frame):
    frame["value_count"] = frame["valid_days"] * 48


@stations("the primary of a target isn't there")
def _(frame):
    return frame[frame["station"] != "Hollow01"]


@stations("a sensor is there twice")
def _(frame):
    return pd.concat([frame, frame.iloc[[10]]])


@stations("identities of stations are those of another row")
def _(frame):
    roll(frame, ["station_id"], 12)


@stations("identities of sensors lack the depth")
def _(frame):
    frame["sensor_id"] = [
        "/".join(part for i, part in enumerate(name.split("/")) if i != 2)
        for name in frame["sensor_id"]
    ]


@stations("unknown elevations are -9999")
def _(frame):
    frame["elevation"] = -9999.0


@stations("elevations in feet", unknowable="a plausible number that nothing repeats")
def _(frame):
    frame["elevation"] *= 3.28


@stations("records lie a year early")
def _(frame):
    for name in ("start", "end"):
        frame[name] -= pd.Timedelta(days=365)


@stations("records end with the release, whatever was measured")
def _(frame):
    frame["end"] = frame["end"].max()


@stations("days are said to be local")
def _(frame):
    frame["day_definition"] = "local standard time"


@stations("the table is empty")
def _(frame):
    return frame.iloc[:0]


@stations("a whole network is gone")
def _(frame):
    return frame[frame["network"] != "VNET-SAHEL"]


@stations("positions are those of cells")
def _(frame):
    place = frame["cell_id"].str.split("_", expand=True).astype(float)
    frame["latitude"], frame["longitude"] = place[0], place[1]


@stations("positions are written without decimals")
def _(frame):
    frame[["latitude", "longitude"]] = frame[["latitude", "longitude"]].round()


@stations("files are those of another row")
def _(frame):
    roll(frame, ["source_file"], 12)


@stations(
    "positions have two decimals",
    unknowable="a kilometre that stays inside the cell, and nothing repeats positions",
)
def _(frame):
    frame[["latitude", "longitude"]] = frame[["latitude", "longitude"]].round(2)
