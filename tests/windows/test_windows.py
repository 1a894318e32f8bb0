from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import somobench
from factories.windows import make_opened, make_series, make_windows
from somobench.schemas.errors import InputError, UnknownNameError, UsageError
from somobench.windows import WindowSet, open_windows

RELEASE = {"release": "virtual-2.0.0", "split": "temporal"}


@pytest.fixture(scope="module")
def train() -> WindowSet:
    return open_windows("forcing", **RELEASE, layer=1)


def test_a_window_holds_the_days_that_end_on_that_of_the_target() -> None:
    windows = make_windows(role="validation")
    # Rows go by cell and day: row 3 is cell 1, day 4. It rained 12, 13 and 14 mm on
    # days 2 to 4: (12 - 5) / 2 = 3.5 and so on. It was 280 - d K.
    batch = windows.take([3])
    assert (batch.cell.item(), batch.day.item()) == (1, 4)
    assert windows.inputs == ("air_temperature", "precipitation")
    assert batch.inputs[0].tolist() == [[-2, 3.5], [-3, 4], [-4, 4.5]]
    # Target 0.1 + 0.04, less its mean 0.1, over 0.1.
    np.testing.assert_allclose(batch.target, [0.4], rtol=1e-6)


def test_windows_are_those_of_the_opened_release(train: WindowSet) -> None:
    opened = somobench.open_dataset(
        "forcing",
        **RELEASE,
        scaling="train",
        layer=1,
        include=["masks", "normalisation", "statics"],
    )
    assert len(train) == int(opened["is_train"].sum())
    rows = np.array([len(train) - 1, 20_000, 30_000])
    batch = train.take(rows)
    for place in range(rows.size):
        end = int(batch.day[place]) + 1
        days = slice(end - 365, end)
        window = opened.isel(cell=int(batch.cell[place]), time=days)
        inputs = window[list(train.inputs)].to_dataarray("variable")
        inputs = (inputs - opened["normalisation_mean"]) / opened["normalisation_std"]
        expected = inputs.transpose("time", "variable").to_numpy()
        np.testing.assert_allclose(batch.inputs[place], expected, atol=1e-5)
        target = window["soil_moisture"][-1] - opened["target_mean"]
        expected = (target / opened["target_std"]).item()
        np.testing.assert_allclose(batch.target[place], expected, atol=1e-5)


def test_windows_before_the_record_are_masked_at_the_mean() -> None:
    batch = make_windows().take([0])
    assert batch.is_present.tolist() == [[False, False, True]]
    # Day 0 of cell 0: no rain, (0 - 5) / 2, and 280 K, the mean.
    assert batch.inputs[0].tolist() == [[0, 0], [0, 0], [0, -2.5]]


def test_an_unknown_input_is_its_mean_and_takes_presence_away() -> None:
    opened = make_opened(missing_inputs=[(1, 3)])
    batch = make_windows(opened, role="validation").take([3])
    assert batch.is_present.tolist() == [[True, False, True]]
    assert batch.inputs[0].tolist() == [[-2, 3.5], [-3, 0], [-4, 4.5]]


def test_windows_with_unknown_inputs_are_refused_and_counted_on_demand() -> None:
    opened = make_opened(missing_inputs=[(1, 3)])
    windows = make_windows(opened, missing="refuse")
    # Of two cells with train days 0 to 3, days 0 and 1 begin before the record, and
    # day 3 of cell 1 is unknown.
    assert windows.refused["missing"] == 5
    assert windows.take(range(len(windows))).day.tolist() == [2, 3, 2]
    assert windows.masked == 0


def test_train_windows_that_hold_test_days_are_refused_and_counted() -> None:
    opened = make_opened(role=["1133001112"])
    train = make_windows(opened)
    # With 3 days: day 6 is clear of test days 2 and 3, and so are 7, 8, 0 and 1.
    assert train.take(range(len(train))).day.tolist() == [0, 1, 6, 7, 8]
    assert train.refused["embargo"] == 0
    longer = make_windows(opened, length=5)
    # With 5 days: day 6 reaches back to day 2, day 7 to day 3, day 8 to day 4.
    assert longer.take(range(len(longer))).day.tolist() == [0, 1, 8]
    assert longer.refused["embargo"] == 2


