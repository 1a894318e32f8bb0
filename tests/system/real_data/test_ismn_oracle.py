"""Real archives, read equally by the `ismn` package and by our reader.

Archives are copied first, because `ismn` writes beside them. Its file reader is asked
member by member: its index of an archive takes many times longer than all the rest.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from somobench.pipelines.stations import SensorSeries
from somobench.pipelines.stations.ismn import IsmnSource

ismn_interface = pytest.importorskip("ismn.interface")
ismn_base = pytest.importorskip("ismn.base")
ismn_files = pytest.importorskip("ismn.filehandlers")

HAMBURG = "hamburg/Data_separate_files_header_20100101_20161231_hamburg.zip"
HEADER_SAMPLE = "ismn/samples/Data_seperate_files_header_20170810_20180809.zip"
CEOP_SAMPLE = "ismn/samples/Data_seperate_files_20170810_20180809.zip"
HAWAII = "ismn/hawaii_header_values_20250617.zip"
HAWAII_CEOP = "ismn/hawaii_ceop_2017_2018.zip"
NAMES = {
    "sm": "soil_moisture",
    "p": "precipitation",
    "ta": "air_temperature",
    "ts": "soil_temperature",
}

REAL = (pytest.mark.slow, pytest.mark.once)  # thousands of days of many sensors

pytestmark = [pytest.mark.filterwarnings("ignore::Warning:ismn"), pytest.mark.heavy]


def copied(shared_data: Path, archive: str, folder: Path) -> Path:
    """Copy a zip or a folder, so that `ismn` may write beside it."""
    source, target = shared_data / archive, folder / Path(archive).name
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
    return target


def read_all(path: Path, variable: str) -> Iterator[SensorSeries]:
    for item in IsmnSource().read(path, variable=variable):
        assert isinstance(item, SensorSeries), item
        yield item


def assert_equal_rows(series: SensorSeries, frame: pd.DataFrame, variable: str) -> None:
    name = NAMES[variable]
    assert (series.times == frame.index.to_numpy()).all()
    np.testing.assert_array_equal(series.values, frame[name].to_numpy())
    assert series.flags() == frame[f"{name}_flag"].tolist()
    providers = frame[f"{name}_orig_flag"].fillna("").astype(str).tolist()
    assert series.provider_flags() == providers


def assert_equal_place(series: SensorSeries, file: Any) -> None:
    ours, theirs = series.metadata, file.metadata
    assert ours.latitude == theirs["latitude"].val
    assert ours.longitude == theirs["longitude"].val
    assert ours.elevation == theirs["elevation"].val
    # The header, where `ismn` may take depths from, rounds them to two decimals.
    depth = theirs["instrument"].depth
    assert (ours.depth_from, ours.depth_to) == pytest.approx(
        (depth.start, depth.end), abs=0.005
    )


def count_equal_files(path: Path, variable: str, folder: Path) -> int:
    """Compare every file of a variable and return how many there are."""
    root = ismn_base.IsmnRoot(path)
    count = 0
    for count, series in enumerate(read_all(path, variable), start=1):  # noqa: B007
        member = Path(series.metadata.source_file)
        file = ismn_files.DataFile(root, member, temp_root=folder)
        assert_equal_place(series, file)
        assert_equal_rows(series, file.read_data(), variable)
    root.close()
    return count


@pytest.mark.parametrize(
    ("archive", "variable", "count"),
    [
        (HEADER_SAMPLE, "sm", 2),
        (CEOP_SAMPLE, "sm", 2),
        ("ismn/samples/archive_sample/ismn_archive.zip", "sm", 1),
        ("ismn/samples/archive_sample/RSMN", "sm", 1),
        ("ismn/samples/format_ceop_sep", "sm", 1),
        ("ismn/samples/format_header_values", "sm", 1),
        (HAMBURG, "p", 1),
        pytest.param(HAMBURG, "sm", 64, marks=REAL),
        pytest.param(HAWAII_CEOP, "sm", 10, marks=REAL),
        pytest.param(HAWAII_CEOP, "ts", 9, marks=REAL),
        pytest.param(HAWAII, "sm", 87, marks=REAL),
        pytest.param(HAWAII, "ta", 3, marks=REAL),
    ],
)
def test_files_are_read_equally(
    tmp_path: Path, shared_data: Path, archive: str, variable: str, count: int
) -> None:
    path = copied(shared_data, archive, tmp_path)
    assert count_equal_files(path, variable, tmp_path) == count


@pytest.mark.parametrize("archive", [HEADER_SAMPLE, CEOP_SAMPLE])
def test_soil_moisture_equals_that_of_the_interface(
    tmp_path: Path, shared_data: Path, archive: str
) -> None:
    path = copied(shared_data, archive, tmp_path)
    interface = ismn_interface.ISMN_Interface(path)
    ids = interface.get_dataset_ids("soil_moisture", min_depth=0, max_depth=1)
    frames = [interface.read_ts(dataset) for dataset in ids]
    ours = list(read_all(path, "sm"))
    assert len(ours) == len(frames) == 2
    for series, frame in zip(ours, frames, strict=True):
        assert_equal_rows(series, frame, "sm")


def test_hawaii_layouts_agree_where_they_overlap(shared_data: Path) -> None:
    # One probe of the COSMOS station, delivered in both layouts at different times:
    # ISMN rounds to three decimals in the newer one.
    series = [
        next(read_all(shared_data / archive, "sm")) for archive in (HAWAII, HAWAII_CEOP)
    ]
    newer, older = (
        pd.Series(item.values, index=item.times, name="value") for item in series
    )
    both = pd.concat([newer, older[older >= 0]], axis=1, join="inner").to_numpy()
    assert len(both) > 10_000
    assert np.abs(both[:, 0] - both[:, 1]).max() <= 0.0005
