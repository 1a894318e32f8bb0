"""Numbers of the report's page, derived again from targets, forcing and cells.

What the page says of stations that fill no target rests on raw days, which no release
holds; that isn't looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.consistency.targets import get_arrays, select_reanalysis
from somobench.schemas.errors import Failure

REPORTS = "validation.json"
DIGITS = 2e-6  # of numbers with six decimals
FEWEST_DAYS = 90  # that both series have, of a correlation
QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
MONTHS = 12
CELSIUS_ZERO = 273.15  # K
Array = NDArray[Any]
Numbers = Mapping[str, Any]


def find_other_pages(
    reports: Numbers,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> list[Failure]:
    """Compare the numbers of every layer on the page with those of the files."""
    page = reports.get("report", {})
    if "targets" not in grids or "layers" not in page:
        return []
    failures: list[Failure] = []
    try:
        failures += _compare_cells(page.get("cells", {}), tables, grids["targets"])
        reference = None
        if "forcing" in grids:
            reference = select_reanalysis(grids["forcing"], grids["targets"])
        regions = _list_regions(tables, grids["targets"])
        for layer, shown in page["layers"].items():
            place = grids["targets"]["layer"].to_numpy().tolist().index(int(layer))
            one = grids["targets"].isel(layer=place)
            its = None if reference is None else reference[place]
            expected = _describe_layer(one, its, regions)
            where = f"{REPORTS} page, layer {layer}"
            failures += [*_compare(where, shown, expected)][:1]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        failures.append(Failure(REPORTS, f"no {error}", "what every build reports"))
    return failures


def _compare(where: str, shown: Any, expected: Any) -> Iterator[Failure]:
    """Compare what both say; what the page leaves out isn't missed."""
    if isinstance(expected, Mapping):
        for key in expected.keys() & shown.keys():
            yield from _compare(f"{where}, {key}", shown[key], expected[key])
    elif not _is_near(shown, expected):
        yield Failure(where, str(shown)[:100], f"{expected}"[:100])


def _is_near(shown: Any, expected: Any) -> bool:
    if isinstance(expected, float) and isinstance(shown, float | int):
        return abs(shown - expected) <= DIGITS * max(1, abs(expected))
    return bool(shown == expected)


def _list_regions(
    tables: Mapping[str, pd.DataFrame], targets: xr.Dataset
) -> NDArray[np.str_] | None:
    if "cells" not in tables:
        return None
    regions = tables["cells"].set_index("cell_id")["region"]
    return (
        regions.reindex(targets["cell"].to_numpy().astype(str)).to_numpy().astype(str)
    )


def _compare_cells(
    shown: Numbers, tables: Mapping[str, pd.DataFrame], targets: xr.Dataset
) -> Iterator[Failure]:
    if "cells" not in tables or "cell_id" not in shown:
        return
    cells = tables["cells"].set_index("cell_id").reindex(shown["cell_id"])
    warmth = shown.get("mean_air_temperature", [])
    given = np.array(warmth, "float64")
    expected = (cells["mean_air_temperature"] - CELSIUS_ZERO).to_numpy()
    if len(warmth) and not np.allclose(given, expected, 0, 1e-3, equal_nan=True):
        where = f"{REPORTS} page, mean_air_temperature"
        yield Failure(where, "another", "that of cells.parquet, in degrees Celsius")
    slope = targets["scale_slope"].transpose("cell", "layer").to_numpy()
    layers = targets["layer"].to_numpy()
    present = [layers[row].tolist() for row in np.isfinite(slope)]
    same = list(map(str, targets["cell"].to_numpy())) == list(shown["cell_id"])
    if same and shown.get("layers", present) != present:
        where = f"{REPORTS} page, layers of cells"
        yield Failure(where, "others", "those that have targets")


def _describe_layer(
    one: xr.Dataset, reference: Array | None, regions: NDArray[np.str_] | None
) -> dict[str, Any]:
    scaled, measured = get_arrays(one, "soil_moisture", "soil_moisture_in_situ")
    valid = np.isfinite(scaled)
    described: dict[str, Any] = {"depths": _count_depths(one)}
    if not valid.any():
        return described
    slope, accepted, spread, overlap = get_arrays(
        one, "scale_slope", "accepted_count", "station_spread", "overlap_days"
    )
    several = accepted > 0
    described["availability"] = _count_days(valid, one.get_index("time"))
    described["distributions"] = {"in_situ": _describe_values(measured)}
    described["sources"] = {
        "cells": int(np.isfinite(slope).sum()),
        "cells_with_several": int(several.sum()),
        "sensors": _summarise(accepted[several] + 1.0),
        "spread": _summarise(spread[several]),
    }
    if (overlap > 0).any():
        described["distributions"]["scaled"] = _describe_values(scaled)
        described["scale_slope"] = _summarise(slope[overlap > 0])
    if reference is not None and np.isfinite(reference).any():
        there = np.where(valid, reference, np.nan)
        described["distributions"]["reanalysis"] = _describe_values(there)
        described["reanalysis"] = _describe_agreement(scaled, reference, regions)
    return described


