"""Names and limits of a submission's layout; light, for a child process loads them."""

from __future__ import annotations

PREDICTION = "soil_moisture"
SERIES_DIMS = ("layer", "cell", "time")
OPTIONAL_DIMS = ("lead_time", "member")
DIMS = ("lead_time", *SERIES_DIMS, "member")
"""Order of dims, of which `lead_time` and `member` may be absent."""

_SPELLINGS = frozenset({"m3m-3", "m3/m3"})
_PLAIN = str.maketrans("\u00b3\u207b\u2212", "3--", " ^*.\u00b7")
"""Raised letters of units as plain ones, and marks of powers and products as none."""

LONGEST_NAME = 200  # letters of a model's or a file's name
MAXIMUM_MEMBERS = 1000
LONGEST_LEAD = 10  # days


def is_volumetric(units: str) -> bool:
    """Tell whether a text means m3 m-3, however powers and the product are written.

    Examples
    --------
    >>> is_volumetric("m^3 m^-3"), is_volumetric("m3/m3"), is_volumetric("kg m-3")
    (True, True, False)
    """
    return units.translate(_PLAIN) in _SPELLINGS
