"""Names of models: refused before anything is scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from factories.scoring import RELEASE, SPLIT, copy_world, predicted
from somobench.schemas.errors import InputError, UsageError
from somobench.scoring.describe import check_model_name
from somobench.scoring.evaluate import evaluate


@pytest.fixture
def _unscored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be scored."""

    def scored(*_: Any, **__: Any) -> None:
        pytest.fail("scored before the name was refused")

    monkeypatch.setenv("SOMOBENCH_RELEASES", str(copy_world(tmp_path)))
    monkeypatch.setattr("somobench.scoring.evaluate.read_case", scored)


@pytest.mark.parametrize(
    ("name", "found"), [("", "0 letters"), ("x" * 201, "201 letters"), (7, "7")]
)
@pytest.mark.usefixtures("_unscored")
def test_name_is_refused_before_scoring_if_empty_long_or_no_text(
    name: Any, found: str
) -> None:
    with pytest.raises(UsageError, match=f"{found}\n *expected: a text of 1 to 200"):
        evaluate(predicted(0.3), release=RELEASE, split=SPLIT, name=name)


@pytest.mark.usefixtures("_unscored")
def test_file_whose_name_is_too_long_is_refused_before_scoring(tmp_path: Path) -> None:
    path = tmp_path / f"{'x' * 198}.nc"
    predicted(0.3).to_dataset(name="soil_moisture").to_netcdf(path, engine="h5netcdf")
    with pytest.raises(InputError, match="201 letters(.|\n)*rename the file"):
        evaluate(path, release=RELEASE, split=SPLIT, name="x")


def test_name_of_200_letters_is_taken() -> None:
    assert check_model_name("x" * 200, []) == "x" * 200


@pytest.mark.parametrize("name", ["persistence", "climatology"])
@pytest.mark.usefixtures("_unscored")
def test_name_of_a_reference_is_refused_with_lead_times(name: str) -> None:
    forecast = xr.concat([predicted(0.3), predicted(0.5)], "lead_time")
    forecast = forecast.assign_coords(lead_time=[1, 3]).assign_attrs(units="m3 m-3")
    with pytest.raises(UsageError, match=f"found: *{name}\n(.|\n)*--name"):
        evaluate(forecast, release=RELEASE, split=SPLIT, name=name)
    assert check_model_name(name, []) == name


@pytest.mark.usefixtures("_unscored")
def test_name_that_no_file_can_hold_is_refused_before_scoring() -> None:
    """Half a surrogate pair stands for a byte of a file's name in no encoding."""
    with pytest.raises(UsageError, match=r"'m\\udcff'\n(.|\n)*--name"):
        evaluate(predicted(0.3), release=RELEASE, split=SPLIT, name="m\udcff")