def test_validation_windows_that_hold_test_days_are_refused() -> None:
    windows = make_windows(make_opened(role=["1113222222"]), role="validation")
    assert windows.take(range(len(windows))).day.tolist() == [6, 7, 8, 9]
    assert windows.refused["embargo"] == 2


def test_test_windows_are_never_refused() -> None:
    windows = make_windows(make_opened(role=["1113311333"]), role="test")
    assert windows.take(range(len(windows))).day.tolist() == [3, 4, 7, 8, 9]


def test_days_without_a_target_are_no_samples() -> None:
    windows = make_windows(make_opened(missing_targets=[(0, 1), (1, 0)]))
    batch = windows.take(range(len(windows)))
    assert list(zip(batch.cell.tolist(), batch.day.tolist(), strict=True)) == [
        *((0, 0), (0, 2), (0, 3)),
        *((1, 1), (1, 2), (1, 3)),
    ]


def test_statics_are_standardised_over_train_cells() -> None:
    opened = make_opened(statics={"sand_fraction": [0.2, 0.4, np.nan]})
    windows = make_windows(opened, role="test")
    # Mean and deviation of the train cells 0 and 1 are 0.3 and 0.1; rain on the days
    # that train, 0 to 3, is 1.5 and 11.5 mm, and 21.5 in the third cell; all cells
    # have the same temperature, which says nothing.
    assert windows.statics == ("sand_fraction", "mean_precipitation")
    batch = windows.take([0, 3, 6])
    np.testing.assert_allclose(
        batch.statics, [[-1, -1], [1, 1], [0, 3]], rtol=1e-5, atol=1e-6
    )


def test_cells_without_statics_have_climate_alone() -> None:
    assert make_windows().statics == ("mean_precipitation",)


def test_infinite_inputs_count_as_unknown() -> None:
    opened = make_opened()
    opened["precipitation"][0, 2] = np.inf
    batch = make_windows(opened).take([2])
    assert batch.is_present[0, -1].item() is False
    assert batch.inputs[0, -1, 1] == 0


def test_series_are_views_of_the_arrays_below_windows() -> None:
    windows = make_windows()
    series = windows.series()
    assert np.shares_memory(series.inputs, series.padded.values)
    assert series.inputs.shape == (3, 10, 2)
    assert series.is_train.sum() == 8
    assert series.is_validation.sum() == 6
    assert series.is_test.sum() == 16
    assert not series.inputs.flags.writeable


def test_batches_are_copies_that_may_be_written_to() -> None:
    windows = make_windows()
    batch = windows.take([3])
    before = batch.inputs.copy()
    batch.inputs[:] = 7
    np.testing.assert_array_equal(windows.take([3]).inputs, before)


def test_large_arrays_are_read_from_a_scratch_file_that_goes(tmp_path: object) -> None:
    expected = make_windows(role="test")
    series = make_series(memory_limit=100, scratch=tmp_path)
    mapped = WindowSet(series, role="test", length=3)
    assert series.padded.is_mapped
    rows = range(len(mapped))
    for own, other in zip(mapped.take(rows), expected.take(rows), strict=True):
        np.testing.assert_array_equal(own, other)
    assert list(tmp_path.iterdir())
    del mapped, series, own
    assert list(tmp_path.iterdir()) == []


def test_targets_as_predictions_are_the_targets_of_test_days() -> None:
    windows = open_windows("forcing", **RELEASE, layer=2, length=1, role="test")
    given = windows.to_predictions(windows.take(range(len(windows))).target)
    opened = somobench.open_dataset(
        "forcing", **RELEASE, scaling="train", layer=2, include="masks"
    )
    expected = opened["soil_moisture"].where(opened["is_test"])
    xr.testing.assert_allclose(
        given.sel(layer=2, drop=True), expected.reset_coords(drop=True), atol=1e-6
    )


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.zeros(5), r"shape \(5,\)"),
        (np.full(8, np.nan), "8 not finite"),
        (["dry"] * 8, "no numbers: <U3"),
        ([None] * 8, "no numbers: object"),
        (np.zeros(8, complex), "no numbers: complex128"),
    ],
)
def test_predictions_that_are_none_are_refused(values: object, found: str) -> None:
    with pytest.raises(UsageError, match=found):
        make_windows().to_predictions(values)


