"""Open the windows of a role of a split by name."""

from __future__ import annotations

import operator
from os import PathLike
from pathlib import Path
from typing import Any

from somobench.catalog.registry import unknown
from somobench.catalog.request import DatasetRequest
from somobench.schemas.errors import UsageError
from somobench.schemas.variables import ROLES
from somobench.windows.window_set import MISSING, WindowSet

LONGEST = 3660  # days: ten years
GIBIBYTE = 2**30


def open_windows(
    feature_set: str,
    *,
    release: str,
    split: str,
    layer: int,
    length: int = 365,
    role: str = "train",
    missing: str = "mask",
    memory_limit: int = 2 * GIBIBYTE,
    scratch: str | PathLike[str] | None = None,
) -> WindowSet:
    """Open the windows that end on the days of a role that have a target.

    Inputs and target are normalised by the release's moments of train cells and days,
    in the split's train scaling. A model is of one layer; a deeper one sees the layer
    above as an input of feature set `state`. Lags are left out: the window holds them.

    Parameters
    ----------
    feature_set : str
        `forcing`, `state`, `memory` (the weather of `forcing`) or `climatology`.
    release : str
        Full id, such as `virtual-2.0.0`.
    split : str
    layer : int
    length : int
        Days of a window, its target's day the last.
    role : {"train", "validation", "test"}
    missing : {"mask", "refuse"}
        What becomes of windows with days whose inputs aren't all known, or which lie
        before the record: kept, the input at its train mean and `is_present` false;
        or left out and counted in `refused`.
    memory_limit : int, bytes
        Larger arrays are written to a scratch file once and read from there.
    scratch : path, optional
        Folder for it; by default the system's for temporary files.

    Returns
    -------
    WindowSet

    Raises
    ------
    UnknownNameError, UsageError
        For a name that doesn't exist or a number that can't be meant.
    IntegrityError
        If a file isn't the published one.

    Notes
    -----
    A train or validation window that holds a test day of its cell is refused, and
    counted in `refused`: a split's own embargo keeps apart only what the lags of
    feature set `memory` reach. A test window may hold train days, whose weather the
    model knows anyway; none is refused, so that predictions are complete.
    """
    if role not in ROLES:
        raise unknown("role", role, ROLES)
    if missing not in MISSING:
        raise unknown("missing", missing, MISSING)
    if layer is None:
        raise UsageError("layer", found=None, expected="one layer: a model is of one")
    request = DatasetRequest(
        feature_set=feature_set,
        layer=layer,
        scaling="train",
        split=split,
        include=("normalisation", "statics"),
    )
    from somobench.catalog.reader import read_feature_set
    from somobench.catalog.resolve import resolve
    from somobench.windows.read import read_series

    days = _parse_whole("length", length, 1, LONGEST)
    limit = _parse_whole("memory_limit", memory_limit, 0)
    opened = read_feature_set(resolve(release), request, lazy=True)
    series = read_series(
        opened,
        length=days,
        memory_limit=limit,
        scratch=None if scratch is None else Path(scratch),
    )
    return WindowSet(series, role=role, length=days, missing=missing)


def _parse_whole(what: str, given: Any, least: int, most: int | None = None) -> int:
    try:
        number = operator.index(given)
    except TypeError:
        number = least - 1
    if isinstance(given, bool) or number < least or number > (most or number):
        wanted = f"{least} or more" if most is None else f"from {least} to {most}"
        raise UsageError(what, found=repr(given), expected=f"a whole number, {wanted}")
    return number
