"""Probes: the reference passes each, and each broken model fails its own alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.faults.broken_models import BROKEN
from factories.programs import run
from somobench.cli.probe import choose_exit_code
from somobench.model_function import call_model, is_model_name, load_model
from somobench.probes.cases import CASES, DAYS, align_to_base, choose_base, make_case
from somobench.probes.judge import PROBES, Judgement
from somobench.probes.reference import predict
from somobench.probes.run import probe_folder, probe_model, read_weather, write_cases
from somobench.schemas.errors import InputError, UsageError

pytestmark = pytest.mark.heavy

RELEASE = "virtual-2.0.0"
BOTH = [("reference", predict), *BROKEN.items()]


@pytest.fixture(scope="module")
def weather() -> xr.Dataset:
    """Return the embedded release's weather of eight cells."""
    return read_weather(RELEASE).isel(cell=slice(None, None, 5)).load()


def verdicts(found: list[Judgement]) -> dict[str, str]:
    return {item.probe: item.verdict for item in found}


@pytest.mark.parametrize(("name", "model"), BOTH, ids=[name for name, _ in BOTH])
def test_only_the_probe_of_what_is_broken_fails(
    weather: xr.Dataset, name: str, model: object
) -> None:
    expected = {probe: "fails" if probe == name else "passes" for probe in PROBES}
    assert verdicts(probe_model(model, weather)) == expected


def test_constant_has_nothing_to_dry_and_answers_to_nothing(
    weather: xr.Dataset,
) -> None:
    def flat(forcing: xr.Dataset) -> xr.DataArray:
        return xr.full_like(forcing["precipitation"], 0.25)

    found = verdicts(probe_model(flat, weather))
    assert found["dries"] == "fails"
    assert found["rain_wets"] == found["forgets"] == "undecided"


def test_what_is_never_predicted_is_undecided(weather: xr.Dataset) -> None:
    found = probe_model(
        lambda forcing: xr.full_like(forcing["precipitation"], np.nan), weather
    )
    assert {item.verdict for item in found} == {"undecided"}


def test_silence_in_a_changed_case_does_not_pass(weather: xr.Dataset) -> None:
    def hide(forcing: xr.Dataset) -> xr.DataArray:
        said = BROKEN["rain_wets"](forcing)
        is_base = forcing["precipitation"].equals(base["precipitation"])
        return said if is_base else said * np.nan

    base = choose_base(weather)
    found = {item.probe: item for item in probe_model(hide, weather)}
    # Days from the change, 400, to the last of 1,461, of three layers and all cells.
    assert found["rain_wets"].unanswered == 3 * base.sizes["cell"] * (1461 - 400)
    assert found["rain_wets"].verdict == found["bounded"].verdict == "undecided"
    assert "not in the other" in found["rain_wets"].worst


def test_one_silent_day_hides_no_failure(weather: xr.Dataset) -> None:
    def skip(forcing: xr.Dataset) -> xr.DataArray:
        said = BROKEN["bounded"](forcing).copy()
        if float(forcing["precipitation"].max()) == 100.0:
            said.loc[{"time": forcing["time"][-1]}] = np.nan
        return said

    found = {item.probe: item for item in probe_model(skip, weather)}
    assert found["bounded"].verdict == "fails"
    assert found["bounded"].unanswered > 0


def test_layers_that_change_from_call_to_call_are_refused(weather: xr.Dataset) -> None:
    calls: list[int] = []

    def vary(forcing: xr.Dataset) -> xr.DataArray:
        calls.append(len(calls) + 1)
        return predict(forcing).isel(layer=slice(0, len(calls)))

    with pytest.raises(InputError, match="layers that are predicted in case pulses"):
        probe_model(vary, weather)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([("passes", 0), ("undecided", 0)], 0),
        ([("undecided", 0), ("undecided", 0)], 6),
        ([("passes", 0), ("undecided", 3)], 6),
        ([("undecided", 3), ("fails", 0)], 1),
    ],
)
def test_exit_code_tells_a_pass_from_silence(
    found: list[tuple[str, int]], code: int
) -> None:
    broken = {"fails": 1}
    looked_at = {"undecided": 0}
    judged = [
        Judgement("p", "", "", looked_at.get(kind, 1), broken.get(kind, 0), 0, "", n)
        for kind, n in found
    ]
    assert [item.verdict for item in judged] == [kind for kind, _ in found]
    assert choose_exit_code(judged) == code


