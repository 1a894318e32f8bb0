"""Rows of a known shape are read as rows that are read with care."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from somobench.pipelines.stations.ismn.rows import RowError, Rows, parse_rows

TIMES = st.one_of(
    st.datetimes().map(lambda time: f"{time:%Y/%m/%d %H:%M}"),
    st.integers(0, 40).map(
        lambda hour: f"2020/02/{28 + hour // 24}  {hour % 24:02}:00"
    ),
    st.integers(0, 90).map(lambda hour: f"2020/02/{28 + hour // 24} {hour % 24:02}:00"),
    st.sampled_from(
        ["2020/01/01 00:6o", "2020/01/0a 00:00", "\0\0\0\0\0\0\0\x0001 00:00"]
    ),
)
VALUES = st.one_of(
    st.floats(-1, 2).map(lambda value: f"{value:.4f}"),
    st.integers(0, 999).map(lambda value: f"0.{value}"),
    st.from_regex(r"[-+]?[0-9]{0,17}\.?[0-9]{0,17}", fullmatch=True),
    st.sampled_from(["NaN", "-0.0000", "0,1000", "0.1:00", "1e-05", "-9999.0000"]),
)
FLAGS = st.sampled_from(["G", "D03", "D01,D03", "C02", "", "\x7f", "M\0"])
PROVIDERS = st.sampled_from(
    ["M", "4_2xxx", "", "DLT >= 1.5,OK", "OK," * 20, "7", "M 0.2", "\xe9", "U\t"]
)
ENDS = st.sampled_from(["\r\n"] * 8 + ["\n", "\r", "\n\r", "\n\n\r", " \r\n", ""])
ROWS = st.tuples(TIMES, st.sampled_from([" ", "   ", "\t"]), VALUES, FLAGS, PROVIDERS)


def write_row(row: tuple[str, str, str, str, str]) -> str:
    time, gap, value, flag, provider = row
    return f"{time}{gap}{value} {flag} {provider}"


def compare_readings(content: bytes) -> None:
    fast, slow = parse_rows(content), parse_rows(content, careful=True)
    if isinstance(slow, RowError):
        assert fast == slow
        return
    assert isinstance(fast, Rows)
    for name in ("flag_names", "provider_names"):
        assert getattr(fast, name) == getattr(slow, name)
    for name in ("times", "values", "flag_codes", "provider_codes"):
        # Compared as bytes, so that -0.0 isn't 0.0 and NaN is NaN.
        assert getattr(fast, name).tobytes() == getattr(slow, name).tobytes()


@settings(deadline=None, max_examples=300)
@given(
    st.lists(ROWS, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), TIMES, VALUES, ENDS), max_size=30),
    ENDS,
)
def test_rows_of_few_kinds_are_read_alike_both_ways(
    kinds: list[tuple[str, str, str, str, str]],
    rows: list[tuple[int, str, str, str]],
    end: str,
) -> None:
    lines = []
    for kind, time, value, _ in rows:
        _, gap, _, flag, provider = kinds[kind % len(kinds)]
        lines.append(write_row((time, gap, value, flag, provider)))
    ends = [ending for *_, ending in rows] if end == "" else [end] * len(rows)
    compare_readings(
        "".join(map("".join, zip(lines, ends, strict=True))).encode("latin-1")
    )


GOOD = "".join(
    f"2020/{1 + day // 28:02}/{1 + day % 28:02} 0{day % 9}:00   0.{day:04} "
    f"{('G', 'D03')[day % 7 == 0]} M\r\n"
    for day in range(200)
)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=3))
def test_a_byte_changed_anywhere_is_read_alike_both_ways(
    place: int, other: bytes
) -> None:
    text = GOOD.encode()
    compare_readings(text[:place] + other + text[place + len(other) :])


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 120))
def test_a_file_cut_off_anywhere_is_read_alike_both_ways(missing: int) -> None:
    compare_readings(GOOD.encode()[: len(GOOD) - missing])


@pytest.mark.parametrize("decimals", [1, 2, 4, 9, 13])
def test_values_of_every_length_equal_float_of_their_text(decimals: int) -> None:
    texts = [f"{number / 7:.{decimals}f}" for number in range(-50, 50)]
    content = "".join(f"2020/01/01 00:00 {text} G M\n" for text in texts).encode()
    rows = parse_rows(content)
    assert isinstance(rows, Rows)
    expected = np.array([float(text) for text in texts])
    assert rows.values.tobytes() == expected.tobytes()


@pytest.mark.parametrize("blanks", [1, 8, 30, 40, 43])
def test_values_far_behind_their_time_are_read_alike_both_ways(blanks: int) -> None:
    rows = [
        f"2020/01/{day:02} 00:00{' ' * blanks}{day % 10} G\n" for day in range(1, 29)
    ]
    compare_readings("".join(rows).encode())
