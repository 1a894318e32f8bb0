"""Compiled loop over the bytes of an ISMN station file.

Imported only when rows are read: numba belongs to the extra `build`, and nothing is
compiled before the first call. `rows` is its only caller.
"""

# ruff: noqa: PLR2004 (digits, months, hours and minutes are their own names)
# ruff: noqa: PLR0917 (compiled functions take no keywords)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from somobench.compiling import compile_lazily
from somobench.pipelines.stations.ismn.shapes import (
    BEHIND,
    FACTS,
    SHAPE_WORDS,
    SHAPES,
    TIME_SIZE,
    Words,
    learn_shape,
    read_run,
)
from somobench.pipelines.stations.ismn.times import NO_TIME, count_days, read_two_digits

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Columns = tuple[Integers, NDArray[np.float64], NDArray[np.int16], NDArray[np.int16]]
Whole = int | np.int64
Span = tuple[int, int]

MAXIMUM_FLAGS = 1024  # different flag texts in one file; real files hold below 50

# Places in the state that a run leaves behind.
ROWS, FLAGS, PROVIDERS, SLOW, LINE, LINE_START, UNENDED = 0, 1, 2, 3, 4, 5, 6
ERRORS, ERROR_LINE, ERROR_START, ERROR_KIND = 7, 8, 9, 10
STATE_SIZE = 11
SHORTEST_ROW = 21  # bytes: a time, a figure, a flag, what parts them, a line end

# Kinds of row errors.
TIME, COLUMNS, METADATA, FLAG, MANY = 1, 2, 3, 4, 5

_TAB, _NEWLINE, _RETURN, _BLANK = 9, 10, 13, 32
_MINUS, _PLUS, _POINT, _SLASH, _ZERO, _COLON, _TILDE = 45, 43, 46, 47, 48, 58, 126
_LESS, _EQUAL, _GREATER = 60, 61, 62
_EXACT = 2**53  # integers up to here are exact, so are powers of ten up to 22
_POWERS = np.array([float(f"1e{power}") for power in range(23)])
_NO_CODE_FLAG, _NO_CODE_MANY = -1, -2


@compile_lazily()
def _is_end(byte: int) -> bool:
    return byte in (_NEWLINE, _RETURN)


@compile_lazily()
def _is_gap(byte: int) -> bool:
    return byte in (_BLANK, _TAB, _NEWLINE, _RETURN)


@compile_lazily()
def _next_token(data: Bytes, position: int) -> tuple[int, int]:
    """Span of the next token of this line; empty at the end of the line."""
    size = data.size
    while position < size and (data[position] in (_BLANK, _TAB)):
        position += 1
    start = position
    while position < size and not _is_gap(data[position]):
        position += 1
    return start, position


@compile_lazily()
def _after_line(data: Bytes, position: int) -> int:
    """Start of the next line; a pair of different line ends counts as one."""
    size = data.size
    while position < size and not _is_end(data[position]):
        position += 1
    if position + 1 < size:
        follower = data[position + 1]
        if _is_end(follower) and follower != data[position]:
            return position + 2
    return min(position + 1, size)


@compile_lazily()
def _minutes(data: Bytes, start: int) -> Whole:
    """Minutes since 1970 of `yyyy/mm/dd HH:MM`; NO_TIME if it isn't that."""
    stop = start + TIME_SIZE
    if stop > data.size or (stop < data.size and not _is_gap(data[stop])):
        return NO_TIME
    if data[start + 4] != _SLASH or data[start + 7] != _SLASH:
        return NO_TIME
    if data[start + 10] != _BLANK or data[start + 13] != _COLON:
        return NO_TIME
    year = 100 * read_two_digits(data, start) + read_two_digits(data, start + 2)
    hour, minute = read_two_digits(data, start + 11), read_two_digits(data, start + 14)
    days = count_days(
        year, read_two_digits(data, start + 5), read_two_digits(data, start + 8)
    )
    if days == NO_TIME or hour < 0 or hour > 23 or minute < 0 or minute > 59:
        return NO_TIME
    return (days * 24 + hour) * 60 + minute


