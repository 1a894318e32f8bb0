"""What a release has, as the reader of a model's own grid has to know it."""

from __future__ import annotations

import numpy as np

from somobench.catalog.release_files import PLACES, ReleaseFiles, raise_file_errors
from somobench.catalog.resolve import Release
from somobench.schemas.gridded_options import GriddedOptions
from somobench.submissions.gridded.request import Wanted


def describe_wanted(release: Release, options: GriddedOptions) -> Wanted:
    """Say which cells, layers and days a release has, for a model's own grid."""
    places = ReleaseFiles(release, lazy=True).places()
    manifest = release.manifest
    with raise_file_errors(f"of release {release.id}"):
        first, last = (np.datetime64(day) for day in manifest.period)
        latitude, longitude, top, bottom = (
            places[name].to_numpy().astype(np.float64) for name in PLACES
        )
        depths = zip(top.tolist(), bottom.tolist(), strict=True)
        layers = (int(layer) for layer in places["layer"].to_numpy())
        return Wanted(
            cells=tuple(places["cell"].to_numpy().astype(str).tolist()),
            latitude=latitude,
            longitude=longitude,
            layers=dict(zip(layers, depths, strict=True)),
            days=(first, last),
            resolution=manifest.grid_resolution,
            options=options,
        )
