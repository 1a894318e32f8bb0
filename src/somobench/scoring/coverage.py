"""Check a submission against its split: its cells, its days, nothing missing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import PREDICTION
from somobench.schemas.variables import ROLES, TEST
from somobench.scoring.case import ScoringCase
from somobench.scoring.ladders import mark_finite_days
from somobench.scoring.record import CoverageRecord, LayerCoverageRecord
from somobench.submissions.submission import Submission

SHOWN = 3  # offenders named
_ALLOW = (
    "add what is missing, or score common days alone: allow_missing=True in Python, "
    "--allow-missing on the command line"
)


def check_labels(submission: Submission, case: ScoringCase) -> None:
    """Refuse cells, layers and days that don't belong to the release or the split.

    Raises
    ------
    InputError
        For cells or layers that the release doesn't have, or where no prediction is
        for a test day of a test cell.
    """
    grid, what = submission.grid, f"submission {submission.name}"
    known = set(case.cells.index)
    strange = [cell for cell in grid["cell"].to_numpy().tolist() if cell not in known]
    if strange:
        raise InputError(
            f"cells of {what}",
            found=f"{_name_first(strange)} not in the release",
            expected=f"cells such as {case.series_cells[0]}",
            hint=_suggest_cell(strange[0], known),
        )
    layers = [
        layer for layer in grid["layer"].to_numpy().tolist() if layer not in case.layers
    ]
    if layers:
        raise InputError(
            f"layers of {what}",
            found=", ".join(map(str, layers)),
            expected=f"layers among {', '.join(map(str, case.layers))}",
        )
    _refuse_other_days(submission, case)


def _suggest_cell(cell: str, known: set[str]) -> str | None:
    """Say which cell is meant by an id with a longitude from 0 to 360, or near one."""
    latitude, _, longitude = cell.partition("_")
    try:
        turned = f"{latitude}_{(float(longitude) + 180) % 360 - 180:g}"
    except ValueError:
        turned = ""
    near = [turned] if turned in known else difflib.get_close_matches(cell, known, n=1)
    if not near:
        return None
    if turned in known:
        return f"longitudes go from -180 to 180: this cell is {turned}"
    return f"did you mean {near[0]}?"


def _refuse_other_days(submission: Submission, case: ScoringCase) -> None:
    """Refuse predictions that leave out every test day of the split."""
    grid = submission.grid
    rest = [dim for dim in grid[PREDICTION].dims if dim not in {"cell", "time"}]
    given = grid[PREDICTION].notnull().any(rest)
    roles = case.roles.reindex(cell=grid["cell"], time=grid["time"], fill_value=-1)
    met = set(np.unique(roles.to_numpy()[given.to_numpy()]).tolist())
    if TEST in met:
        return
    days = grid["time"].to_numpy()[given.any("cell").to_numpy()].astype("datetime64[D]")
    names = {-1: "days outside the release", 0: "days without a role"}
    names |= {code: f"{role} days" for code, role in enumerate(ROLES, 1)}
    tested = case.target["time"].to_numpy().astype("datetime64[D]")
    cells = np.unique(case.series_cells)
    raise InputError(
        f"days of submission {submission.name}",
        found=f"{days.min()} to {days.max()}: only "
        + " and ".join(names[code] for code in sorted(met)),
        expected=f"test days of split {case.split}, {tested[0]} to {tested[-1]}, in"
        f" {_name_first(cells.tolist())}",
    )


def check_coverage(
    placed: xr.DataArray, case: ScoringCase, *, name: str, allow_missing: bool
) -> CoverageRecord:
    """Refuse missing predictions, or count them where they are allowed.

    Parameters
    ----------
    placed : DataArray, (series, time) and optionally member
        On the series and days of the case.
    case : ScoringCase
    name : str
        Of the submission, for messages.
    allow_missing : bool

    Returns
    -------
    CoverageRecord

    Raises
    ------
    InputError
        Naming the first of what is missing.
    """
    finite: NDArray[np.bool_] = mark_finite_days(placed).to_numpy()
    asked: NDArray[np.bool_] = mark_finite_days(case.target).to_numpy()
    missing = asked & ~finite
    if missing.any() and not allow_missing:
        raise InputError(
            f"submission {name}",
            found=_describe_missing(missing, asked, case),
            expected=f"{int(asked.sum())} predictions: every test day with a target",
            hint=_ALLOW,
        )
    given = asked & finite
    by_layer = {
        str(layer): LayerCoverageRecord(
            asked=int(asked[case.series_layers == layer].sum()),
            given=int(given[case.series_layers == layer].sum()),
        )
        for layer in case.own_layers
    }
    return CoverageRecord(
        asked=int(asked.sum()), given=int(given.sum()), by_layer=by_layer
    )


def _describe_missing(
    missing: NDArray[np.bool_], asked: NDArray[np.bool_], case: ScoringCase
) -> str:
    """Describe what is missing: whole layers, whole cells, whole days, then places."""
    layers, cells = case.series_layers, case.series_cells
    days = case.target["time"].to_numpy().astype("datetime64[D]")
    whole: NDArray[np.bool_] = np.asarray(~(asked & ~missing).any(axis=1))
    lost_layers = [n for n in case.own_layers if whole[layers == n].all()]
    lost_cells = [c for c in np.unique(cells).tolist() if whole[cells == c].all()]
    lost_days = days[asked.any(axis=0) & ~(asked & ~missing).any(axis=0)]
    parts = [f"{int(missing.sum())} predictions missing"]
    if lost_layers:
        parts.append(f"all of layer {_name_first(lost_layers)}")
    if lost_cells:
        parts.append(f"all of cell {_name_first(lost_cells)}")
    if lost_days.size:
        parts.append(f"all of day {_name_first(lost_days.tolist())}")
    places = np.argwhere(missing)[:SHOWN]
    first = [f"layer {layers[s]}, cell {cells[s]}, {days[d]}" for s, d in places]
    parts.append(f"first {'; '.join(first)}")
    return "; ".join(parts)


def _name_first(items: Iterable[object]) -> str:
    """Name the first items and say how many more there are."""
    listed = [str(item) for item in items]
    more = len(listed) - SHOWN
    return ", ".join(listed[:SHOWN]) + (f" and {more} more" if more > 0 else "")
