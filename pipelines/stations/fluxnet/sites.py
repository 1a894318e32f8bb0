"""What archives say of sites: place, vegetation, soil, depths of their sensors.

BADM tables (`BIF`, `BIFVARINFO`) are long: site, group, kind of group, variable, value.
`sites.csv` lies in the archive of doi:10.5281/zenodo.7853208, one row a site.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import numpy as np

from somobench.pipelines.stations import Rejection
from somobench.pipelines.stations.archive import DamagedMemberError
from somobench.pipelines.stations.fluxnet.files import MISSING
from somobench.pipelines.stations.fluxnet.members import SiteArchive
from somobench.pipelines.stations.fluxnet.names import (
    METADATA,
    SITES_TABLE,
    parse_file_name,
)
from somobench.schemas.manifest import DOI

BADM_COLUMNS = ("SITE_ID", "GROUP_ID", "VARIABLE_GROUP", "VARIABLE", "DATAVALUE")
POSITION = ("LOCATION_LAT", "LOCATION_LONG")
ALL_SITES = "FLX_AA-Flx_BIF"  # one table for all sites, FLUXNET2015
FRACTIONS = {"CLAY": "clay", "SAND": "sand", "SILT": "silt"}
SOIL_DEPTHS = {"T": "", "S": "_below_30_cm"}  # topsoil and subsoil of HWSD
PERCENT = 100.0


TableReader = Callable[[str], Iterator[tuple[str, "Site"]]]
"""From the text of a table to its sites."""


@dataclass(frozen=True)
class Site:
    """A site; NaN and empty texts where nothing is known."""

    latitude: float = float("nan")
    longitude: float = float("nan")
    elevation: float = float("nan")
    vegetation_class: str = ""
    aridity: float = float("nan")
    """Potential evaporation over precipitation, long-term mean."""
    fractions: Mapping[str, float] = field(default_factory=dict)
    """Soil texture by name of the static attribute."""
    depths: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By column, depths in m, positive down, that its table gives."""
    doi: str = ""
    """Under which its data are to be cited."""
    citation: str = ""

    @property
    def placed(self) -> bool:
        """Whether its position is known and possible."""
        return abs(self.latitude) <= 90 and abs(self.longitude) <= 180  # noqa: PLR2004


def read_sites(archive: SiteArchive) -> tuple[dict[str, Site], list[Rejection]]:
    """Read all tables of sites in an archive; later ones complete earlier ones."""
    sites: dict[str, Site] = {}
    rejections: list[Rejection] = []
    for name in archive.names:
        read = _find_reader(name)
        if read is None:
            continue
        try:
            found = dict(read(archive.read(name).decode("utf-8-sig", "replace")))
        except DamagedMemberError as error:
            rejections.append(
                Rejection(name, "damaged", str(error.found), str(error.expected))
            )
            continue
        except (KeyError, ValueError, csv.Error) as error:
            rejections.append(
                Rejection(name, "table of sites", str(error), "its documented columns")
            )
            continue
        for site, values in found.items():
            sites[site] = _complete(sites.get(site, Site()), values)
    return sites, rejections


def _find_reader(name: str) -> TableReader | None:
    base = PurePosixPath(name).name
    if base == SITES_TABLE:
        return _read_sites_table
    named = parse_file_name(name)
    if base.startswith(ALL_SITES) and base.endswith(".csv"):
        return _read_badm
    if named is not None and named.product in METADATA:
        return _read_badm
    return None


def _complete(known: Site, further: Site) -> Site:
    """Return a site with what it lacks taken from another description of it."""
    if not known.placed:
        known = replace(known, latitude=further.latitude, longitude=further.longitude)
    return replace(
        known,
        elevation=further.elevation if np.isnan(known.elevation) else known.elevation,
        vegetation_class=known.vegetation_class or further.vegetation_class,
        aridity=further.aridity if np.isnan(known.aridity) else known.aridity,
        fractions={**further.fractions, **known.fractions},
        doi=known.doi or further.doi,
        citation=known.citation or (further.citation if not known.doi else ""),
        depths={**further.depths, **known.depths},
    )


def _number(text: str | None) -> float:
    """Parse a number; NaN where there is none, or where it says missing."""
    try:
        number = float(text) if text else float("nan")
    except ValueError:
        return float("nan")
    return number if np.isfinite(number) and number != MISSING else float("nan")


def _read_sites_table(text: str) -> Iterator[tuple[str, Site]]:
    for row in csv.DictReader(io.StringIO(text), strict=True):
        fractions = {
            f"{ours}_fraction{suffix}": _number(row.get(f"{depth}_{theirs}")) / PERCENT
            for depth, suffix in SOIL_DEPTHS.items()
            for theirs, ours in FRACTIONS.items()
        }
        yield (
            row["site"],
            Site(
                latitude=_number(row["lat"]),
                longitude=_number(row["lon"]),
                vegetation_class=(row.get("igbp") or "").strip(),
                aridity=_number(row.get("pet_o_p")),
                fractions={
                    name: value
                    for name, value in fractions.items()
                    if np.isfinite(value)
                },
            ),
        )


def _read_badm(text: str) -> Iterator[tuple[str, Site]]:
    rows = csv.DictReader(io.StringIO(text), strict=True)
    missing = set(BADM_COLUMNS) - set(rows.fieldnames or ())
    if missing:
        message = f"no column {', '.join(sorted(missing))}"
        raise KeyError(message)
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        key = row["SITE_ID"], row["GROUP_ID"]
        groups.setdefault(key, {})[row["VARIABLE"]] = row["DATAVALUE"] or ""
    by_site: dict[str, list[dict[str, str]]] = {}
    for (site, _), values in groups.items():
        by_site.setdefault(site, []).append(values)
    for site, parts in by_site.items():
        yield site, _describe_site(parts)


def _describe_site(groups: list[dict[str, str]]) -> Site:
    first: dict[str, str] = {}
    depths: dict[str, set[float]] = {}
    for values in groups:
        for name, value in values.items():
            first.setdefault(name, value)
        height = _number(values.get("VAR_INFO_HEIGHT"))
        column = values.get("VAR_INFO_VARNAME", "")
        if column.startswith("SWC") and height <= 0:
            depths.setdefault(column, set()).add(-height)
    place = next((group for group in groups if group.keys() >= {*POSITION}), first)
    latitude, longitude = (_number(place.get(name)) for name in POSITION)
    doi, citation = _find_doi(groups)
    return Site(
        latitude=latitude,
        longitude=longitude,
        elevation=_number(first.get("LOCATION_ELEV")),
        vegetation_class=first.get("IGBP", ""),
        doi=doi,
        citation=citation,
        depths={column: tuple(sorted(found)) for column, found in depths.items()},
    )


def _find_doi(groups: list[dict[str, str]]) -> tuple[str, str]:
    """Return the DOI of a site's FLUXNET data and its citation; other data's, if none.

    Groups `GRP_DOI` have a DOI each, of the product that `DOI_DATAPRODUCT` names.
    """
    found = [
        (
            "FLUXNET" not in group.get("DOI_DATAPRODUCT", "").upper(),
            match.group(),
            " ".join(group.get("DOI_CITATION", "").split()),
        )
        for group in groups
        if (match := DOI.search(group.get("DOI", "")))
    ]
    _, doi, citation = min(found, key=lambda item: item[0], default=(False, "", ""))
    return doi, citation
