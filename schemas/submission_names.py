"""Names and limits of a submission's layout; light, for a child process loads them."""

from __future__ import annotations

PREDICTION = "soil_moisture"
UNNAMED = "__xarray_dataarray_variable__"
"""What xarray calls an array without a name in a file."""
SERIES_DIMS = ("layer", "cell", "time")
OPTIONAL_DIMS = ("lead_time", "member")
DIMS = ("lead_time", *SERIES_DIMS, "member")
"""Order of dims, of which `lead_time` and `member` may be absent."""
CELL_IDS = "cell_id"
"""Name of the labels of `cell` in a table, and another one for them in a grid."""
PLACES = ("latitude", "longitude")
"""Coordinates along `cell` that must agree with its ids where they are given."""
LABELS = (*DIMS, CELL_IDS, *PLACES)

_SPELLINGS = frozenset(
    f"{unit}3{ratio}"
    for unit in ("m", "dm", "cm", "mm")
    for ratio in (f"{unit}-3", f"/{unit}3")
)
_PLAIN = str.maketrans("\u00b3\u207b\u2212", "3--", " ^*.\u00b7")
"""Raised letters of units as plain ones, and marks of powers and products as none."""

LONGEST_NAME = 200  # letters of a model's or a file's name
LONGEST_LABEL = 1000  # bytes of one label, such as a cell's id
MAXIMUM_MEMBERS = 1000
LONGEST_LEAD = 10  # days


def normalise_units(units: str) -> str:
    """Return units without blanks, raised letters and marks of powers and products."""
    return units.translate(_PLAIN)


def is_volumetric(units: str) -> bool:
    """Tell whether a text means m3 m-3, however powers and the product are written.

    A ratio of volumes is the same number in any unit of volume.

    Examples
    --------
    >>> is_volumetric("m^3 m^-3"), is_volumetric("cm3/cm3"), is_volumetric("kg m-3")
    (True, True, False)
    """
    return normalise_units(units) in _SPELLINGS
