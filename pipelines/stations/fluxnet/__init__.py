"""Station sources `fluxnet` and `fluxnet_reanalysis`: flux towers, daily files.

A folder or zip holds one daily file a site, or a zip a site as the data portal gives
them. Days are those of local standard time. Columns come out in one unit each, whatever
the file has them in (`units`): soil moisture in m3 m-3, temperature in degrees
Celsius, vapour-pressure deficit in Pa, fluxes and radiation in W m-2, humidity in %.

Depths of soil-moisture sensors come from a site's BADM table. Where it says nothing,
index 1 is the shallowest sensor and counts as lying in the uppermost 10 cm, marked by
`depth assumed` in its name; deeper ones are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from somobench.pipelines.stations import (
    DayDefinition,
    Rejection,
    SensorSeries,
)
from somobench.pipelines.stations.archive import DamagedMemberError
from somobench.pipelines.stations.fluxnet.files import read_daily_file
from somobench.pipelines.stations.fluxnet.members import (
    SiteArchive,
    open_site_archive,
)
from somobench.pipelines.stations.fluxnet.names import (
    DAILY,
    MEASURED,
    OTHER_RESOLUTIONS,
    REANALYSIS,
    FileName,
    is_companion,
    parse_file_name,
)
from somobench.pipelines.stations.fluxnet.series import (
    SOIL_MOISTURE,
    Failure,
    list_probes,
    make_series,
)
from somobench.pipelines.stations.fluxnet.sites import Site, read_sites
from somobench.pipelines.stations.fluxnet.units import find_quantity
from somobench.schemas.errors import UnknownNameError
from somobench.schemas.recipe import StationParams


@dataclass(frozen=True)
class FluxnetSource:
    """Towers' own measurements, with the quality of each day where files have it."""

    positions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Latitude and longitude of sites whose archive gives none, from the recipe."""
    products: tuple[str, ...] = MEASURED
    has_flags: bool = False
    minimum_count: int | None = 1
    day_definition: DayDefinition = "local_standard_time"

    def configure(self, params: StationParams) -> FluxnetSource:
        """Return the source with the positions that a recipe gives."""
        return replace(self, positions=params.positions)

    def read(
        self, path: Path, *, variable: str = SOIL_MOISTURE
    ) -> Iterator[SensorSeries | Rejection]:
        """Give rejected files and every site's series.

        `variable` is `sm` for soil moisture at all depths, or the name of a column.

        Raises
        ------
        UnknownNameError
            If nobody knows the column.
        InputError
            If the archive can't be opened.
        """
        if variable != SOIL_MOISTURE and find_quantity(variable) is None:
            raise UnknownNameError(
                "variable of a FLUXNET archive",
                found=variable,
                expected=f"{SOIL_MOISTURE} or a column such as TA_F",
            )
        with open_site_archive(path) as archive:
            sites, rejections = read_sites(archive)
            yield from archive.rejections
            yield from rejections
            chosen, superseded = choose_files(archive.names, self.products)
            yield from superseded
            for name, named in chosen.items():
                site = self._place(sites.get(named.site, Site()), named.site)
                yield from self._read_site(archive, name, named, site, variable)

    def _place(self, site: Site, name: str) -> Site:
        if site.placed or name not in self.positions:
            return site
        latitude, longitude = self.positions[name]
        return replace(site, latitude=latitude, longitude=longitude)

    def _read_site(
        self,
        archive: SiteArchive,
        name: str,
        named: FileName,
        site: Site,
        variable: str,
    ) -> Iterator[SensorSeries | Rejection]:
        if not site.placed:
            found = f"no possible position of {named.site}"
            expected = "one in its BADM table, sites.csv or a recipe's positions"
            yield Rejection(name, "no position", found, expected)
            return
        try:
            content = archive.read(name)
        except DamagedMemberError as error:
            yield Rejection(name, "damaged", str(error.found), str(error.expected))
            return
        begin = "SWC_F_MDS_" if variable == SOIL_MOISTURE else variable
        file = read_daily_file(name, content, begin)
        if isinstance(file, Rejection):
            yield file
            return
        probes = list_probes(file, site, variable)
        if isinstance(probes, Failure):
            yield Rejection(name, *probes)
            return
        for probe in probes:
            series = make_series(file, named, site, probe, variable)
            yield Rejection(name, *series) if isinstance(series, Failure) else series


class ReanalysisSource(FluxnetSource):
    """The reanalysis at the same sites, from the file that lies beside each tower's."""

    def __init__(
        self, positions: Mapping[str, tuple[float, float]] | None = None
    ) -> None:
        super().__init__(positions or {}, REANALYSIS)

    def configure(self, params: StationParams) -> ReanalysisSource:
        """Return the source with the positions that a recipe gives."""
        return ReanalysisSource(params.positions)


def choose_files(
    names: tuple[str, ...], products: tuple[str, ...]
) -> tuple[dict[str, FileName], list[Rejection]]:
    """Choose one daily file a site: the first product, of it the newest version.

    Returns
    -------
    tuple
        Chosen files, sorted by site; and rejections of superseded files, and of files
        that aren't FLUXNET's. What lies beside by design is passed over.
    """
    by_site: dict[str, list[tuple[str, FileName]]] = {}
    rejections = []
    for name in names:
        named = parse_file_name(name)
        if named is None:
            if not is_companion(name):
                expected = "<network>_<site>_FLUXNET_<product>_DD_<years>_<version>.csv"
                rejections.append(
                    Rejection(
                        name, "file name", ascii(PurePosixPath(name).name), expected
                    )
                )
        elif named.product in products:
            if named.resolution == DAILY:
                by_site.setdefault(named.site, []).append((name, named))
            elif named.resolution not in OTHER_RESOLUTIONS:
                rejections.append(
                    Rejection(name, "file name", "no resolution", "DD for daily values")
                )
    chosen: dict[str, FileName] = {}
    for site in sorted(by_site):
        ordered = sorted(
            by_site[site],
            key=lambda item: (
                products.index(item[1].product),
                tuple(-number for number in item[1].version),
                item[0],
            ),
        )
        chosen[ordered[0][0]] = ordered[0][1]
        rejections += [
            Rejection(
                name, "superseded", f"another daily file of {site}", ordered[0][0]
            )
            for name, _ in ordered[1:]
        ]
    return chosen, rejections
