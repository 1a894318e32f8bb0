"""The virtual stations as an archive in ISMN's header+values layout.

Header lines end with LF CR and rows with CR LF, as in real archives; rows carry four or
five tokens, joined flags come in either order, and some members are no data at all.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from somobench.catalog.storage.atomic import replace_file
from somobench.pipelines.raw.world.regions import Network
from somobench.pipelines.raw.world.sensors import FLAGS, MISSING_BIT, Readings
from somobench.pipelines.raw.world.stations import Station

Bytes = npt.NDArray[np.uint8]

FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip member can carry
HEADER_END, ROW_END = "\n\r", "\r\n"
STATIC_COLUMNS = (
    *("quantity_name", "unit", "depth_from[m]", "depth_to[m]", "value", "description"),
    *("quantity_source_name", "quantity_source_description"),
    *("quantity_source_provider", "quantity_source_version"),
    *("quantity_source_resolution", "quantity_source_timerange"),
    "quantity_source_url",
)
README = """SoMoBench virtual stations: SIMULATED, not observations.

Layout: header+values of the International Soil Moisture Network.
<Network>/<Station>/CSE_Network_Station_variable_depthfrom_depthto_sensor_start_end.stm
First line: CSE network station latitude longitude elevation depth_from depth_to sensor
Rows, UTC: yyyy/mm/dd HH:MM value flag [flag of the provider]
sm in m3 m-3, ts in degrees Celsius. Flags: C01-C03, D01-D10, G good, M missing.
"""


def format_times(times: npt.NDArray[np.datetime64]) -> Bytes:
    """Return `yyyy/mm/dd HH:MM` as bytes, (time, 16)."""
    texts = np.datetime_as_string(times, unit="m").astype("S16")
    table = texts.view("uint8").reshape(-1, 16).copy()
    table[:, [4, 7]] = ord("/")
    table[:, 10] = ord(" ")
    return table


def _build_text_table(texts: list[str]) -> Bytes:
    """Return texts as rows of bytes, filled up with zero bytes."""
    encoded = np.asarray([text.encode() for text in texts], dtype=np.bytes_)
    return encoded.view("uint8").reshape(len(texts), -1)


def format_values(values: npt.NDArray[np.float64], width: int) -> Bytes:
    """Return numbers between -1 and 100 with four decimals as bytes, (value, ...)."""
    whole = np.rint(values * 1e4).astype("int64")
    levels, place = np.unique(whole, return_inverse=True)
    return _build_text_table(
        [f"{level / 1e4:{width}.4f}" for level in levels.tolist()]
    )[place]


def format_flags(bits: int, network: Network) -> str:
    """Return what follows a value: its flags, and the provider's where it has one."""
    if bits & int(MISSING_BIT):
        names = ["M"]
    else:
        names = [flag for place, flag in enumerate(FLAGS) if bits >> place & 1]
    if network.width:  # one generation of files joins flags in no order
        names.reverse()
    provider = network.provider[int(bool(names))] if network.provider else ""
    return f" {','.join(names) or 'G'} {provider}".rstrip() + ROW_END


def format_rows(
    times: Bytes, values: npt.NDArray[np.float64], bits: npt.NDArray[Any], net: Network
) -> bytes:
    """Return a file's rows; built as tables of bytes whose filling is dropped."""
    numbers = format_values(values, net.width)
    kinds, place = np.unique(bits, return_inverse=True)
    flags = _build_text_table([format_flags(int(kind), net) for kind in kinds])[place]
    blank = np.full((len(times), 1), ord(" "), dtype="uint8")
    missing = (bits & MISSING_BIT).astype(bool)
    if missing.any():
        absent = _build_text_table(["-9999.0000"])
        wide = np.zeros((len(times), absent.shape[1]), dtype="uint8")
        wide[:, : numbers.shape[1]] = numbers
        wide[missing] = absent
        numbers = wide
    table = np.concatenate([times, blank, numbers, flags], axis=1)
    text: bytes = table[table != 0].tobytes()
    return text


def format_header(station: Station, depth: tuple[float, float], sensor: str) -> str:
    """Return the first line of a file, padded as ISMN does."""
    network = station.network
    return (
        f"{network.cse:<10} {network.name:<15} {station.name:<15} "
        f"{station.latitude:9.5f} {station.longitude:10.5f} {station.elevation:8.2f} "
        f"{depth[0]:7.2f} {depth[1]:7.2f} {sensor}{HEADER_END}"
    )


def format_member_stem(station: Station) -> str:
    """Return what the names of all of a station's files begin with."""
    network = station.network
    return f"{network.name}/{station.name}/{network.cse}_{network.name}_{station.name}"


def format_member_name(
    station: Station, variable: str, depth: tuple[float, float], sensor: str, days: str
) -> str:
    """Return a file's place in the archive; `days` is `yyyymmdd_yyyymmdd`."""
    probe = sensor.replace(" ", "-")
    return (
        f"{format_member_stem(station)}_{variable}_"
        f"{depth[0]:.6f}_{depth[1]:.6f}_{probe}_{days}.stm"
    )


def format_sensor_file(
    station: Station,
    depth: tuple[float, float],
    sensor: str,
    readings: Readings,
    times: Bytes,
) -> bytes:
    """Return the bytes of one sensor's file."""
    rows = format_rows(
        times[readings.hours], readings.values, readings.flags, station.network
    )
    return format_header(station, depth, sensor).encode() + rows


def format_static_file(saturation: float, clay: float) -> bytes:
    """Return a station's static variables in ISMN's layout, all simulated."""
    shares = (100.0 * saturation, 10.0 + 45.0 * clay, 75.0 - 60.0 * clay)
    rows = [
        ("saturation", "m^3*m^-3", f"{saturation:.2f}"),
        ("clay fraction", "% weight", f"{shares[1]:.2f}"),
        ("sand fraction", "% weight", f"{shares[2]:.2f}"),
        ("silt fraction", "% weight", f"{100.0 - shares[1] - shares[2]:.2f}"),
    ]
    source = "virtual;simulated;SoMoBench;none;none;None;none;"
    lines = [";".join(STATIC_COLUMNS) + ";"]
    for top, bottom in (("0.00", "0.30"), ("0.30", "1.00")):
        lines += [
            f"{name};{unit};{top};{bottom};{value};;{source}"
            for name, unit, value in rows
        ]
    return ("\n".join(lines) + "\n").encode()


def make_damaged_members(network: str, days: str) -> dict[str, bytes]:
    """Return members that hold no readable data, as real archives have some."""
    start = f"{network}/Broken/{network}_{network}_Broken_sm_0.050000_0.050000_"
    header = f"{network} {network} Broken 0.0 north 0.0 0.05 0.05 Probe-C{HEADER_END}"
    row = f"2018/01/01 00:00 0.2000 G M{ROW_END}"
    return {
        f"{start}Probe-A_{days}.stm": b"",
        f"{start}Probe-B_{days}.stm": b"<html><body>502 Bad Gateway</body></html>\n",
        f"{start}Probe-C_{days}.stm": (header + row).encode(),
    }


def write_archive(members: Mapping[str, bytes], path: Path) -> None:
    """Write a zip whose bytes depend on the members alone: stored, sorted, undated."""
    with replace_file(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, FIXED_DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, on whatever system it is written
            archive.writestr(entry, members[name])
