"""What a shift costs: common series and days, the cost and its interval."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import somobench
from factories.programs import run
from factories.scoring import (
    CELLS,
    RELEASE,
    SPLIT,
    TEST_TIMES,
    TIMES,
    copy_world,
    make_case,
    make_features,
    make_splits,
    make_targets,
    predicted,
)
from somobench.catalog.request import DatasetRequest
from somobench.catalog.resolve import resolve
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.scores import SHIFT_COSTS
from somobench.schemas.validate import validate_table
from somobench.scoring import shift_evaluation
from somobench.scoring.case import ScoringCase
from somobench.scoring.inputs import read_case
from somobench.scoring.models import Model
from somobench.scoring.shift_costs import make_common_cases, shift_costs

pytestmark = pytest.mark.heavy

SHIFTED = "dry_years"
TESTED = CELLS[1:5]
FIRST, LAST = TIMES[150], TIMES[319]  # 50 train days of `temporal`, 120 test days
KNOWN = 108  # common days with a target: every tenth of 120 has none
COMMON = pd.date_range(TEST_TIMES[0], LAST)
FACTOR, ADDED = 0.5, 0.1  # the shifted split's scale factors differ


def make_cases(
    first: pd.Timestamp = FIRST, last: pd.Timestamp = LAST
) -> tuple[ScoringCase, ScoringCase]:
    """Return a split that tests four cells on other days, and `temporal`."""
    tested = pd.DataFrame(
        [(SHIFTED, cell, first, last, "test") for cell in TESTED],
        columns=["split", "cell_id", "start", "end", "role"],
    ).astype({"start": "datetime64[ns]", "end": "datetime64[ns]"})
    own = make_features()
    other = own.assign_coords(split=[SHIFTED]).copy(deep=True)
    other["scale_slope"][:] = FACTOR
    other["scale_offset"][:] = ADDED
    features = xr.concat([own, other], "split", data_vars="minimal")
    splits = pd.concat([make_splits(), tested])
    shifted, reference = (
        make_case(split, features=features, splits=splits) for split in (SHIFTED, SPLIT)
    )
    return shifted, reference


def model(case: ScoringCase, grid: xr.DataArray, name: str = "mine") -> Model:
    """Return predictions on the series of a case."""
    return Model(name, lambda: case.place_on_series(grid))


def rescaled(grid: xr.DataArray) -> xr.DataArray:
    """Return predictions of `temporal` in the scaling of the shifted split."""
    return ADDED + FACTOR * (grid - 0.05) / 0.8


def row(table: pd.DataFrame, metric: str = "pearson_r", layer: int = 0) -> pd.Series:
    """Return the row of a metric and layer."""
    chosen = table[(table["metric"] == metric) & (table["layer"] == layer)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_common_part_has_the_series_and_days_that_both_test() -> None:
    shifted, reference = make_common_cases(*make_cases())
    for case in (shifted, reference):
        assert set(case.series_cells) == set(TESTED)
        assert case.target["time"].to_numpy()[[0, -1]].tolist() == [
            COMMON[0].to_datetime64().astype("datetime64[ns]").astype(int),
            COMMON[-1].to_datetime64().astype("datetime64[ns]").astype(int),
        ]
        assert (np.isfinite(case.target).sum("time") == KNOWN).all()
        assert case.observed.sizes["series"] == case.target.sizes["series"]
        assert len(case.labels["plain"]) == case.target.sizes["series"]


def test_same_model_in_both_scalings_loses_nothing() -> None:
    shifted, reference = make_cases()
    grid = predicted(0.5)
    table = shift_costs(
        shifted,
        reference,
        [(model(shifted, rescaled(grid)), model(reference, grid))],
    )
    validate_table(table, SHIFT_COSTS, "costs")
    # A correlation is the same after a linear change; what is left is rounding.
    assert np.abs(table[["cost", "low", "high"]].to_numpy()).max() <= 1e-4
    assert row(table)["shifted"] > 0.8


def test_cost_is_the_median_of_what_series_lose() -> None:
    shifted, reference = make_cases()
    worse, better = predicted(2.0, seed=3), predicted(0.3)
    table = shift_costs(
        shifted,
        reference,
        [(model(shifted, rescaled(worse)), model(reference, better))],
    )
    target = make_targets()["soil_moisture"].sel(time=COMMON, cell=list(TESTED))
    lost, scores = [], {"shifted": [], "reference": []}
    for layer in (1, 2):
        for cell in TESTED:
            pair = {}
            for name, grid in (("shifted", worse), ("reference", better)):
                x = grid.sel(layer=layer, cell=cell, time=COMMON).to_numpy()
                y = target.sel(layer=layer, cell=cell).to_numpy()
                known = np.isfinite(y)
                pair[name] = np.corrcoef(x[known], y[known])[0, 1]
                scores[name].append(pair[name])
            lost.append(pair["reference"] - pair["shifted"])
    found = row(table)
    assert found["cost"] == pytest.approx(np.median(lost), abs=1e-4)
    for name, values in scores.items():
        assert found[name] == pytest.approx(np.median(values), abs=1e-4)
    assert (found["cell_count"], found["day_count"]) == (8, 8 * KNOWN)
    assert found["low"] > 0
    assert found["low"] <= found["cost"] <= found["high"]


def test_sides_exchanged_turn_the_sign() -> None:
    shifted, reference = make_cases()
    worse, better = predicted(2.0, seed=3), predicted(0.3)
    lost, won = (
        shift_costs(
            shifted,
            reference,
            [(model(shifted, rescaled(ours)), model(reference, theirs))],
        )
        for ours, theirs in ((worse, better), (better, worse))
    )
    np.testing.assert_allclose(lost["cost"], -won["cost"], atol=2e-4)
    assert (lost["cost"] > 0).all()


def test_only_days_that_both_sides_predict_count() -> None:
    shifted, reference = make_cases()
    grid = predicted(0.5)
    gaps = rescaled(grid).where(grid["time"] < COMMON[50])
    table = shift_costs(
        shifted, reference, [(model(shifted, gaps), model(reference, grid))]
    )
    # 50 days in 8 series, of which every tenth has no target
    assert row(table)["day_count"] == 8 * 45


def test_series_with_few_days_that_both_predict_is_left_out() -> None:
    shifted, reference = make_cases()
    grid = predicted(0.5)
    first = grid["cell"] == TESTED[0]
    few = rescaled(grid).where(~first | (grid["time"] < COMMON[32]))  # 28 known days
    table = shift_costs(
        shifted, reference, [(model(shifted, few), model(reference, grid))]
    )
    assert row(table)["cell_count"] == 6  # one of four cells is out, in both layers
    assert row(table)["day_count"] == 6 * KNOWN


def test_model_without_enough_common_days_is_refused() -> None:
    shifted, reference = make_cases()
    grid = predicted(0.5)
    few = rescaled(grid).where(grid["time"] < COMMON[30])
    with pytest.raises(InputError, match="30 common days that both sides predict"):
        shift_costs(shifted, reference, [(model(shifted, few), model(reference, grid))])


def test_models_keep_their_names_and_share_draws() -> None:
    shifted, reference = make_cases()
    grid, noisy = predicted(0.5), predicted(1.5, seed=5)
    both = shift_costs(
        shifted,
        reference,
        [
            (model(shifted, rescaled(noisy), name), model(reference, grid, name))
            for name in ("b", "a")
        ],
    )
    assert both["model"].unique().tolist() == ["a", "b"]
    assert set(both["split"]) == {SHIFTED}
    assert set(both["reference_split"]) == {SPLIT}
    ours, theirs = (
        both[both["model"] == name].drop(columns="model").reset_index(drop=True)
        for name in ("a", "b")
    )
    pd.testing.assert_frame_equal(ours, theirs)


def test_splits_without_common_test_days_are_refused() -> None:
    cases = make_cases(TIMES[100], TEST_TIMES[20])  # 21 common days, 30 are needed
    with pytest.raises(InputError, match="no series with 30 days"):
        make_common_cases(*cases)


def test_a_split_is_not_compared_with_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(copy_world(tmp_path)))
    with pytest.raises(UsageError, match="temporal twice"):
        somobench.shift_cost(
            predicted(0.5), predicted(0.5), release=RELEASE, split=SPLIT
        )


@pytest.fixture
def two_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let any split of the release be scored as the one that it has."""
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(copy_world(tmp_path)))
    case = read_case(resolve(RELEASE), SPLIT)
    monkeypatch.setattr(shift_evaluation, "read_case", lambda *_: case)
    monkeypatch.setattr(DatasetRequest, "check_against", lambda *_: None)
    for name, noise in (("mine", 2.0), ("reference", 0.5)):
        grid = predicted(noise).to_dataset(name="soil_moisture")
        grid.to_netcdf(tmp_path / f"{name}.nc", engine="h5netcdf")
    return tmp_path


