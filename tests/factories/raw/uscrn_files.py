"""Builders of USCRN lines and archives, keyword-only."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from somobench.pipelines.stations.uscrn.layout import DAILY, HOURLY, Layout

DECIMALS = {"SOLARAD_DAILY": 2, "LATITUDE": 2, "LONGITUDE": 2, "CRX_VN": 3}


def daily_line(
    date: str = "20200101",
    *,
    wban: str = "03047",
    fields: Mapping[str, object] | None = None,
    **more: object,
) -> str:
    """Return a daily01 line; fields that aren't given hold the missing code."""
    given = {"WBANNO": wban, "LST_DATE": date, "SUR_TEMP_DAILY_TYPE": "C"}
    return _line(DAILY, given | dict(fields or {}) | more)


def hourly_line(
    date: str = "20200101", time: str = "0100", *, wban: str = "03047", **fields: object
) -> str:
    """Return an hourly02 line; flags that aren't given are good."""
    flags = {name: "0" for name in HOURLY.widths if name.endswith("_FLAG")}
    given = {
        "WBANNO": wban, "UTC_DATE": date, "UTC_TIME": time, "LST_DATE": date,
        "LST_TIME": "0000", "SUR_TEMP_TYPE": "C",
    }  # fmt: skip
    return _line(HOURLY, given | flags | fields)


def _line(layout: Layout, given: Mapping[str, object]) -> str:
    values = {"CRX_VN": 2.622, "LATITUDE": 31.62, "LONGITUDE": -102.81} | dict(given)
    return " ".join(
        _text(name, values.get(name)).rjust(width)
        for name, width in layout.widths.items()
    )


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    is_moisture = name.startswith("SOIL_MOISTURE")
    decimals = 3 if is_moisture else DECIMALS.get(name, 1)
    if value is None and name in {"SOLARAD", "SOLARAD_MAX", "SOLARAD_MIN"}:
        return "-99999"
    if value is None and name == "RH_HR_AVG":
        return "-9999"
    missing = -99.0 if is_moisture else -9999.0
    return f"{missing if value is None else value:.{decimals}f}"


def write_archive(path: Path, members: Mapping[str, str | bytes]) -> Path:
    """Write a zip of members in the order given."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path
