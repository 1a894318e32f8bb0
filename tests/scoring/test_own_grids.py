"""A model's own grid, scored against targets as measured."""

from __future__ import annotations

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from zarr.storage import ZipStore

from factories import scoring
from factories.programs import run
from factories.scoring import (
    CELLS,
    OFFSET,
    RELEASE,
    SLOPE,
    SPLIT,
    copy_world,
    make_case,
    make_targets,
    predicted,
)
from somobench.cards.verify import verify_score
from somobench.schemas.errors import InputError, IntegrityError
from somobench.schemas.gridded_options import GriddedOptions
from somobench.scoring.evaluate import Evaluation, evaluate

pytestmark = pytest.mark.heavy


def make_stations() -> xr.Dataset:
    """Return a model of known noise at points, as measured: 12 UTC, layers by edges."""
    measured = (predicted(0.8) - OFFSET) / SLOPE
    cells = np.array([cell.split("_") for cell in CELLS], dtype=np.float64)
    units = {"units": "m3 m-3"}
    grid = xr.Dataset(
        {
            "swc": (("layer", "station", "time"), measured.to_numpy(), units),
            "bounds": (("layer", "edge"), [[0.0, 10.0], [10.0, 30.0]]),
        },
        {
            "layer": ("layer", [5.0, 20.0], {"units": "cm", "bounds": "bounds"}),
            "time": measured["time"].to_numpy() + np.timedelta64(12, "h"),
            "latitude": ("station", cells[:, 0]),
            "longitude": ("station", cells[:, 1] % 360),
        },
    )
    grid["time"].encoding = {"units": "hours since 2018-01-01"}
    return grid


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    copy_world(root)
    make_stations().to_netcdf(root / "own.nc", engine="h5netcdf")
    return root


@pytest.fixture(autouse=True)
def _own_release(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(world / "releases"))


def scored(predictions: Path | xr.DataArray, world: Path) -> Evaluation:
    return evaluate(
        predictions,
        release=RELEASE,
        split=SPLIT,
        ladder=world / "data" / "predictions",
        name="own",
    )


def pick(evaluation: Evaluation, metric: str, against: str = "") -> tuple[float, str]:
    rows = evaluation.scores.query(
        "against == @against and pool_kind == 'plain' and metric == @metric"
        " and layer == 0"
    )
    return float(rows["value"].iloc[0]), str(rows["note"].iloc[0])


def test_an_own_grid_is_scored_as_measured_and_verified(
    world: Path, tmp_path: Path
) -> None:
    found = scored(world / "own.nc", world)
    record = found.record
    assert record.scaling.name == "none"
    assert record.submission.gridded is not None
    assert record.submission.gridded.cells_within_reach == len(CELLS)
    # The median over series of the root of the mean square, by hand.
    case, targets = make_case(), make_targets()
    truth = case.place_on_series(targets["soil_moisture_in_situ"])
    ours = case.place_on_series((predicted(0.8) - OFFSET) / SLOPE)
    given = np.isfinite(case.target.to_numpy())
    apart = np.where(given, ours.to_numpy() - truth.to_numpy(), np.nan)
    expected = float(np.median(np.sqrt(np.nanmean(apart**2, axis=1))))
    value, note = pick(found, "rmse")
    assert value == pytest.approx(expected, abs=1e-4)
    assert note == ""
    found.write(tmp_path / "own")
    assert "targets are as measured" in (tmp_path / "own/report.html").read_text()
    assert verify_score(
        tmp_path / "own",
        submission=world / "own.nc",
        ladder=world / "data" / "predictions",
    ).same_file


def test_correlations_and_beaten_rungs_are_those_of_scaled_predictions(
    world: Path,
) -> None:
    found = scored(world / "own.nc", world)
    expected = scored(predicted(0.8), world)
    assert pick(expected, "rmse")[1] == "reference_moments"
    for against in ("", "ridge_forcing", "persistence", "reanalysis"):
        # A line of each series leaves Pearson's r; values are stored in float32.
        here, there = (pick(one, "pearson_r", against)[0] for one in (found, expected))
        assert here == pytest.approx(there, abs=2e-4)
    # Rungs are compared as measured too: an error is as many times larger.
    here, there = (pick(one, "rmse", "ridge_forcing")[0] for one in (found, expected))
    assert here == pytest.approx(there / SLOPE, abs=2e-4)


def make_ecland_store(path: Path) -> None:
    """Write the model of `make_stations` as ecLand's own store, 6-hourly.

    Points along `x`, `swvl1` to `swvl3` (0-7, 7-28, 28-100 cm) without a name of the
    standard, and forcing beside. Layer 1 is 0.7 swvl1 + 0.3 swvl2, layer 2 (10-30 cm)
    0.9 swvl2 + 0.1 swvl3; the four values of a day have the day's mean.
    """
    measured = ((predicted(0.8) - OFFSET) / SLOPE).transpose("layer", "time", "cell")
    upper, lower = measured.to_numpy().astype(np.float64)
    third = np.full_like(upper, 0.3)
    second = (lower - 0.1 * third) / 0.9
    first = (upper - 0.3 * second) / 0.7
    swing = np.array([0.004, -0.002, -0.003, 0.001])[:, None]
    cells = np.array([cell.split("_") for cell in CELLS], dtype=np.float32)
    stamps = measured["time"].to_numpy()[:, None] + np.arange(0, 24, 6).astype(
        "timedelta64[h]"
    )
    attrs = {"units": "m**3 m**-3", "standard_name": "unknown", "GRIB_paramId": 39}
    store = xr.Dataset(
        {
            name: (
                ("time", "x"),
                (values[:, None] + swing).reshape(-1, len(CELLS)).astype("float32"),
                attrs,
            )
            for name, values in (("swvl1", first), ("swvl2", second), ("swvl3", third))
        },
        {
            "time": stamps.ravel(),
            "x": np.arange(60870, 60870 + len(CELLS), dtype="int32"),
            "lat": ("x", cells[:, 0]),
            "lon": ("x", cells[:, 1]),
        },
        {"SOURCE": "ECMWF", "GRID_POINTS": "gaussian grid"},
    )
    store["met_rainf"] = (
        store["swvl1"].copy(data=0 * store["swvl1"]).assign_attrs(units="kg/m2s")
    )
    with zipfile.ZipFile(path, "w") as archive, TemporaryDirectory() as folder:
        store.to_zarr(folder, zarr_format=2, consolidated=False)
        for file in sorted(Path(folder).rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())