def _count_depths(one: xr.Dataset) -> dict[str, Any]:
    has = np.isfinite(one["scale_slope"].to_numpy())
    bounds = [
        np.rint(one[name].to_numpy()[has].astype("float64") * 100).astype(int).tolist()
        for name in ("depth_from", "depth_to")
    ]
    intervals = Counter(zip(*bounds, strict=True))
    networks = Counter(one["primary_network"].to_numpy()[has].astype(str).tolist())
    return {
        "cells": int(has.sum()),
        "depths": [
            {"depth_from_cm": low, "depth_to_cm": high, "cells": count}
            for (low, high), count in sorted(intervals.items())
        ],
        "networks": dict(networks),
    }


def _count_days(valid: Array, days: pd.Index) -> dict[str, Any]:
    time = pd.DatetimeIndex(days)
    years = np.unique(time.year)
    place = ((time.year - years[0]) * MONTHS + time.month - 1).to_numpy()
    known = valid.any(axis=1)
    first, last = valid.argmax(axis=1), valid.shape[1] - valid[:, ::-1].argmax(axis=1)
    day = np.arange(valid.shape[1])
    possible = [((first <= it) & (it < last) & known).sum() for it in day]
    counts = {"observed": valid.sum(axis=0), "possible": np.array(possible)}
    return {
        name: np.bincount(place, given, len(years) * MONTHS)
        .astype(int)
        .reshape(-1, MONTHS)
        .tolist()
        for name, given in counts.items()
    }


def _summarise(values: Array) -> dict[str, Any]:
    known = values[np.isfinite(values)].astype("float64")
    if not known.size:
        return {"count": 0}
    levels = np.quantile(known, list(QUANTILES.values()))
    return {
        "count": int(known.size),
        "minimum": float(known.min()),
        "maximum": float(known.max()),
        **{name: float(it) for name, it in zip(QUANTILES, levels, strict=True)},
    }


def _describe_values(values: Array) -> dict[str, Any]:
    known = values[np.isfinite(values)].astype("float64")
    described = _summarise(known)
    if known.size > 1:
        described |= {"mean": float(known.mean()), "std": float(known.std(ddof=1))}
    return described


def _describe_agreement(
    target: Array, reference: Array, regions: NDArray[np.str_] | None
) -> dict[str, Any]:
    daily, pairs = correlate_rows(target, reference)
    changes, _ = correlate_rows(np.diff(target, axis=-1), np.diff(reference, axis=-1))
    known = np.isfinite(target).any(axis=1)

    def pool(chosen: Array) -> dict[str, Any]:
        return {
            "cells": int((known & chosen).sum()),
            "cell_days": int(pairs[chosen].sum()),
            "daily": _summarise(daily[chosen]),
            "day_to_day": _summarise(changes[chosen]),
        }

    agreement = {"all": pool(np.ones(len(target), bool))}
    if regions is None:
        return agreement
    named = {str(name): pool(regions == name) for name in np.unique(regions[known])}
    return {**agreement, "regions": named}


def correlate_rows(one: Array, other: Array) -> tuple[Array, Array]:
    """Correlate row by row over the days of both; return counts of these as well.

    Missing with fewer than 90 days, or where a row is constant on them.
    """
    both = np.isfinite(one) & np.isfinite(other)
    count = both.sum(axis=1)
    sides, varies = [], count >= FEWEST_DAYS
    for values in (one, other):
        least = np.where(both, values, np.inf).min(axis=1)
        varies &= np.where(both, values, -np.inf).max(axis=1) > least
        kept = np.where(both, values, 0).astype("float64")
        mean = kept.sum(axis=1) / np.maximum(count, 1)
        sides.append(np.where(both, kept - mean[:, None], 0))
    first, second = sides
    power = (first**2).sum(axis=1) * (second**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (first * second).sum(axis=1) / np.sqrt(power)
    return np.where(varies, found, np.nan), count
