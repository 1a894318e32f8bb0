from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.raw.era5_stores import make_cell_table, make_era5, make_recipe
from factories.raw.grib_files import Message, write_grib
from somobench.pipelines.forcing.era5 import Era5Source
from somobench.pipelines.forcing.era5.files import grib as era5_grib
from somobench.pipelines.forcing.era5.files import grib_headers
from somobench.pipelines.forcing.era5.files.grib import open_grib
from somobench.pipelines.forcing.era5.files.stores import open_inputs
from somobench.pipelines.forcing.era5.files.validity import list_times
from somobench.pipelines.forcing.source import ForcingRequest
from somobench.schemas.errors import InputError

WARM = Message("2t", 20180101, 0, None, 285.0)


def arrays_of(path: Path) -> dict[str, xr.DataArray]:
    with open_inputs([path]) as opened:
        return {
            str(name): store[name].load()
            for _, store in opened.stores
            for name in store
        }


@pytest.mark.parametrize("edition", [1, 2])
def test_states_and_forecast_totals_have_their_validity_times(
    edition: int, tmp_path: Path
) -> None:
    messages = [
        WARM,
        Message("2t", 20180101, 1, None, 286.0),
        # ERA5 stores accumulations as forecasts from 06 and 18 UTC.
        Message("tp", 20171231, 18, "6-7", 0.001),
        Message("tp", 20171231, 18, "7-8", 0.002),
    ]
    path = write_grib(tmp_path / "box.grib", messages, edition=edition)
    found = arrays_of(path)
    np.testing.assert_allclose(found["tp"][:, 0, 0], [0.001, 0.002], rtol=1e-3)
    assert list_times(found["tp"]).astype("M8[h]").astype(str).tolist() == [
        "2018-01-01T01",
        "2018-01-01T02",
    ]
    np.testing.assert_allclose(found["2t"][:, 0, 0], [285.0, 286.0], rtol=1e-3)
    assert found["2t"]["latitude"].to_numpy().tolist() == [50.25, 50.0, 49.75]
    assert found["2t"]["longitude"].to_numpy().tolist() == [10.0, 10.25, 10.5]


def test_values_lie_where_the_scan_puts_them(tmp_path: Path) -> None:
    values = np.arange(9.0).reshape(3, 3) + 280
    values[2, 0] = np.nan
    path = write_grib(
        tmp_path / "box.grib",
        [WARM._replace(values=values)],
        latitudes=(49.75, 50.0, 50.25),
        longitudes=(359.75, 0.0, 0.25),
    )
    [store] = open_grib(path, "box.grib")
    assert store["longitude"].to_numpy().tolist() == [359.75, 0.0, 0.25]
    assert store["latitude"].to_numpy().tolist() == [49.75, 50.0, 50.25]
    np.testing.assert_allclose(store["2t"][0], values, atol=1e-3)
    block = store["2t"].isel(
        valid_time=slice(0, 1), latitude=slice(1, 3), longitude=slice(1, 2)
    )
    np.testing.assert_allclose(block, values[1:3, 1:2][None], atol=1e-3)


def test_zero_within_the_packing_error_is_zero(tmp_path: Path) -> None:
    # 16 bits from -1e-5 to 0.4 leave a step of 6e-6; zero decodes to some of it.
    water = np.array([[0.4, 0.0, -1e-5], [0.3] * 3, [0.2] * 3])
    path = write_grib(
        tmp_path / "box.grib", [Message("swvl1", 20180101, 0, None, water)]
    )
    [store] = open_grib(path, "box.grib")
    assert float(store["swvl1"][0, 0, 1]) == 0.0
    assert float(store["swvl1"][0, 0, 2]) == pytest.approx(-1e-5, abs=4e-6)


def hourly_messages(store: xr.Dataset) -> list[Message]:
    """Write each hour as ERA5 does: states as analyses, totals as forecast steps."""
    short = {"t2m": "2t", "d2m": "2d"}
    found = []
    for name, array in store.data_vars.items():
        is_total = name in {"tp", "ssrd", "ssr", "str", "e"}
        for time, values in zip(store.get_index("time"), array.to_numpy(), strict=True):
            start, step = time, None
            if is_total:
                start = time - pd.Timedelta(hours=1 + (time.hour - 7) % 12)
                hours = int((time - start) / pd.Timedelta(hours=1))
                step = f"{hours - 1}-{hours}"
            date = int(start.strftime("%Y%m%d"))
            label = short.get(str(name), str(name))
            found.append(Message(label, date, start.hour, step, values))
    return found


