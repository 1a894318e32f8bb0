"""Rows of station files: exact values, times, flags, line ends and errors by line."""

from __future__ import annotations

import datetime as dt
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from somobench.pipelines.stations.ismn.rows import RowError, Rows, parse_rows


def parsed(content: bytes, **options: object) -> Rows:
    result = parse_rows(content, **options)  # type: ignore[arg-type]
    assert isinstance(result, Rows), result
    return result


def refused(content: bytes, **options: object) -> RowError:
    result = parse_rows(content, **options)  # type: ignore[arg-type]
    assert isinstance(result, RowError), result
    return result


NUMBERS = st.one_of(
    st.from_regex(r"[-+]?[0-9]{1,25}(\.[0-9]{0,25})?", fullmatch=True),
    st.from_regex(r"[-+]?\.[0-9]{1,25}", fullmatch=True),
    st.floats(allow_nan=False).map(repr),
    st.sampled_from(["-0.0000", "1e20", "inf", "-inf", "9007199254740993"]),
)


@settings(deadline=None)  # the first call compiles
@given(st.lists(NUMBERS, min_size=1, max_size=20))
def test_values_equal_float_of_their_text(texts: list[str]) -> None:
    content = "".join(f"2020/01/01 00:00 {text} G M\n" for text in texts)
    expected = np.array([float(text) for text in texts])
    # Compared as bytes, so that -0.0 isn't 0.0.
    assert parsed(content.encode()).values.tobytes() == expected.tobytes()


def test_value_nan_is_read_as_nan() -> None:
    assert math.isnan(parsed(b"2020/01/01 00:00 NaN M M\n").values[0])


@settings(deadline=None)  # the first call compiles
@given(
    st.datetimes(min_value=dt.datetime(1900, 1, 1), max_value=dt.datetime(2199, 12, 31))
)
def test_times_equal_the_calendar(time: dt.datetime) -> None:
    rows = parsed(f"{time:%Y/%m/%d %H:%M} 0.1 G M\n".encode())
    assert rows.times[0] == np.datetime64(time.replace(second=0, microsecond=0), "m")
    assert rows.times.dtype == np.dtype("datetime64[m]")


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\n\r", " \r", "\r\n\r\n", "\t\n"])
def test_line_ends_of_every_kind_give_the_same_rows(end: str) -> None:
    lines = ["2020/01/01 00:00   0.1000 G M", "2020/01/01 01:00   0.2000 D03 M"]
    rows = parsed("".join(line + end for line in lines).encode())
    assert rows.values.tolist() == [0.1, 0.2]
    assert [rows.flag_names[code] for code in rows.flag_codes] == ["G", "D03"]


def test_line_ends_mixed_in_one_file_are_all_seen() -> None:
    content = b"2020/01/01 00:00 0.1 G M\r2020/01/01 01:00 0.2 G M\n\r2020/01/01 02:00 0.3 G M\r\n2020/01/01 03:00 0.4 G M"  # noqa: E501
    assert parsed(content).values.tolist() == [0.1, 0.2, 0.3, 0.4]


def test_flags_joined_and_provider_absent_are_kept_as_delivered() -> None:
    rows = parsed(
        b"2020/01/01 00:00 0.1 D08,D03,D05 M\n"
        b"2020/01/01 01:00 0.1 U\n"
        b"2020/01/01 02:00 0.1 D05,D03 4_2xxx\n"
        b"2020/01/01 03:00 0.1 D08,D03,D05\n"
    )
    flags = [rows.flag_names[code] for code in rows.flag_codes]
    assert flags == ["D08,D03,D05", "U", "D05,D03", "D08,D03,D05"]
    providers = [rows.provider_names[code] for code in rows.provider_codes]
    assert providers == ["M", "", "4_2xxx", ""]


