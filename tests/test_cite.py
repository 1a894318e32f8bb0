"""References of a release: each thing once, with its DOI, in three formats."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from factories.programs import run
from factories.releases import RELEASE
from somobench.catalog.resolve import resolve
from somobench.cite import (
    find_year,
    format_bibtex,
    format_cff,
    format_text,
    list_citations,
    merge_sources,
)
from somobench.cli.describe import describe_sections
from somobench.schemas.manifest import CreditRecord, Manifest, SourceRecord

ERA5 = "10.24381/cds.adbb2d47"
USCRN = ("10.1175/JHM-D-12-0146.1", "10.1175/BAMS-D-12-00170.1")


def source(name: str, role: str = "forcing", **changes: str) -> SourceRecord:
    fields = {
        "role": role,
        "source": "era5",
        "name": name,
        "sha256": "0" * 64,
        "size": 1,
        "producer": "ECMWF & Copernicus",
        "licence": "CC-BY-4.0",
        "citation": f"Contains modified information; ERA5, doi:{ERA5}.",
        "doi": ERA5,
    }
    return SourceRecord.model_validate(fields | changes)


STATIONS = source(
    "daily01",
    "stations",
    producer="NOAA",
    citation=f"Diamond (2013), doi:{USCRN[1]}; Bell (2013), doi:{USCRN[0]}. By WBAN.",
    doi=USCRN[0],
    licence="public domain",
)


@pytest.fixture
def manifest(toy: Path) -> Manifest:
    assert toy.is_dir()
    years = [source(f"ERA5, {year}") for year in range(2001, 2006)]
    listed = (*years, STATIONS, STATIONS.model_copy(update={"role": "forcing"}))
    return resolve(RELEASE).manifest.model_copy(
        update={"sources": listed, "networks": ("SCAN", "USCRN")}
    )


def test_files_of_one_source_are_one_reference(manifest: Manifest) -> None:
    era5, stations = merge_sources(manifest.sources)
    assert era5.title == "ERA5, 2001, ERA5, 2002, ERA5, 2003 and 2 more"
    assert era5.dois == (ERA5,)
    assert stations.title == "daily01"
    assert stations.dois == USCRN


def test_text_names_release_software_sources_and_networks(manifest: Manifest) -> None:
    text = format_text(list_citations(manifest, software_version="9.9.9"))
    lines = text.splitlines()
    headings = [line for line in lines if not line.startswith(" ")]
    assert headings == ["Release", "Software", "Source", "Network"]
    assert f"Toy, {RELEASE}" in lines[1]
    assert "SoMoBench, 9.9.9" in text
    for doi in (ERA5, *USCRN):
        assert text.count(doi) == 1
    assert lines[-2:] == ["  SCAN", "  USCRN"]


def test_citation_file_holds_every_doi_and_network(manifest: Manifest) -> None:
    content = yaml.safe_load(format_cff(list_citations(manifest), 'A toy: "x".'))
    assert content["cff-version"] == "1.2.0"
    assert content["version"] == RELEASE
    assert content["license"] == "CC0-1.0"
    assert content["abstract"].startswith('A toy: "x".')
    software, era5, stations, *networks = content["references"]
    assert software["type"] == "software"
    assert "version" not in software  # a file of a release depends on data alone
    assert era5["doi"] == ERA5
    assert stations["doi"] == USCRN[0]
    assert stations["identifiers"] == [{"type": "doi", "value": USCRN[1]}]
    assert [item["authors"][0]["name"] for item in networks] == ["SCAN", "USCRN"]
    # What CFF 1.2.0 asks of every reference.
    for item in content["references"]:
        assert {"type", "title", "authors"} <= set(item)


def test_licence_that_spdx_lacks_is_no_licence_field(manifest: Manifest) -> None:
    closed = manifest.model_copy(update={"licence_spdx": "LicenseRef-restricted"})
    content = yaml.safe_load(format_cff(list_citations(closed), "A toy."))
    assert "license" not in content
    assert "LicenseRef-restricted" in content["abstract"]


def test_every_bibtex_entry_has_a_year(manifest: Manifest) -> None:
    built = manifest.model_copy(update={"package_version": "2.0.0"})
    text = format_bibtex(list_citations(built, software_version="2.0.0"))
    years = re.findall(r"^  year = \{(.+)\},$", text, re.MULTILINE)
    # Release and software, ERA5 without a year, daily01 by the work with its DOI
    # (Bell 2013), two networks.
    assert years == ["2026", "2026", "n.d.", "2013", "n.d.", "n.d."]


def test_year_is_that_of_the_work_with_the_doi() -> None:
    text = "Pastorello (2020), doi:10.1/a; Giardina and others (2023), doi:10.1/b"
    assert find_year(text, "10.1/b") == "2023"
    assert find_year(text, "10.1/c") == "2020"
    assert find_year("from 2003 on, no work", "10.1/b") == ""


def test_stations_with_a_doi_are_cited_in_every_format(manifest: Manifest) -> None:
    credit = CreditRecord(doi="10.1000/FLX/7", citation="A. Author (2016), Gebesee")
    listed = manifest.model_copy(update={"credits": {"DE-Geb": credit}})
    references = list_citations(listed)
    text = format_text(references)
    assert "Station\n" in text
    assert "A. Author (2016), Gebesee" in text
    assert text.count("doi:10.1000/FLX/7") == 1
    bibtex = format_bibtex(references)
    entry = bibtex[bibtex.index("@misc{station-data-of-station-de-geb") :]
    assert "year = {2016}" in entry
    assert "doi = {10.1000/FLX/7}" in entry
    content = yaml.safe_load(format_cff(references, "A toy."))
    dois = [item.get("doi") for item in content["references"]]
    assert "10.1000/FLX/7" in dois


def test_bibtex_entries_have_keys_of_their_own_and_escaped_text(
    manifest: Manifest,
) -> None:
    text = format_bibtex(list_citations(manifest))
    keys = re.findall(r"^@\w+\{(.+),$", text, re.MULTILINE)
    assert len(keys) == len(set(keys)) == 6
    assert keys[0] == RELEASE
    assert r"{{ECMWF \& Copernicus}}" in text
    assert f"doi = {{{ERA5}}}" in text
    assert text.count("{") == text.count("}")


def test_networks_of_the_files_count_where_the_manifest_names_none(
    manifest: Manifest,
) -> None:
    older = manifest.model_copy(update={"networks": ()})
    found = list_citations(older, ["B", "A", "B"])
    assert [item.authors for item in found if item.kind == "network"] == ["A", "B"]


@pytest.mark.parametrize("name", ["virtual-1.1.0", "virtual-0.1.0"])
def test_command_cites_published_releases(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "cite", name) == 0
    text = capsys.readouterr().out
    assert name in text
    # Five files of two sources; stations of every region belong to a network each.
    assert text.count("Simulated by SoMoBench; no reanalysis.") == 1
    assert "Network\n  V" in text


def test_command_writes_each_format(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert toy.is_dir()
    assert run(monkeypatch, "cite", RELEASE, "--format", "cff") == 0
    assert yaml.safe_load(capsys.readouterr().out)["title"] == "Toy"
    assert run(monkeypatch, "cite", RELEASE, "--format", "bibtex") == 0
    assert capsys.readouterr().out.startswith(f"@misc{{{RELEASE},")
    assert run(monkeypatch, "cite", RELEASE, "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["kind"] == "release"


def test_info_lists_a_source_once(capsys: pytest.CaptureFixture[str]) -> None:
    listed = dict(describe_sections(resolve("virtual-1.1.0")))["sources"]
    assert [line.partition(":")[0] for line in listed] == [
        "virtual reanalysis",
        "virtual stations",
    ]
