"""Open releases by name: the door without Intake, and the packaged catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from somobench.catalog.registry import catalog_folder, list_openable_releases
from somobench.catalog.request import DatasetRequest
from somobench.catalog.storage.room import require_room_for_libraries

if TYPE_CHECKING:
    import xarray as xr


def open_dataset(
    feature_set: str,
    *,
    release: str,
    layer: int | None = None,
    scaling: str = "full",
    split: str | None = None,
    include: str | Sequence[str] = (),
    lazy: bool = False,
) -> xr.Dataset:
    """Open a feature set of a release, with its target.

    The files are verified against the release's manifest, and fetched into the cache
    if this machine doesn't have them. Targets that are missing are NaN.

    Parameters
    ----------
    feature_set : str
        `climatology`, `forcing`, `memory` or `state`.
    release : str
        Full id, such as `virtual-0.1.0`; there is no default and no latest.
    layer : int, optional
        One layer; by default all, on dimension `layer`.
    scaling : {"full", "train", "none"}
        Factors of the target: of the full record, of the train days of `split`, or
        none, which is as measured. With "train", train and validation days have no
        value that other days of their cell had a part in, such as filled gaps.
    split : str, optional
        Adds `role`, (cell, time): 0 none, 1 train, 2 validation, 3 test.
    include : str or sequence of {"masks", "normalisation", "statics"}
        More variables. "masks": `is_train`, `is_validation` and `is_test`, bool, days
        of a split's role that have a target, and `has_inputs`, days on which all inputs
        are known. "normalisation", in train scaling: `normalisation_mean` and
        `normalisation_std` of every input, on dim `variable`, and `target_mean` and
        `target_std`, over the split's train cells and days. "statics": soil as
        variables, (cell), which count as inputs then, instead of coordinates.
    lazy : bool
        Dask-backed instead of in memory.

    Returns
    -------
    Dataset
        `soil_moisture`, (layer, cell, time), m3 m-3, and the inputs of the set,
        (cell, time) or (cell, time, lag); units stand in the attributes.

    Raises
    ------
    UnknownNameError, UsageError
        For a name that doesn't exist; the message lists those that do.
    IntegrityError
        If a file isn't the published one.
    NetworkError
        If a file has to be fetched and can't be.
    InputError
        If a limit of memory leaves no room for the libraries.

    Examples
    --------
    >>> import somobench
    >>> somobench.open_dataset("memory", release="virtual")
    Traceback (most recent call last):
    ...
    somobench.schemas.errors.UnknownNameError: unknown release
    ...
    """
    request = DatasetRequest(
        feature_set=feature_set,
        layer=layer,
        scaling=scaling,
        split=split,
        include=include,
    )
    require_room_for_libraries()
    from somobench.catalog.reader import read_feature_set
    from somobench.catalog.resolve import resolve

    return read_feature_set(resolve(release), request, lazy=lazy)


def list_releases() -> list[str]:
    """Return the ids of all releases that can be opened here, local ones too."""
    return list_openable_releases()


def catalog_path() -> str:
    """Return the path of the packaged catalog, for `intake.open_catalog`."""
    return str(catalog_folder() / "somobench.yaml")


def open_catalog() -> Any:
    """Open the packaged catalog with Intake.

    As `intake.open_catalog(catalog_path())`, but a name that doesn't exist is refused
    with those that do.
    """
    from somobench.catalog.driver import ReleaseCatalog

    return ReleaseCatalog(catalog_path())
