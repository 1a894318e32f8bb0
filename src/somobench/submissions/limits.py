"""What a submission may hold at most, and how it is refused."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from somobench.schemas.errors import InputError

MAXIMUM_BYTES = 4_000_000_000  # of all arrays of a submission, unpacked
MAXIMUM_METADATA = 1_000_000  # bytes of one metadata document or attribute
MAXIMUM_OBJECTS = 1_000  # arrays and groups
MAXIMUM_CHUNK = 512_000_000  # unpacked bytes of what is read at once
FREE_BYTES = 64_000_000  # unpacked bytes that a file of any size may declare
LARGEST_RATIO = 50  # unpacked to stored bytes of larger ones; real predictions reach 20
FREE_VALUES = 16_000_000  # of a lead time and member, whatever is asked or given
ASKED_TIMES = 4  # values of a lead time and member, compared with those of a release


class Contents(NamedTuple):
    """What the metadata of a file declare."""

    declared_bytes: int
    """Of all arrays, unpacked, whole chunks counted."""
    arrays: tuple[str, ...]
    """Paths, such as `soil_moisture` or `model/soil_moisture`."""


def refuse_size(declared: int, what: str = "submission") -> None:
    """Refuse arrays that would take more memory than a submission may."""
    if declared > MAXIMUM_BYTES:
        raise InputError(
            what,
            found=f"arrays of {declared} bytes in all",
            expected=f"at most {MAXIMUM_BYTES}",
        )


def refuse_chunk(declared: int, what: str) -> None:
    """Refuse a chunk that would take more memory than one reading may."""
    if declared > MAXIMUM_CHUNK:
        raise InputError(
            what,
            found=f"a chunk of {declared} bytes",
            expected=f"at most {MAXIMUM_CHUNK}",
            hint="write the file in smaller chunks, or the region of the release alone",
        )


def refuse_emptiness(declared: int, stored: int, what: str) -> None:
    """Refuse arrays that are far larger than what the file holds of them.

    Chunks that were never written, and blocks of one value, take next to no space in a
    file and their full size in memory.
    """
    if declared > max(FREE_BYTES, LARGEST_RATIO * stored):
        raise InputError(
            what,
            found=f"arrays of {declared} bytes in a file of {stored} bytes",
            expected=f"at most {LARGEST_RATIO} times what the file holds",
            hint="write the predictions of the test days alone, and all of them",
        )


def refuse_spread(rows: int, sizes: Mapping[str, int]) -> None:
    """Refuse rows that name far more combinations of labels than there are rows."""
    combinations = math.prod(sizes.values())
    if rows == 0 or combinations > max(FREE_VALUES, LARGEST_RATIO * rows):
        listed = ", ".join(f"{size} of {dim}" for dim, size in sizes.items())
        raise InputError(
            "rows of the submission",
            found=f"{rows} rows with {listed}",
            expected=f"at least one, and a row for one in {LARGEST_RATIO} combinations",
        )


def refuse_more_values(sizes: Mapping[str, int], asked: int | None) -> None:
    """Refuse far more values than a release has cells, layers and days.

    Members and lead times multiply what may be handed in.
    """
    given = math.prod(sizes[dim] for dim in ("cell", "time", "layer"))
    if asked is not None and given > max(FREE_VALUES, ASKED_TIMES * asked):
        listed = ", ".join(f"{size} of {dim}" for dim, size in sizes.items())
        raise InputError(
            "size of the submission",
            found=f"{given} values: {listed}",
            expected=f"about {asked}: cells, layers and days of the release",
            hint="hand in the cells and test days of the split alone",
        )


def refuse(
    what: str, found: object, expected: str | Iterable[str], hint: str | None = None
) -> InputError:
    """Return the refusal of something that a submission must not hold."""
    allowed = expected if isinstance(expected, str) else ", ".join(sorted(expected))
    return InputError(what, found=str(found)[:200], expected=allowed, hint=hint)