def test_eclands_store_scores_as_the_layers_and_days_that_it_holds(
    world: Path, tmp_path: Path
) -> None:
    path = tmp_path / "ecland.zarr.zip"
    make_ecland_store(path)
    found, expected = scored(path, world), scored(world / "own.nc", world)
    record = found.record.submission.gridded
    assert record is not None
    assert (record.cells_within_reach, record.values_a_day) == (len(CELLS), 4)
    first, second, third = "swvl1 0-7 cm", "swvl2 7-28 cm", "swvl3 28-100 cm"
    assert record.weights["1"] == pytest.approx({first: 0.7, second: 0.3})
    assert record.weights["2"] == pytest.approx({second: 0.9, third: 0.1})
    assert found.record.coverage == expected.record.coverage
    for metric in ("pearson_r", "anomaly_r", "rmse"):
        here, there = (pick(one, metric)[0] for one in (found, expected))
        assert here == pytest.approx(there, abs=2e-4)


def test_what_was_asked_for_is_asked_again_when_scores_are_verified(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    grid = make_stations().drop_vars("bounds")
    del grid["layer"].attrs["bounds"]
    grid.to_netcdf(tmp_path / "edges.nc", engine="h5netcdf")
    asked = ["--layers", "0,0.1,0.3", "--variable", "swc", "--reach", "5"]
    status = run(
        monkeypatch,
        *("evaluate", str(tmp_path / "edges.nc"), "--release", RELEASE),
        *("--split", SPLIT, "--out", str(tmp_path / "score"), *asked),
    )
    assert status == 0
    assert "brought to cells by the nearest node" in capsys.readouterr().out
    assert verify_score(tmp_path / "score").model == "edges.nc"
    grid["latitude"] = grid["latitude"][::-1]
    grid.to_netcdf(tmp_path / "moved.nc", engine="h5netcdf")
    with pytest.raises(IntegrityError, match="values of submission"):
        verify_score(tmp_path / "score", submission=tmp_path / "moved.nc")


def test_cells_out_of_reach_are_missing_predictions(world: Path) -> None:
    part = make_stations().isel(station=slice(0, 3))
    with pytest.raises(InputError, match="--allow-missing"):
        scored(part, world)
    found = evaluate(
        part,
        release=RELEASE,
        split=SPLIT,
        allow_missing=True,
        gridded=GriddedOptions(reach_km=1.0, variables=("swc",)),
    )
    assert found.record.submission.gridded is not None
    assert found.record.submission.gridded.cells_within_reach == 3


def test_eclands_run_is_scored_where_stations_stand_at_its_points(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shared_data / "ecland" / "ecland_cy49r2_2020_2022.zarr.zip"
    with ZipStore(path, mode="r") as store:
        opened = xr.open_zarr(store, zarr_format=2, consolidated=False)
        names = ["swvl1", "swvl2", "swvl3"]
        run_of_2021 = opened[names].sel(time="2021").isel(x=slice(6)).load()
    daily = run_of_2021.resample(time="1D").mean().isel(time=slice(scoring.DAYS))
    first, second, third = (
        daily[name].transpose("x", "time").to_numpy().astype(np.float64)
        for name in names
    )
    model = np.stack([0.7 * first + 0.3 * second, 0.9 * second + 0.1 * third])
    noise = scoring.signal(5)
    # What the factory takes for soil moisture is 0.25 + 0.02 of this.
    measured = 0.05 + 0.8 * model + 0.01 * noise
    places = zip(daily["lat"].to_numpy(), daily["lon"].to_numpy(), strict=True)
    times = pd.date_range("2021-01-01", periods=scoring.DAYS, unit="ns")
    for name, value in {
        "CELLS": tuple(f"{north:.6f}_{east:.6f}" for north, east in places),
        "TIMES": times,
        "TEST_TIMES": times[scoring.TRAIN_DAYS :],
        "signal": lambda seed: (measured - 0.25) / 0.02 if seed == 1 else noise,
    }.items():
        monkeypatch.setattr(scoring, name, value)
    world = scoring.build_world(tmp_path)
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(world / "releases"))

    found = evaluate(path, release=RELEASE, split=SPLIT, name="ecLand")

    record = found.record.submission.gridded
    assert record is not None
    assert record.greatest_distance_km < 0.1
    assert record.cells_within_reach == len(scoring.CELLS)
    target = scoring.make_targets()["soil_moisture_in_situ"].to_numpy()
    scores = found.cell_scores.query("metric == 'pearson_r'")
    assert len(scores) == 11  # one cell has no second layer
    for row in scores.itertuples():
        layer, cell = row.layer - 1, scoring.CELLS.index(row.cell_id)
        days = slice(scoring.TRAIN_DAYS, None)
        both = np.stack([model[layer, cell, days], target[layer, cell, days]])
        both = both[:, np.isfinite(both).all(axis=0)]
        assert row.value == pytest.approx(np.corrcoef(both)[0, 1], abs=2e-4)