def daily(path: Path, repository: Path) -> xr.Dataset:
    request = ForcingRequest(make_recipe(repository), make_cell_table(), (path,))
    return Era5Source().daily(request).dataset


def test_hourly_grib_gives_the_days_of_netcdf(tmp_path: Path, repository: Path) -> None:
    store = make_era5()
    store.to_netcdf(tmp_path / "plain.nc")
    path = write_grib(tmp_path / "box.grib", hourly_messages(store), bitsPerValue=24)
    found, expected = daily(path, repository), daily(tmp_path / "plain.nc", repository)
    for name in expected.data_vars:
        # Packing may move a value across the border of two stored steps.
        step = expected[name].attrs.get("quantisation_step", 2.0**-7)
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=step)


def test_preliminary_messages_are_known(tmp_path: Path) -> None:
    path = write_grib(tmp_path / "box.grib", [WARM], expver="0005")
    with open_inputs([path]) as opened:
        assert [bool(s["preliminary"].all()) for _, s in opened.stores] == [True]


def test_opening_decodes_no_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_grib(
        tmp_path / "box.grib", [WARM._replace(hour=hour) for hour in range(24)]
    )
    decoded: list[int] = []
    original = era5_grib._Messages._field

    def counting(self: Any, index: int, place: Any) -> Any:
        decoded.append(index)
        return original(self, index, place)

    monkeypatch.setattr(era5_grib._Messages, "_field", counting)
    [store] = open_grib(path, "box.grib")
    assert decoded == []
    store["2t"].isel(valid_time=slice(3, 5), latitude=[0]).load()
    assert decoded == [3, 4]


@pytest.mark.parametrize(
    ("messages", "keys", "found"),
    [
        ([WARM, WARM], {}, "time twice: 2018-01-01T00"),
        ([WARM], {"gridType": "rotated_ll"}, "rotated_ll.*regular_ll"),
        ([WARM], {"jPointsAreConsecutive": 1}, "regular_ll along columns"),
    ],
)
def test_grib_that_cannot_be_used_is_refused(
    messages: list[Message], keys: dict[str, Any], found: str, tmp_path: Path
) -> None:
    path = write_grib(tmp_path / "box.grib", messages, **keys)
    with pytest.raises(InputError, match=rf"(?s)box\.grib.*{found}"):
        arrays_of(path)


def test_grib_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_grib(tmp_path / "box.grib", [WARM, WARM._replace(hour=1)])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"(?s)box\.grib.*a whole GRIB file"):
        arrays_of(path)


def test_grib_without_its_reader_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_grib(tmp_path / "box.grib", [WARM])
    monkeypatch.setitem(sys.modules, "eccodes", None)
    monkeypatch.setattr(era5_grib, "find_spec", lambda _: None)
    with pytest.raises(
        InputError, match=r"(?s)eccodes isn't installed.*somobench\[grib"
    ):
        arrays_of(path)


@pytest.mark.parametrize("edition", [1, 2])
def test_headers_are_explained_once_for_each_kind(
    edition: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two variables and, of the total, two steps: three kinds in 40 days of messages.
    days = pd.date_range("2018-12-20", periods=40)
    messages = []
    for day in days:
        date = int(day.strftime("%Y%m%d"))
        messages.append(Message("2t", date, 0, None, 285.0))
        messages += [Message("tp", date, 6, step, 0.001) for step in ("0-1", "1-2")]
    path = write_grib(tmp_path / "box.grib", messages, edition=edition)
    explained: list[bytes] = []
    original = grib_headers._explain

    def counting(eccodes: Any, message: bytes) -> Any:
        explained.append(message)
        return original(eccodes, message)

    monkeypatch.setattr(grib_headers, "_explain", counting)
    found = arrays_of(path)
    assert len(explained) == 3
    assert (list_times(found["2t"]) == days.to_numpy()).all()
    hours = [day + pd.Timedelta(hours=hour) for day in days for hour in (7, 8)]
    assert (list_times(found["tp"]) == np.array(hours, "M8[ns]")).all()


def test_bytes_between_messages_are_skipped(tmp_path: Path) -> None:
    one = write_grib(tmp_path / "one.grib", [WARM]).read_bytes()
    two = write_grib(tmp_path / "two.grib", [WARM._replace(hour=1)]).read_bytes()
    path = tmp_path / "both.grib"
    path.write_bytes(one + bytes(100) + two)
    assert arrays_of(path)["2t"].shape == (2, 3, 3)
