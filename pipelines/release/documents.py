"""The texts of a release: for people, for papers, for search engines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from somobench.cite import format_cff, list_citations, merge_sources
from somobench.schemas.manifest import Manifest
from somobench.schemas.variables import VARIABLES

MOMENTS_NOTE = (
    "Mean and variance of these targets are the reanalysis's by construction: bias, "
    "RMSE, NSE and KGE partly score agreement with it. Correlations and anomaly "
    "measures do not."
)
UNSCALED_NOTE = (
    "Targets are unscaled observations: their mean and variance are the primary "
    "sensor's own."
)

FILES = {
    "targets.zarr.zip": "Daily soil moisture of each layer and cell, scaled and as "
    "measured, with its scale factors and its stations.",
    "forcing.zarr.zip": "Daily meteorology of each cell, and the reanalysis's own "
    "soil moisture where there is one.",
    "features.zarr.zip": "By split, from train cells and days only: scale factors, "
    "climatology, normalisation statistics.",
    "splits.parquet": "Ranges of days by split and cell: train, validation, test.",
    "cells.parquet": "Position, region, climate, dryness and regime of each cell.",
    "stations.parquet": "One row a sensor.",
    "scores.parquet": "Every rung of the ladder on every split, with 90 % intervals.",
    "shift_costs.parquet": "What every rung loses under a shift, on common days.",
    "validation.json": "What was checked and what was found.",
    "report.html": "The same as a page to read, with figures.",
}


def describe_moments(manifest: Manifest) -> str:
    """Say whose mean and variance the targets have."""
    scaled = "reanalysis" in manifest.target_moments_from.values()
    return MOMENTS_NOTE if scaled else UNSCALED_NOTE


def readme(manifest: Manifest, day_definition: str = "UTC") -> str:
    """Return the README of a release, in Markdown."""
    first, last = manifest.period
    lines = [
        f"# {manifest.title}, {manifest.release}",
        "",
        manifest.description.strip(),
        "",
        f"Days {first} to {last} ({day_definition.replace('_', ' ')}), "
        f"grid {manifest.grid_resolution} degrees, "
        f"layers {', '.join(str(layer) for layer in manifest.layers)}. "
        f"Licence {manifest.licence_spdx}.",
        "",
        "```python",
        "import somobench",
        f'somobench.open_dataset("forcing", release="{manifest.release}")',
        "```",
        "",
        describe_moments(manifest),
        "",
        "| file | content |",
        "|---|---|",
        *(f"| `{name}` | {FILES[name]} |" for name in manifest.files if name in FILES),
        "",
        *_list_contents("Layers", manifest.layers, manifest.layers_left_out),
        *_list_contents(
            "Feature sets", manifest.feature_sets, manifest.feature_sets_refused
        ),
        *_list_contents("Splits", manifest.splits, manifest.splits_left_out),
        "## Sources",
        "",
        *(
            f"- {source.title} ({source.authors}; licence {source.licence}): "
            f"{source.note}"
            for source in merge_sources(manifest.sources)
        ),
        "",
    ]
    return "\n".join(lines)


def _list_contents(
    title: str, carried: Iterable[Any], missing: dict[str, str]
) -> list[str]:
    return [
        f"## {title}",
        "",
        *(f"- `{name}`" for name in carried),
        *(f"- not carried: `{name}`: {reason}" for name, reason in missing.items()),
        "",
    ]


def citation(manifest: Manifest) -> str:
    """Return the CITATION.cff of a release: with all that its user cites."""
    return format_cff(list_citations(manifest), manifest.description)


def croissant(manifest: Manifest) -> dict[str, Any]:
    """Return the release's metadata in the Croissant 1.0 vocabulary (MLCommons)."""
    return {
        "@context": {
            "@vocab": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/",
            "sc": "https://schema.org/",
            "dct": "http://purl.org/dc/terms/",
            "conformsTo": "dct:conformsTo",
            "recordSet": "cr:recordSet",
            "field": "cr:field",
            "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
            "source": "cr:source",
            "fileObject": "cr:fileObject",
            "extract": "cr:extract",
            "column": "cr:column",
        },
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": manifest.release,
        "description": manifest.description.strip(),
        "license": manifest.licence_spdx,
        "version": manifest.release.rpartition("-")[2],
        "isBasedOn": [source.note for source in merge_sources(manifest.sources)],
        "variableMeasured": _describe_variables(manifest),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "contentUrl": name,
                "contentSize": f"{record.size} B",
                "encodingFormat": _get_media_type(name),
                "sha256": record.sha256,
            }
            for name, record in manifest.files.items()
        ],
    }


def _describe_variables(manifest: Manifest) -> list[dict[str, str]]:
    names = sorted({name for file in manifest.files.values() for name in file.arrays})
    return [
        {
            "@type": "PropertyValue",
            "name": name,
            "description": VARIABLES[name].long_name,
            "unitText": VARIABLES[name].units,
        }
        for name in names
        if name in VARIABLES
    ]


def _get_media_type(name: str) -> str:
    formats = {
        ".zip": "application/zip",
        ".parquet": "application/vnd.apache.parquet",
        ".json": "application/json",
        ".html": "text/html",
        ".md": "text/markdown",
        ".cff": "text/yaml",
    }
    return formats[name[name.rindex(".") :]]
