"""Intake's door: feature sets as sources, releases as nested catalogs.

Unlike Intake's own, they say what exists when a name doesn't, and no value that a user
gives is rendered as a template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intake.catalog.base import Catalog
from intake.catalog.local import YAMLFileCatalog
from intake.source.base import Schema
from intake_xarray.base import IntakeXarraySourceAdapter

from somobench.catalog.entries import CheckedEntry, FromCheckedEntry, check_entry
from somobench.catalog.registry import (
    check_release,
    known_releases,
    local_names,
    unknown,
)
from somobench.catalog.request import (
    DatasetRequest,
    describe_parameters,
    refuse_unknown_keywords,
)
from somobench.catalog.resolve import resolve
from somobench.catalog.storage.room import require_room_for_libraries
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
            raise _make_release_error(request, catalog)
        require_room_for_libraries()
        from somobench.catalog.reader import read_feature_set
        from somobench.catalog.resolve import resolve

        found = resolve(release, catalog)
        return read_feature_set(found, request, lazy=self._chunks is not None)


class SomobenchSource(IntakeXarraySourceAdapter, FromCheckedEntry):
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
    include : str or sequence of str, optional
        `masks`, `normalisation`, `statics`.

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
        include: str | Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        **unknown: Any,
    ) -> None:
        refuse_unknown_keywords(unknown)
        super().__init__(metadata=dict(metadata or {}))
        catalog = _find_catalog_folder(self.metadata)
        self.request = DatasetRequest(
            feature_set=feature_set,
            layer=layer,
            scaling=scaling,
            split=split,
            include=include,
        )
        self.release = None if release is None else check_release(release, catalog)
        self.reader = ReleaseReader(self.request, self.release, catalog)

    def configure_new(self, **parameters: Any) -> SomobenchSource:
        """Return a source with other parameters.

        It is made from this one: an entry of Intake's, in a catalog that somebody
        wrote by hand, would render the texts among the parameters.
        """
        refuse_unknown_keywords(parameters)
        if "release" in parameters:  # None is no release either
            check_release(parameters["release"], _find_catalog_folder(self.metadata))
        known = self._captured_init_kwargs | parameters
        source = type(self)(*self._captured_init_args, **known)
        for name in ("name", "description", "cat", "catalog_object", "_entry"):
            setattr(source, name, getattr(self, name, None))
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


def _find_catalog_folder(metadata: Mapping[str, Any]) -> Path | None:
    """Return the catalog folder that an entry came from, if it holds records."""
    folder = Path(str(metadata.get("catalog_dir") or ""))
    for candidate in (folder, folder.parent):
        if folder.is_absolute() and (candidate / "somobench.yaml").is_file():
            return candidate
    return None


def _make_release_error(request: DatasetRequest, catalog: Path | None) -> UsageError:
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


class NamedEntries(FromCheckedEntry, Catalog):
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
    _entries: dict[str, CheckedEntry]

    def parse(self, text: str) -> None:
        """Make checked entries from the text of a catalog."""
        super().parse(text)
        self._entries = {
            name: check_entry(entry) for name, entry in self._entries.items()
        }


class LocalRelease(NamedEntries):
    """The feature sets of one release on this machine."""

    name = "somobench_local_release"

    def __init__(self, release: str, **kwargs: Any) -> None:
        self.release = release
        super().__init__(**kwargs)

    def _load(self) -> None:
        manifest = resolve(self.release).manifest
        feature_sets = manifest.feature_sets
        self._entries = {
            name: CheckedEntry(
                name=name,
                description=feature_sets[name].description,
                driver=SomobenchSource,
                args={"feature_set": name, "release": self.release},
                parameters=describe_parameters(manifest, name),
            )
            for name in sorted(feature_sets)
        }


class LocalCatalog(NamedEntries):
    """Releases in `releases/` of the checkout and below `SOMOBENCH_RELEASES`."""

    name = "local"

    def _load(self) -> None:
        self._entries = {
            release: CheckedEntry(
                name=release,
                description=f"{release}, on this machine",
                driver=LocalRelease,
                args={"release": release},
            )
            for release in local_names()
        }
