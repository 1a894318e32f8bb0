"""Soil, land cover and climate that ISMN delivers beside its station files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from somobench.pipelines.stations import Rejection
from somobench.pipelines.stations.archive import DamagedMemberError, open_archive

StaticValue = float | str
SUFFIX = "_static_variables.csv"
COLUMNS = 7  # quantity, unit, depth_from, depth_to, value, description, source
TOP, BELOW = 0.0, 0.30  # m; upper edges of the two soil layers of HWSD

_SOIL = {
    "saturation": ("saturation", 1.0),  # m3 m-3
    "clay fraction": ("clay_fraction", 0.01),  # per cent of weight
    "sand fraction": ("sand_fraction", 0.01),
    "silt fraction": ("silt_fraction", 0.01),
    "organic carbon": ("organic_carbon_fraction", 0.01),
}
_LAYER = {TOP: "", BELOW: "_below_30_cm"}
_CLASSES = {
    "land cover classification": "land_cover",
    "climate classification": "climate",
}


def read_static_variables(
    path: Path,
) -> tuple[Mapping[str, Mapping[str, StaticValue]], tuple[Rejection, ...]]:
    """Read the static variables of every station of an archive.

    Parameters
    ----------
    path : Path
        A zip as downloaded, or a folder.

    Returns
    -------
    tuple
        By folder of the station's files in the archive (`SCAN/WaimeaPlain`, the
        parent of `source_file`): `sand_fraction`, `clay_fraction`, `silt_fraction`,
        `organic_carbon_fraction` (1) and `saturation` (m3 m-3) of 0 to 30 cm, the
        same with `_below_30_cm` of 30 to 100 cm, and classes such as
        `land_cover_CCI_landcover_2010` or `climate_koeppen_geiger_2007` as text.
        A value that isn't given
        has no key. Then the files that can't be read.
    """
    stations: dict[str, Mapping[str, StaticValue]] = {}
    rejections = []
    with open_archive(path) as archive:
        for member in archive.members:
            if not member.name.endswith(SUFFIX):
                continue
            try:
                text = archive.read(member.name).decode("utf-8")
                folder = str(PurePosixPath(member.name).parent)
                stations[folder] = parse_static_variables(text)
            except (DamagedMemberError, ValueError) as error:
                found = str(error)
                if isinstance(error, UnicodeDecodeError):
                    found = f"byte {error.start} isn't UTF-8"
                rejections.append(
                    Rejection(
                        member.name,
                        "static variables",
                        found,
                        "quantities in columns separated by semicolons, UTF-8",
                    )
                )
    return stations, tuple(rejections)


def parse_static_variables(text: str) -> dict[str, StaticValue]:
    """Read one file, with or without a header line.

    Quotation marks in it are inches and quote nothing.

    Raises
    ------
    ValueError
        If a row has too few columns, or a fraction is no number or above 1.
    """
    found: dict[str, StaticValue] = {}
    lines = text.removeprefix("\ufeff").splitlines()
    for line in lines[0 if lines and _is_row(lines[0]) else 1 :]:
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split(";")]
        if len(cells) < COLUMNS:
            message = f"{len(cells)} columns in {line[:60]!r}"
            raise ValueError(message)
        quantity, _, depth, _, value, _, source = cells[:COLUMNS]
        if quantity in _CLASSES and value:
            found.setdefault(f"{_CLASSES[quantity]}_{source}", value)
        elif quantity in _SOIL and depth and float(depth) in _LAYER:
            name, factor = _SOIL[quantity]
            if _is_known(value):
                name += _LAYER[float(depth)]
                found.setdefault(name, _share(quantity, value, factor))
    return found


def _share(quantity: str, value: str, factor: float) -> float:
    share = round(float(value) * factor, 6)
    if share > 1:
        message = f"{quantity} {value}, which is more than the whole"
        raise ValueError(message)
    return share


def _is_row(line: str) -> bool:
    """Tell whether a first line describes a quantity, and so is no header."""
    return line.partition(";")[0].strip() in _SOIL.keys() | _CLASSES.keys()


def _is_known(value: str) -> bool:
    """Tell whether a number is given; a negative one stands for an unknown one."""
    return value.lower() not in ("", "nan", "none") and float(value) >= 0
