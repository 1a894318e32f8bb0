"""Years of a cell beside those of the nearest one."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from somobench.consistency.weather.neighbours import find_other_years

YEARS = 5


def make_cells(apart: float = 0.25, **means: list[float]) -> xr.Dataset:
    """Return two cells of which the first has these means in the years."""
    usual = {"air_temperature": 280.0, "net_radiation": 8.0, "specific_humidity": 0.006}
    arrays = {}
    for name, mean in usual.items():
        own = np.repeat(means.get(name, [mean] * YEARS), 365)
        arrays[name] = (("cell", "time"), np.array([own, np.full(own.size, mean)]))
    return xr.Dataset(
        arrays,
        {
            "cell": ["a", "b"],
            "latitude": ("cell", [78.9, 78.9]),
            "longitude": ("cell", [179.9, (179.9 + apart + 180) % 360 - 180]),
            "time": np.datetime64("2015-01-01", "ns")
            + np.arange(YEARS * 365) * np.timedelta64(1, "D"),
        },
        {"grid_registration": "node", "remapping": "corner_mean"},
    )


def find(cells: xr.Dataset) -> list[str]:
    return [failure.where.split()[-1] for failure in find_other_years(cells)]


@pytest.mark.parametrize(
    ("name", "years", "faults"),
    [
        ("air_temperature", [280, 281.4, 280, 280, 280], False),
        ("air_temperature", [280, 281.6, 280, 280, 280], True),
        # By logarithms 0.15 is a factor of 1.162.
        ("net_radiation", [8, 9.2, 8, 8, 8], False),
        ("net_radiation", [8, 9.4, 8, 8, 8], True),
        ("specific_humidity", [0.006, 0.006, 0.006, 0.006, 0.0052], False),
        ("specific_humidity", [0.006, 0.006, 0.006, 0.006, 0.0051], True),
        # All years may be otherwise.
        ("air_temperature", [290] * YEARS, False),
    ],
)
def test_no_year_is_another_beside_the_nearest_cell(
    name: str, years: list[float], faults: bool
) -> None:
    # Across the antimeridian, where longitudes differ by 359.75.
    assert find(make_cells(**{name: years})) == [name] * faults


def test_distant_cells_are_not_compared() -> None:
    # 4 degrees of longitude are 0.77 at this latitude.
    cells = make_cells(4, air_temperature=[280, 290, 280, 280, 280])
    assert find(cells) == []


def test_ratio_of_little_net_radiation_means_nothing() -> None:
    # Snow that melts ten days earlier in one year of a polar cell.
    cells = make_cells(net_radiation=[1.55, 2.1, 1.55, 1.55, 1.55])
    assert find(cells) == []
