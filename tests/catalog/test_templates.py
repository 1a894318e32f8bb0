"""No value that a user gives is run as a template, at any door of Intake's."""

from __future__ import annotations

import copy
import itertools
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import intake
import pytest
from intake.catalog.local import MergedCatalog
from jinja2 import Environment

import somobench
from factories.releases import RELEASE, copy_release, make_catalog
from somobench.catalog.driver import ReleaseCatalog
from somobench.schemas.errors import SomobenchError

SECRET = "hush-4711"


class Text(str):
    """A text that shows another one than it is."""

    __slots__ = ()

    def __str__(self) -> str:
        return "{{ env('SOMOBENCH_TEST_SECRET') }}"

    def __format__(self, form: str) -> str:
        return str(self)


class Thing:
    """No text, but shown as one."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


WRAPPED: dict[str, Callable[[str], Any]] = {
    "text": lambda text: text,
    "text of another class": Text,
    "list": lambda text: [text],
    "tuple": lambda text: (text,),
    "set": lambda text: {text},
    "value of a dict": lambda text: {"a": text},
    "key of a dict": lambda text: {text: "a"},
    "dict in a list in a tuple": lambda text: ([{"a": [text]}],),
    "bytes": lambda text: text.encode(),
    "object": Thing,
    "object in a list": lambda text: [Thing(text)],
}


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open a catalog that pins the toy release with Intake itself."""
    folder = copy_release(tmp_path / "releases")
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(folder.parent))
    monkeypatch.setenv("SOMOBENCH_TEST_SECRET", SECRET)
    path = make_catalog(tmp_path, folder) / "somobench.yaml"
    return intake.open_catalog(str(path))


