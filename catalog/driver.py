"""Nested catalogs: one release of the catalog, and the releases on this machine.

Unlike Intake's own, they say what exists when a name doesn't.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intake.catalog.base import Catalog
from intake.catalog.local import LocalCatalogEntry, YAMLFileCatalog
from intake.source.base import DataSource, Schema
from intake_xarray.base import IntakeXarraySourceAdapter

from somobench.catalog.registry import (
    check_release,
    known_releases,
    local_names,
    unknown,
)
from somobench.catalog.request import (
    DatasetRequest,
    refuse_templates,
    refuse_unknown_keywords,
)
from somobench.catalog.resolve import resolve
from somobench.schemas.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    import xarray as xr


class ReleaseReader:
    """What the adapter reads with: `chunks=None` in memory, `chunks={}` lazy."""

    def __init__(
        self,
        request: DatasetRequest,
        release: str | None,
        catalog: Path | None,
        chunks: Mapping[str, int] | None = None,
    ) -> None:
        self._parts = (request, release, catalog)
        self._chunks = chunks
        self.kwargs: dict[str, Any] = {}

    def __call__(self, chunks: Mapping[str, int] | None) -> ReleaseReader:
        """Return a reader with these chunks."""
        return ReleaseReader(*self._parts, chunks)

    def read(self) -> xr.Dataset:
        """Return the dataset."""
        request, release, catalog = self._parts
        if release is None:
            raise _no_release(request, catalog)
        from somobench.catalog.reader import read_feature_set
        from somobench.catalog.resolve import resolve

        found = resolve(release, catalog)
        return read_feature_set(found, request, lazy=self._chunks is not None)


class SomobenchSource(IntakeXarraySourceAdapter, DataSource):
    """A feature set of a release.

    Parameters
    ----------
    feature_set : str
        `climatology`, `forcing`, `memory` or `state`.
    release : str
        Full id, such as `virtual-0.1.0`. A source without one can be called with one.
    layer : int, optional
        One layer; by default all.
    scaling : {"full", "train", "none"}
    split : str, optional
        Adds the role of every day; needed for `scaling="train"`.

    Raises
    ------
    UnknownNameError, UsageError
        For a name that doesn't exist, a value of the wrong kind or another keyword.
    """

    name = "somobench"
    container = "xarray"
    version = "1"
    partition_access = False

    def __init__(
        self,
        feature_set: str,
        *,
        release: str | None = None,
        layer: int | None = None,
        scaling: str = "full",
        split: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        **unknown: Any,
    ) -> None:
        refuse_unknown_keywords(unknown)
        super().__init__(metadata=dict(metadata or {}))
        catalog = _catalog_of(self.metadata)
        self.request = DatasetRequest(
            feature_set=feature_set, layer=layer, scaling=scaling, split=split
        )
        self.release = None if release is None else check_release(release, catalog)
        self.reader = ReleaseReader(self.request, self.release, catalog)

    def configure_new(self, **parameters: Any) -> SomobenchSource:
        """Return a source with other parameters."""
        refuse_unknown_keywords(parameters)
        if "release" in parameters:
            check_release(parameters["release"], _catalog_of(self.metadata))
        refuse_templates(parameters)
        source: SomobenchSource = DataSource.configure_new(self, **parameters)
        return source

    __call__ = get = configure_new

    def to_dask(self) -> xr.Dataset:
        """Return the dataset Dask-backed, chunked as its files are."""
        dataset: xr.Dataset = self.reader(chunks={}).read()
        return dataset

    def discover(self) -> dict[str, Any]:
        """Return what the dataset holds, without loading it."""
        self._load_metadata()
        return {"dtype": self.dtype, "shape": self.shape, "metadata": self.metadata}

    def _get_schema(self) -> Schema:
        dataset = self.to_dask()
        dtypes = {str(name): str(array.dtype) for name, array in dataset.items()}
        return Schema(
            dtype=dtypes,
            shape=dict(dataset.sizes),
            npartitions=1,
            extra_metadata=dict(dataset.attrs),
        )

    def _close(self) -> None:
        self._schema = None


def _catalog_of(metadata: Mapping[str, Any]) -> Path | None:
    """Return the catalog folder that an entry came from, if it holds records."""
    folder = Path(str(metadata.get("catalog_dir") or ""))
    for candidate in (folder, folder.parent):
        if folder.is_absolute() and (candidate / "somobench.yaml").is_file():
            return candidate
    return None


def _no_release(request: DatasetRequest, catalog: Path | None) -> UsageError:
    known = known_releases(catalog)
    example = known[-1] if known else "RECIPE-1.0.0"
    return UsageError(
        "release",
        found="none",
        expected=f"one of: {', '.join(known) or 'none here'}",
        hint=f'cat["{request.feature_set}"](release="{example}")',
    )


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
