"""What a faulty pipeline works out from its own faulty values, so that they agree.

A defect in forcing reaches the cells' means, dryness and regime, the moments of every
split and the statistics of the report; one in targets their days and distributions.
"""

from __future__ import annotations

import numpy as np

from factories.faults.third_list.opened import Opened

LATENT_HEAT = 2.45  # MJ kg-1
DECIMALS = 6
METEOROLOGY = (
    "precipitation",
    "air_temperature",
    "specific_humidity",
    "shortwave_radiation",
    "net_radiation",
    "skin_temperature",
)
LEVELS = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
BIN = 0.01  # m3 m-3


def store(release: Opened, name: str, values: np.ndarray) -> None:
    """Keep a forcing variable as the pipeline stores it: in whole steps."""
    step = release.forcing.attributes[name]["quantisation_step"]
    whole = np.round(np.asarray(values, np.float64) / step) * step
    release.forcing[name] = whole.astype(np.float32)


def follow_forcing(release: Opened) -> None:
    """Carry changed forcing into cells, moments and the report."""
    follow_cell_means(release)
    follow_moments(release)
    follow_statistics(release)


def follow_cell_means(release: Opened) -> None:
    cells = release.cells
    for name in ("air_temperature", "precipitation", "net_radiation"):
        means = release.forcing[name].astype(np.float64).mean(axis=1)
        cells[f"mean_{name}"] = means.round(DECIMALS)
    follow_dryness(release)
    report = release.validation["report"]["cells"]
    celsius = cells["mean_air_temperature"] - 273.15
    report["mean_air_temperature"] = celsius.round(3).tolist()


def follow_dryness(release: Opened, latent_heat: float = LATENT_HEAT) -> None:
    cells = release.cells
    water = latent_heat * cells["mean_precipitation"]
    cells["dryness"] = (cells["mean_net_radiation"] / water).round(DECIMALS)
    follow_regime(release)


def follow_regime(release: Opened) -> None:
    cells = release.cells
    wet = cells["dryness"].to_numpy() < 1
    cells["regime"] = np.where(wet, "energy-limited", "water-limited")
    report = release.validation["report"]["cells"]
    report["dryness"] = cells["dryness"].round(4).tolist()


def follow_moments(release: Opened) -> None:
    """Work out every split's mean and standard deviation of forcing again."""
    features = release.features
    variables = [str(name) for name in features["variable"]]
    for number, split in enumerate(features["split"]):
        train = release.role_mask(str(split), "train")
        for name in METEOROLOGY:
            values = release.forcing[name].astype(np.float64)[train]
            place = number, variables.index(name)
            _put(features["normalisation_mean"], place, values.mean())
            _put(features["normalisation_std"], place, values.std())


def _put(array: np.ndarray, place: tuple[int, int], value: float) -> None:
    """Put a value where it differs by more than its rounding."""
    if not np.isclose(array[place], value, rtol=1e-6, atol=0):
        array[place] = value


def follow_statistics(release: Opened) -> None:
    statistics = release.validation["stages"]["forcing"]["statistics"]
    for name, entry in statistics.items():
        values = release.forcing[name].astype(np.float64)
        entry["mean"] = round(float(values.mean()), DECIMALS)
        entry["minimum"] = round(float(values.min()), DECIMALS)
        entry["maximum"] = round(float(values.max()), DECIMALS)


def follow_scaled(release: Opened) -> None:
    """Work out scaled targets from values as measured and full-record factors."""
    targets = release.targets
    measured = targets["soil_moisture_in_situ"].astype(np.float64)
    slope = targets["scale_slope"][..., None]
    scaled = targets["scale_offset"][..., None] + slope * measured
    scaled[scaled < 0] = np.nan
    old, new = targets["soil_moisture"], scaled.round(5).astype(np.float32)
    same = np.isclose(old, new, rtol=0, atol=2e-5, equal_nan=True)
    targets["soil_moisture"] = np.where(same, old, new)
    follow_targets(release)


def follow_targets(release: Opened) -> None:
    """Carry changed targets into what the report says of days and distributions."""
    validation, targets = release.validation, release.targets
    given = np.isfinite(targets["soil_moisture"])
    for layer in range(given.shape[0]):
        name, days = str(layer + 1), int(given[layer].sum())
        filled = int((targets["is_gapfilled"][layer][given[layer]] == 1).sum())
        stage = validation["stages"]["targets"]["layers"][name]
        report = validation["report"]["layers"][name]
        for entry in (stage, report):
            entry.update(days=days, gapfilled_days=filled)
        _follow_distributions(release, report["distributions"], layer)
        _follow_observed(release, report["availability"], given[layer])


def _follow_distributions(release: Opened, report: dict, layer: int) -> None:
    targets = release.targets
    given = np.isfinite(targets["soil_moisture"][layer])
    arrays = {
        "scaled": targets["soil_moisture"][layer],
        "in_situ": targets["soil_moisture_in_situ"][layer],
        "reanalysis": release.forcing["reanalysis_soil_moisture"][layer],
    }
    for name, values in arrays.items():
        kept = given if name == "reanalysis" else np.isfinite(values)
        report[name] = summarise(values[kept].astype(np.float64))


def summarise(values: np.ndarray) -> dict:
    """Return count, moments, quantiles and histogram of values."""
    bins = np.floor(np.round(values, 5) / BIN + 1e-9).astype(int)
    summary = {
        "count": len(values),
        "histogram": {
            "counts": np.bincount(bins - bins.min()).tolist(),
            "first_bin": int(bins.min()),
        },
        "maximum": values.max(),
        "mean": values.mean(),
        "minimum": values.min(),
        "std": values.std(ddof=1),
        **{name: np.quantile(values, level) for name, level in LEVELS.items()},
    }
    return {
        name: round(float(value), DECIMALS) if isinstance(value, float) else value
        for name, value in summary.items()
    }


def _follow_observed(release: Opened, report: dict, given: np.ndarray) -> None:
    months = release.forcing["time"].astype("datetime64[M]").astype(int)
    counts = np.bincount(months - months[0], weights=given.sum(axis=0))
    report["observed"] = counts.astype(int).reshape(-1, 12).tolist()
    years = months // 12
    report["active_cells"] = [
        int(given[:, years == year].any(axis=1).sum()) for year in np.unique(years)
    ]


def follow_split(release: Opened, name: str) -> None:
    """Carry changed rows of a split into the audits that count its cells and days."""
    given = np.isfinite(release.targets["soil_moisture"])
    rows = release.table("splits")
    rows = rows[rows["split"] == name]
    for document in (release.manifest, release.validation["stages"]["splits"]):
        entry = document["splits"][name]
        audit = entry["audit"]
        entry["definition"]["cells"] = int(rows["cell_id"].nunique())
        for role in ("train", "validation", "test"):
            mask = release.role_mask(name, role)
            audit["cells"][role] = int(mask.any(axis=1).sum())
            audit["cell_days"][role] = int(mask.sum())
            audit["target_days_by_layer"][role] = (
                (given & mask).sum(axis=(1, 2)).tolist()
            )
