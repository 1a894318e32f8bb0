"""How many digits stored statistics carry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STORED_DIGITS = 12  # of factors; the last bits differ between processors


def quantise(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to the significant digits that stored factors and statistics carry.

    Examples
    --------
    >>> quantise(np.array([1 / 3, np.nan]))
    array([0.33333333,        nan])
    """
    flat = [float(f"{value:.{STORED_DIGITS}g}") for value in values.ravel()]
    return np.array(flat, dtype=np.float64).reshape(values.shape)
