"""The compiled choice of values gives what array functions give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from somobench.pipelines.stations import (
    SensorMetadata,
    SensorSeries,
    daily,
    selection,
)
from somobench.pipelines.stations.daily import average_to_days
from somobench.pipelines.stations.selection import GoodValues, select_good

FLAGS = ("G", "D03", "D01,D03", "D03,D01", "")
VALUES = st.one_of(
    st.floats(0, 1), st.sampled_from([-0.0, -9999.0, 1.5, np.nan, np.inf, -np.inf])
)
CODES = st.integers(0, len(FLAGS) - 1)
ROWS = st.lists(st.tuples(st.integers(0, 300), VALUES, CODES), max_size=60)
PERIOD = {"start": np.datetime64("2020-01-02"), "end": np.datetime64("2020-01-09")}
PLACE = (53.7, 10.0, 20.0, 0.05, 0.05)
FIELDS = ("times", "values")


def make_series(rows: list[tuple[int, float, int]], declared: bool) -> SensorSeries:
    hours, values, codes = zip(*rows, strict=True) if rows else ((), (), ())
    days = (np.datetime64("2020-01-03"), np.datetime64("2020-01-07"))
    times = np.datetime64("2020-01-01", "m") + 60 * np.array(hours, np.int64)
    return SensorSeries(
        SensorMetadata("NET", "ST01", "Probe", *PLACE, "sm", "a.stm"),
        times,
        np.array(values, np.float64),
        np.array(codes, np.int16),
        FLAGS,
        np.zeros(len(rows), np.int16),
        ("M",),
        *(days if declared else (None, None)),
    )


def list_bytes(good: GoodValues) -> list[object]:
    arrays: list[NDArray[np.generic]] = [good.times, good.values]
    return [(array.dtype, array.tobytes()) for array in arrays]


@settings(deadline=None, max_examples=300)
@example([(168, 0.0, 0), (169, -0.0, 0)], False, False, ("G",))
@given(ROWS, st.booleans(), st.booleans(), st.sampled_from([("G",), ("G", ""), None]))
def test_one_pass_selects_and_counts_as_array_functions_do(
    rows: list[tuple[int, float, int]],
    declared: bool,
    in_order: bool,
    flags: tuple[str, ...] | None,
) -> None:
    if in_order:
        rows = sorted({row[0]: row for row in rows}.values())
    series = make_series(rows, declared)
    fast = select_good(series, good_flags=flags, **PERIOD)
    fast_days = average_to_days(fast.times, fast.values, 2)
    with pytest.MonkeyPatch.context() as patch:
        for module in (selection, daily):
            patch.setattr(module, "import_kernel", lambda: None)
        slow = select_good(series, good_flags=flags, **PERIOD)
        slow_days = average_to_days(slow.times, slow.values, 2)
    assert list_bytes(fast) == list_bytes(slow)
    assert fast.dropped == slow.dropped
    assert fast.out_of_order == slow.out_of_order
    assert fast_days.days_below == slow_days.days_below
    for name in ("days", "means", "counts"):
        one, other = getattr(fast_days, name), getattr(slow_days, name)
        assert (one.dtype, one.tobytes()) == (other.dtype, other.tobytes())


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 1440), min_size=1, max_size=4), st.integers(0, 2**32))
def test_days_of_any_length_have_the_means_of_array_functions(
    lengths: list[int], seed: int
) -> None:
    # From 9, 129 and 257 values a day on, numpy sums them in another order.
    rng = np.random.default_rng(seed)
    minutes = np.concatenate(
        [
            1440 * day + np.sort(rng.choice(1440, length, replace=False))
            for day, length in enumerate(lengths)
        ]
    )
    times, values = minutes.astype(selection.MINUTES), rng.random(len(minutes))
    fast = average_to_days(times, values, 6)
    slow = average_to_days(times.astype("datetime64[s]"), values, 6)
    assert fast.days_below == slow.days_below == sum(count < 6 for count in lengths)
    assert fast.means.tobytes() == slow.means.tobytes()
    assert fast.counts.tolist() == slow.counts.tolist()
    assert fast.days.tolist() == slow.days.tolist()


@pytest.mark.parametrize("zeros", [(0.0, -0.0), (-0.0, 0.0), (-0.0, -0.0)])
@pytest.mark.parametrize("is_compiled", [True, False])
def test_mean_of_zeros_has_no_sign(
    zeros: tuple[float, float], is_compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_compiled:
        monkeypatch.setattr(daily, "import_kernel", lambda: None)
    times = np.datetime64("2020-01-01", "m") + 60 * np.arange(2)
    (mean,) = average_to_days(times, np.array(zeros), 2).means
    assert not np.signbit(mean)
