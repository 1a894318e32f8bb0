"""Nested catalogs: one release of the catalog, and the releases on this machine.

Unlike Intake's own, they say what exists when a name doesn't.
"""

from __future__ import annotations

from typing import Any

from intake.catalog.base import Catalog
from intake.catalog.local import LocalCatalogEntry, YAMLFileCatalog

from somobench.catalog.driver import SomobenchSource
from somobench.catalog.registry import local_names, unknown
from somobench.catalog.resolve import resolve
from somobench.schemas.errors import UnknownNameError


class UnknownEntryError(UnknownNameError, KeyError):
    """An entry that a catalog doesn't have; Intake itself expects a KeyError."""

    def __str__(self) -> str:
        return self._message()


class NamedEntries(Catalog):
    """A catalog that names its entries when asked for one that it doesn't have."""

    def configure_new(self, **parameters: Any) -> Any:
        """Return the catalog again; it has no parameters, its feature sets do."""
        for name in parameters:
            raise UnknownNameError(
                f"parameter of catalog {self.name}",
                found=repr(name),
                expected="none: its feature sets have parameters",
                hint='cat["RELEASE"]["memory"](split=...)',
            )
        return super().configure_new()

    __call__ = get = configure_new

    def __getitem__(self, key: Any) -> Any:
        """Return an entry by name."""
        try:
            return super().__getitem__(key)
        except UnknownEntryError:
            raise
        except KeyError:
            refusal = unknown(f"entry of catalog {self.name}", key, list(self))
        raise UnknownEntryError(
            refusal.what,
            found=refusal.found,
            expected=refusal.expected,
            hint=refusal.hint,
        )


class ReleaseCatalog(NamedEntries, YAMLFileCatalog):
    """A catalog file: the packaged catalog, or the record of one release."""

    name = "somobench_release"


class LocalRelease(NamedEntries):
    """The feature sets of one release on this machine."""

    name = "somobench_local_release"

    def __init__(self, release: str, **kwargs: Any) -> None:
        self.release = release
        super().__init__(**kwargs)

    def _load(self) -> None:
        feature_sets = resolve(self.release).manifest.feature_sets
        self._entries = {
            name: LocalCatalogEntry(
                name=name,
                description=record.description,
                driver=SomobenchSource,
                args={"feature_set": name, "release": self.release},
                catalog=self,
            )
            for name, record in sorted(feature_sets.items())
        }


class LocalCatalog(NamedEntries):
    """Releases in `releases/` of the checkout and below `SOMOBENCH_RELEASES`."""

    name = "local"

    def _load(self) -> None:
        self._entries = {
            release: LocalCatalogEntry(
                name=release,
                description=f"{release}, on this machine",
                driver=LocalRelease,
                args={"release": release},
                catalog=self,
            )
            for release in local_names()
        }
