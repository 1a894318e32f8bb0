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


def portal_zips(
    sites: Mapping[str, tuple[float, float, float]], years: int
) -> dict[str, bytes]:
    """Return a zip a site as the data portal delivers it, with weather and soil.

    Parameters
    ----------
    sites : latitude, longitude, and rain in mm of a wet day, by name
    years : from 2004 on
    """
    return {
        f"EUF_{name}_FLUXNET_2004-{2003 + years}_v1.3_r1.zip": zip_bytes(
            _portal_members(name, site, years, seed)
        )
        for seed, (name, site) in enumerate(sites.items())
    }


def _portal_members(
    name: str, site: tuple[float, float, float], years: int, seed: int
) -> dict[str, str]:
    start, end = np.datetime64("2004-01-01"), np.datetime64(f"{2004 + years}-01-01")
    days = int((end - start).astype(int))
    rng = np.random.default_rng(seed)
    season = np.sin(2 * np.pi * (np.arange(days) - 100) / 365.25)
    rain = np.where(rng.random(days) < 0.3, site[2], 0.0) * rng.random(days)
    stamps = make_stamps(days, "2004-01-01")
    soil = np.convolve(rain, 0.9 ** np.arange(30))[:days] + rng.normal(0, 0.1, days)
    upper, lower = 15 + soil / 5, 20 + soil / 10
    lower[50:60] = -9999
    quality = np.where(np.arange(days) < 20, 0.1, 1.0)
    energy = 90 + 70 * season + rng.normal(0, 8, days)
    energy[40:45] = -9999
    weather = {
        "TA": 9 + 9 * season + rng.normal(0, 2, days),
        "P": rain,
        "VPD": 5 + 3 * season + rng.random(days),
        "SW_IN": 140 + 90 * season + rng.normal(0, 10, days),
        "WS": 2 + rng.random(days),
    }
    tower = {f"{key}_F": (values + 1).tolist() for key, values in weather.items()}
    era5 = {f"{key}_ERA": values.tolist() for key, values in weather.items()}
    measured = daily_csv(
        days,
        stamps=stamps,
        **tower,
        SWC_F_MDS_1=upper.round(4).tolist(),
        SWC_F_MDS_1_QC=quality.tolist(),
        SWC_F_MDS_2=lower.round(4).tolist(),
        SWC_F_MDS_2_QC=1.0,
        NETRAD=energy.round(3).tolist(),
        NETRAD_QC=1.0,
        LE_F_MDS=(50 + 30 * season + rng.normal(0, 5, days)).tolist(),
        LE_F_MDS_QC=1.0,
    )
    reanalysis = "\n".join(
        [
            ",".join(["TIMESTAMP", *era5]),
            *(
                ",".join(map(str, row))
                for row in zip(stamps, *era5.values(), strict=True)
            ),
        ]
    )
    begin = f"EUF_{name}_FLUXNET"
    period = f"2004-{2003 + years}_v1.3_r1.csv"
    depths = {"SWC_F_MDS_1": -0.05, "SWC_F_MDS_2": -0.2}
    return {
        f"{begin}_FLUXMET_DD_{period}": measured,
        f"{begin}_ERA5_DD_1981-2025_v1.3_r1.csv": reanalysis,
        f"{begin}_BIF_{period}": badm_csv(place=site[:2], site=name),
        f"{begin}_BIFVARINFO_DD_{period}": badm_csv(depths, place=site[:2], site=name),
        "README.txt": "general information about the data product",
        "DATA_POLICY_LICENSE_AND_INSTRUCTIONS.txt": "CC-BY-4.0",
    }
