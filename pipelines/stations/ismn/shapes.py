"""Compiled reading of rows that look like an earlier one, eight bytes at a time.

    2010/01/01 00:00   0.2140 G M
    2010/01/01 01:00   0.2138 G M

Most rows differ from an earlier row in nothing but the digits of time and value. What
`kernel` has read with care leaves its shape: the bytes from the time to the line end,
digits of the value apart, and what flags they stand for. A row of a known shape means
the same with other digits; every other row is read with care.
"""

# ruff: noqa: PLR2004 (hours and minutes are their own names)
# ruff: noqa: PLR0917 (compiled functions take neither keywords nor records)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from somobench.compiling import compile_lazily
from somobench.pipelines.stations.ismn.times import (
    NO_TIME,
    Whole,
    count_days,
    count_month_days,
    read_two_digits,
)

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Integers = NDArray[np.int64]

TIME_SIZE = 16
SHAPES = 16  # known at a time; real files have a few for each flag
WORDS = 6  # of eight bytes, behind the time
BEHIND = TIME_SIZE + 8 * (WORDS + 1)  # bytes, fewer than which may not follow a row
DIGITS = 15  # such numbers are exact, as are the powers of ten that divide them
TEXT, EXCESS, MASK = 0, WORDS, 2 * WORDS
OWN, ZEROS, WHOLE, ALIGN = 3 * WORDS, 3 * WORDS + 1, 3 * WORDS + 2, 3 * WORDS + 3
SHAPE_WORDS = 3 * WORDS + 4
"""Places in a shape's words: its bytes; what overflows if one differs; its extent. Of a
value of eight bytes at most: its extent, its bytes, what of it stands before a point,
and bits to shift it by, so that it ends its word; without extent it is longer."""
COUNT, SIZE, CODE, OTHER, FIGURES, DECIMALS, SIGN, PAIR = 0, 1, 2, 3, 4, 5, 6, 7
VALUE, PLACES = 8, 9
WEIGHTS = PLACES + DIGITS
FACTS = PLACES + 2 * DIGITS
"""Places in a shape's facts: words and bytes that it takes, codes of its flags, digits
of its value, how many of them are decimals, -1 or 1, whether two bytes end its line,
where the value begins; then the place and the weight of each digit."""

_POWERS = np.array([float(f"1e{power}") for power in range(DIGITS + 1)])
_NEWLINE, _RETURN, _MINUS, _POINT, _SLASH, _ZERO = 10, 13, 45, 46, 47, 48
# A text and what is read, combined by xor, are 0 to 9 in a digit and 0 elsewhere. With
# these added, every other byte overflows into its highest bit.
_DIGIT_EXCESS, _OTHER_EXCESS = 0x76, 0x7F
_ZEROS = np.uint64(int.from_bytes(b"00 00:00", "little"))
_TIME_EXCESS = np.uint64(int.from_bytes(b"vv\x7fvv\x7fvv", "little"))
_OVERFLOW = np.uint64(0x8080808080808080)
_BYTE, _TEN = np.uint64(255), np.uint64(10)
_TO_NEXT, _TO_HOUR, _TO_MINUTE = np.uint64(8), np.uint64(24), np.uint64(48)
# Every other pair of digits, and by what to multiply so that bits 32 to 63 sum them up.
_PAIRS, _TO_PAIR, _TO_SUM = np.uint64(0x000000FF000000FF), np.uint64(16), np.uint64(32)
_OUTER, _INNER = np.uint64(100 + (1_000_000 << 32)), np.uint64(1 + (10_000 << 32))


