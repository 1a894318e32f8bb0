"""Broken submissions that no limit of a check was chosen on.

They were written, and their table made, after all limits stood; no limit was changed
for them since. `factories.faults.broken_submissions` writes their table.
"""

from __future__ import annotations

import numpy as np

from factories.faults.broken_submissions import Animal, Zoo

GAP = 5  # days between targets that are interpolated
PARTS = {"wet": 0.95, "dry": 0.05}
HALF_YEAR, WEEK, MONTH = 183, 7, 30


def interpolate_target(zoo: Zoo) -> np.ndarray:
    """Return the target of every fifth day, and lines between."""
    result, days = zoo.honest.copy(), np.arange(zoo.target.shape[1])
    for row, target in zip(result, zoo.target, strict=True):
        known = np.flatnonzero(np.isfinite(target))[::GAP]
        if known.size > 1:
            row[:] = np.interp(days, known, target[known])
    return result


def copy_neighbour(zoo: Zoo) -> np.ndarray:
    """Return the target of the nearest other cell; else the honest model."""
    result = zoo.honest.copy()
    places = np.array(
        [[float(x) for x in name.split("_")] for name in zoo.case.series_cells]
    )
    for layer in zoo.case.own_layers:
        rows = zoo.rows(layer)
        apart = np.abs(places[rows, None] - places[None, rows]).sum(axis=2)
        np.fill_diagonal(apart, np.inf)
        near = zoo.target[rows[apart.argmin(axis=1)]]
        result[rows] = np.where(np.isfinite(near), near, zoo.honest[rows])
    return result


def copy_other_layer(zoo: Zoo) -> np.ndarray:
    """Return the target of the cell's next layer; else the honest model."""
    result, cells = zoo.honest.copy(), zoo.case.series_cells
    for cell in np.unique(cells):
        rows = np.flatnonzero(cells == cell)
        if rows.size > 1:
            other = zoo.target[np.roll(rows, 1)]
            result[rows] = np.where(np.isfinite(other), other, zoo.honest[rows])
    return result


def match_moments(zoo: Zoo) -> np.ndarray:
    """Return the model with mean and deviation of the test target, by series."""
    mean, deviation = (f(zoo.honest, axis=1, keepdims=True) for f in (np.mean, np.std))
    wanted = np.nanmean(zoo.target, axis=1, keepdims=True)
    return np.maximum(wanted + (zoo.honest - mean) / deviation * zoo.deviation, 0.0)


def match_distribution(zoo: Zoo) -> np.ndarray:
    """Return the test target's values in the model's order, by series."""
    result = zoo.honest.copy()
    for row, target in zip(result, zoo.target, strict=True):
        known = np.sort(target[np.isfinite(target)])
        if known.size > 1:
            order = row.argsort().argsort() / (row.size - 1)
            row[:] = np.quantile(known, order)
    return result


def copy_extremes(zoo: Zoo) -> np.ndarray:
    """Return the target on its wettest and driest twentieth of days, else a model."""
    low, high = (
        np.nanquantile(zoo.target, share, axis=1, keepdims=True)
        for share in (PARTS["dry"], PARTS["wet"])
    )
    extreme = (zoo.target < low) | (zoo.target > high)
    return np.where(extreme, zoo.target, zoo.honest)


def average_months(zoo: Zoo) -> np.ndarray:
    """Return the model's mean of each 30 days, on all of them."""
    result = zoo.honest.copy()
    for first in range(0, result.shape[1], MONTH):
        part = slice(first, first + MONTH)
        result[:, part] = result[:, part].mean(axis=1, keepdims=True)
    return result


def stop_changing(zoo: Zoo) -> np.ndarray:
    """Return a model that crashed after a tenth of the days, its last value kept."""
    result = zoo.honest.copy()
    last = result.shape[1] // 10
    result[:, last:] = result[:, last - 1 : last]
    return result


def fill_with_zeros(zoo: Zoo) -> np.ndarray:
    """Return a model whose missing third of days became 0."""
    return np.where(zoo.draw() > 0.43, 0.0, zoo.honest)


def fill_with_flags(zoo: Zoo) -> np.ndarray:
    """Return a model with -9999 on a twentieth of the days."""
    return np.where(zoo.draw() > 1.64, -9999.0, zoo.honest)


def repeat_one_cell(zoo: Zoo) -> np.ndarray:
    """Return what the model says of the first cell of a layer, for all cells."""
    result = zoo.honest.copy()
    for layer in zoo.case.own_layers:
        rows = zoo.rows(layer)
        result[rows] = zoo.honest[rows[:1]]
    return result


def move_cells(zoo: Zoo) -> np.ndarray:
    """Return the model's cells moved by one place."""
    result = zoo.honest.copy()
    for layer in zoo.case.own_layers:
        rows = zoo.rows(layer)
        result[rows] = zoo.honest[np.roll(rows, 1)]
    return result


def persist_days(zoo: Zoo) -> np.ndarray:
    """Return the target of three days before; else the honest model."""
    before = np.full_like(zoo.target, np.nan)
    before[:, 3:] = zoo.target[:, :-3]
    return np.where(np.isfinite(before), before, zoo.honest)


def move_days(zoo: Zoo, days: int) -> np.ndarray:
    """Return the model so many days late."""
    return np.roll(zoo.honest, days, axis=1)


HELD_OUT: dict[str, Animal] = {
    "interpolated": Animal(
        "the target of every fifth day, with lines between",
        interpolate_target,
    ),
    "neighbour": Animal(
        "the target of the nearest other cell",
        copy_neighbour,
        "its errors last as a model's do; a split by place holds neighbours out",
    ),
    "other_layer": Animal("the target of the cell's next layer", copy_other_layer),
    "moments": Animal(
        "a model with mean and deviation of the test target",
        match_moments,
        "its days are a model's; Pearson r and its anomalies see nothing else",
    ),
    "distribution": Animal(
        "the test target's values in a model's order",
        match_distribution,
        "its days are a model's; a good correction of the levels looks alike",
    ),
    "extremes": Animal(
        "the target on its driest and wettest twentieth of days", copy_extremes
    ),
    "noise_relative": Animal(
        "the target times noise of a tenth",
        lambda zoo: np.maximum(zoo.target * (1 + 0.1 * zoo.draw()), 0.0),
    ),
    "coarse": Animal(
        "the target in steps of 0.05", lambda zoo: np.round(zoo.target / 0.05) * 0.05
    ),
    "persistence_3": Animal("the target of three days before", persist_days),
    "week_late": Animal(
        "a model, a week late",
        lambda zoo: move_days(zoo, WEEK),
        "dates are tried two days to either side",
    ),
    "year_off": Animal("a model, a year late", lambda zoo: move_days(zoo, 365)),
    "hemisphere": Animal(
        "a model, half a year late", lambda zoo: move_days(zoo, HALF_YEAR)
    ),
    "monthly": Animal("monthly means of a model, in steps", average_months),
    "stuck": Animal(
        "a model that stops after a tenth of the days",
        stop_changing,
        "boosted trees that learnt little stand still as long; it scores as it is",
    ),
    "zeros": Animal(
        "a model, 0 where a third is missing",
        fill_with_zeros,
        "it keeps some skill, and counts as a poor model",
    ),
    "flags": Animal("a model, -9999 where a twentieth is missing", fill_with_flags),
    "one_cell": Animal("a model's first cell, for all cells", repeat_one_cell),
    "next_cell": Animal(
        "a model, its cells moved by one",
        move_cells,
        "cells are in order of latitude: the next one shares the month's weather",
    ),
}
"""Broken submissions by name: (series, time), m3 m-3."""
