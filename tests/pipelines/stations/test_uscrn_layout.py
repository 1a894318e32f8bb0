"""Fixed-width layouts: every field in the readme's columns, nothing read by luck."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories.raw.uscrn_files import daily_line
from somobench.pipelines.stations.uscrn.layout import (
    DAILY,
    HOURLY,
    BadLine,
    Columns,
    parse_lines,
)

# Typed by hand: 216 bytes, every field right-aligned in the columns of the readme.
DAILY_LINE = (
    "26565 20160101  2.424 -148.46   70.16    -1.8   -13.9    -7.9    -7.5     0.2"
    "     2.83 C    -2.3   -18.7    -9.2    91.0    60.5    75.2"
    "   0.259   0.255   0.252   0.242 -99.000"
    "     1.1     1.4     1.6     2.0 -9999.0"
)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("WBANNO", 1, 5), ("LST_DATE", 7, 14), ("LONGITUDE", 23, 29),
        ("T_DAILY_AVG", 63, 69), ("P_DAILY_CALC", 71, 77), ("SOLARAD_DAILY", 79, 86),
        ("SUR_TEMP_DAILY_AVG", 106, 112), ("RH_DAILY_AVG", 130, 136),
        ("SOIL_MOISTURE_5_DAILY", 138, 144), ("SOIL_TEMP_100_DAILY", 210, 216),
    ],
)  # fmt: skip
def test_daily_field_stands_in_the_readmes_columns(
    name: str, first: int, last: int
) -> None:
    assert (name, first - 1, last) in list(DAILY.spans())


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("UTC_TIME", 16, 19), ("LATITUDE", 50, 56), ("P_CALC", 90, 96),
        ("SOLARAD", 98, 103), ("SOLARAD_FLAG", 105, 105), ("SUR_TEMP", 127, 133),
        ("SUR_TEMP_FLAG", 135, 135), ("RH_HR_AVG", 157, 161),
        ("SOIL_MOISTURE_5", 165, 171), ("SOIL_TEMP_100", 237, 243),
    ],
)  # fmt: skip
def test_hourly_field_stands_in_the_readmes_columns(
    name: str, first: int, last: int
) -> None:
    assert (name, first - 1, last) in list(HOURLY.spans())


def test_line_typed_by_hand_is_read_field_by_field() -> None:
    columns = parse_lines(DAILY_LINE.encode(), DAILY)
    assert isinstance(columns, Columns)
    assert columns.texts["WBANNO"].tolist() == ["26565"]
    assert columns.texts["SUR_TEMP_DAILY_TYPE"].tolist() == ["C"]
    found = {
        name: columns.numbers[name][0]
        for name in ("LATITUDE", "P_DAILY_CALC", "SOLARAD_DAILY", "RH_DAILY_AVG",
                     "SOIL_MOISTURE_50_DAILY", "SOIL_TEMP_100_DAILY")
    }  # fmt: skip
    assert found == {
        "LATITUDE": 70.16, "P_DAILY_CALC": 0.2, "SOLARAD_DAILY": 2.83,
        "RH_DAILY_AVG": 75.2, "SOIL_MOISTURE_50_DAILY": 0.242,
        "SOIL_TEMP_100_DAILY": -9999.0,
    }  # fmt: skip


@given(st.lists(st.integers(-98_999, 99_999), min_size=1, max_size=9))
def test_written_values_are_read_back_exactly(thousandths: list[int]) -> None:
    lines = [daily_line(SOIL_MOISTURE_5_DAILY=value / 1000) for value in thousandths]
    columns = parse_lines("\n".join(lines).encode(), DAILY)
    assert isinstance(columns, Columns)
    expected = [value / 1000 for value in thousandths]
    assert columns.numbers["SOIL_MOISTURE_5_DAILY"].tolist() == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", " \n", "\n\r", "\n\n"])
def test_line_ends_and_trailing_blanks_change_nothing(end: str) -> None:
    lines = [daily_line("20200101"), daily_line("20200102")]
    columns = parse_lines("".join(line + end for line in lines).encode(), DAILY)
    assert isinstance(columns, Columns)
    assert columns.texts["LST_DATE"].tolist() == ["20200101", "20200102"]


def test_byte_order_mark_is_skipped() -> None:
    assert isinstance(
        parse_lines(b"\xef\xbb\xbf" + daily_line().encode(), DAILY), Columns
    )


def test_daily_line_is_no_hourly_line() -> None:
    found = parse_lines(daily_line().encode(), HOURLY)
    assert found == BadLine(1, found.found, "243 bytes")  # type: ignore[union-attr]