@compile_lazily()
def _number(data: Bytes, position: int) -> tuple[bool, float, int]:
    """Decimal number and its end; exact where True, else left to Python's `float`."""
    start, size = position, data.size
    negative = position < size and data[position] == _MINUS
    if negative or (position < size and data[position] == _PLUS):
        position += 1
    mantissa, point, begin = np.int64(0), -1, position
    while position < size:
        byte = np.int64(data[position])
        if _ZERO <= byte <= _ZERO + 9 and mantissa <= _EXACT:
            mantissa = 10 * mantissa + (byte - _ZERO)
        elif byte == _POINT and point < 0:
            point = position
        else:
            break
        position += 1
    decimals = 0 if point < 0 else position - point - 1
    digits = position - begin - (0 if point < 0 else 1)
    ended = position == size or _is_gap(data[position])
    if not ended or digits == 0 or mantissa > _EXACT or decimals > 22:
        return False, np.nan, _next_token(data, start)[1]
    value = np.float64(mantissa) / _POWERS[decimals]
    return True, -value if negative else value, position


@compile_lazily()
def _words(data: Bytes, first: Span) -> tuple[bool, int]:
    """Whether the rest of a line is one text from `first` on, and where it ends.

    A provider's text may hold blanks (`DLT >= 1.5,OK`). Numbers, dates and times that
    stand alone are further columns, but for whole numbers among words and the decimal
    number after a comparison.
    """
    stop, single, words, numbers = first[1], True, False, True
    compared = first[0] < stop and _LESS <= data[stop - 1] <= _GREATER
    while True:
        start, end = _next_token(data, stop)
        if start == end:
            return numbers and (single or words), stop
        digits, points, marks = 0, 0, 0
        for position in range(start, end):
            digits += _ZERO <= data[position] <= _ZERO + 9
            points += data[position] == _POINT
            marks += data[position] in (_COLON, _SLASH)
        begins = _ZERO <= data[start] <= _ZERO + 9
        signed = data[start] in (_MINUS, _PLUS)
        is_number = digits > 0 and digits + points + signed == end - start
        if (begins and marks > 0) or (is_number and points > 0 and not compared):
            numbers = False
        words = words or not is_number
        compared = _LESS <= data[end - 1] <= _GREATER
        single, stop = False, end


@compile_lazily()
def _same(data: Bytes, start: int, other: Bytes, other_start: int, size: int) -> bool:
    for offset in range(size):
        if data[start + offset] != other[other_start + offset]:
            return False
    return True


@compile_lazily()
def _code(
    data: Bytes, span: tuple[int, int], spans: Integers, count: int
) -> tuple[int, int]:
    """Code of a flag text and the number of texts known after it."""
    start, stop = span
    for code in range(count):
        known, known_stop = spans[code, 0], spans[code, 1]
        if known_stop - known == stop - start and _same(
            data, start, data, known, stop - start
        ):
            return code, count
    for position in range(start, stop):
        byte = data[position]
        if byte != _TAB and (byte < _BLANK or byte > _TILDE):
            return _NO_CODE_FLAG, count
    if count == MAXIMUM_FLAGS:
        return _NO_CODE_MANY, count
    spans[count, 0], spans[count, 1] = start, stop
    return count, count + 1


@compile_lazily()
def _skip_repeated(data: Bytes, position: int, segment: Bytes) -> int:
    """Position after the second time and the repeated metadata of a CEOP row; -1."""
    position = _next_token(data, _next_token(data, position)[1])[1]
    position = _next_token(data, position)[0]
    size = segment.size
    if position + size > data.size or not _same(data, position, segment, 0, size):
        return -1
    return position + size


