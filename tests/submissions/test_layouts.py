"""Layouts that people have: the same values, and what was understood is noted."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.storage import ZipStore

from factories.scoring import CELLS, LAYERS, TEST_TIMES, predicted
from somobench.schemas.errors import InputError
from somobench.submissions.submission import Submission, open_submission

pytestmark = pytest.mark.heavy

EXPECTED = open_submission(predicted(0.3).to_dataset(name="soil_moisture"))


def dataset() -> xr.Dataset:
    return predicted(0.3).to_dataset(name="soil_moisture")


def table() -> pd.DataFrame:
    frame = predicted(0.3).to_dataframe(name="soil_moisture").reset_index()
    return frame.rename(columns={"cell": "cell_id"})


def zip_store(path: Path) -> Path:
    """Write as zarr-python does: metadata again and again, consolidated at the end."""
    store = ZipStore(path, mode="w")
    with pytest.warns(UserWarning, match="Duplicate name"):
        dataset().to_zarr(store, consolidated=True)
    store.close()
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    assert names.count("soil_moisture/zarr.json") > 1
    return path


def zarr(change: Callable[[xr.Dataset], xr.Dataset], **options: Any) -> Any:
    def write(path: Path) -> Path:
        change(dataset()).to_zarr(path, consolidated=False, **options)
        return path

    return write


def netcdf(change: Callable[[xr.Dataset], Any], **options: Any) -> Any:
    def write(path: Path) -> Path:
        change(dataset()).to_netcdf(path, engine="h5netcdf", **options)
        return path

    return write


def parquet(change: Callable[[pd.DataFrame], Any]) -> Any:
    def write(path: Path) -> Path:
        changed = change(table())
        if isinstance(changed, pd.DataFrame):
            changed = pa.Table.from_pandas(changed, preserve_index=False)
        pq.write_table(changed, path)
        return path

    return write


def as_bytes(grid: xr.Dataset) -> xr.Dataset:
    return grid.assign_coords(cell=grid["cell"].values.astype("S20"))


def padded(grid: xr.Dataset) -> xr.Dataset:
    return grid.assign_coords(cell=[f"{cell:<20}" for cell in grid["cell"].values])


def at_noon(grid: xr.Dataset) -> xr.Dataset:
    return grid.assign_coords(time=grid["time"] + np.timedelta64(12, "h"))


def string_views(frame: pd.DataFrame) -> pa.Table:
    whole = pa.Table.from_pandas(frame, preserve_index=False)
    place = whole.schema.get_field_index("cell_id")
    texts = whole.column("cell_id").cast(pa.string_view())
    return whole.set_column(place, "cell_id", texts)


def by_differences(path: Path) -> Path:
    """Write texts as DuckDB and Spark do in the second version of Parquet."""
    whole = pa.Table.from_pandas(table(), preserve_index=False)
    plain = dict.fromkeys(whole.column_names, "PLAIN")
    encoding = plain | {"cell_id": "DELTA_BYTE_ARRAY"}
    pq.write_table(whole, path, use_dictionary=False, column_encoding=encoding)
    return path


def partitioned(path: Path) -> Path:
    """Write a folder as Spark and Arrow do, with the files that they leave."""
    frame = table().assign(year=table()["time"].dt.year)
    for (layer, year), part in frame.groupby(["layer", "year"]):
        folder = path / f"layer={layer}" / f"run-{year}"
        folder.mkdir(parents=True)
        part.drop(columns=["layer", "year"]).to_parquet(folder / "part-0.parquet")
    (path / "_SUCCESS").write_text("")
    (path / "_metadata").write_bytes(b"x")
    return path


def by_cell(path: Path) -> Path:
    for cell, part in table().groupby("cell_id"):
        folder = path / f"cell_id={cell}"
        folder.mkdir(parents=True)
        part.drop(columns="cell_id").to_parquet(folder / "part-0.parquet")
    return path


def letters(path: Path) -> Path:
    """Write ids as Fortran and R do: single letters along a dim, padded with blanks."""
    dataset().drop_vars("cell").to_netcdf(path, engine="h5netcdf")
    texts = np.array([list(f"{cell:<20}") for cell in CELLS], "S1")
    with h5py.File(path, "a") as file:
        file.create_dataset("letters", data=np.zeros(20))
        file["letters"].make_scale("letters")
        ids = file.create_dataset("cell_id", data=texts)
        ids.dims[0].attach_scale(file["cell"])
        ids.dims[1].attach_scale(file["letters"])
    return path


def nested(path: Path) -> Path:
    """Write labels on top and the predictions in a group below, which sees them."""
    dataset().to_netcdf(path, engine="h5netcdf")
    with h5py.File(path, "a") as file:
        group = file.create_group("model/run1")
        file.move("soil_moisture", "model/run1/soil_moisture")
        assert "soil_moisture" in group
    return path


LAYOUTS: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "zip of zarr-python": ("a.zip", zip_store, ""),
    "bytes in zarr 3": ("a.zarr", zarr(as_bytes), ""),
    "bytes in zarr 2": ("a.zarr", zarr(as_bytes, zarr_format=2), ""),
    "ids padded": ("a.nc", netcdf(padded), "blanks around cell ids"),
    "ids as letters": ("a.nc", letters, "blanks around cell ids"),
    "array without a name": (
        "a.nc",
        netcdf(lambda grid: grid["soil_moisture"].rename(None)),
        "array without a name",
    ),
    "a group": ("a.nc", netcdf(lambda grid: grid, group="run"), "in the group run"),
    "a group below its labels": ("a.nc", nested, "in the group model/run1"),
    "a group of zarr": ("a.zarr", zarr(lambda grid: grid, group="run"), "group run"),
    "noon": ("a.nc", netcdf(at_noon), "times at 12:00 stand for their days"),
    "text times": (
        "a.nc",
        netcdf(lambda g: g.assign_coords(time=g["time"].dt.strftime("%Y-%m-%d"))),
        "times were read from text",
    ),
    "string views": ("a.parquet", parquet(string_views), ""),
    "texts by differences": ("a.parquet", by_differences, ""),
    "bytes in Parquet": (
        "a.parquet",
        parquet(lambda t: t.assign(cell_id=t["cell_id"].str.encode("utf-8"))),
        "",
    ),
    "UTC": (
        "a.parquet",
        parquet(lambda t: t.assign(time=t["time"].dt.tz_localize("UTC"))),
        "in UTC",
    ),
    "text in UTC": (
        "a.parquet",
        parquet(lambda t: t.assign(time=t["time"].dt.strftime("%Y-%m-%dT12:00:00Z"))),
        "times were read from text",
    ),
    "parts by layer": ("a.parquet", partitioned, ""),
    "parts by cell": ("a", by_cell, ""),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.filterwarnings("ignore:.*Zarr V3.*")
def test_layout_makes_no_difference_and_is_noted(tmp_path: Path, layout: str) -> None:
    name, write, note = LAYOUTS[layout]
    found = open_submission(write(tmp_path / name))
    assert_same(found)
    assert bool(found.notes) == bool(note), found.notes
    assert any(note in text for text in found.notes or ("",)), found.notes


def assert_same(found: Submission) -> None:
    assert found.values_sha256 == EXPECTED.values_sha256
    xr.testing.assert_identical(found.grid, EXPECTED.grid)


@pytest.mark.filterwarnings("ignore:.*Zarr V3.*")
def test_half_precision_in_zarr_is_read(tmp_path: Path) -> None:
    grid = dataset().astype("float16")
    grid.to_zarr(tmp_path / "a.zarr", consolidated=False)
    found = open_submission(tmp_path / "a.zarr").grid["soil_moisture"]
    np.testing.assert_array_equal(found, predicted(0.3).astype("float16"))


def test_arrow_table_in_memory_is_read() -> None:
    found = open_submission(string_views(table()))
    assert found.values_sha256 == EXPECTED.values_sha256


@pytest.mark.parametrize(
    "columns", [{}, {"cell_id": [[1]]}, {"cell_id": [{"a": 1}]}, {"soil_moisture": [1]}]
)
def test_other_arrow_table_is_refused(columns: dict[str, Any]) -> None:
    rest = {"time": [1], "layer": [1], "soil_moisture": [0.1]} if columns else {}
    with pytest.raises(InputError, match="column"):
        open_submission(pa.table(rest | columns))
    with pytest.raises(InputError, match="an object of type Series"):
        open_submission(table()["soil_moisture"])  # type: ignore[arg-type]


ORDERS = st.permutations(["layer", "cell", "time"])


@settings(deadline=None, max_examples=60)
@given(
    dims=ORDERS,
    seed=st.integers(0, 2**31),
    as_table=st.booleans(),
    ids=st.sampled_from(["text", "padded", "bytes", "object", "categories"]),
    times=st.sampled_from(["days", "noon", "11:30", "text", "UTC", "seconds"]),
    units=st.sampled_from(["m3 m-3", "m3/m3", "cm3 cm-3"]),
    dtype=st.sampled_from(["float32", "float64", ">f4"]),
)
def test_values_are_the_same_whatever_the_variant(
    dims: list[str],
    seed: int,
    as_table: bool,
    ids: str,
    times: str,
    units: str,
    dtype: str,
) -> None:
    rng = np.random.default_rng(seed)
    grid = dataset().transpose(*dims).astype(dtype)
    for dim in dims:
        grid = grid.isel({dim: rng.permutation(grid.sizes[dim])})
    grid["soil_moisture"].attrs["units"] = units
    cells: Any = grid["cell"].values
    cells = {
        "text": cells,
        "padded": np.array([f" {cell:<18}" for cell in cells]),
        "bytes": cells.astype("S24"),
        "object": cells.astype(object),
        "categories": cells,
    }[ids]
    days = pd.DatetimeIndex(grid["time"].values)
    stamps: Any = {
        "days": days,
        "noon": days + pd.Timedelta(hours=12),
        "11:30": days + pd.Timedelta(minutes=690),
        "text": days.strftime("%Y-%m-%d 00:00"),
        "UTC": days.strftime("%Y-%m-%dT00:00:00+00:00"),
        "seconds": days.as_unit("s"),
    }[times]
    grid = grid.assign_coords(cell=cells, time=stamps)
    if not as_table:
        assert_same(open_submission(grid))
        return
    shuffled = np.random.default_rng(seed).permutation(grid["soil_moisture"].size)
    frame = grid.astype("float32").to_dataframe().reset_index().iloc[shuffled]
    if ids == "categories":
        frame["cell"] = frame["cell"].astype("category")
    if times == "UTC":
        frame["time"] = pd.to_datetime(frame["time"], utc=True)
    assert_same(open_submission(frame))


def _in_two_groups(path: Path) -> Path:
    dataset().to_netcdf(path, engine="h5netcdf", group="one")
    dataset().to_netcdf(path, engine="h5netcdf", group="two", mode="a")
    return path


def _other_name_in_a_group(path: Path) -> Path:
    renamed = dataset().rename(soil_moisture="swvl1")
    renamed.to_netcdf(path, engine="h5netcdf", group="run")
    return path


def _two_unnamed(path: Path) -> Path:
    grid = dataset().rename(soil_moisture="__xarray_dataarray_variable__")
    grid.assign(swvl1=dataset()["soil_moisture"]).to_netcdf(path, engine="h5netcdf")
    return path


def _evening(path: Path) -> Path:
    late = dataset().assign_coords(time=TEST_TIMES + pd.Timedelta(hours=23))
    late.to_netcdf(path, engine="h5netcdf")
    return path


def _weeks_as_units(path: Path) -> Path:
    grid = dataset().assign_coords(time=np.arange(len(TEST_TIMES)))
    grid["time"].attrs["units"] = "fortnights"
    grid.to_netcdf(path, engine="h5netcdf")
    return path


def _strange_epoch(path: Path) -> Path:
    grid = dataset().assign_coords(time=np.arange(len(TEST_TIMES)))
    grid["time"].attrs["units"] = "days since the flood"
    grid.to_netcdf(path, engine="h5netcdf")
    return path


def _months(path: Path) -> Path:
    grid = dataset().assign_coords(time=np.arange(len(TEST_TIMES)))
    grid["time"].attrs["units"] = "months since 2020-01-01"
    grid.to_netcdf(path, engine="h5netcdf")
    return path


def _cut_chunk(path: Path) -> Path:
    deflated = {"soil_moisture": {"zlib": True, "chunksizes": (2, 6, 160)}}
    dataset().to_netcdf(path, engine="h5netcdf", encoding=deflated)
    with h5py.File(path) as file:
        chunk = file["soil_moisture"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    for at in range(chunk.byte_offset + 50, chunk.byte_offset + 400):
        content[at] ^= 0x5A
    path.write_bytes(content)
    return path


REFUSED: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "two groups": ("a.nc", _in_two_groups, "in the groups one, two"),
    "another name in a group": (
        "a.nc",
        _other_name_in_a_group,
        "in groups: .*run/swvl1",
    ),
    "an unnamed array of several": ("a.nc", _two_unnamed, "swvl1"),
    "23 o'clock": ("a.nc", _evening, "T23:00:00.*expected days at 00:00"),
    "units of time": ("a.nc", _weeks_as_units, "units of time\n *found: *fortnights"),
    "epoch of time": (
        "a.nc",
        _strange_epoch,
        "units of time\n *found: *days since the",
    ),
    "months of time": ("a.nc", _months, "units of time\n *found: *months since 2020"),
    "a damaged chunk": ("a.nc", _cut_chunk, "a file that is damaged, or holds what"),
    "unknown column in a folder's name": (
        "a",
        lambda path: (
            (path / "model=x").mkdir(parents=True)
            or parquet(lambda t: t)(path / "model=x" / "a.parquet").parents[1]
        ),
        "folder model=x",
    ),
}
WORDS_OF_LIBRARIES = (
    "Error",
    "Traceback",
    "h5py",
    "cftime",
    "numpy",
    "zarr.",
    "pandas",
)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_ambiguous_is_refused_in_our_words(tmp_path: Path, name: str) -> None:
    file, write, match = REFUSED[name]
    with pytest.raises(Exception, match=match) as raised:
        open_submission(write(tmp_path / file))
    assert type(raised.value).__module__.startswith("somobench")
    assert not [word for word in WORDS_OF_LIBRARIES if word in str(raised.value)]


def test_metadata_that_differ_beyond_attributes_are_refused(tmp_path: Path) -> None:
    path = zip_store(tmp_path / "a.zip")
    with zipfile.ZipFile(path) as archive:
        document = archive.read("soil_moisture/zarr.json").decode()
    changed = document.replace('"float32"', '"float64"')
    with zipfile.ZipFile(path, "a") as archive:  # noqa: SIM117
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("soil_moisture/zarr.json", changed)
    with pytest.raises(InputError, match="it is there twice, and differs"):
        open_submission(path)


@pytest.mark.parametrize("later", [{"units": "%"}, {"scale_factor": 0.5}, {}])
def test_attributes_that_a_later_member_changes_are_refused(
    tmp_path: Path, later: dict[str, Any]
) -> None:
    path = zip_store(tmp_path / "a.zip")
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read("soil_moisture/zarr.json"))
    first = document["attributes"] | {"scale_factor": 1.0, "units": "m3 m-3"}
    with zipfile.ZipFile(path, "a") as archive:
        for attributes in (first, {**first, **later} if later else {}):
            text = json.dumps(document | {"attributes": attributes})
            with pytest.warns(UserWarning, match="Duplicate name"):
                archive.writestr("soil_moisture/zarr.json", text)
    with pytest.raises(InputError, match="it is there twice, and differs"):
        open_submission(path)


def test_layers_of_the_release_are_those_of_the_factory() -> None:
    assert EXPECTED.grid["layer"].to_numpy().tolist() == list(LAYERS)
    assert EXPECTED.notes == ()
