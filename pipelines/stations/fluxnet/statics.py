"""Static attributes of flux-tower sites, by the folder or file that they come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from somobench.pipelines.stations import Rejection
from somobench.pipelines.stations.fluxnet.members import open_site_archive
from somobench.pipelines.stations.fluxnet.names import parse_file_name
from somobench.pipelines.stations.fluxnet.sites import Site, read_sites

StaticValue = float | str


def read_static_variables(
    path: Path,
) -> tuple[dict[str, Mapping[str, StaticValue]], tuple[Rejection, ...]]:
    """Read what tables of an archive say of its sites, by the name of a site's file.

    Unreadable tables were rejected with the measurements; they aren't rejected twice.
    """
    with open_site_archive(path) as archive:
        sites, _ = read_sites(archive)
        names = {name: parse_file_name(name) for name in archive.names}
    return {
        name: _list_values(sites[named.site])
        for name, named in names.items()
        if named is not None and named.site in sites
    }, ()


def _list_values(site: Site) -> dict[str, StaticValue]:
    values: dict[str, StaticValue] = dict(site.fractions)
    if np.isfinite(site.aridity):
        values["aridity"] = site.aridity
    if site.vegetation_class:
        values["vegetation_class"] = site.vegetation_class
    if site.doi:
        values |= {"doi": site.doi, "citation": site.citation}
    return values
