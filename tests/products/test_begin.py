"""Where a product may lie, and what an earlier run left that may be used."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from factories.raw.weather_stores import DAYS, make_weather, write_bucket, write_weather
from somobench.products import begin
from somobench.products import plan as plans
from somobench.products.begin import check_out
from somobench.products.run import predict_store
from somobench.schemas.errors import InputError, UsageError

WHOLE = (DAYS, 2, 3)


@pytest.fixture(autouse=True)
def _small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is left of 1 MB holds six cells of two variables and a layer.
    monkeypatch.setattr(plans, "BASE", 1_000_000 - 6 * 4 * DAYS * plans.COPIES * 3)


def predict(folder: Path, out: Path, **options: Any) -> Any:
    quiet = {"echo": lambda _: None, "memory": 1}
    return predict_store(
        write_bucket(folder), folder / "weather.zarr", out, **(quiet | options)
    )


@pytest.mark.parametrize("name", ["a.zarr.zip", "a.csv", "a.parquet", "a.grib"])
def test_a_name_of_another_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"ends in \.nc, or in \.zarr"):
        check_out(tmp_path / name, tmp_path / "weather.zarr", overwrite=True)


@pytest.mark.parametrize("out", ["weather.zarr", "weather.zarr/a.zarr", "."])
def test_the_forcing_is_never_written_to(tmp_path: Path, out: str) -> None:
    write_weather(tmp_path / "weather.zarr", WHOLE)
    with pytest.raises(UsageError, match="another place than the forcing"):
        predict(tmp_path, tmp_path / out, overwrite=True)
    assert xr.open_zarr(tmp_path / "weather.zarr", consolidated=False).sizes["time"]


@pytest.mark.parametrize("name", ["a.zarr", "a.nc"])
def test_a_product_is_replaced_only_if_asked(tmp_path: Path, name: str) -> None:
    write_weather(tmp_path / "weather.zarr", WHOLE)
    predict(tmp_path, tmp_path / name)
    with pytest.raises(UsageError, match="--overwrite"):
        predict(tmp_path, tmp_path / name)
    predict(tmp_path, tmp_path / name, overwrite=True)


def test_what_is_no_product_is_never_replaced(tmp_path: Path) -> None:
    write_weather(tmp_path / "weather.zarr", WHOLE)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("words")
    make_weather().to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    for name in ("work", "other.nc"):
        with pytest.raises(UsageError, match="a product, which alone is replaced"):
            predict(tmp_path, tmp_path / name, overwrite=True)
    assert (tmp_path / "work" / "thesis.txt").read_text() == "words"


def test_a_disk_that_is_too_small_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_weather(tmp_path / "weather.zarr", (1, 4, 6))
    usage = namedtuple("usage", ["total", "used", "free"])
    monkeypatch.setattr(begin.shutil, "disk_usage", lambda _: usage(9, 8, 1))
    with pytest.raises(UsageError, match="disk\n.*0 MB free"):
        predict(tmp_path, tmp_path / "a.zarr")
    assert not list(tmp_path.glob(".*unfinished"))


def test_weather_that_changed_is_read_again(tmp_path: Path) -> None:
    write_weather(tmp_path / "weather.zarr", WHOLE)
    flag = tmp_path / "fail-42.0"
    flag.touch()
    with pytest.raises(InputError, match="stopped"):
        predict(tmp_path, tmp_path / "a.zarr")
    flag.unlink()
    # One chunk is touched; no metadata is.
    chunk = next((tmp_path / "weather.zarr" / "precipitation" / "c").rglob("0"))
    chunk = (
        chunk if chunk.is_file() else next(p for p in chunk.rglob("*") if p.is_file())
    )
    chunk.write_bytes(chunk.read_bytes())
    assert predict(tmp_path, tmp_path / "a.zarr").resumed == 0


@pytest.mark.parametrize(
    ("model", "release", "split"),
    [
        ("m:f", "virtual-2.0.0", None),
        ("m:f", None, "temporal"),
        ("ridge_memory@virtual-2.0.0/temporal", "virtual-2.0.0", "spatial"),
    ],
)
def test_training_is_said_whole_and_once(
    tmp_path: Path, model: str, release: str | None, split: str | None
) -> None:
    write_weather(tmp_path / "weather.zarr", WHOLE)
    with pytest.raises(UsageError, match="what a model was trained on"):
        predict_store(
            model,
            tmp_path / "weather.zarr",
            tmp_path / "a.nc",
            release=release,
            split=split,
            memory=1,
            echo=lambda _: None,
        )