def doors(catalog: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    ours = somobench.open_catalog()
    yield "flat", catalog["memory"]
    yield "nested", catalog[RELEASE]["memory"]
    yield "nested by attribute", catalog.local[RELEASE].memory
    yield "called twice", catalog["memory"](release=RELEASE)
    yield "ours", ours["memory"]
    yield "entry of a source", catalog["memory"].entry
    yield "entry of a nested source", catalog[RELEASE]["memory"].entry
    yield "entry of ours", ours.walk(depth=1)["memory"]
    yield "entry of a walk", catalog.walk(depth=2)[f"{RELEASE}.memory"]
    yield "catalog", catalog[RELEASE]
    yield "entry of a nested catalog", catalog[RELEASE].entry
    yield "entry of a catalog", ours.walk(depth=1)["local"]


NAMES = ("release", "scaling", "split", "layer", "chunks", "path", "metadata")


@pytest.mark.parametrize("wrapped", WRAPPED)
def test_a_template_is_neither_run_nor_filled(
    catalog: Any, tmp_path: Path, wrapped: str
) -> None:
    sentinel = tmp_path / "sentinel"
    run = "{{ cycler.__init__.__globals__.os.system('touch " + str(sentinel) + "') }}"
    leak = "{{ env('SOMOBENCH_TEST_SECRET') }}"
    for where, door in doors(catalog):
        for text in (run, leak, "env(SOMOBENCH_TEST_SECRET)"):
            for name in NAMES:
                with pytest.raises(SomobenchError) as error:
                    door(**{name: WRAPPED[wrapped](text)}).read()
                assert SECRET not in str(error.value), (where, name)
                assert not sentinel.exists(), (where, name)


def catalogs(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield a catalog file in every way that Intake opens, copies and saves one."""
    plain = intake.open_catalog(str(path))
    yield "plain", plain
    yield "a list", intake.open_catalog([str(path)])
    yield "a folder", intake.open_catalog(str(path.parent / "*.yaml"))
    yield "by driver", intake.open_catalog(str(path), driver="yaml_file_cat")
    yield "ours", ReleaseCatalog(str(path))
    yield "again", plain()
    yield "pickled", pickle.loads(pickle.dumps(plain))
    yield "found", plain.search("memory state")
    yield "filtered", plain.filter(lambda _: True)
    yield "merged", MergedCatalog([plain])
    saved = path.parent / "saved" / "a.yml"
    for name, catalog in (("plain", plain), ("ours", ReleaseCatalog(str(path)))):
        catalog.save(str(saved))
        yield f"{name}, saved", intake.open_catalog(str(saved))
    plain.add(plain["memory"], path=str(saved))
    yield "added to", intake.open_catalog(str(saved))
    saved.write_text(plain["memory"].yaml())
    yield "a source's own text", intake.open_catalog(str(saved))


def ways(catalog: Any) -> Iterator[tuple[str, Any]]:
    """Yield an entry or source in every way that a catalog has to hand one out."""
    name = "memory"
    entry = catalog._entries[name]
    yield "walk", catalog.walk(depth=1)[name]
    yield "entries", catalog._get_entries()[name]
    yield "copied entry", copy.copy(entry)
    yield "pickled entry", pickle.loads(pickle.dumps(entry))
    yield "item", catalog[name]
    yield "attribute", getattr(catalog, name)
    yield "items", dict(catalog.items())[name]
    yield "values", next(each for each in catalog.values() if each.name == name)
    yield "entry of an item", catalog[name].entry
    yield "source of an entry", entry()
    yield "source of a source", catalog[name]()
    yield "pickled source", pickle.loads(pickle.dumps(catalog[name]))
    if RELEASE in catalog._entries:
        yield "nested walk", catalog.walk(depth=2)[f"{RELEASE}.memory"]
        yield "tuple", catalog[RELEASE, "memory"]
        yield "dots", catalog[f"{RELEASE}.memory"]
        yield "item of an entry", catalog._entries[RELEASE]["memory"]
        yield "nested entry", catalog._entries[RELEASE]()._entries["memory"]
        yield "nested catalog", catalog[RELEASE]
        yield "nested catalog's entry", catalog._entries[RELEASE]
        yield "local", catalog.local[RELEASE].memory
        yield "local entry", catalog._entries["local"]()._entries[RELEASE]


def test_no_way_through_intake_renders_a_template(
    catalog: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[Any] = []
    run = "{{ cycler.__init__.__globals__.os.system('touch " + str(tmp_path) + "/x') }}"

    def render(_: Environment, source: str, *__: Any, **___: Any) -> None:
        rendered.append(source)

    names = itertools.cycle(NAMES)
    path = Path(catalog.path)
    for which, opened in catalogs(path):
        for way, found in ways(opened):
            with monkeypatch.context() as patched:
                patched.setattr(Environment, "from_string", render)
                patched.setattr(Environment, "parse", render)
                for call in ("__call__", "get", "configure_new"):
                    for wrap in ("text", "list", "tuple", "value of a dict"):
                        given = {next(names): WRAPPED[wrap](run)}
                        if not hasattr(found, call):
                            continue
                        with pytest.raises(SomobenchError):
                            getattr(found, call)(**given).read()
            assert rendered == [], (which, way)
    assert not (tmp_path / "x").exists()


def test_an_entry_without_templates_still_reads_what_its_catalog_pins(
    catalog: Any,
) -> None:
    expected = catalog[RELEASE]["memory"].read()
    for which, opened in catalogs(Path(catalog.path)):
        source = dict(ways(opened))["walk"](release=RELEASE)
        assert source.read().identical(expected), which


BY_HAND = """
sources:
  memory:
    driver: somobench
    args: {feature_set: memory}
"""


def test_sources_of_a_catalog_written_by_hand_render_nothing_either(
    tmp_path: Path,
) -> None:
    # There Intake makes the entries, and renders what is given to one by `walk`.
    path = tmp_path / "by_hand.yaml"
    path.write_text(BY_HAND)
    run = "{{ cycler.__init__.__globals__.os.system('touch " + str(tmp_path) + "/x') }}"
    theirs, ours = intake.open_catalog(str(path)), ReleaseCatalog(str(path))
    for door in (theirs["memory"], theirs["memory"].entry, ours.walk()["memory"]):
        with pytest.raises(SomobenchError):
            door(layer=[run])
    assert not (tmp_path / "x").exists()


def test_texts_of_another_class_are_plain_names_when_they_name_something(
    catalog: Any,
) -> None:
    class Name(str):
        __slots__ = ()

    source = catalog["memory"](
        release=Name(RELEASE), scaling=Name("train"), split=Name("temporal")
    )
    asked = source.request
    assert {type(source.release), type(asked.scaling), type(asked.split)} == {str}
    assert source.read().attrs["split"] == "temporal"