@compile_lazily()
def _row(
    data: Bytes, start: int, segment: Bytes
) -> tuple[int, Whole, float, Span, Span, Span, bool]:
    """Read one row.

    Gives the kind of its error or 0, minutes, value, the spans of value, flag and
    provider's flag, and whether the value is exact.
    """
    position = start + TIME_SIZE
    nothing = (start, start)
    minutes = _minutes(data, start)
    if minutes == NO_TIME:
        return TIME, minutes, np.nan, nothing, nothing, nothing, True
    if segment.size > 0:
        position = _skip_repeated(data, position, segment)
        if position < 0:
            return METADATA, minutes, np.nan, nothing, nothing, nothing, True
    begin = _next_token(data, position)[0]
    exact, value, position = _number(data, begin)
    flag = _next_token(data, position)
    first = _next_token(data, flag[1])
    is_text, stop = _words(data, first)
    provider = (first[0], stop)
    kind = COLUMNS if flag[0] == flag[1] or not is_text else 0
    return kind, minutes, value, (begin, position), flag, provider, exact


@compile_lazily()
def _note_error(state: Integers, line: int, start: int, kind: int) -> None:
    if state[ERRORS] == 0:
        state[ERROR_LINE], state[ERROR_START], state[ERROR_KIND] = line, start, kind
    state[ERRORS] += 1


@compile_lazily()
def read_rows(
    data: Bytes, words: Words, is_quick: bool, position: int, line: int, segment: Bytes
) -> tuple[Columns, Integers, Integers, Integers, Integers]:
    """Read rows into columns; flag spans, slow values and the state go with them.

    Parameters
    ----------
    words : (N - 7,) eight bytes from every place on
    is_quick : bool
        Otherwise every row is read with care, and none of the words.

    Returns
    -------
    tuple
        Columns (minutes, values, flag codes, provider codes), of which the first
        `state[ROWS]` count; (N, 2) spans of flags and of provider flags; (N, 5) row,
        start, stop, line and line start of values that need Python's `float`; state.
    """
    size, state = data.size, np.zeros(STATE_SIZE, np.int64)
    bound = (size - position) // SHORTEST_ROW + 2
    times, values = np.empty(bound, np.int64), np.empty(bound, np.float64)
    codes, others = np.empty(bound, np.int16), np.empty(bound, np.int16)
    flags = np.empty((MAXIMUM_FLAGS, 2), np.int64)
    providers = np.empty((MAXIMUM_FLAGS, 2), np.int64)
    slow = np.empty((bound, 5), np.int64)
    rows = slows = flag_count = provider_count = 0
    last_line = last_start = learnt = 0
    facts = np.empty((SHAPES, FACTS), np.int64)
    texts = np.empty((SHAPES, SHAPE_WORDS), np.uint64)
    while position < size:
        if learnt and position < size - BEHIND:
            before = rows
            rows, position, last = read_run(
                *(data, words, position, min(learnt, SHAPES), facts, texts),
                *(times, values, codes, others, rows),
            )
            if rows > before:
                line += rows - before
                last_line, last_start = line - 1, last
                continue
        start, stop = _next_token(data, position)
        position = start
        if start != stop:
            kind, minutes, value, number, flag, provider, exact = _row(
                data, start, segment
            )
            code, flag_count = _code(data, flag, flags, flag_count)
            other, provider_count = _code(data, provider, providers, provider_count)
            if kind == 0 and min(code, other) < 0:
                kind = MANY if min(code, other) == _NO_CODE_MANY else FLAG
            times[rows], values[rows], codes[rows] = minutes, value, code
            others[rows] = other
            last_line, last_start, position = line, start, provider[1]
            if kind == 0 and not exact:
                slow[slows, 0], slow[slows, 1], slow[slows, 2] = rows, *number
                slow[slows, 3], slow[slows, 4] = line, start
                slows += 1
            elif kind == 0 and is_quick:
                end, shape = _after_line(data, position), learnt % SHAPES
                learnt += learn_shape(
                    data, start, number, end, (code, other), facts[shape], texts[shape]
                )
            if kind != 0:
                _note_error(state, line, start, kind)
            rows += kind == 0
        position = _after_line(data, position)
        line += 1
    state[LINE], state[LINE_START] = last_line, last_start
    state[ROWS], state[FLAGS], state[PROVIDERS] = rows, flag_count, provider_count
    state[SLOW] = slows
    state[UNENDED] = size > 0 and not _is_end(data[size - 1])
    return (times, values, codes, others), flags, providers, slow, state
