"""The published files to the last decimal: the rule in pandas, from its text.

An independent implementation of steps 2 to 5 as the author's README and scripts (2026)
describe them: daily means of at least six good values, rounded to five decimals,
matched to the reference, rounded, filled from secondaries, rounded. No code of ours but
what is under test, none of the author's.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from factories.targets import make_recipe, make_reference, make_series
from somobench.pipelines.stations.daily import average_to_days
from somobench.pipelines.targets.cells import DenseSeries, build_targets
from somobench.schemas.recipe import Recipe

DECIMALS, LEAST = 5, 6


@pytest.fixture
def recipe(repository: Path) -> Recipe:
    return make_recipe(repository)


def hourly_of(series: DenseSeries, rng: np.random.Generator) -> list[pd.Series]:
    """Return 3-hourly values of every sensor, five decimals, with gaps in the days.

    A mean of eight such values lies halfway between two decimals on every eighth day.
    """
    found = []
    for row in series.values:
        days = series.days[np.isfinite(row)]
        times = np.add.outer(days.to_numpy(), np.arange(8) * np.timedelta64(3, "h"))
        noise = rng.normal(0, 0.003, times.shape)
        values = np.abs(row[np.isfinite(row), None] + noise).round(5)
        kept = rng.random(times.shape) < 0.97
        found.append(pd.Series(values[kept], index=pd.DatetimeIndex(times[kept])))
    return found


def means_in_pandas(values: pd.Series) -> pd.Series:
    day = values.index.normalize()
    enough = values.groupby(day).transform("count") >= LEAST
    return values[enough].resample("D").mean().round(DECIMALS)


def matched_in_pandas(series: pd.Series, target: pd.Series) -> pd.Series:
    both = pd.DataFrame({"x": series, "y": target}).dropna()
    ratio = both["y"].std() / both["x"].std()
    matched = both["y"].mean() + (series - both["x"].mean()) * ratio
    return matched.where(matched >= 0)


def target_in_pandas(
    means: dict[str, pd.Series], reference: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """Return the values and the fill flags of one cell's depth interval."""
    scaled = {
        name: matched_in_pandas(item, reference).round(DECIMALS)
        for name, item in means.items()
        if item.notna().sum() >= 90
    }
    order = sorted(scaled, key=lambda name: (-scaled[name].count(), name))
    primary = scaled[order[0]]
    accepted = []
    for name in order[1:]:
        if len(pd.DataFrame({"x": primary, "y": scaled[name]}).dropna()) < 90:
            continue
        series = matched_in_pandas(scaled[name], primary)
        shared = pd.DataFrame({"x": primary, "y": series}).dropna()
        correlation = np.corrcoef(shared.to_numpy().T)[0, 1]
        if len(shared) >= 90 and correlation >= 0.30:
            key = (-correlation, -len(shared), -scaled[name].count(), name)
            accepted.append((key, series))
    days = reference.index
    values, filled = primary.reindex(days), pd.Series(0, index=days)
    for _, series in sorted(accepted, key=lambda item: item[0]):
        gaps = values.isna() & series.reindex(days).notna()
        values[gaps], filled[gaps] = series.reindex(days)[gaps], 1
    return values.round(DECIMALS), filled


def dense_of(series: DenseSeries, hourly: list[pd.Series]) -> DenseSeries:
    """Return the same sensors with the daily means of our own arithmetic."""
    values = np.full_like(series.values, np.nan)
    for row, item in enumerate(hourly):
        daily = average_to_days(item.index.to_numpy(), item.to_numpy(), LEAST)
        values[row, series.days.get_indexer(pd.DatetimeIndex(daily.days))] = daily.means
    return replace(series, values=values.round(DECIMALS))


@pytest.mark.parametrize("seed", range(5))
def test_every_target_value_is_that_of_the_rule_in_pandas(
    recipe: Recipe, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    template, reference = make_series(rng), make_reference(rng)
    hourly = hourly_of(template, rng)
    series = dense_of(template, hourly)
    first = reference.isel(layer=0, cell=0).to_pandas().astype(float)
    stations = ("long", "good", "twin", "noise", "brief")
    names = template.sensors["station"].tolist()
    means = {
        f"NET_{name}_sD5-sD5_probe": means_in_pandas(hourly[names.index(name)])
        for name in stations
    }
    values, filled = target_in_pandas(means, first)
    found = next(iter(build_targets(series, reference, recipe)))
    assert found.target is not None
    assert filled.sum() > 0
    np.testing.assert_array_equal(found.target.source > 0, filled == 1)
    np.testing.assert_array_equal(found.target.values, values)


def test_daily_mean_between_two_decimals_is_rounded_as_in_pandas() -> None:
    # Sums of eight values with five decimals: every eighth mean is a tie at the sixth.
    rng = np.random.default_rng(1)
    times = pd.date_range("2001-01-01", periods=8 * 4000, freq="3h")
    values = pd.Series(rng.uniform(0.1, 0.4, times.size).round(5), index=times)
    daily = average_to_days(times.to_numpy(), values.to_numpy(), LEAST)
    expected = means_in_pandas(values)
    exact = (values.to_numpy() * 1e5).round().astype(int).reshape(-1, 8).sum(axis=1)
    assert (exact % 8 == 4).sum() > 400
    np.testing.assert_array_equal(daily.means.round(DECIMALS), expected)
