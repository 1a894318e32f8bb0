"""Copies of the target, of the reanalysis and of rungs; and what is none."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from factories.programs import run
from factories.scoring import (
    CELLS,
    LAYERS,
    NOISE,
    RELEASE,
    SPLIT,
    TIMES,
    copy_world,
    make_case,
    predicted,
    rung,
)
from somobench.catalog.resolve import resolve
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.hashing import describe_file
from somobench.scoring.case import ScoringCase
from somobench.scoring.copies import find_copies, find_equal, find_lines
from somobench.scoring.inputs import list_references
from somobench.scoring.lead_times import predict_persistence
from somobench.scoring.models import Model
from somobench.scoring.record import FindingRecord

NAN = np.nan


@pytest.fixture(scope="module")
def case() -> ScoringCase:
    return make_case()


def find(
    case: ScoringCase, values: xr.DataArray, *references: Model
) -> list[FindingRecord]:
    return find_copies(case, lambda _: values, [None], references)


def test_equal_to_decimals_needs_the_grid_and_half_a_unit() -> None:
    source = np.array([[0.1234, 0.2346, 0.3452]] * 5)
    predicted = np.array(
        [
            [0.1234, 0.2346, 0.3452],  # the same
            [0.123, 0.235, 0.345],  # rounded to 3
            [0.12, 0.23, 0.35],  # rounded to 2
            [0.12, 0.23, 0.34],  # on the grid of 2, but 0.0052 away
            [0.1236, 0.2346, 0.3452],  # half a unit of 3, but not on its grid
        ]
    )
    exact, decimals = find_equal(predicted, source)
    assert exact.tolist() == [True, False, False, False, False]
    # Numbers of four decimals are on the grids of 4 and 5, and equal there.
    assert decimals.tolist() == [5, 3, 2, 0, 0]


def test_line_has_the_factor_and_constant_of_its_series() -> None:
    source = np.array([[0.1, 0.2, NAN, 0.4]] * 3)
    predicted = np.array([[0.15, 0.2, NAN, 0.3], [0.3, 0.2, NAN, 0.0], [0.1] * 4])
    predicted[2, 2] = NAN
    slope, offset, is_line = find_lines(predicted, source)
    # 0.1 + 0.5 x and 0.4 - x; a constant is no line of anything.
    assert slope[:2].tolist() == pytest.approx([0.5, -1.0])
    assert offset[:2].tolist() == pytest.approx([0.1, 0.4])
    assert is_line[:2].tolist() == [True, True]


def test_line_may_scatter_by_two_percent_of_the_standard_deviation() -> None:
    # 0 1 1 0 has a standard deviation of 0.5. The step e e -e -e is orthogonal to it
    # and to a constant, so that the line is the source itself and the scatter is e.
    source = np.array([[0.0, 1.0, 1.0, 0.0] * 10] * 2)
    step = np.array([1.0, 1.0, -1.0, -1.0] * 10)
    predicted = source + np.array([[0.0099], [0.0101]]) * step
    # e adds 0.0001 to the variance of 0.25: the bound is 0.02 x 0.5001 = 0.010002.
    assert find_lines(predicted, source)[2].tolist() == [True, False]


def test_target_is_found_exactly_and_rounded(case: ScoringCase) -> None:
    target = case.target.astype("float64")
    for values, decimals in (
        (target, None),
        (target.round(4), 4),
        (target.round(3), 3),
        (target.round(2), 2),
    ):
        (found,) = find(case, values.astype("float32"))
        assert (found.source, found.relation) == ("target", "equal")
        assert (found.series, found.of_series) == (11, 11)
        assert found.cell_days == 11 * 144
        assert found.decimals == decimals
    to = "the predictions equal the target to 2 decimals, in 11 of 11 series"
    assert found.sentence == to


def test_target_in_one_series_is_found(case: ScoringCase) -> None:
    values = case.place_on_series(predicted(0.8))
    values[4] = case.target[4]
    (found,) = find(case, values)
    assert (found.series, found.of_series, found.cell_days) == (1, 11, 144)


@pytest.mark.parametrize("each", [False, True])
def test_target_times_a_factor_plus_a_constant_is_found(
    case: ScoringCase, each: bool
) -> None:
    # One factor for all series, or 0.5 to 1.5 in 11 steps.
    factors = np.linspace(0.5, 1.5, 11) if each else np.full(11, 0.5)
    values = (0.03 + factors[:, None] * case.target).astype("float32")
    if each:
        values[5] += 0.01
    (found,) = find(case, values)
    assert (found.source, found.relation, found.series) == ("target", "affine", 11)
    assert found.slope == ((0.5, 1.5) if each else (0.5, 0.5))
    assert found.offset == ((0.03, 0.04) if each else (0.03, 0.03))
    expected = "0.5 to 1.5 plus 0.03 to 0.04" if each else "0.5 plus 0.03"
    assert f"the target times {expected}, in 11 of 11 series" in found.sentence


def test_unscaled_target_is_found(case: ScoringCase) -> None:
    # The release's scale factors are 0.8 and 0.05.
    measured = ((case.target - 0.05) / 0.8).round(5)
    (found,) = find(case, measured.astype("float32"))
    assert found.relation == "affine"
    assert found.slope == pytest.approx((1.25, 1.25), abs=1e-3)


@pytest.mark.parametrize("name", NOISE)
def test_rung_is_found_where_nearly_all_series_are_its_own(
    case: ScoringCase, name: str
) -> None:
    rungs = [
        Model(other, partial(case.place_on_series, rung(other))) for other in NOISE
    ]
    values = case.place_on_series(rung(name))
    (found,) = find(case, values.round(3), *rungs)
    assert (found.source, found.series, found.decimals) == (name, 11, 3)
    values[0] = case.place_on_series(predicted(0.8))[0]
    (found,) = find(case, values, *rungs)
    assert found.series == 10  # of 11: 91 %
    values[1] = case.place_on_series(predicted(0.8))[1]
    assert find(case, values, *rungs) == []


def test_rung_with_more_decimals_than_it_is_stored_with_is_found(
    case: ScoringCase,
) -> None:
    # A release's climatology has seven decimals, its rung five: up to 5e-6 apart.
    stored = case.place_on_series(rung("reanalysis")).astype("float64").round(5)
    model = Model("climatology", lambda: stored)
    (found,) = find(case, (stored + 4e-6).astype("float32"), model)
    assert (found.source, found.series, found.decimals) == ("climatology", 11, None)
    assert find(case, stored + 6.5e-6, model) == []


def test_corrected_rung_is_a_model_of_its_own(case: ScoringCase) -> None:
    values = case.place_on_series(rung("reanalysis"))
    model = Model("reanalysis", lambda: values)
    assert find(case, 0.9 * values + 0.02, model) == []


def test_honest_predictions_are_no_copies(case: ScoringCase) -> None:
    day_before = predict_persistence(case, 1)
    assert find(case, day_before) == []
    assert find(case, case.place_on_series(predicted(0.1))) == []
    # Noise of a tenth of the signal: r = 0.995.
    flat = xr.full_like(case.target, 0.25)
    assert find(case, flat, Model("climatology", lambda: flat)) == []


def test_smooth_yearly_cycle_of_the_day_before_is_no_copy() -> None:
    days = np.arange(365)
    source = 0.25 + 0.05 * np.sin(2 * np.pi * days / 365)[None]
    before = np.roll(source, 1, axis=1)
    assert find_lines(before, source)[2].tolist() == [False]


def test_sensor_that_stands_still_is_no_copy(case: ScoringCase) -> None:
    still = case.target.where(case.target.isnull(), 0.3)
    still[:, 80:] = still[:, 80:] + 0.1  # one change
    changed = ScoringCase(**(vars(case) | {"target": still}))
    assert find(changed, still) == []


def test_mean_of_an_ensemble_and_every_lead_time_are_looked_at(
    case: ScoringCase,
) -> None:
    noise = case.place_on_series(predicted(0.8)) - case.target
    members = xr.concat([case.target + noise, case.target - noise], "member")
    (found,) = find(case, members)
    assert found.relation == "equal"
    honest = case.place_on_series(predicted(0.8))
    (found,) = find_copies(
        case, lambda lead: case.target if lead == 3 else honest, [1, 3], []
    )
    assert found.lead_time == 3
    assert found.sentence.endswith("at lead time 3 d")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a release that has a reanalysis."""
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(copy_world(tmp_path)))
    folder = tmp_path / "releases" / RELEASE
    values = np.full((len(LAYERS), len(CELLS), len(TIMES)), NAN, "float32")
    values[..., -160:] = rung("reanalysis").to_numpy()
    coords: Any = {"layer": np.array(LAYERS, "int8"), "cell": list(CELLS)}
    grid = xr.Dataset(
        {"reanalysis_soil_moisture": (("layer", "cell", "time"), values)},
        coords | {"time": TIMES},
    )
    write_zarr_zip(grid, folder / "forcing.zarr.zip")
    path = folder / "MANIFEST.json"
    manifest = json.loads(path.read_text())
    described = describe_file(folder / "forcing.zarr.zip").model_dump(mode="json")
    manifest["files"]["forcing.zarr.zip"] = described
    path.write_text(json.dumps(manifest))
    return tmp_path


def test_reanalysis_is_found_without_a_ladder(world: Path, case: ScoringCase) -> None:
    (model,) = list_references(resolve(RELEASE), case, None)
    values = case.place_on_series(rung("reanalysis"))
    (found,) = find(case, values, model)
    assert (found.source, found.series) == ("reanalysis", 11)


def test_command_says_that_it_is_no_prediction(
    world: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    grid = rung("reanalysis").assign_attrs(units="m3 m-3")
    grid.to_dataset(name="soil_moisture").to_netcdf(world / "x.nc", engine="h5netcdf")
    command = ["evaluate", str(world / "x.nc"), "--release", RELEASE, "--split", SPLIT]
    assert run(monkeypatch, *command, "--out", str(world / "score")) == 0
    said = "the predictions equal those of reanalysis, in 11 of 11 series"
    assert f"NO PREDICTION: {said}" in capsys.readouterr().out
    stored = json.loads((world / "score" / "score.json").read_text())
    assert [item["source"] for item in stored["findings"]] == ["reanalysis"]
    page = (world / "score" / "report.html").read_text("utf-8")
    assert f"This is no prediction: {said}." in page
