"""Defects below the values: what chunks, metadata and Parquet say."""

from __future__ import annotations

import json
import zipfile

import pandas as pd

from factories.faults.second_list.folder import Folder, defect


def members(name: str, words: str):
    """Register a defect that edits the members of a zipped grid."""

    def register(edit):
        def apply(folder: Folder) -> None:
            folder.edit_bytes(name, edit)

        return defect("encoding", words)(apply)

    return register


def attribute(name: str, array: str, words: str, **attributes) -> None:
    """Register a defect that sets attributes of an array in its metadata alone."""

    @members(name, words)
    def _(found):
        meta = json.loads(found[f"{array}/zarr.json"])
        meta["attributes"] |= attributes
        found[f"{array}/zarr.json"] = json.dumps(meta).encode()


@members("targets", "two chunks of the target changed places")
def _(found):
    one, other = "soil_moisture/c/0/0/0", "soil_moisture/c/1/0/0"
    found[one], found[other] = found[other], found[one]


@members("targets", "a chunk of the measured target is gone, and reads as missing")
def _(found):
    del found["soil_moisture_in_situ/c/2/0/0"]


@members("targets", "the chunk of gap flags is gone, and reads as 0")
def _(found):
    del found["is_gapfilled/c/0/0/0"]


@members("features", "a chunk of climatology is gone")
def _(found):
    del found["climatology/c/3/1/0/0"]


@members("forcing", "the chunk of longitudes is gone, and reads as missing")
def _(found):
    for name in [n for n in found if n.startswith("longitude/c")]:
        del found[name]


@members("forcing", "chunks of precipitation and evaporation changed places")
def _(found):
    one, other = "precipitation/c/0/0", "evaporation/c/0/0"
    found[one], found[other] = found[other], found[one]


@members("targets", "a chunk of floats is said to be big-endian")
def _(found):
    meta = json.loads(found["scale_slope/zarr.json"])
    for codec in meta["codecs"]:
        if codec["name"] == "bytes":
            codec["configuration"] = {"endian": "big"}
    found["scale_slope/zarr.json"] = json.dumps(meta).encode()


@members("targets", "counts are said to be unsigned and of other width")
def _(found):
    meta = json.loads(found["station_count/zarr.json"])
    meta["data_type"] = "float16"
    meta["fill_value"] = 0.0
    found["station_count/zarr.json"] = json.dumps(meta).encode()


@members("targets", "the target is dimensioned (cell, layer, time) by name alone")
def _(found):
    meta = json.loads(found["soil_moisture/zarr.json"])
    meta["dimension_names"] = ["cell", "layer", "time"]
    found["soil_moisture/zarr.json"] = json.dumps(meta).encode()


@members("targets", "the units of time are days, its numbers seconds")
def _(found):
    meta = json.loads(found["time/zarr.json"])
    meta["attributes"]["units"] = "days since 1970-01-01"
    found["time/zarr.json"] = json.dumps(meta).encode()


@members("targets", "time is counted from 1900")
def _(found):
    meta = json.loads(found["time/zarr.json"])
    meta["attributes"]["units"] = "seconds since 1900-01-01"
    found["time/zarr.json"] = json.dumps(meta).encode()


@members("forcing", "the calendar has no leap days")
def _(found):
    meta = json.loads(found["time/zarr.json"])
    meta["attributes"]["calendar"] = "noleap"
    found["time/zarr.json"] = json.dumps(meta).encode()


@members("features", "an array's metadata is gone")
def _(found):
    del found["scale_slope/zarr.json"]


attribute("targets", "soil_moisture", "the target is scaled by 0.01", scale_factor=0.01)
attribute("forcing", "air_temperature", "273.15 is added on reading", add_offset=273.15)
attribute("targets", "observation_count", "a count of 24 is missing", missing_value=24)
attribute("forcing", "precipitation", "a dry day is missing", missing_value=0.0)
attribute("targets", "is_gapfilled", "unfilled days are missing", missing_value=0)
attribute(
    "forcing",
    "precipitation",
    "rain has the standard name of snow",
    standard_name="snowfall_flux",
)
attribute(
    "forcing",
    "specific_humidity",
    "humidity is said to be relative",
    standard_name="relative_humidity",
    units="1",
)


@defect("encoding", "a chunk is that of an older release")
def _(folder: Folder) -> None:
    older = folder.path.parent / "older.zip"
    source = folder.path.parent.parent / "older" / "targets.zarr.zip"
    with zipfile.ZipFile(source) as archive:
        content = archive.read("soil_moisture/c/0/0/0")
    folder.edit_bytes(
        "targets", lambda found: found.update({"soil_moisture/c/0/0/0": content})
    )
    assert not older.exists()


@defect("encoding", "features are those of an older release")
def _(folder: Folder) -> None:
    source = folder.path.parent.parent / "older" / "features.zarr.zip"
    (folder.path / "features.zarr.zip").write_bytes(source.read_bytes())


@defect("encoding", "scores are those of an older release")
def _(folder: Folder) -> None:
    source = folder.path.parent.parent / "older" / "scores.parquet"
    (folder.path / "scores.parquet").write_bytes(source.read_bytes())


@defect("encoding", "splits are those of an older release")
def _(folder: Folder) -> None:
    source = folder.path.parent.parent / "older" / "splits.parquet"
    (folder.path / "splits.parquet").write_bytes(source.read_bytes())


@defect("encoding", "numbers of a table are texts")
def _(folder: Folder) -> None:
    frame = folder.get_table("cells")
    folder.set_table("cells", frame.assign(dryness=frame["dryness"].astype(str)))


@defect("encoding", "layers of scores are fractions, and one is missing")
def _(folder: Folder) -> None:
    frame = folder.get_table("scores")
    layer = frame["layer"].astype(float)
    layer.iloc[0] = float("nan")
    folder.set_table("scores", frame.assign(layer=layer))


@defect("encoding", "days of splits count seconds of another unit")
def _(folder: Folder) -> None:
    frame = folder.get_table("splits")
    nanoseconds = frame["start"].astype("datetime64[ns]").astype("int64")
    folder.set_table("splits", frame.assign(start=pd.to_datetime(nanoseconds // 1000)))
