"""Archives of flux towers in FLUXNET's own layout, small enough to read."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

Column = float | Sequence[float | str]

SUBSET = "FLX_DE-Geb_FLUXNET2015_SUBSET_DD_2001-2014_1-4.csv"
FLUXMET = "EUF_DE-Geb_FLUXNET_FLUXMET_DD_2001-2024_v1.3_r1.csv"
ERA5 = "EUF_DE-Geb_FLUXNET_ERA5_DD_1981-2025_v1.3_r1.csv"
BIF = "EUF_DE-Geb_FLUXNET_BIF_2001-2024_v1.3_r1.csv"
VARINFO = "EUF_DE-Geb_FLUXNET_BIFVARINFO_DD_2001-2024_v1.3_r1.csv"
BADM_HEADER = "SITE_ID,GROUP_ID,VARIABLE_GROUP,VARIABLE,DATAVALUE"


def make_stamps(days: int, start: str = "2004-02-27") -> list[str]:
    """Return days as YYYYMMDD; the default start has a leap day."""
    dates = np.datetime64(start, "D") + np.arange(days)
    return [str(date).replace("-", "") for date in dates]


def daily_csv(
    days: int = 4, *, stamps: Sequence[str] | None = None, **columns: Column
) -> str:
    """Return a daily file: SWC_F_MDS_1 of 20 to 23 %, quality 1, unless given."""
    given: dict[str, Column] = {
        "SWC_F_MDS_1": [20.0 + day for day in range(days)],
        "SWC_F_MDS_1_QC": 1.0,
        **columns,
    }
    listed = {"TIMESTAMP": list(stamps or make_stamps(days))}
    listed |= {
        name: [str(values)] * days
        if isinstance(values, int | float)
        else [str(value) for value in values]
        for name, values in given.items()
    }
    rows = zip(*listed.values(), strict=True)
    return "\n".join([",".join(listed), *(",".join(row) for row in rows)]) + "\n"


def sites_csv(**places: tuple[object, object]) -> str:
    """Return `sites.csv` with latitude and longitude; `_` in names stands for `-`."""
    rows = [
        f"{name.replace('_', '-')},{north},{east},GRA,1.25,20,40,40"
        for name, (north, east) in places.items()
    ]
    header = "site,lat,lon,igbp,pet_o_p,T_CLAY,T_SAND,T_SILT"
    return "\n".join([header, *rows]) + "\n"


def badm_csv(
    depths: Mapping[str, object] | None = None,
    *,
    place: tuple[object, object] = (51.1, 10.91),
    site: str = "DE-Geb",
) -> str:
    """Return a BADM table: the site's place, and heights of columns below ground."""
    rows = [
        f"{site},1,GRP_LOCATION,LOCATION_LAT,{place[0]}",
        f"{site},1,GRP_LOCATION,LOCATION_LONG,{place[1]}",
        f"{site},1,GRP_LOCATION,LOCATION_ELEV,161.5",
        f"{site},2,GRP_IGBP,IGBP,CRO",
    ]
    for number, (column, height) in enumerate((depths or {}).items(), start=10):
        rows += [
            f"{site},{number},GRP_VAR_INFO,VAR_INFO_VARNAME,{column}",
            f"{site},{number},GRP_VAR_INFO,VAR_INFO_HEIGHT,{height}",
        ]
    return "\n".join([BADM_HEADER, *rows]) + "\n"


def zip_bytes(members: Mapping[str, str | bytes]) -> bytes:
    """Return a zip of members."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(name, text)
    return content.getvalue()


def write_archive(path: Path, members: Mapping[str, str | bytes]) -> Path:
    """Write a zip, or a folder where the path has no ending."""
    if path.suffix:
        path.write_bytes(zip_bytes(members))
        return path
    for name, text in members.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
