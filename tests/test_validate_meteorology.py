"""`somobench validate` of meteorology: recognised by content, read by the pipelines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from factories.raw import era5_deliveries as deliveries
from factories.raw.era5_stores import make_era5
from factories.raw.grib_files import Message, write_grib
from factories.raw.ismn_files import write_zip
from somobench.cli.validate import validate
from somobench.recognise import METEOROLOGY, STATIONS_ARCHIVE, recognise_storage
from somobench.schemas.errors import InputError
from somobench.validate import validate_file

pytestmark = pytest.mark.heavy


def make_zip(folder: Path) -> Path:
    return deliveries.write_cds_zip(folder / "a.zip", make_era5(), folder / "in")


def make_misnamed_zip(folder: Path) -> Path:
    return deliveries.write_cds_zip(folder / "a.nc", make_era5(), folder / "in")


def make_folder(folder: Path) -> Path:
    return deliveries.write_files(folder / "era5", {"2018/01/a.nc": make_era5()})


def make_folder_of_zips(folder: Path) -> Path:
    deliveries.write_cds_zip(folder / "era5/01/a.zip", make_era5(), folder / "in")
    return folder / "era5"


def make_netcdf(folder: Path) -> Path:
    return make_folder(folder) / "2018/01/a.nc"


def make_zarr(folder: Path) -> Path:
    make_era5().to_zarr(folder / "a.zarr", zarr_format=2)
    return folder / "a.zarr"


def make_folder_of_zarr(folder: Path) -> Path:
    make_era5().to_zarr(folder / "era5/a.zarr", zarr_format=3, consolidated=False)
    return folder / "era5"


def make_grib(folder: Path) -> Path:
    messages = [Message("2t", 20180101, hour, None, 285.0) for hour in range(24)]
    return write_grib(folder / "download", messages)


@pytest.mark.parametrize(
    "make",
    [make_zip, make_misnamed_zip, make_folder, make_folder_of_zarr, make_grib],
)
def test_meteorology_is_recognised_by_its_content(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    assert recognise_storage(make(tmp_path)) == METEOROLOGY


@pytest.mark.parametrize("make", [make_folder_of_zips, make_netcdf, make_zarr])
def test_meteorology_is_read_and_accounted_for(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    (report,) = validate_file(make(tmp_path))
    assert (report.kind, report.schema) == (METEOROLOGY, "reader era5")
    assert report.failures == ()
    assert report.account is not None
    variables = {item["variable"] for item in report.account["variables"]}
    assert variables >= {"tp", "t2m", "swvl3"}


def test_folder_of_stations_stays_one_beside_a_netcdf_file(tmp_path: Path) -> None:
    (tmp_path / "NET").mkdir()
    (tmp_path / "NET/a.stm").write_text("")
    (tmp_path / "NET/map.nc").write_bytes(b"CDF")
    assert recognise_storage(tmp_path) == STATIONS_ARCHIVE


def test_folder_with_a_damaged_zip_is_still_recognised(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\3\4")
    make_folder(tmp_path)
    (report,) = validate_file(tmp_path)
    assert report.kind == METEOROLOGY
    [failure] = report.failures
    assert "a.zip" in failure.where


def test_folder_without_a_readable_variable_is_not_valid(tmp_path: Path) -> None:
    store = make_era5(names=("tp",)).rename(tp="rain")
    path = deliveries.write_files(tmp_path / "era5", {"a.nc": store})
    (report,) = validate_file(path)
    assert [failure.where for failure in report.failures] == ["variables"]


def test_command_says_what_is_held_and_lacking(
    tmp_path: Path, repository: Path
) -> None:
    app = typer.Typer()
    app.command()(validate)
    folder = make_folder(tmp_path)
    done = CliRunner().invoke(app, [str(folder)])
    assert done.exit_code == 0
    assert "recipe: forcing.accumulation: hour_ending" in done.output
    recipe = repository / "conf" / "recipe" / "ismn_era5.yaml"
    done = CliRunner().invoke(app, [str(folder), "--recipe", str(recipe)])
    assert done.exit_code == 1
    assert "begins at 2018-01-01T00:00, the period on 2001-01-01" in done.output


def test_recipe_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)none\.yaml"):
        validate_file(make_netcdf(tmp_path), recipe=tmp_path / "none.yaml")


def test_zip_of_neither_is_read_as_stations(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"readme.txt": b"hello"})
    assert recognise_storage(path) == STATIONS_ARCHIVE
