"""What lies under an input's path: known by content, unpacked safely, never lost."""

from __future__ import annotations

import os
import zipfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from factories.faults.fuzzed.zips import spoil
from factories.raw.era5_stores import make_era5
from somobench.pipelines.forcing.era5.files import members as era5_members
from somobench.pipelines.forcing.era5.files.members import find_members
from somobench.schemas.errors import InputError


def found_in(path: Path) -> tuple[list[tuple[str, str]], list[str]]:
    with ExitStack() as stack:
        found, passed_over = find_members(path, stack)
        return (
            [(item.name, item.kind) for item in found],
            [item.name for item in passed_over],
        )


def netcdf(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    make_era5(days=1, names=("t2m",)).to_netcdf(path)
    return path


def zipped(path: Path, **members: bytes | Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            data = content.read_bytes() if isinstance(content, Path) else content
            archive.writestr(name.replace("__", "."), data)
    return path


def test_zip_whose_directory_has_no_name_is_refused(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    path = zipped(tmp_path / "a.zip", readme__txt=b"from the store")
    path.write_bytes(spoil(path.read_bytes(), "no name", rng))
    with pytest.raises(InputError, match="expected: a whole zip file"):
        found_in(path)


def test_folder_gives_every_store_below_it_and_names_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "era5"
    data = netcdf(folder / "2018/01/t2m.nc")
    zipped(folder / "2018/02.zip", data__nc=data, readme__txt=b"from the store")
    netcdf(folder / "no_suffix")
    make_era5(days=1, names=("t2m",)).to_zarr(folder / "2018/03.zarr", zarr_format=2)
    (folder / "box.grib.923a8.idx").write_bytes(b"an index of cfgrib")
    (folder / "._t2m.nc").write_bytes(b"\0\5\26\7 of macOS")
    found, passed_over = found_in(folder)
    assert found == [
        ("2018/01/t2m.nc", "netcdf"),
        ("2018/02.zip/data.nc", "netcdf"),
        ("2018/03.zarr", "zarr"),
        ("no_suffix", "netcdf"),
    ]
    assert sorted(passed_over) == [
        "._t2m.nc",
        "2018/02.zip/readme.txt",
        "box.grib.923a8.idx",
    ]


def test_unpacked_files_are_removed_at_the_end(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", data__nc=netcdf(tmp_path / "data.nc"))
    with ExitStack() as stack:
        [member], _ = find_members(path, stack)
        assert Path(member.place).exists()
    assert not Path(member.place).exists()


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("box.nc", b"<html>503 Service Unavailable", "begin with b'<html>50'"),
        ("box.grib", b"", "0 bytes that begin with b''"),
        ("box.zip", b"PK\3\4 cut short", "File is not a zip file"),
    ],
)
def test_data_file_that_is_none_is_refused_in_a_folder_too(
    name: str, content: bytes, found: str, tmp_path: Path
) -> None:
    netcdf(tmp_path / "era5/good.nc")
    (tmp_path / "era5" / name).write_bytes(content)
    for path in (tmp_path / "era5", tmp_path / "era5" / name):
        with pytest.raises(InputError, match=rf"(?s){name}.*{found}"):
            found_in(path)


def test_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.nc")
    with pytest.raises(InputError, match="a pipe or device"):
        found_in(tmp_path)


def test_zip_without_data_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", readme__txt=b"nothing")
    with pytest.raises(InputError, match="a zip without netCDF or GRIB files"):
        found_in(path)


def test_zip_with_a_member_that_is_no_data_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", data__nc=b"<html>")
    with pytest.raises(InputError, match=r"(?s)a\.zip/data\.nc.*begin with b'<html>'"):
        found_in(path)


def test_zip_within_a_zip_is_refused_as_what_it_is(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", readme__txt=b"nothing")
    path = zipped(tmp_path / "a.zip", inner__zip=inner)
    with pytest.raises(InputError, match=r"(?s)a\.zip/inner\.zip.*a zip within a zip"):
        found_in(path)


def test_zip_is_unpacked_below_its_own_folder_alone(tmp_path: Path) -> None:
    data = netcdf(tmp_path / "data.nc").read_bytes()
    path = tmp_path / "in/evil.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.nc", data)
    found_in(path)
    assert sorted(item.name for item in tmp_path.rglob("*.nc")) == ["data.nc"]


def test_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(era5_members, "MAXIMUM_RATIO", 3)
    path = zipped(tmp_path / "bomb.zip", data__nc=bytes(2**22))
    with pytest.raises(InputError, match=r"(?s)bomb\.zip.*4194304 bytes.*3 to 1"):
        found_in(path)


def test_zip_larger_than_the_room_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "a.zip", data__nc=netcdf(tmp_path / "data.nc"))

    class Room:
        free = 1000

    monkeypatch.setattr(era5_members.shutil, "disk_usage", lambda _: Room)
    with pytest.raises(InputError, match=r"(?s)room for them: 1000 bytes.*TMPDIR"):
        found_in(path)


def test_damaged_member_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", data__nc=netcdf(tmp_path / "data.nc"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"(?s)a\.zip.*a whole zip file"):
        found_in(path)


def test_zip_of_something_else_in_a_folder_is_passed_over_once(tmp_path: Path) -> None:
    netcdf(tmp_path / "era5/good.nc")
    zipped(tmp_path / "era5/stations.zip", a__stm=b"rows", b__stm=b"rows")
    assert found_in(tmp_path / "era5") == ([("good.nc", "netcdf")], ["stations.zip"])