def test_cases_leave_the_base_as_it_is(weather: xr.Dataset) -> None:
    base = choose_base(weather)
    kept = base.copy(deep=True)
    cases = {name: make_case(name, base) for name in CASES}
    xr.testing.assert_identical(base, kept)
    assert base.sizes["time"] == DAYS
    rain = {name: case["precipitation"].to_numpy() for name, case in cases.items()}
    # The first day that `future` changes is two years of 365 days after the first.
    changed = (rain["future"] != rain["base"]).any(axis=0)
    assert not changed[:730].any()
    assert changed[730:760].any()
    assert (rain["pulses"] - rain["base"]).max() == pytest.approx(20.0)


def test_shifted_years_have_the_same_dates_and_leap_days(weather: xr.Dataset) -> None:
    base = choose_base(weather)
    shifted = make_case("years", base)["time"].to_index()
    times = base["time"].to_index()
    assert (shifted.year - times.year).unique().tolist() == [28]
    assert (shifted.day_of_year == times.day_of_year).all()
    assert (shifted.day_of_week == times.day_of_week).all()


def test_exchanged_names_are_put_back_by_place(weather: xr.Dataset) -> None:
    base = choose_base(weather)
    case = make_case("names", base)
    said = case["precipitation"].expand_dims(layer=[1])
    placed = align_to_base("names", said, base)[0]
    np.testing.assert_array_equal(placed, base["precipitation"].transpose(*placed.dims))


def test_weather_with_gaps_or_too_few_days_is_refused(weather: xr.Dataset) -> None:
    with pytest.raises(UsageError, match="1461 days without a gap"):
        choose_base(weather.isel(time=slice(0, 1460)))
    with pytest.raises(UsageError, match="no precipitation"):
        choose_base(weather.drop_vars("precipitation"))


def test_weather_of_another_form_is_refused(weather: xr.Dataset) -> None:
    few = weather.isel(cell=slice(0, 2), time=slice(0, 1500)).load()
    rain = few["precipitation"]
    hours = pd.date_range("2000-01-01", periods=1500, freq="h")
    for given, said in (
        (few.assign(precipitation=rain.isel(cell=0)), "on time"),
        (few.assign(wind=rain.expand_dims(lag=2)), "wind of type float32 on lag"),
        (few.assign(precipitation=rain.astype(int)), "type int64"),
        (few.drop_vars("time"), "no dates"),
        (few.assign_coords(time=hours), "follow one another"),
        (few.isel(time=slice(None, None, -1)), "follow one another"),
        (few.assign_coords(cell=["a", "a"]), "cell a twice"),
        (few.assign(air_temperature=few["air_temperature"] - 273.15), "150 K"),
    ):
        with pytest.raises(UsageError, match=said):
            choose_base(given)


def test_file_of_a_model_is_run_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    for number in (1, 2):  # as an editor does within one tick of the clock
        file.write_text(f"def f(forcing):\n    return {number}\n")
        os.utime(file, (1_700_000_000, 1_700_000_000))
        assert load_model(f"{file}:f")(None) == number  # type: ignore[arg-type]
    assert [item.name for item in tmp_path.iterdir()] == ["mine.py"]


