"""Keyword-only builders of small ISMN files and archives, right ones and wrong ones."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from somobench.pipelines.stations import Rejection, SensorSeries
from somobench.pipelines.stations.ismn import IsmnSource


def file_name(
    *,
    variable: str = "sm",
    station: str = "ST01",
    depths: tuple[float, float] = (0.05, 0.05),
    sensor: str = "Probe",
    days: str = "20200101_20201231",
) -> str:
    """Return a member name as ISMN builds it."""
    span = "_".join(f"{depth:.6f}" for depth in depths)
    return f"NET/{station}/NET_NET_{station}_{variable}_{span}_{sensor}_{days}.stm"


def header(
    *,
    station: str = "ST01",
    place: tuple[float, float] = (53.67728, 10.0248),
    depths: tuple[float, float] = (0.05, 0.05),
    sensor: str = "Probe",
) -> str:
    """Return a header line without its end, in the older column widths."""
    return (
        f"NET        NET             {station:<15} {place[0]:9.5f} {place[1]:10.5f}"
        f"   22.50 {depths[0]:7.2f} {depths[1]:7.2f} {sensor}"
    )


def hours(count: int, *, start: str = "2020-01-01T00:00") -> list[str]:
    """Return hourly times as they stand in a row."""
    times = np.datetime64(start, "m") + 60 * np.arange(count)
    return [str(time).replace("-", "/").replace("T", " ") for time in times]


def rows(
    values: Sequence[float | str],
    *,
    flag: str = "G",
    provider: str = "M",
    start: str = "2020-01-01T00:00",
) -> list[str]:
    """Return one row an hour."""
    texts = [value if isinstance(value, str) else f"{value:8.4f}" for value in values]
    times = hours(len(values), start=start)
    return [
        f"{time} {text} {flag} {provider}"
        for time, text in zip(times, texts, strict=True)
    ]


def station_file(lines: Sequence[str], *, first: str | None = None) -> bytes:
    r"""Return header and rows with ISMN's line ends: `\n\r` once, then `\r\n`."""
    body = "".join(f"{line}\r\n" for line in lines)
    return f"{header() if first is None else first}\n\r{body}".encode()


def ceop_file(lines: Sequence[str], *, first: str | None = None) -> bytes:
    """Return rows that repeat time, names, place and depth."""
    repeated = (header() if first is None else first).rsplit(maxsplit=1)[0]
    return "".join(
        f"{line[:16]} {line[:16]} {repeated}{line[16:]}\r\n" for line in lines
    ).encode()


def write_zip(path: Path, members: Mapping[str, bytes]) -> Path:
    """Write an archive, the same bytes whatever the clock says; return its path."""
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            file.writestr(member, content, zipfile.ZIP_DEFLATED)
    return path


def write_folder(path: Path, members: Mapping[str, bytes]) -> Path:
    """Write the same members as files and return the folder."""
    for name, content in members.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return path


VALUES = [0.1, 0.2, 0.3]


def outcome(
    tmp_path: Path, content: bytes, *, name: str | None = None
) -> SensorSeries | Rejection:
    """Read an archive of one file."""
    path = write_zip(tmp_path / "a.zip", {name or file_name(): content})
    (found,) = IsmnSource().read(path)
    return found


def series(tmp_path: Path, content: bytes, *, name: str | None = None) -> SensorSeries:
    found = outcome(tmp_path, content, name=name)
    assert isinstance(found, SensorSeries), found
    return found


GOOD = station_file(rows(VALUES))
