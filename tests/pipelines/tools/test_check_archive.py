"""What a confined reader of archives has to have before it is confined."""

from __future__ import annotations

from pathlib import Path

import pytest

from factories.raw.csv_files import csv_file
from factories.raw.fluxnet_files import SUBSET, daily_csv, sites_csv
from factories.raw.ismn_files import ceop_file, file_name, rows, station_file
from factories.raw.uscrn_files import write_archive
from somobench.pipelines.tools.check_archive import check_archive, load_loops

WET, DRY = rows([0.1 + 0.001 * hour for hour in range(200)]), rows([0.1, 0.2])
ARCHIVES = {
    "rows": {file_name(): station_file(WET)},
    "rows of one time": {file_name(): station_file([*DRY, *DRY])},
    "no row": {file_name(): station_file([])},
    "rows that repeat names": {file_name(): ceop_file(DRY)},
    "flux tower": {SUBSET: daily_csv(), "sites.csv": sites_csv(DE_Geb=(51.1, 10.91))},
    "csv": {"a.csv": csv_file()},
}


@pytest.mark.parametrize("members", ARCHIVES.values(), ids=ARCHIVES)
def test_nothing_is_compiled_after_the_loops_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: dict[str, bytes]
) -> None:
    load_loops()
    monkeypatch.setattr("numba.core.compiler.compile_extra", None)
    check_archive(write_archive(tmp_path / "a.zip", members))