@compile_lazily()
def learn_shape(
    data: Bytes,
    start: int,
    span: tuple[int, int],
    stop: int,
    codes: tuple[int, int],
    facts: Integers,
    words: Words,
) -> bool:
    """Describe a row that begins with its time at `start` and ends before `stop`.

    `span` is that of its value, which is exact; `codes` are those of its flags. False
    if it is too long.
    """
    begin, size = start + TIME_SIZE, stop - start - TIME_SIZE
    if size > 8 * WORDS or span[1] - span[0] > DIGITS:
        return False
    facts[:], words[:] = 0, 0
    point, figures = span[1] - 1, 0
    for at in range(begin, stop):
        byte: Whole = np.int64(data[at])
        excess = _OTHER_EXCESS
        inside = span[0] <= at < span[1]
        if inside and byte == _POINT:
            point = at
        elif inside and _ZERO <= byte <= _ZERO + 9:
            byte, excess = _ZERO, _DIGIT_EXCESS
            facts[PLACES + figures] = at - begin
            figures += 1
        word, shift = (at - begin) // 8, np.uint64(8 * ((at - begin) % 8))
        words[TEXT + word] |= np.uint64(byte) << shift
        words[EXCESS + word] |= np.uint64(excess) << shift
        words[MASK + word] |= _BYTE << shift
    weight = 1
    for figure in range(figures - 1, -1, -1):
        facts[WEIGHTS + figure] = weight
        weight *= 10
    facts[COUNT], facts[SIZE], facts[FIGURES] = (size + 7) // 8, size, figures
    facts[CODE], facts[OTHER] = codes
    facts[DECIMALS] = span[1] - 1 - point
    facts[SIGN] = -1 if data[span[0]] == _MINUS else 1
    facts[PAIR] = _ends_line(data[stop - 2]) and data[stop - 2] != data[stop - 1]
    facts[VALUE] = span[0] - begin
    if span[1] - span[0] <= 8:
        _learn_value(data, span, words)
    return True


@compile_lazily()
def _learn_value(data: Bytes, span: tuple[int, int], words: Words) -> None:
    """Describe a value of at most eight bytes."""
    for at in range(span[0], span[1]):
        shift, byte = np.uint64(8 * (at - span[0])), np.int64(data[at])
        is_digit = _ZERO <= byte <= _ZERO + 9
        words[ZEROS] |= np.uint64(_ZERO if is_digit else byte) << shift
        if byte == _POINT:
            words[WHOLE] = words[OWN]
        words[OWN] |= _BYTE << shift
    words[ALIGN] = np.uint64(8 * (8 - (span[1] - span[0])))


@compile_lazily()
def _add_digits(digits: np.uint64, whole: np.uint64, align: np.uint64) -> Whole:
    """Read the digits of a value of eight bytes at most, all at once."""
    whole &= digits  # closes up to the decimals
    digits = ((digits ^ whole) | whole << _TO_NEXT) << align
    pairs = digits * _TEN + (digits >> _TO_NEXT)
    outer = (pairs & _PAIRS) * _OUTER
    inner = ((pairs >> _TO_PAIR) & _PAIRS) * _INNER
    return np.int64((outer + inner) >> _TO_SUM)


@compile_lazily()
def _add_each_digit(data: Bytes, start: int, facts: Integers, number: int) -> Whole:
    """Read the digits of a value of any length, behind a time that ends at `start`."""
    mantissa = np.int64(0)
    for figure in range(facts[number, FIGURES]):
        digit = np.int64(data[start + facts[number, PLACES + figure]]) - _ZERO
        mantissa += digit * facts[number, WEIGHTS + figure]
    return mantissa


@compile_lazily()
def _ends_line(byte: int) -> bool:
    return byte == _NEWLINE or byte == _RETURN  # noqa: PLR1714 (faster than `in`)


@compile_lazily()
def find_shape(
    words: Words, start: int, known: int, facts: Integers, texts: Words
) -> int:
    """Return the shape of a row, `BEHIND` bytes of which follow; -1 if it is unknown.

    Parameters
    ----------
    facts, texts : (SHAPES, FACTS) and (SHAPES, SHAPE_WORDS), the first `known` filled
    """
    for shape in range(known):
        wrong = np.uint64(0)
        for word in range(facts[shape, COUNT]):
            apart = words[start + TIME_SIZE + 8 * word] ^ texts[shape, word]
            apart &= texts[shape, MASK + word]
            wrong |= (apart + texts[shape, EXCESS + word]) | apart
        if wrong & _OVERFLOW == 0:
            return shape
    return -1


