from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr

from factories.raw import era5_deliveries as deliveries
from factories.raw.era5_stores import CELLS, make_cell_table, make_era5, make_recipe
from somobench.pipelines.forcing import finish_forcing, report_forcing
from somobench.pipelines.forcing import main as stage
from somobench.pipelines.forcing.cells import describe_cells
from somobench.pipelines.forcing.era5 import Era5Source
from somobench.pipelines.forcing.source import DailyForcing, ForcingRequest
from somobench.pipelines.forcing.summary import summarise_forcing


def built(folder: Path, repository: Path) -> DailyForcing:
    request = ForcingRequest(
        make_recipe(repository),
        make_cell_table(cells=(*CELLS, "0.125_0.125", "1.125_1.125")),
        (folder,),
    )
    return Era5Source().daily(request)


@pytest.fixture
def report(tmp_path: Path, repository: Path) -> dict[str, object]:
    """Return the report of a folder with something of everything to tell."""
    store = make_era5()
    store["swvl1"][:, 0, 0] = 0.0
    store["tp"][:, 2, 2] = -1e-6
    del store["skt"].attrs["units"]
    versions = ["0001"] * 48 + ["0005"] * 25
    folder = deliveries.write_files(
        tmp_path / "era5", {"01/a.nc": deliveries.new_cds(store, versions)}
    )
    (folder / "readme.txt").write_text("of the store")
    given = built(folder, repository)
    kept = [name not in given.dropped for name in given.dataset["cell"].to_numpy()]
    recipe = make_recipe(repository)
    cells = make_cell_table()
    dataset = finish_forcing(given.dataset.isel(cell=kept), cells, recipe)
    table = describe_cells(dataset, given.node_count[kept], recipe.regions, 2.45)
    return report_forcing(given, dataset, table, [])


def test_everything_left_out_is_reported_with_its_reason(
    report: dict[str, object],
) -> None:
    lines = summarise_forcing(report)
    assert lines[0] == "forcing: 4 cells kept, 2 dropped; 3 days"
    details = {line.strip() for line in lines[1:]}
    assert details >= {
        "2 cells dropped: no node of the input lies at the cell "
        "(0.125_0.125, 1.125_1.125)",
        "1 files passed over: no netCDF, GRIB, Zarr or zip (readme.txt)",
        "skin_temperature: files give skt no unit, K (assumed)",
        "precipitation: 2 preliminary days (ERA5T), 2018-01-02 to 2018-01-03",
        "reference: 1 preliminary days (ERA5T), 2018-01-03 to 2018-01-03",
        "reference: 1 sea nodes left out",
    }


def test_preliminary_days_stand_on_the_array(tmp_path: Path, repository: Path) -> None:
    store = deliveries.new_cds(make_era5(), ["0001"] * 48 + ["0005"] * 25)
    dataset = built(
        deliveries.write_files(tmp_path / "era5", {"a.nc": store}), repository
    ).dataset
    assert (
        dataset["precipitation"].attrs["preliminary_days"]
        == "2 days: 2018-01-02 to 2018-01-03"
    )
    final = deliveries.write_files(tmp_path / "final", {"a.nc": make_era5()})
    arrays: xr.Dataset = built(final, repository).dataset
    assert not [
        name for name, array in arrays.items() if "preliminary_days" in array.attrs
    ]


def test_stage_prints_the_summary(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    repository: Path,
    report: dict[str, object],
) -> None:
    monkeypatch.setattr(
        "somobench.pipelines.forcing.load_recipe", lambda: make_recipe(repository)
    )
    monkeypatch.setattr(
        "somobench.pipelines.forcing.write_forcing", lambda *_, **_options: report
    )
    stage()
    assert capsys.readouterr().out.splitlines() == summarise_forcing(report)
