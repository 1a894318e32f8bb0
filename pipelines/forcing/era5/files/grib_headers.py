"""The headers of a GRIB file's messages, distinguished by their bytes.

A year of hourly fields is 100,000 messages whose headers differ in little but the
date. eccodes explains one header of each kind; others of that kind are the same bytes
but for the date, which is read here.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from somobench.schemas.errors import InputError

INDICATOR, END = b"GRIB", b"7777"
SHORTEST = 16  # bytes, section 0 of edition 2
HEADER = 2**16  # bytes that hold every section before the values
LONGEST = 2**23  # bytes whose number edition 1 can write plainly
IDENTIFICATION, PRODUCT, PACKING = 1, 4, 5  # numbers of sections of edition 2
DATES_OF_TEMPLATE = {8: slice(34, 41), 11: slice(37, 44)}
"""By number of a GRIB2 product template: where its section holds the end's date."""


class Kind(NamedTuple):
    """What tells variables of a file apart."""

    name: str
    units: str
    version: str
    """ECMWF's expver; 0005 is preliminary."""
    member: int
    grid: str
    """A hash of the grid's definition."""


class Header(NamedTuple):
    """One message: its kind, its validity time and its place in the file."""

    kind: Kind
    time: np.datetime64
    offset: int
    size: int


class _Opening(NamedTuple):
    """What a message's first bytes say."""

    signature: bytes
    """Every byte of its header but the date's."""
    reference: np.datetime64


def read_headers(eccodes: Any, path: Path, what: str) -> Iterator[Header]:
    """Give the header of each message in the order of the file.

    Raises
    ------
    InputError
        If the file holds no message, is cut short, or is of an unknown edition.
    """
    explained: dict[bytes, tuple[Kind, np.timedelta64]] = {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=1) as view:
        for offset, size in _locate_messages(view, what):
            try:
                opening = _read_opening(view[offset : offset + min(size, HEADER)])
            except (IndexError, ValueError):
                raise _cut_short(what, offset) from None
            if opening.signature not in explained:
                kind, time = _explain(eccodes, view[offset : offset + size])
                explained[opening.signature] = kind, time - opening.reference
            kind, lead = explained[opening.signature]
            yield Header(kind, opening.reference + lead, offset, size)


def _locate_messages(view: mmap.mmap, what: str) -> Iterator[tuple[int, int]]:
    """Give offset and size of each message; bytes between them are skipped."""
    offset = view.find(INDICATOR)
    while offset >= 0:
        size = _read_size(view, offset, what)
        end = offset + size
        if view[end - len(END) : end] != END:
            raise _cut_short(what, offset)
        yield offset, size
        offset = view.find(INDICATOR, end)


def _read_size(view: mmap.mmap, at: int, what: str) -> int:
    edition = view[at + 7] if at + SHORTEST <= len(view) else 0
    size = {
        1: int.from_bytes(view[at + 4 : at + 7], "big"),
        2: int.from_bytes(view[at + 8 : at + 16], "big"),
    }.get(edition, 0)
    if edition == 1 and size >= LONGEST:
        raise InputError(
            f"forcing input {what}",
            found="a GRIB1 message of more than 8 MiB",
            expected="smaller messages, or GRIB2",
            hint="grib_set -s edition=2",
        )
    if size < SHORTEST or at + size > len(view):
        raise _cut_short(what, at)
    return size


def _cut_short(what: str, offset: int) -> InputError:
    return InputError(
        f"forcing input {what}",
        found=f"no whole message at byte {offset}",
        expected="a whole GRIB file of edition 1 or 2",
        hint="get the file again",
    )


def _read_opening(message: bytes) -> _Opening:
    read = _read_opening_1 if message[7] == 1 else _read_opening_2
    signature, (year, month, day, hour, minute) = read(message)
    text = f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}"
    return _Opening(signature, np.datetime64(text, "ns"))


def _read_opening_1(message: bytes) -> tuple[bytes, tuple[int, ...]]:
    """WMO manual 306, FM 92 GRIB edition 1: octets 13 to 17 and 25 are the date."""
    product = message[8 : 8 + int.from_bytes(message[8:11], "big")]
    end = 8 + len(product)
    has_grid = product[7] & 0x80
    grid = message[end : end + int.from_bytes(message[end : end + 3], "big")]
    signature = product[:12] + product[17:24] + product[25:]
    year = (product[24] - 1) * 100 + product[12]
    return signature + (grid if has_grid else b""), (year, *product[13:17])


def _read_opening_2(message: bytes) -> tuple[bytes, tuple[int, ...]]:
    """Edition 2: octets 13 to 19 of section 1, and the end's in some of section 4."""
    signature, date, at = message[6:7], (0, 0, 0, 0, 0), SHORTEST
    while message[at + 4] < PACKING:
        section = message[at : at + int.from_bytes(message[at : at + 4], "big")]
        number = section[4]
        if number == IDENTIFICATION:
            date = (int.from_bytes(section[12:14], "big"), *section[14:18])
            section = section[:12] + section[19:]
        elif number == PRODUCT:
            masked = DATES_OF_TEMPLATE.get(int.from_bytes(section[7:9], "big"))
            if masked is not None:
                section = section[: masked.start] + section[masked.stop :]
        signature += section
        at += int.from_bytes(message[at : at + 4], "big") or len(message)
    return signature, date


def _explain(eccodes: Any, message: bytes) -> tuple[Kind, np.datetime64]:
    """Let eccodes read a header: its kind and its validity time."""
    handle = eccodes.codes_new_from_message(message)

    def get(key: str, otherwise: Any = "") -> Any:
        is_there = eccodes.codes_is_defined(handle, key)
        return eccodes.codes_get(handle, key) if is_there else otherwise

    try:
        date, clock = f"{get('validityDate'):08d}", f"{get('validityTime'):04d}"
        day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
        kind = Kind(
            _name_variable(
                get("shortName"), get("paramId"), get("typeOfLevel"), get("level")
            ),
            get("units"),
            str(get("expver")),
            int(get("number", 0) or 0),
            get("md5GridSection"),
        )
        return kind, np.datetime64(f"{day}T{clock[:2]}:{clock[2:]}", "ns")
    finally:
        eccodes.codes_release(handle)


def _name_variable(name: str, parameter: int, kind: str, level: int) -> str:
    """Name a variable; one unknown to eccodes, or of an upper level, by number."""
    known = name if name != "unknown" else f"parameter_{parameter}"
    return f"{known}_{level}" if kind.startswith(("isobaric", "hybrid")) else known
