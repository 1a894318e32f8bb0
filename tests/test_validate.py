"""`somobench validate`: content shows the kind, and every failure is shown."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
import xarray as xr
from typer.testing import CliRunner

from factories.faults.harmless.grids import store_members, write_members
from factories.good.grids import GOOD as GRIDS
from factories.good.tables import GOOD as TABLES
from factories.raw.csv_files import csv_file
from factories.raw.fluxnet_files import SUBSET, daily_csv, sites_csv
from factories.raw.ismn_files import (
    file_name,
    header,
    rows,
    station_file,
    write_folder,
    write_zip,
)
from factories.raw.uscrn_files import daily_line, write_archive
from factories.releases import write_manifest
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.atomic import write_parquet
from somobench.check_files import check_files, inspect_files
from somobench.cli.validate import validate
from somobench.recognise import recognise_storage
from somobench.schemas.errors import InputError, UnknownNameError, UsageError
from somobench.schemas.scores import SHIFT_COSTS, SHIFT_KEY
from somobench.scoring.tables import finish_table
from somobench.validate import FileReport, validate_file

pytestmark = pytest.mark.heavy


def check_here(path: Path, kind: str | None = None) -> list[FileReport]:
    """Check files as the child does, in this process."""
    return check_files(path, kind, recognise_storage(path))


def write_netcdf(grid: xr.Dataset, path: Path) -> None:
    grid.to_netcdf(path, engine="h5netcdf")


def write_zarr(grid: xr.Dataset, path: Path) -> None:
    grid.to_zarr(path, zarr_format=2, consolidated=True)


def write_zip_of_zarr_2(grid: xr.Dataset, path: Path) -> None:
    write_members(path, store_members(grid, zarr_format=2, consolidated=False))


WRITERS: dict[str, Callable[[xr.Dataset, Path], None]] = {
    "zip": write_zip_of_zarr_2,
    "zarr.zip": write_zarr_zip,
    "zarr": write_zarr,
    "nc": write_netcdf,
}


@pytest.mark.parametrize("kind", TABLES)
def test_kind_of_a_table_is_recognised_by_its_columns(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "mine.bin"
    write_parquet(TABLES[kind](), path)
    (report,) = check_here(path)
    assert (report.kind, report.failures) == (kind, ())
    assert report.counts == {"rows": len(TABLES[kind]())}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("kind", GRIDS)
def test_kind_of_a_grid_is_recognised_by_its_variables(
    tmp_path: Path, kind: str, suffix: str
) -> None:
    path = tmp_path / f"mine.{suffix}"
    WRITERS[suffix](GRIDS[kind](), path)
    (report,) = check_here(path)
    assert (report.kind, report.failures) == (kind, ())
    assert report.counts["cell"] == 2


def test_defect_of_a_users_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "mine.nc"
    forcing = GRIDS["forcing"]()
    forcing["air_temperature"] -= 273.15
    forcing["air_temperature"].attrs["units"] = "K"
    write_netcdf(forcing, path)
    (report,) = validate_file(path)
    assert not report.valid
    assert {failure.where for failure in report.failures} == {"air_temperature"}


def test_kind_that_is_named_decides(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    write_parquet(TABLES["cells"](), path)
    (report,) = validate_file(path, "splits")
    assert report.kind == "splits"
    assert "column 'split' not in dataframe" in str(report.failures)
    with pytest.raises(InputError, match="--kind targets"):
        validate_file(path, "targets")
    with pytest.raises(UnknownNameError, match="one of observations"):
        validate_file(path, "sensors")


UNREADABLE = {
    "text": b"time,value\n",
    "nothing": b"",
    "half a Parquet file": b"PAR1" + bytes(20),
    "half a netCDF file": b"\x89HDF\r\n\x1a\n" + bytes(20),
    "half a zip": b"PK\3\4" + bytes(20),
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine"
    path.write_bytes(content)
    with pytest.raises(InputError, match="mine"):
        validate_file(path)


def test_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.nc")
    with pytest.raises(InputError, match="a pipe or device"):
        validate_file(tmp_path / "a.nc")


def test_empty_table_with_texts_by_a_dictionary_is_good(tmp_path: Path) -> None:
    path = tmp_path / "shift_costs.parquet"
    empty = finish_table([], SHIFT_COSTS, SHIFT_KEY)
    texts = [name for name in empty if empty[name].dtype.kind not in "if"]
    empty.astype(dict.fromkeys(texts, "category")).to_parquet(path, index=False)
    (report,) = check_here(path)
    assert (report.kind, report.failures) == ("shift_costs", ())


@pytest.mark.parametrize(
    "further",
    [
        pa.nulls(0),
        pa.array([], pa.decimal128(9, 2)),
        pa.array([], pa.time64("us")),
    ],
    ids=["no type", "decimals", "times of day"],
)
def test_further_column_of_any_plain_type_is_left_aside(
    tmp_path: Path, further: pa.Array
) -> None:
    # Arrow finds no type for a column that has no value, as in a table without rows.
    path = tmp_path / "shift_costs.parquet"
    empty = pa.Table.from_pandas(finish_table([], SHIFT_COSTS, SHIFT_KEY))
    pq.write_table(empty.append_column("remark", further), path)
    inspect_files(path, "table")
    (report,) = check_here(path)
    assert report.failures == ()


def test_further_column_of_lists_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "splits.parquet"
    table = pa.Table.from_pandas(TABLES["splits"]())
    lists = pa.array([[1]] * len(table))
    pq.write_table(table.append_column("remark", lists), path)
    with pytest.raises(InputError, match="(?s)remark.*list"):
        inspect_files(path, "table")


@pytest.mark.parametrize("unit", ["ms", "us"])
@pytest.mark.parametrize("kind", ["splits", "stations"])
def test_days_count_whatever_they_are_counted_in(
    tmp_path: Path, kind: str, unit: str
) -> None:
    path = tmp_path / "mine.parquet"
    days = dict.fromkeys(("start", "end"), f"datetime64[{unit}]")
    TABLES[kind]().astype(days).to_parquet(path, index=False)
    (report,) = check_here(path)
    assert (report.kind, report.failures) == (kind, ())


def test_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing there"):
        validate_file(tmp_path / "none.parquet")


def test_table_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    write_parquet(pd.DataFrame({"price": [1.0]}), path)
    with pytest.raises(InputError, match="--kind"):
        validate_file(path)


def cells_of_no_mean() -> pd.DataFrame:
    """Return cells that say nothing of the factory's forcing."""
    nothing = ("mean_air_temperature", "mean_precipitation", "mean_net_radiation")
    unknown = dict.fromkeys((*nothing, "dryness"), np.nan)
    return TABLES["cells"]().assign(**unknown, regime="unknown")


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Write a release whose files agree."""
    folder = tmp_path / "toy-0.1.0"
    folder.mkdir()
    for name, grid in GRIDS.items():
        write_zarr_zip(grid(), folder / f"{name}.zarr.zip")
    write_parquet(TABLES["splits"](), folder / "splits.parquet")
    write_parquet(cells_of_no_mean(), folder / "cells.parquet")
    write_manifest(folder)
    return folder


def test_release_is_validated_file_by_file_and_together(release: Path) -> None:
    reports = validate_file(release)
    assert {report.kind for report in reports} == {*GRIDS, "cells", "splits", "release"}
    alone = [report for report in reports if report.kind != "release"]
    assert [report for report in alone if report.failures] == []


def test_release_whose_grids_readers_do_not_open_is_refused(release: Path) -> None:
    path = release / "targets.zarr.zip"
    write_zip_of_zarr_2(GRIDS["targets"](), path)
    with pytest.raises(InputError, match="expected: zipped Zarr 3"):
        check_here(release)


def test_release_that_lost_cells_fails_between_its_files(release: Path) -> None:
    write_parquet(cells_of_no_mean().iloc[1:], release / "cells.parquet")
    write_manifest(release)
    together = check_here(release)[-1]
    where = {failure.where for failure in together.failures}
    assert where == {"targets.zarr.zip cell", "forcing.zarr.zip cell"}


def test_release_with_a_damaged_file_fails_there(release: Path) -> None:
    splits = TABLES["splits"]()
    write_parquet(splits.iloc[::-1], release / "splits.parquet")
    write_manifest(release)
    failed = [report for report in check_here(release) if report.failures]
    assert [report.kind for report in failed] == ["splits"]


def test_release_without_a_file_of_its_manifest_fails(release: Path) -> None:
    (release / "forcing.zarr.zip").unlink()
    together = check_here(release)[-1]
    assert ("forcing.zarr.zip", "no such file") in {
        (failure.where, failure.found) for failure in together.failures
    }


@pytest.mark.parametrize("name", ["README.md", "cells.parquet"])
def test_release_whose_file_is_not_the_manifests_fails(
    release: Path, name: str
) -> None:
    (release / "README.md").write_text("as published")
    write_manifest(release)
    cells = cells_of_no_mean()
    if name == "cells.parquet":
        write_parquet(cells.assign(region="elsewhere"), release / name)
    else:
        (release / name).write_bytes(b"")
    reports = check_here(release)
    size = (release / name).stat().st_size
    assert [failure.where for failure in reports[-1].failures] == [name]
    assert reports[-1].failures[0].found.startswith(f"{size} bytes with sha256 ")


def test_tables_of_scores_are_recognised(repository: Path) -> None:
    folder = repository / "releases" / "virtual-2.0.0"
    if not folder.is_dir():
        pytest.skip("virtual-2.0.0 is not in this checkout")
    for kind in ("scores", "shift_costs"):
        (report,) = check_here(folder / f"{kind}.parquet")
        assert (report.kind, report.failures) == (kind, ())


def test_published_releases_are_valid(repository: Path) -> None:
    folders = sorted((repository / "releases").glob("*-*.*.*"))
    if not folders:
        pytest.skip("no release is published in this checkout yet: make release")
    for folder in folders:
        failed = [report for report in check_here(folder) if report.failures]
        assert failed == []


GOOD = station_file(rows([0.1, 0.2, 0.3]))
MEMBERS = {
    file_name(): GOOD,
    file_name(station="ST02"): station_file(
        rows([0.1, -0.2, 0.3], flag="G"), first=header(station="ST02")
    ),
    file_name(station="ST03"): b"",
    file_name(station="ST04"): station_file(
        rows([30.0, 31.0]), first=header(station="ST04")
    ),
}


@pytest.mark.parametrize("write", [write_zip, write_folder])
def test_station_archive_is_read_and_accounted_for(
    tmp_path: Path, write: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    (report,) = validate_file(write(tmp_path / "archive", MEMBERS))
    assert (report.kind, report.schema) == ("archive", "reader ismn")
    assert report.counts == {"found": 4, "read": 2, "rejected": 2}
    assert report.account is not None
    assert report.account["values"] == {
        "read": 6,
        "good": 5,
        "dropped": {"negative": 1},
    }
    assert report.account["rejected_by_reason"] == {"empty file": 1, "not m3 m-3": 1}
    assert [failure.found.split(":")[0] for failure in report.failures] == [
        "empty file",
        "not m3 m-3",
    ]


def test_flux_tower_archive_is_recognised_by_its_members(tmp_path: Path) -> None:
    members = {SUBSET: daily_csv(), "sites.csv": sites_csv(DE_Geb=(51.1, 10.91))}
    (report,) = validate_file(write_archive(tmp_path / "a.zip", members))
    assert report.schema == "reader fluxnet"
    assert report.failures == ()


def test_a_recipe_places_the_sites_of_an_archive(
    tmp_path: Path, repository: Path
) -> None:
    path = write_archive(tmp_path / "a.zip", {SUBSET: daily_csv()})
    (alone,) = validate_file(path)
    assert "a recipe's positions" in alone.failures[0].expected
    recipe = repository / "conf/recipe/fluxnet.yaml"
    (placed,) = validate_file(path, recipe=recipe)
    assert placed.failures == ()


def test_uscrn_archive_is_recognised_by_its_members(tmp_path: Path) -> None:
    path = write_archive(
        tmp_path / "a.zip",
        {
            "CRND0103-2020-TX_Somewhere.txt": daily_line(SOIL_MOISTURE_5_DAILY=0.2)
            + "\n"
        },
    )
    (report,) = validate_file(path)
    assert report.schema == "reader uscrn"
    assert report.failures == ()


@pytest.mark.parametrize("name", ["field.csv", "fields"])
def test_station_files_as_csv_are_recognised(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    file = path if path.suffix else path / "a.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text(csv_file())
    (report,) = validate_file(path)
    assert (report.valid, report.schema) == (True, "reader csv")
    assert report.account is not None
    assert report.account["values"] == {"read": 2, "good": 2, "dropped": {}}


def test_archive_without_station_files_is_not_valid(tmp_path: Path) -> None:
    (report,) = validate_file(write_zip(tmp_path / "a.zip", {"readme.txt": b"hello"}))
    assert [failure.expected for failure in report.failures] == [
        "at least one station file"
    ]


def test_hostile_archive_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"../evil.stm": GOOD})
    with pytest.raises(InputError, match="relative path"):
        validate_file(path)


@pytest.mark.parametrize("name", ["mine.parquet", "mine.nc"])
def test_storage_is_recognised_by_the_first_bytes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_parquet(TABLES["cells"](), path)
    assert recognise_storage(path) == "table"


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(validate)
    return app


def test_command_exits_1_and_shows_what_failed(
    tmp_path: Path, command: typer.Typer
) -> None:
    path = tmp_path / "mine.parquet"
    frame = TABLES["observations"]()
    write_parquet(frame, path)
    assert CliRunner().invoke(command, [str(path)]).exit_code == 0
    write_parquet(frame.assign(soil_moisture=frame["soil_moisture"] * 100), path)
    result = CliRunner().invoke(command, [str(path)])
    assert result.exit_code == 1
    assert "expected: from 0 to 1" in result.output
    answer = CliRunner().invoke(command, [str(path), "--json"])
    assert answer.exit_code == 1
    (content,) = json.loads(answer.output)
    assert content["valid"] is False
    assert "soil_moisture" in {item["where"] for item in content["failures"]}


@pytest.mark.parametrize("name", ["", " "])
def test_empty_name_is_not_the_working_folder(command: typer.Typer, name: str) -> None:
    result = CliRunner().invoke(command, [name])
    assert isinstance(result.exception, UsageError)


def test_predictions_are_sent_where_they_are_checked(tmp_path: Path) -> None:
    grid = xr.Dataset({"soil_moisture": ("time", [0.1, 0.2])})
    write_netcdf(grid, tmp_path / "mine.nc")
    with pytest.raises(InputError, match="somobench evaluate"):
        validate_file(tmp_path / "mine.nc")
    (report,) = validate_file(tmp_path / "mine.nc", "targets")
    assert not report.valid
