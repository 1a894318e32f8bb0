"""Names and limits of a submission's layout; light, for a child process loads them."""

from __future__ import annotations

PREDICTION = "soil_moisture"
SERIES_DIMS = ("layer", "cell", "time")
OPTIONAL_DIMS = ("lead_time", "member")
DIMS = ("lead_time", *SERIES_DIMS, "member")
"""Order of dims, of which `lead_time` and `member` may be absent."""

UNITS = ("m3 m-3", "m3/m3", "m^3 m^-3", "m**3 m**-3", "m3m-3")
"""Spellings of the unit that are accepted."""

LONGEST_NAME = 200  # letters of a model's or a file's name
MAXIMUM_MEMBERS = 1000
LONGEST_LEAD = 10  # days
