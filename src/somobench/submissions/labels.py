"""Labels of a submission in the dtype of their dim: cell ids, days, whole numbers.

What is meant without a doubt is understood, and noted: ids padded with blanks, days
stamped at noon, times in UTC or as text. Everything else is refused.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import MAXIMUM_MEMBERS
from somobench.submissions.units import convert_lead_times

_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:?00|[ ]?UTC)?)?",
    re.ASCII,
)
_ZONE = re.compile(r"(?:Z|\+00:?00|[ ]?UTC)$")
_MIDDAY = np.timedelta64(11, "h"), np.timedelta64(13, "h")
"""Where tools that average a day put its time: 11:30 of 24 hours, or noon."""


def read_labels(
    dim: str, labels: Any, units: str = "", notes: list[str] | None = None
) -> NDArray[Any]:
    """Return labels in the dtype of their dim.

    Parameters
    ----------
    dim : one of `submission_names.DIMS`
    labels : (N,) array or index
    units : of lead times that are numbers
    notes : list that gets what was understood

    Raises
    ------
    InputError
        For labels that aren't what the dim has.
    """
    notes = [] if notes is None else notes
    if np.ndim(labels) != 1:
        raise InputError(
            f"coordinate {dim}", found=f"{np.ndim(labels)} dims", expected=1
        )
    if dim == "cell":
        return _parse_texts(labels, notes)
    if dim == "time":
        return _parse_days(pd.Index(labels), notes)
    array = np.asarray(labels)
    if dim == "lead_time":
        array = convert_lead_times(array, units, notes)
    return _parse_whole_numbers(dim, array)


def decode_texts(labels: NDArray[Any]) -> list[object]:
    """Return labels with bytes as text, without blanks and zeros at their ends."""
    return [
        item.decode("utf-8", "replace").strip(" \0")
        if isinstance(item, bytes)
        else item.strip(" \0")
        if isinstance(item, str)
        else item
        for item in labels.tolist()
    ]


def _parse_texts(labels: Any, notes: list[str]) -> NDArray[Any]:
    array = np.asarray(labels)
    given = array.tolist()
    texts = [item for item in decode_texts(array) if isinstance(item, str)]
    if len(texts) != len(given):
        raise InputError(
            "cells of the submission",
            found=f"labels of dtype {array.dtype}, such as {array[:1]}",
            expected='texts, such as "41.875_-111.625"',
        )
    if any(len(text) != len(item) for text, item in zip(texts, given, strict=True)):
        notes.append("blanks around cell ids were left out")
    return np.asarray(texts, dtype=str)


def _parse_days(index: pd.Index, notes: list[str]) -> NDArray[np.datetime64]:
    first = ", ".join(map(str, index[:1]))
    found = f"labels of dtype {index.dtype}, such as {first}"
    if index.dtype.kind in "OSU" or isinstance(index.dtype, pd.StringDtype):
        index = _parse_objects(index, notes)
    if isinstance(index, pd.DatetimeIndex) and index.tz is not None:
        local = index.tz_localize(None)
        if not (index.tz_convert("UTC").tz_localize(None) == local).all():
            hint = (
                "days are UTC: average hours to UTC days, or where the labels alone "
                "are local, table.time.dt.tz_localize(None)"
            )
            raise _make_days_error(found, hint)
        index = local
        notes.append("times with a time zone are in UTC")
    if index.dtype.kind != "M" or index.hasnans:
        raise _make_days_error(found)
    try:
        times = pd.DatetimeIndex(index).as_unit("ns").to_numpy()
    except pd.errors.OutOfBoundsDatetime as error:  # before 1678 or after 2261
        raise _make_days_error(found) from error
    return _remove_midday(times, notes)


def _parse_objects(index: pd.Index, notes: list[str]) -> pd.Index:
    """Read dates and times of Python, and texts such as 2020-07-01."""
    items = decode_texts(np.asarray(index, dtype=object))
    if all(isinstance(item, str) and _ISO.fullmatch(item) for item in items) and items:
        notes.append("times were read from text")
        items = [_ZONE.sub("", str(item)) for item in items]
    elif not all(isinstance(item, dt.date) for item in items):
        return index
    try:
        return pd.DatetimeIndex(items)
    except (ValueError, TypeError):  # no such day, or zones mixed with none
        return index


def _make_days_error(found: str, hint: str | None = None) -> InputError:
    return InputError(
        "time of the submission",
        found=found,
        expected="days of the standard calendar, in UTC or without a time zone",
        hint=hint,
    )


def _remove_midday(
    times: NDArray[np.datetime64], notes: list[str]
) -> NDArray[np.datetime64]:
    """Take off the midday hour that stands for each day; a check sees other hours."""
    days = times.astype("datetime64[D]")
    clocks = np.unique(times - days)
    if len(clocks) != 1 or not _MIDDAY[0] <= clocks[0] <= _MIDDAY[1]:
        return times
    minutes = int(clocks[0] / np.timedelta64(1, "m"))
    notes.append(
        f"times at {minutes // 60:02d}:{minutes % 60:02d} stand for their days"
    )
    return days.astype("datetime64[ns]")


def _parse_whole_numbers(dim: str, labels: NDArray[Any]) -> NDArray[Any]:
    whole = labels.dtype.kind in "iuf" and bool((labels == np.round(labels)).all())
    limit = 9 if dim == "layer" else MAXIMUM_MEMBERS
    if not whole or bool((np.abs(labels) > limit).any()) or labels.size > limit:
        raise InputError(
            f"{dim} of the submission",
            found=f"{labels.size} labels of dtype {labels.dtype}, such as {labels[:3]}",
            expected=f"at most {limit} whole numbers up to {limit}",
        )
    return labels.astype("int8" if dim == "layer" else "int64")