@pytest.mark.parametrize(
    "text",
    [
        "DLT >= 1.5,OK,OK",  # RISMA joins six checks, some of them in words
        "OK,OK,OK,OK,OK,DLT >= 1.5",
        "OK, OK,Out of WFV average range",
        "STC averaged using sensor 1 and 2",
        "CON >= 0.2 S/m",
        '"approved upload", generic flag',
    ],
)
def test_flag_of_the_provider_may_be_words(text: str) -> None:
    rows = parsed(
        f"2020/01/01 00:00 0.1 G {text}\n2020/01/01 01:00 0.2 D04 OK\r\n"
        f"2020/01/01 02:00 0.3 G  {text}  \n".encode()
    )
    assert rows.values.tolist() == [0.1, 0.2, 0.3]
    assert [rows.flag_names[code] for code in rows.flag_codes] == ["G", "D04", "G"]
    providers = [rows.provider_names[code] for code in rows.provider_codes]
    assert providers == [text, "OK", text]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        # Two rows on one line, and further columns, are no words.
        ("2020/01/01 00:00 0.1 G M 2020/01/01 01:00 0.2 G M", "a time, a value"),
        ("2020/01/01 00:00 0.1 G M 0.2 G M", "a time, a value"),
        ("2020/01/01 00:00 0.1 G M 01:00 x", "a time, a value"),
        ("2020/01/01 00:00 0.1 G M 1 2", "a time, a value"),
        ("2020/01/01 24:00 0.1 G M", "a time"),
        ("2020/01/01 00:60 0.1 G M", "a time"),
        ("2021/02/29 00:00 0.1 G M", "a time"),
        ("2100/02/29 00:00 0.1 G M", "a time"),  # 2100 is no leap year
        ("2020/04/31 00:00 0.1 G M", "a time"),
        ("2020/00/10 00:00 0.1 G M", "a time"),
        ("31/12/2020 00:00 0.1 G M", "a time"),
        ("1577836800 0.1 G M", "a time"),
        ("9999/01/01 00:00 0.1 G M", "a time"),
        ("2020-01-01 00:00 0.1 G M", "a time"),
        ("2020/01/01 00:00:00 0.1 G M", "a time"),
        ("2020/01/01", "a time"),
        ("2020/01/01 00:00", "a time, a value, a flag"),
        ("2020/01/01 00:00 0.1", "a time, a value, a flag"),
        ("2020/01/01 00:00 0.1 G M 7", "at most a provider's flag"),
        ("2020/01/01 00:00 0,1 G M", "a decimal number"),
        ("2020/01/01 00:00 1_0 G M", "a decimal number"),
        ("2020/01/01 00:00 0.1.2 G M", "a decimal number"),
        ("2020/01/01 00:00 - G M", "a decimal number"),
        ("2020/01/01 00:00 0\x00.1 G M", "a decimal number"),
        ("2020/01/01 00:00 0.1 G\x00 M", "printable ASCII"),
        ("2020/01/01 00:00 0.1 G \xe9", "printable ASCII"),
    ],
)
def test_row_that_cannot_be_read_is_named_by_line(row: str, expected: str) -> None:
    good = "2020/01/01 00:00 0.1 G M"
    lines = [good, "", row, good, good]
    content = "".join(f"{line}\r\n" for line in lines).encode("latin-1")
    error = refused(content, line=2)
    # Header on line 1, so the rows stand on lines 2, (blank), 4, 5, 6.
    assert error.line == 4
    assert error.count == 1
    assert error.text == ascii(row)
    assert expected in error.expected
    assert not error.truncated


def test_rows_that_cannot_be_read_are_counted_and_the_first_is_shown() -> None:
    # A bad value on line 2 comes before a bad time on line 3, though times are
    # checked in the compiled loop and odd values after it.
    error = refused(
        b"2020/01/01 00:00 0.1 G M\n2020/01/01 01:00 x G M\n"
        b"2020/01/01 25:00 0.1 G M\n2020/01/01 26:00 0.1 G M\n"
    )
    assert (error.line, error.count) == (2, 3)
    assert error.found == "line 2: '2020/01/01 01:00 x G M' and 2 more rows"


@pytest.mark.parametrize(
    "tail",
    ["2020", "2020/01/01 02:0", "2020/01/01 02:00 0.", "2020/01/01 02:00 0.1 G"],
)
def test_last_line_cut_off_is_a_truncated_file(tail: str) -> None:
    content = f"2020/01/01 00:00 0.1 G M\n2020/01/01 01:00 0.1 G M\n{tail}"
    error = refused(content.encode())
    assert error.truncated
    assert error.line == 3


def test_last_line_whole_but_unended_is_read() -> None:
    content = b"2020/01/01 00:00 0.1 G M\n2020/01/01 01:00 0.2 G M"
    assert parsed(content).values.tolist() == [0.1, 0.2]


SEGMENT = b"NET  NET  ST 01  53.6  10.0  22.5  0.05  0.05"


def test_repeated_metadata_is_skipped_and_the_nominal_time_used() -> None:
    content = b"2020/01/01 00:00 2020/01/01 00:04 " + SEGMENT + b"  0.3 G M\n"
    rows = parsed(content, segment=SEGMENT)
    assert rows.values.tolist() == [0.3]
    assert rows.times[0] == np.datetime64("2020-01-01T00:00")


def test_repeated_metadata_that_changes_is_an_error() -> None:
    row = b"2020/01/01 00:00 2020/01/01 00:00 " + SEGMENT + b"  0.3 G M\n"
    moved = row.replace(b"53.6", b"53.7")
    error = refused(row + moved, segment=SEGMENT)
    assert error.line == 2
    assert "first row" in error.expected


def test_more_flags_than_any_real_file_holds_are_an_error() -> None:
    content = "".join(f"2020/01/01 00:00 0.1 F{index} M\n" for index in range(1025))
    assert "1024" in refused(content.encode()).expected


def test_importing_the_reader_compiles_nothing() -> None:
    code = "import sys, somobench.pipelines.ingest; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
