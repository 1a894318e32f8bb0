"""No value that a user gives is run as a template, at any door of Intake's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import intake
import pytest

import somobench
from factories.releases import RELEASE, copy_release, make_catalog
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


def test_intakes_own_entry_refuses_what_is_not_allowed_before_it_runs_it(
    catalog: Any, tmp_path: Path
) -> None:
    # taken out of Intake's own container, an entry is Intake's: the allowed values of
    # our catalog are all that stands before its templates
    sentinel = tmp_path / "sentinel"
    run = "{{ cycler.__init__.__globals__.os.system('touch " + str(sentinel) + "') }}"
    entry = catalog.walk(depth=1)["memory"]
    for value in (run, [run], (run,), {"a": run}):
        with pytest.raises((ValueError, TypeError)):
            entry(scaling=value)
        assert not sentinel.exists()


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
