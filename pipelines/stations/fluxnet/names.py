"""Names of FLUXNET's files: which site, product and resolution a file claims to be.

`<network>_<site>_FLUXNET2015_<product>_<resolution>_<years>_<version>.csv`, and since
2025 `<network>_<site>_FLUXNET_<product>_<resolution>_<years>_<version>_<release>.csv`
(README of the FLUXNET data product).
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

DAILY = "DD"
MEASURED = ("FLUXMET", "FULLSET", "SUBSET", "FET")
"""Products with what a tower measured; of several the first counts. `FET` are files of
doi:10.5281/zenodo.7853208, rewritten into FLUXNET's names."""
REANALYSIS = ("ERA5", "ERAI")
"""Products with the reanalysis at the site; of several the first counts."""
METADATA = ("BIF", "BIFVARINFO")
SITES_TABLE = "sites.csv"
OTHER_RESOLUTIONS = {
    "HH": "half-hourly values",
    "HR": "hourly values",
    "WW": "values of weeks",
    "MM": "values of months",
    "YY": "values of years",
}

_NAME = re.compile(
    r"(?P<network>[A-Z]+)_(?P<site>[A-Z]{2}-[A-Za-z0-9]{3,4})_FLUXNET(?:2015)?"
    r"_(?P<product>[A-Z0-9]+)(?:_(?P<resolution>HH|HR|DD|WW|MM|YY))?"
    r"(?:_(?P<years>\d{4}-\d{4}))?(?P<version>(?:_[A-Za-z]?\d[A-Za-z0-9.\-]*)*)\.csv",
)


class FileName(NamedTuple):
    """What a file's name claims."""

    network: str
    site: str
    product: str
    resolution: str
    """Empty where the name gives none."""
    version: tuple[int, ...]
    """Numbers of the version, such as (1, 4)."""


def parse_file_name(name: str) -> FileName | None:
    """Return what a member's name claims; None where it is no FLUXNET file."""
    found = _NAME.fullmatch(PurePosixPath(name).name)
    if found is None:
        return None
    numbers = tuple(int(part) for part in re.findall(r"\d+", found["version"]))
    return FileName(
        found["network"],
        found["site"],
        found["product"],
        found["resolution"] or "",
        numbers,
    )


def is_companion(name: str) -> bool:
    """Tell whether a member lies beside the data by design: texts and other products.

    Files of other resolutions and auxiliary products come in every site's archive.
    """
    path = PurePosixPath(name)
    if path.suffix.lower() in {".txt", ".pdf", ".xlsx", ".md", ".json", ".html"}:
        return True
    named = parse_file_name(name)
    if named is None:
        return path.name == SITES_TABLE or path.name.startswith("FLX_AA-Flx_BIF")
    known = MEASURED + REANALYSIS
    return named.product not in known or named.resolution in OTHER_RESOLUTIONS
