"""What `validation.json` counts, counted again in the files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.consistency.targets import get_arrays
from somobench.schemas.errors import Failure
from somobench.schemas.manifest import Manifest

REPORTS = "validation.json"
DIGITS = 1e-4  # m3 m-3, of the numbers on the report's page
MOST_TOLERANCE = (
    1e-4  # m3 m-3, of the promise that targets have the reference's moments
)
STATISTIC = 1e-5  # of six decimals, and of a mean of many
FEWER = re.compile(r"fewer than (\d+) good values")
NO_MATCH = "with the primary below the minimum"
"""Reason of sensors at the chosen depth that were not accepted."""
PAGE_SERIES = {"in_situ": "soil_moisture_in_situ", "scaled": "soil_moisture"}
MEASURES: Mapping[str, Callable[..., Any]] = {
    "minimum": np.min,
    "median": np.median,
    "mean": np.mean,
    "maximum": np.max,
}
Reports = Mapping[str, Any]


def find_other_accounts(
    reports: Reports,
    manifest: Manifest,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> list[Failure]:
    """Compare what stages and page report with tables and grids; see the module."""
    stages = reports.get("stages", {})
    failures: list[Failure] = []
    try:
        failures += _compare_rungs(stages.get("baselines", {}), manifest)
        failures += _compare_sensors(stages, tables.get("stations"))
        losses = reports.get("report", {}).get("losses", {})
        failures += _compare_losses(losses, stages.get("ingest", {}))
        if "targets" in grids and stages:
            targets = grids["targets"]
            failures += _compare_candidates(stages["targets"], targets)
            failures += _compare_promise(reports, targets)
            failures += _compare_page(reports.get("report", {}), targets)
            days = stages["ingest"].get("days", {}).get("dropped", {})
            failures += _compare_least(days, targets)
        if "forcing" in grids and stages:
            statistics = stages["forcing"].get("statistics", {})
            failures += _compare_statistics(statistics, grids["forcing"])
        if "features" in grids and stages:
            audits = stages["features"].get("audit", {})
            failures += _compare_flags(audits, grids["features"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        failures.append(Failure(REPORTS, f"no {error}", "what every build reports"))
    return failures


def _compare(pairs: Mapping[str, tuple[Any, Any]]) -> Iterator[Failure]:
    for where, (found, expected) in pairs.items():
        if found != expected:
            yield Failure(
                f"{REPORTS} {where}", str(found), f"{expected}, counted again"
            )


def _compare_least(dropped: Reports, targets: xr.Dataset) -> Iterator[Failure]:
    """No day rests on fewer values than those that were dropped for it."""
    found = [FEWER.fullmatch(str(reason)) for reason in dropped]
    least = min((int(match[1]) for match in found if match), default=0)
    (counts,) = get_arrays(targets, "observation_count")
    few = int(((counts > 0) & (counts < least)).sum())
    if few:
        where, expected = "targets.zarr.zip observation_count", f"{least} or more"
        yield Failure(where, f"fewer than {least} on {few} days", expected)


def _compare_statistics(said: Reports, forcing: xr.Dataset) -> Iterator[Failure]:
    for name, record in said.items():
        if name not in forcing:
            continue
        values = forcing[name].to_numpy().astype("float64")
        known = values[np.isfinite(values)]
        for what in ("minimum", "mean", "maximum"):
            due = float(MEASURES[what](known)) if known.size else np.nan
            allowed = STATISTIC + STATISTIC * abs(due)
            if abs(record.get(what, due) - due) > allowed:
                where = f"{REPORTS} forcing, {name}, {what}"
                yield Failure(where, str(record[what]), f"{due:.6f}, counted again")


def _compare_rungs(baselines: Reports, manifest: Manifest) -> Iterator[Failure]:
    """Compare which rungs predicted something with those that a split carries."""
    for split, rungs in baselines.get("splits", {}).items():
        predicted = {
            name: record["predicted_values"] > 0
            for name, record in rungs.items()
            if "predicted_values" in record
        }
        carried = {
            name: reason == ""
            for name, reason in manifest.rungs.get(split, {}).items()
            if name in predicted
        }
        yield from _compare({f"baselines of {split}": (predicted, carried)})


def _compare_sensors(
    stages: Reports, stations: pd.DataFrame | None
) -> Iterator[Failure]:
    if stations is None or "ingest" not in stages:
        return
    ingest = stages["ingest"]
    dropped = {item["sensor_id"] for item in ingest["dropped_sensors"]}
    listed = stations["sensor_id"]
    kept = stations[~listed.isin(dropped)]
    sensors = ingest["sensors"]
    yield from _compare(
        {
            "dropped sensors": (len(dropped), sum(sensors["dropped"].values())),
            "dropped sensors, not listed": (sorted(dropped - {*listed}), []),
            "kept sensors": (sensors["kept"], len(kept)),
            "kept days": (ingest["days"]["kept"], int(kept["valid_days"].sum())),
        }
    )


def _compare_losses(losses: Reports, ingest: Reports) -> Iterator[Failure]:
    """Compare what the page says was kept and lost with what the stage reports."""
    pairs: dict[str, tuple[Any, Any]] = {}
    for what, kept in (("values", "good"), ("days", "kept")):
        shown, counted = losses.get(what), ingest.get(what)
        if shown is None or counted is None:
            continue
        lost = {item["rule"]: item["count"] for item in shown["lost"]}
        dropped = {rule: it for rule, it in counted["dropped"].items() if it}
        pairs[f"page, {what} kept"] = shown["kept"], counted[kept]
        pairs[f"page, {what} lost"] = lost, dropped
        pairs[f"page, {what} in all"] = (
            shown["total"],
            counted[kept] + sum(dropped.values()),
        )
    if "files" in losses and "files" in ingest:
        pairs["page, files kept"] = losses["files"]["kept"], ingest["files"]["read"]
    yield from _compare(pairs)


def _compare_candidates(report: Reports, targets: xr.Dataset) -> Iterator[Failure]:
    """Every candidate is the primary, accepted, or rejected with a reason."""
    station, count, accepted, used = get_arrays(
        targets, "primary_station", "station_count", "accepted_count", "used_count"
    )
    rejected, sensors = report["rejected_sensors"], report["sensors"]
    reasons = Counter(item["reason"] for item in rejected)
    yield from _compare(
        {
            "rejected sensors": (dict(reasons), report["rejected_by_reason"]),
            "primary sensors": (sensors.get("primary", 0), int((station != "").sum())),
            "gap-filling sensors": (sensors.get("gap-filling", 0), int(used.sum())),
            "accepted sensors that filled no day": (
                sensors.get("accepted, filled no day", 0),
                int((accepted - used).sum()),
            ),
        }
    )
    unmatched = Counter(
        (item["layer"], item["cell_id"])
        for item in rejected
        if item["reason"].endswith(NO_MATCH)
    )
    layers, cells = (targets[dim].to_numpy().tolist() for dim in ("layer", "cell"))
    for layer, cell in np.argwhere(station != "").tolist():
        least = int(accepted[layer, cell]) + 1
        most = least + unmatched[layers[layer], cells[cell]]
        found = int(count[layer, cell])
        if not least <= found <= most:
            where = f"targets.zarr.zip station_count of layer {layers[layer]}"
            expected = f"{least} to {most}: the primary, accepted and rejected ones"
            yield Failure(f"{where} of {cells[cell]}", str(found), expected)
            return


def _compare_promise(reports: Reports, targets: xr.Dataset) -> Iterator[Failure]:
    promise = reports["scaled_targets_against_reference"]
    (overlap,) = get_arrays(targets, "overlap_days")
    compared, scaled = promise["compared"], int((overlap > 0).sum())
    if promise["tolerance"] > MOST_TOLERANCE:
        expected = f"at most {MOST_TOLERANCE}"
        yield Failure(f"{REPORTS} tolerance", str(promise["tolerance"]), expected)
    if compared + promise["went_negative"] != scaled:
        found = f"{compared} compared, {promise['went_negative']} with negative values"
        yield Failure(f"{REPORTS} series", found, f"{scaled} that are scaled")


def _compare_page(page: Reports, targets: xr.Dataset) -> Iterator[Failure]:
    """Compare days, active cells and distributions of every layer on the page."""
    for layer, shown in page.get("layers", {}).items():
        chosen = targets.sel(layer=int(layer)).transpose("cell", "time")
        present = np.isfinite(chosen["soil_moisture"].to_numpy())
        availability = shown.get("availability", {})
        years = targets["time"].dt.year.to_numpy()
        active = [
            int(present[:, years == year].any(axis=1).sum())
            for year in availability.get("years", [])
        ]
        yield from _compare(
            {
                f"page, days of layer {layer}": (shown["days"], int(present.sum())),
                f"page, active cells of layer {layer}": (
                    availability.get("active_cells", active),
                    active,
                ),
            }
        )
        for name, array in PAGE_SERIES.items():
            values = chosen[array].to_numpy()
            known = values[np.isfinite(values)].astype("float64")
            given = shown.get("distributions", {}).get(name)
            if given and known.size:
                yield from _compare_numbers(f"{name} of layer {layer}", given, known)


def _compare_numbers(where: str, given: Reports, known: Any) -> Iterator[Failure]:
    for name, measure in MEASURES.items():
        expected = float(measure(known))
        if abs(given[name] - expected) > DIGITS:
            found = str(given[name])
            yield Failure(
                f"{REPORTS} page, {name} of {where}", found, f"{expected:.5f}"
            )


def _compare_flags(audits: Reports, features: xr.Dataset) -> Iterator[Failure]:
    """Compare flags of full-record factors with the number that each audit reports."""
    flags = features["scale_is_full_record"].sum(("layer", "cell")).to_series()
    for split, findings in audits.items():
        said = [it["number"] for it in findings if it["check"] == "full_record_factors"]
        found = int(flags.get(split, 0))
        yield from _compare({f"full-record factors of {split}": (sum(said), found)})