def test_model_is_called_as_asked_or_by_its_first_file(two_splits: Path) -> None:
    files = [two_splits / "mine.nc", two_splits / "reference.nc"]
    for name, expected in ((None, "mine.nc"), ("a name", "a name")):
        table = somobench.shift_cost(*files, release=RELEASE, split=SHIFTED, name=name)
        assert set(table["model"]) == {expected}
        assert (table["cost"] > 0).all()
    with pytest.raises(UsageError, match="201 letters"):
        somobench.shift_cost(*files, release=RELEASE, split=SHIFTED, name="x" * 201)


def test_same_predictions_twice_are_refused(two_splits: Path) -> None:
    file = two_splits / "mine.nc"
    with pytest.raises(InputError, match="the same values twice"):
        somobench.shift_cost(file, file, release=RELEASE, split=SHIFTED)


@pytest.mark.usefixtures("two_splits")
def test_forecasts_of_other_lead_times_are_refused() -> None:
    ours, theirs = predicted(0.5), predicted(1.0)
    with pytest.raises(InputError, match="1 d and 3 d"):
        somobench.shift_cost(
            ours.expand_dims(lead_time=[1]),
            theirs.expand_dims(lead_time=[3]),
            release=RELEASE,
            split=SHIFTED,
        )
    with pytest.raises(InputError, match="none and 3 d"):
        somobench.shift_cost(
            ours,
            theirs.expand_dims(lead_time=[3]),
            release=RELEASE,
            split=SHIFTED,
        )


def test_command_prints_the_leading_metric_first(
    two_splits: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = [str(two_splits / f"{name}.nc") for name in ("mine", "reference")]
    asked = ["--release", RELEASE, "--split", SHIFTED]
    out = str(two_splits / "cost.html")
    assert run(monkeypatch, "shift-cost", *files, *asked, "--out", out) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines.pop() == f"written to {out}"
    heads, *rows = (line.split("\t") for line in lines)
    assert heads[:5] == ["metric", "layer", "temporal", SHIFTED, "cost"]
    assert [row[:2] for row in rows] == [
        [metric, layer]
        for metric in ("pearson_r", "anomaly_r")
        for layer in ("all", "1", "2")
    ]
    reference, shifted, cost, low, high = map(float, rows[0][2:7])
    assert shifted < reference
    assert low <= cost <= high
    page = Path(out).read_text("utf-8")
    assert f"Loses {cost:.3f} of Pearson r, with confidence" in page
    assert f"{cost:.3f} <i>({low:.3f} to {high:.3f})</i>" in page
    assert page.count('scope="row">layer 2<') == len(("pearson_r", "anomaly_r"))
    assert run(monkeypatch, "shift-cost", *files, *asked, "--out", out) == 2
