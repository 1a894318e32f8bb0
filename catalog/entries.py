"""Entries of Intake's catalogs that render no template.

Intake's own entry renders every text among its arguments and among the values that a
user gives. Catalogs of ours name `CheckedEntry` as the class of each entry, so that
Intake makes no other, whoever opens them and however an entry is reached.
"""

from __future__ import annotations

from typing import Any

from intake.catalog.base import Catalog
from intake.catalog.local import LocalCatalogEntry, UserParameter
from intake.source.base import DataSource

from somobench.catalog.request import FOLDER, name_class


class CheckedEntry(LocalCatalogEntry):
    """An entry whose driver checks what it is given; no text of either is rendered.

    Parameters
    ----------
    name, driver : str
        The driver by name or as a class, a source or catalog whose `configure_new`
        refuses what it doesn't know.
    description : str, optional
    args : dict, optional
        Of the driver. `{{ CATALOG_DIR }}` stands for the folder of the catalog.
    parameters : dict, optional
        What Intake's `UserParameter` says of each parameter, by name.
    metadata : dict, optional
    catalog_dir : str, optional
        By default the folder of the catalog that Intake puts the entry into.
    kwargs : dict, optional
        All of these, as a catalog file has them beside the class.
    """

    _catalog_dir: str

    def __init__(self, **described: Any) -> None:
        given = dict(described.get("kwargs", described))
        if isinstance(given["driver"], type):
            given["driver"] = f"{given['driver'].__module__}.{given['driver'].__name__}"
        self._owner: Catalog | None = None
        super().__init__(
            given["name"],
            given.get("description", ""),
            given["driver"],
            args=given.get("args", {}),
            parameters=[
                UserParameter(name, **parameter)
                for name, parameter in given.get("parameters", {}).items()
            ],
            metadata=given.get("metadata", {}),
            catalog_dir=given.get("catalog_dir", ""),
        )
        # What Intake copies, pickles and saves an entry by.
        self._captured_init_args = ()
        self._captured_init_kwargs = name_class(given)

    @property
    def _catalog(self) -> Catalog | None:
        return self._owner

    @_catalog.setter
    def _catalog(self, catalog: Catalog | None) -> None:
        # Intake tells an entry of this class its catalog, but not the folder of it.
        self._owner = catalog
        folder = getattr(catalog, "_dir", None)
        if folder and not self._catalog_dir:
            self._catalog_dir = folder
            self._captured_init_kwargs["kwargs"]["catalog_dir"] = folder

    def get(self, **parameters: Any) -> DataSource:
        """Return its source, with other parameters."""
        source = super().get()
        return source.configure_new(**parameters) if parameters else source

    def __call__(self, **parameters: Any) -> DataSource:
        """Return its source, which knows its entry."""
        source = self.get(**parameters)
        source._entry, source._passed_kwargs = self, [*parameters]
        return source

    def _create_open_args(self, user_parameters: dict[str, Any]) -> tuple[Any, Any]:
        folder = self._catalog_dir.rstrip("/")
        args = {
            name: value.replace(FOLDER, folder) if isinstance(value, str) else value
            for name, value in self._open_args.items()
        }
        metadata = self._metadata | {"catalog_dir": self._catalog_dir}
        return self._plugin[0], {"metadata": metadata} | args | user_parameters

    def _yaml(self) -> dict[str, Any]:
        return {"sources": {self.name: self._captured_init_kwargs}}


def check_entry(entry: LocalCatalogEntry) -> CheckedEntry:
    """Return a checked entry that says the same as one of Intake's."""
    if isinstance(entry, CheckedEntry):
        return entry
    checked = CheckedEntry(
        name=entry._name,
        description=entry._description,
        driver=entry._driver,
        args=entry._open_args,
        parameters={each.name: _describe(each) for each in entry._user_parameters},
        metadata=entry._metadata,
        catalog_dir=entry._catalog_dir,
    )
    checked._catalog = entry._catalog
    return checked


def _describe(parameter: UserParameter) -> dict[str, Any]:
    described: dict[str, Any] = parameter.describe()
    return {key: value for key, value in described.items() if key != "name"}


class FromCheckedEntry(DataSource):
    """A source or catalog whose own entry renders no template, saved or not."""

    @property
    def entry(self) -> CheckedEntry:
        """The entry of the catalog that this was made from."""
        return check_entry(super().entry)

    def _yaml(self) -> dict[str, Any]:
        ((name, described),) = super()._yaml()["sources"].items()
        return {"sources": {name: name_class({"name": name} | described)}}