@compile_lazily()
def _read_month(data: Bytes, start: int) -> tuple[Whole, Whole]:
    """First day of `yyyy/mm/`, since 1970, and its days; 0 if it is no month."""
    year = 100 * read_two_digits(data, start) + read_two_digits(data, start + 2)
    month = read_two_digits(data, start + 5)
    first = count_days(year, month, 1)
    if first == NO_TIME or data[start + 4] != _SLASH or data[start + 7] != _SLASH:
        return 0, 0
    return first, count_month_days(year, month)


@compile_lazily()
def read_run(
    data: Bytes,
    words: Words,
    start: int,
    known: int,
    facts: Integers,
    texts: Words,
    times: Integers,
    values: NDArray[np.float64],
    codes: NDArray[np.int16],
    others: NDArray[np.int16],
    row: int,
) -> tuple[int, int, int]:
    """Read rows of known shapes into columns, up to the first of none.

    Gives the number of the next row, where it begins, and where the last one began. The
    run ends before a row that `BEHIND` bytes don't follow, and before one whose time
    isn't one. Parameters are those of `find_shape`.
    """
    first: Whole
    length: Whole
    month, first, length, last = np.uint64(0), 0, 0, start
    while start < data.size - BEHIND:
        number = find_shape(words, start, known, facts, texts)
        if number < 0:
            break
        before = row  # rows of arrays would be counted references, which cost more
        text, excess = texts[number, TEXT], texts[number, EXCESS]
        text_2, excess_2 = texts[number, TEXT + 1], texts[number, EXCESS + 1]
        mask, mask_2 = texts[number, MASK], texts[number, MASK + 1]
        own, zeros, whole, align = (
            texts[number, OWN],
            texts[number, ZEROS],
            texts[number, WHOLE],
            texts[number, ALIGN],
        )
        count, paired = facts[number, COUNT], facts[number, PAIR] != 0
        at, step = TIME_SIZE + facts[number, VALUE], TIME_SIZE + facts[number, SIZE]
        code, other = np.int16(facts[number, CODE]), np.int16(facts[number, OTHER])
        divisor = facts[number, SIGN] * _POWERS[facts[number, DECIMALS]]
        while start < data.size - BEHIND:
            if words[start] != month:
                month = words[start]
                first, length = _read_month(data, start)
            digits = words[start + 8] ^ _ZEROS
            wrong = (digits + _TIME_EXCESS) | digits
            apart = (words[start + 16] ^ text) & mask
            wrong |= (apart + excess) | apart
            apart = (words[start + 24] ^ text_2) & mask_2
            wrong |= (apart + excess_2) | apart
            for word in range(2, count):
                apart = words[start + 16 + 8 * word] ^ texts[number, word]
                apart &= texts[number, MASK + word]
                wrong |= (apart + texts[number, EXCESS + word]) | apart
            pairs = digits * _TEN + (digits >> _TO_NEXT)
            day = np.int64(pairs & _BYTE)
            hour = np.int64((pairs >> _TO_HOUR) & _BYTE)
            minute = np.int64((pairs >> _TO_MINUTE) & _BYTE)
            is_time = 1 <= day <= length and hour <= 23 and minute <= 59
            ends_twice = not paired and _ends_line(data[start + step])
            if wrong & _OVERFLOW or not is_time or ends_twice:
                break
            if own != 0:
                digits = (words[start + at] ^ zeros) & own
                mantissa = _add_digits(digits, whole, align)
            else:
                mantissa = _add_each_digit(data, start + TIME_SIZE, facts, number)
            times[row] = ((first + day - 1) * 24 + hour) * 60 + minute
            values[row] = np.float64(mantissa) / divisor
            codes[row], others[row] = code, other
            row += 1
            last, start = start, start + step
        if row == before:
            break
    return row, start, last