def test_model_is_found_in_a_file_and_in_a_module(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("class A:\n    def f(self, x):\n        return x\na = A()\n")
    assert load_model(f"{file}:a.f")(3) == 3  # type: ignore[arg-type]
    assert load_model("somobench.probes.reference:predict") is predict
    assert is_model_name("mine.py:f")
    assert not is_model_name("mine.nc")
    for name, found in (
        ("mine", "found:    mine"),
        (f"{file}:b", "no b"),
        ("no_such_module:f", "no module no_such_module"),
        (f"{file}:a", "a A"),
    ):
        with pytest.raises(UsageError, match=found):
            load_model(name)


def test_answers_of_a_model_are_brought_into_one_form(weather: xr.Dataset) -> None:
    few = weather.isel(cell=slice(0, 2), time=slice(0, 3))
    rain = few["precipitation"]
    found = call_model(lambda _: rain.transpose("time", "cell")[::-1], few)
    assert found.dims == ("layer", "cell", "time")
    np.testing.assert_array_equal(found[0], rain.transpose("cell", "time"))
    for answer, said in (
        (rain.to_numpy(), "a ndarray"),
        (rain.isel(time=0), "dims"),
        (rain.isel(cell=[0]), "1 of 2 labels of cell lack"),
        (rain + np.inf, "infinite"),
        (rain.astype(float) + 1e300, "infinite"),
        (rain + 1j, "complex"),
        (rain.assign_coords(layer="top"), "layers top"),
        (xr.concat([rain, rain], "layer").assign_coords(layer=[1, 1]), "layers 1, 1"),
    ):
        with pytest.raises(InputError, match=said):
            call_model(lambda _, answer=answer: answer, few)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("raise ValueError('mine')", r"ValueError: mine, .*mine\.py:2"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
    ],
)
def test_model_that_raises_or_exits_is_said_to(
    weather: xr.Dataset, tmp_path: Path, line: str, said: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(f"def f(x):\n    {line}\n")
    with pytest.raises(InputError, match=said):
        call_model(load_model(f"{file}:f"), weather)
    file.write_text(f"\n{line}\n")
    with pytest.raises(InputError, match=said):
        load_model(f"{file}:f")


def test_part_of_what_has_no_parts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("A = 3\n")
    with pytest.raises(UsageError, match="no b"):
        load_model(f"{tmp_path / 'mine.py'}:A.b")


def test_cells_of_unknown_saturation_are_bounded_too(weather: xr.Dataset) -> None:
    few = weather.isel(cell=slice(0, 2)).load()
    few["saturation"] = ("cell", np.array([np.nan, 0.4]))
    few["saturation_below_30_cm"] = ("cell", np.array([np.nan, np.nan]))
    found = probe_model(lambda forcing: 90 + 0 * forcing["precipitation"], few)
    bounded = {item.probe: item for item in found}["bounded"]
    assert bounded.looked_at == bounded.broken > 0


def test_model_cannot_change_what_it_was_given(weather: xr.Dataset) -> None:
    few = weather.isel(cell=slice(0, 2), time=slice(0, 3)).load()
    kept = few.copy(deep=True)

    def meddle(forcing: xr.Dataset) -> xr.DataArray:
        forcing["precipitation"][:] = 0.0
        return forcing["precipitation"]

    call_model(meddle, few)
    xr.testing.assert_identical(few, kept)


def answer(folder: Path, names: list[str]) -> None:
    """Predict cases as a model of another language would."""
    for name in names:
        with xr.open_dataset(folder / "forcing" / f"{name}.nc", engine="h5netcdf") as x:
            said = predict(x).astype("float32").assign_attrs(units="m3 m-3")
        file = folder / "predictions" / f"{name}.nc"
        said.to_dataset(name="soil_moisture").to_netcdf(file, engine="h5netcdf")


def test_folder_of_answers_is_judged_as_the_model_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "cases"
    assert len(write_cases(folder, RELEASE)) == len(CASES)
    with pytest.raises(InputError, match="no predictions of case base"):
        probe_folder(folder)
    answer(folder, ["base", "pulses", "names"])
    assert run(monkeypatch, "probe", str(folder), "--json") == 0
    found = json.loads(capsys.readouterr().out)["probes"]
    assert {item["probe"]: item["verdict"] for item in found} == {
        "dries": "passes",
        "rain_wets": "passes",
        "no_foresight": "undecided",
        "forgets": "undecided",
        "bounded": "passes",
        "any_year": "undecided",
        "any_name": "passes",
    }
    record = json.loads((folder / "cases.json").read_text())
    (folder / "cases.json").write_text(json.dumps(record | {"first": "2000-01-01"}))
    with pytest.raises(InputError, match="write the cases again"):
        probe_folder(folder)


def test_command_ends_with_1_where_a_probe_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    days = pd.date_range("2016-01-01", periods=DAYS)
    few = read_weather(RELEASE).isel(cell=slice(0, 2)).sel(time=days)
    for variable in few.variables.values():
        variable.encoding = {}
    few.to_netcdf(tmp_path / "weather.nc", engine="h5netcdf")
    (tmp_path / "mine.py").write_text(
        "def flat(forcing):\n    return forcing['precipitation'] * 0 + 2.0\n"
    )
    command = ["probe", f"{tmp_path / 'mine.py'}:flat"]
    assert run(monkeypatch, *command, "--forcing", str(tmp_path / "weather.nc")) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("probe\tverdict")
    assert any(line.startswith("bounded\tfails") for line in shown)
