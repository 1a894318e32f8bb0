"""Whom to cite for a release: itself, the software, its sources and their networks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import yaml

from somobench.schemas.manifest import DOI, CreditRecord, Manifest, SourceRecord

AUTHORS = "SoMoBench developers"
SOFTWARE, SOFTWARE_LICENCE = "SoMoBench", "Apache-2.0"
NAMES_SHOWN = 3
YEAR = re.compile(r"\((1[89]\d\d|20\d\d)[a-z]?\)")
NO_YEAR = "n.d."  # as styles write it
YEARS = {"0.1.0": "2026", "1.0.0": "2026", "1.1.0": "2026", "2.0.0": "2026"}
"""When versions of the software came out."""
NO_SPDX = "LicenseRef"
BIBTEX_SPECIAL = re.compile(r"([&%$#_{}])")


class Reference(NamedTuple):
    """One thing to cite; an empty field is unknown.

    `kind` is release, software, source, station or network; `year` is that of its
    citation, of a release that of the software that built it.
    """

    kind: str
    title: str
    authors: str
    version: str = ""
    dois: tuple[str, ...] = ()
    url: str = ""
    licence: str = ""
    note: str = ""
    year: str = ""


def list_citations(
    manifest: Manifest, networks: Iterable[str] = (), software_version: str = ""
) -> list[Reference]:
    """List what a user of a release cites, each thing once.

    Parameters
    ----------
    manifest : Manifest
    networks : iterable of str
        Station networks, for a release whose manifest names none.
    software_version : str
        Left out of files that belong to a release: their bytes depend on data alone.
    """
    release = Reference(
        "release",
        manifest.title,
        AUTHORS,
        version=manifest.release,
        licence=manifest.licence_spdx,
        year=YEARS.get(manifest.package_version, ""),
    )
    software = Reference(
        "software",
        SOFTWARE,
        AUTHORS,
        software_version,
        licence=SOFTWARE_LICENCE,
        year=YEARS.get(software_version, ""),
    )
    named = manifest.networks or sorted(set(networks))
    return [
        release,
        software,
        *merge_sources(manifest.sources),
        *(
            _refer_to_station(name, credit)
            for name, credit in sorted(manifest.credits.items())
        ),
        *(
            Reference("network", f"Soil-moisture network {name}", name)
            for name in named
        ),
    ]


def merge_sources(sources: Sequence[SourceRecord]) -> list[Reference]:
    """Return each source once, however many files of it there are for several roles.

    Files are of one source if producer, citation, licence and DOI are the same.
    """
    names: dict[tuple[str, ...], dict[str, None]] = {}
    first: dict[tuple[str, ...], SourceRecord] = {}
    for source in sources:
        key = (source.producer, source.citation, source.licence, source.doi or "")
        names.setdefault(key, {})[source.name] = None
        first.setdefault(key, source)
    return [_refer_to_source(first[key], list(names[key])) for key in first]


def _refer_to_source(source: SourceRecord, names: list[str]) -> Reference:
    more = len(names) - NAMES_SHOWN
    title = ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    dois = dict.fromkeys([*([source.doi] if source.doi else [])])
    dois |= dict.fromkeys(DOI.findall(source.citation))
    accessed = str(source.date_accessed.year) if source.date_accessed else ""
    return Reference(
        "source",
        title,
        source.producer,
        version=source.version_producer or "",
        dois=tuple(dois),
        url=source.url or "",
        licence=source.licence,
        note=source.citation.strip(),
        year=find_year(source.citation, next(iter(dois), "")) or accessed,
    )


def _refer_to_station(name: str, credit: CreditRecord) -> Reference:
    return Reference(
        "station",
        f"Data of station {name}",
        name,
        dois=(credit.doi,),
        note=credit.citation,
        year=find_year(credit.citation, credit.doi),
    )


def find_year(citation: str, doi: str = "") -> str:
    """Return the year in brackets of a citation, empty where there is none.

    Of several works, separated by semicolons, it is that of the work with the DOI, and
    otherwise the first year.
    """
    works = [part for part in citation.split(";") if doi and doi in part]
    found = [match for part in (*works, citation) for match in YEAR.findall(part)]
    return found[0] if found else ""


def format_text(references: Sequence[Reference]) -> str:
    """Return references as a person reads them, under a heading for each kind."""
    lines: list[str] = []
    for kind in dict.fromkeys(item.kind for item in references):
        lines.append(f"{kind.capitalize()}")
        lines += [
            f"  {_format_sentence(item)}" for item in references if item.kind == kind
        ]
    return "\n".join(lines) + "\n"


def _format_sentence(item: Reference) -> str:
    if item.kind == "network":
        return item.authors
    version = f", {item.version}" if item.version else ""
    lacking = [doi for doi in item.dois if doi not in item.note]
    parts = [
        f"{item.authors}: {item.title}{version}.",
        item.note,
        *(f"doi:{doi}." for doi in lacking),
        f"{item.url}." if item.url else "",
        f"Licence: {item.licence}." if item.licence else "",
    ]
    return " ".join(part for part in parts if part)


def format_bibtex(references: Sequence[Reference]) -> str:
    """Return references as BibTeX entries of type `misc`, `software` for software."""
    keys: dict[str, int] = {}
    return "\n".join(_format_bibtex_entry(item, keys) for item in references)


def _format_bibtex_entry(item: Reference, keys: dict[str, int]) -> str:
    base = item.version if item.kind == "release" else f"{item.kind}-{item.title}"
    key = re.sub(r"[^a-z0-9.]+", "-", base.lower()).strip("-")[:60]
    keys[key] = keys.get(key, 0) + 1
    if keys[key] > 1:
        key = f"{key}-{keys[key]}"
    fields = {
        "title": item.title,
        "author": item.authors,
        "year": item.year or NO_YEAR,
        "version": item.version,
        "doi": item.dois[0] if item.dois else "",
        "url": item.url,
        "note": " ".join(
            part
            for part in (item.note, item.licence and f"Licence: {item.licence}")
            if part
        ),
    }
    kind = "software" if item.kind == "software" else "misc"
    lines = [
        f"  {name} = {{{_escape_bibtex(name, text)}}},"
        for name, text in fields.items()
        if text
    ]
    return "\n".join([f"@{kind}{{{key},", *lines, "}", ""])


def _escape_bibtex(name: str, text: str) -> str:
    """Escape what BibTeX reads as commands; names of authors stay whole."""
    if name in {"doi", "url"}:
        return text
    escaped = BIBTEX_SPECIAL.sub(r"\\\1", text.replace("\\", "/"))
    return f"{{{escaped}}}" if name in {"title", "author"} else escaped


def format_cff(references: Sequence[Reference], description: str) -> str:
    """Return a release and what it cites in the Citation File Format 1.2.0.

    Parameters
    ----------
    references : sequence of Reference
        The release first.
    description : str
        Of the release.
    """
    release, *others = references
    content: dict[str, Any] = {
        "cff-version": "1.2.0",
        "type": "dataset",
        "message": "Please cite the release by its id, and what references lists.",
        **_collect_cff_fields(release),
        "abstract": f"{description.strip()} Licence: {release.licence}.",
        "references": [_format_cff_reference(item) for item in others],
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=88)


def _format_cff_reference(item: Reference) -> dict[str, Any]:
    fields = {"type": "software" if item.kind == "software" else "data"}
    notes = [item.note, f"Licence: {item.licence}." if item.kind == "source" else ""]
    text = " ".join(part for part in notes if part)
    return fields | _collect_cff_fields(item) | ({"notes": text} if text else {})


def _collect_cff_fields(item: Reference) -> dict[str, Any]:
    """Return what a work and its references share; only SPDX names are a licence."""
    fields = {
        "title": item.title,
        "authors": [{"name": item.authors}],
        "version": item.version,
        "doi": item.dois[0] if item.dois else "",
        "identifiers": [{"type": "doi", "value": doi} for doi in item.dois[1:]],
        "url": item.url,
    }
    if item.kind != "source" and not item.licence.startswith(NO_SPDX):
        fields["license"] = item.licence
    return {name: value for name, value in fields.items() if value}
