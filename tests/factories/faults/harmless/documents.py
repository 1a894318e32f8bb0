"""Documents of a release that editors and other programs wrote again, and folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from factories.faults.vouched import MANIFEST, Defect, in_json, in_text, write_manifest
from somobench.catalog.manifest_checksum import CHECKSUM

JSON = ("validation.json", "croissant.json")
TEXTS = ("README.md", "report.html", "CITATION.cff")


def format_again(**options: Any) -> Callable[[str], str]:
    return lambda text: json.dumps(json.loads(text), **options)


def shorten_numbers(item: Any) -> Any:
    """Return what JavaScript makes of JSON: 1.0 is written as 1."""
    if isinstance(item, dict):
        return {key: shorten_numbers(value) for key, value in item.items()}
    if isinstance(item, list):
        return [*map(shorten_numbers, item)]
    return int(item) if isinstance(item, float) and item.is_integer() else item


def as_javascript(text: str) -> str:
    return json.dumps(shorten_numbers(json.loads(text)), indent=2)


FORMATS: dict[str, Callable[[str], str]] = {
    "in one line": format_again(separators=(",", ":")),
    "keys in order": format_again(indent=1, sort_keys=True),
    "letters as they are": format_again(ensure_ascii=False, indent=4),
    "tabs and blank lines": lambda it: f"\n{format_again(indent=chr(9))(it)}\n\n",
    "lines as on Windows": lambda it: it.replace("\n", "\r\n"),
    "numbers as of JavaScript": as_javascript,
}


def write_yaml_again(text: str) -> str:
    """Write YAML as programs do that keep neither order nor style."""
    content = yaml.safe_load(text)
    return yaml.safe_dump(content, sort_keys=True, allow_unicode=True, width=60)


def add_file(folder: Path, name: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("seen", encoding="utf-8")


def list_document_changes() -> Iterator[tuple[str, str, Defect]]:
    """Give changes of JSON, of texts, and of what lies beside."""
    for what, form in FORMATS.items():
        for name in JSON:
            yield name, what, in_text(name, form)
    yield (
        "croissant.json",
        "a key more",
        in_json("croissant.json", lambda it: it.update({"sc:note": "seen"})),
    )
    for name in TEXTS:
        windows = in_text(name, lambda it: it.replace("\n", "\r\n"))
        yield name, "lines as on Windows", windows
        yield name, "blank lines more", in_text(name, lambda it: f"{it}\n\n\n")
    yield "CITATION.cff", "a comment", in_text("CITATION.cff", lambda it: f"# x\n{it}")
    yield "CITATION.cff", "YAML again", in_text("CITATION.cff", write_yaml_again)
    yield "README.md", "a line more", in_text("README.md", lambda it: f"{it}\nSeen.\n")
    yield "report.html", "a comment", in_text("report.html", lambda it: it + "<!-- -->")
    for name in ("notes.txt", ".DS_Store", "splits.csv", "plots/a.png", ".git/HEAD"):
        yield "", f"{name} beside", partial(add_file, name=name)


def drop_checksum(folder: Path) -> None:
    (folder / CHECKSUM).unlink()


def in_manifest(form: Callable[[str], str]) -> Defect:
    """Write a manifest in another form, and its checksum."""

    def change(folder: Path) -> None:
        write_manifest(folder, form((folder / MANIFEST).read_text(encoding="utf-8")))

    return change


AFTERWARDS: dict[str, Defect] = {
    "no checksum of the manifest": drop_checksum,
    **{f"manifest {what}": in_manifest(form) for what, form in FORMATS.items()},
}
"""Changes of a manifest and its checksum, made once it vouches for the files."""
