from __future__ import annotations

import pytest

from somobench.pipelines.forcing.era5.units import (
    FRACTION,
    KG,
    PA,
    PERCENT,
    J,
    K,
    M,
    find_conversion,
)

HOUR, DAY = 3600.0, 86400.0


@pytest.mark.parametrize(
    ("found", "wanted", "value"),
    [
        ("m", M, 1.0),
        ("m of water equivalent", M, 1.0),
        ("mm", M, 1e-3),
        ("kg m**-2", M, 1e-3),  # 1 kg of water on a square metre is 1 mm
        ("kg/m^2", M, 1e-3),
        ("mm w.e.", M, 1e-3),
        ("cm", M, 1e-2),
        ("J m**-2", J, 1.0),
        ("J/m2", J, 1.0),
        ("kJ m-2", J, 1e3),
        ("MJ m^-2", J, 1e6),
        ("W h m-2", J, 3600.0),
        ("Kelvin", K, 1.0),
        ("degC", K, 274.15),  # 1 degree Celsius
        ("hPa", PA, 100.0),
        ("m**3 m**-3", FRACTION, 1.0),
        ("m3/m3", FRACTION, 1.0),
        ("m\u00b3 m\u207b\u00b3", FRACTION, 1.0),
        ("J/m\u00b2", J, 1.0),
        ("%", FRACTION, 0.01),
        ("g/kg", KG, 1e-3),
        ("1", PERCENT, 100.0),
    ],
)
def test_one_of_a_unit_in_the_unit_of_era5(
    found: str, wanted: str, value: float
) -> None:
    factor, offset = find_conversion(found, wanted) or (0.0, 0.0)
    assert factor + offset == pytest.approx(value)


@pytest.mark.parametrize(
    ("found", "wanted", "covered", "factor"),
    [
        ("W m-2", J, HOUR, 3600.0),
        ("W/m^2", J, DAY, 86400.0),
        ("J m**-2 s**-1", J, HOUR, 3600.0),
        ("MJ m-2 day-1", J, DAY, 1e6),
        ("mm/day", M, DAY, 1e-3),
        ("mm d-1", M, HOUR, 1e-3 / 24),
        ("mm per day", M, DAY, 1e-3),
        ("kg m**-2 s**-1", M, HOUR, 3.6),
        ("m/hour", M, DAY, 24.0),
        ("mm of water equivalent d-1", M, DAY, 1e-3),
    ],
)
def test_rate_becomes_the_total_of_the_time_that_it_covers(
    found: str, wanted: str, covered: float, factor: float
) -> None:
    given = find_conversion(found, wanted, covered)
    assert given is not None
    assert given.factor == pytest.approx(factor)
    assert find_conversion(found, wanted) is None


@pytest.mark.parametrize(
    ("found", "wanted"),
    [("K", M), ("m s-1", J), ("W m-2", M), ("furlong", M), ("~", J), ("mW m-2", J)],
)
def test_unit_of_something_else_has_no_conversion(found: str, wanted: str) -> None:
    assert find_conversion(found, wanted, HOUR) is None