def test_predictions_stay_within_what_soil_moisture_can_be() -> None:
    grid = make_windows().to_predictions(np.array([-99, 0, 0, 0, 0, 0, 0, 99.0]))
    assert grid.shape == (1, 3, 10)
    assert (float(grid.min()), float(grid.max())) == (0, 1.5)
    assert grid.notnull().sum() == 8
    assert grid.attrs["units"] == "m3 m-3"


@pytest.mark.parametrize("rows", [[8], [-1], [0.5], [[0, 1]], [True], ["a"]])
def test_rows_that_do_not_exist_are_refused(rows: list[object]) -> None:
    with pytest.raises(UsageError, match="from 0 to 7"):
        make_windows().take(rows)


def test_no_rows_are_an_empty_batch() -> None:
    batch = make_windows().take([])
    assert batch.inputs.shape == (0, 3, 2)
    assert batch.statics.shape == (0, 1)


def test_a_role_without_samples_is_refused_when_batches_are_wanted() -> None:
    windows = make_windows(make_opened(role=["1111111111"]), role="test")
    assert len(windows) == 0
    with pytest.raises(UsageError, match="no sample"):
        windows.batches(4)


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"role": "dev"}, "train"),
        ({"missing": "drop"}, "mask"),
        ({"layer": None}, "one layer"),
        ({"layer": 4}, "1, 2, 3"),
        ({"length": 0}, "from 1 to"),
        ({"length": True}, "from 1 to"),
        ({"memory_limit": -1}, "0 or more"),
        ({"split": "nowhere"}, "temporal"),
    ],
)
def test_what_can_not_be_meant_is_refused(wrong: dict[str, object], found: str) -> None:
    arguments = {**RELEASE, "layer": 1} | wrong
    with pytest.raises(UsageError, match=found):
        open_windows("forcing", **arguments)


def test_lags_are_left_out_since_windows_hold_them(train: WindowSet) -> None:
    memory = open_windows("memory", **RELEASE, layer=1)
    assert memory.inputs == train.inputs
    np.testing.assert_array_equal(memory.take([9]).inputs, train.take([9]).inputs)


def test_a_deeper_layer_reads_the_layer_above_in_state() -> None:
    windows = open_windows("state", **RELEASE, layer=2, length=2, role="test")
    assert "soil_moisture_above" in windows.inputs
    first = open_windows("state", **RELEASE, layer=1, length=2, role="test")
    assert "soil_moisture_above" not in first.inputs


def test_the_day_of_the_year_is_a_turn() -> None:
    windows = open_windows("climatology", **RELEASE, layer=1, length=1)
    assert windows.inputs == ("climatology", "sine_of_year", "cosine_of_year")
    turn = windows.take([0, 400]).inputs[:, 0, 1:]
    np.testing.assert_allclose((turn**2).sum(axis=1), 1, rtol=1e-6)


def test_an_unknown_sampler_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match="extreme, sequential"):
        make_windows().batches(4, sampler="random")


@pytest.mark.parametrize(
    "changes", [{"start": -3}, {"start": 1.5}, {"epochs": None}, {"epochs": -1}]
)
def test_batches_that_cannot_be_counted_are_refused(changes: dict[str, object]) -> None:
    windows = make_windows()
    with pytest.raises(UsageError, match="0 or more"):
        windows.batches(3, **changes)
    with pytest.raises(UsageError, match="0 or more"):
        windows.torch_dataset(3, **changes)


@pytest.mark.parametrize(
    ("changes", "known"), [({"role": "tests"}, "test"), ({"missing": "drop"}, "refuse")]
)
def test_windows_of_arrays_take_known_names_alone(
    changes: dict[str, str], known: str
) -> None:
    with pytest.raises(UnknownNameError, match=known):
        WindowSet(make_series(), length=3, **{"role": "train", **changes})


def test_scratch_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "none"
    with pytest.raises(InputError, match="scratch folder"):
        make_series(memory_limit=100, scratch=folder)
