"""How near days of two roles come to each other, beside what memory reaches."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.schemas.variables import ROLES
from somobench.split_parts import Mask


def days_in_two_roles(rows: pd.DataFrame) -> int:
    """Count cell-days that more than one row covers."""
    count = 0
    for _, group in rows.sort_values(["cell_id", "start"]).groupby("cell_id"):
        covered = pd.Timestamp.min
        for start, end in zip(group["start"], group["end"], strict=True):
            if start <= covered:
                count += (min(end, covered) - start).days + 1
            covered = max(covered, end)
    return count


def reach(mask: Mask, lags: int) -> Mask:
    """Return the days within `lags` days, before or after, of some true day.

    Along the last axis.
    """
    before, after = _since(mask), _since(mask[..., ::-1])[..., ::-1]
    near: Mask = np.minimum(before, after) <= lags
    return near


def boundaries(masks: Mapping[str, Mask], lags: int) -> list[dict[str, Any]]:
    """Measure the least gap in days wherever a cell passes from one role to another.

    Parameters
    ----------
    masks : mapping of role to array, (cell, day), bool
    lags : int, days
        How far inputs of a day reach back.

    Returns
    -------
    list of dict
        By earlier and later role: `embargo_days` between them, and how many days the
        windows of lagged forcing, or of lagged targets, of two samples share. A window
        of lagged targets ends the day before, and a sample's own target is the day's:
        both reach `lags` days back, so that the numbers agree.
    """
    found = []
    for earlier, later in permutations(ROLES, 2):
        since = _since(masks[earlier])
        least = int(np.min(since, where=masks[later], initial=since.shape[-1]))
        if least < since.shape[-1]:
            gap = least - 1
            shared = max(0, min(lags, lags - gap))
            found.append(
                {
                    "from": earlier,
                    "to": later,
                    "embargo_days": gap,
                    "shared_forcing_days": shared,
                    "shared_target_days": shared,
                }
            )
    return sorted(found, key=lambda item: (str(item["from"]), str(item["to"])))


def _since(mask: Mask) -> NDArray[np.int64]:
    """Return the days since the last true day; more than there are if there is none.

    0 on a true day itself.
    """
    length = mask.shape[-1]
    places = np.where(mask, np.arange(length), -length)
    since: NDArray[np.int64] = np.arange(length) - np.maximum.accumulate(places, -1)
    return since
