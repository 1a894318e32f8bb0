"""Pores of cells against their texture."""

from __future__ import annotations

import pandas as pd
import pytest

from somobench.consistency.soil import find_other_soils


def find(saturation: float, sand: float, clay: float, depth: str = "") -> list[str]:
    values = {
        "cell_id": ["0.125_0.125"],
        f"saturation{depth}": [saturation],
        f"sand_fraction{depth}": [sand],
        f"clay_fraction{depth}": [clay],
    }
    return [failure.where for failure in find_other_soils(pd.DataFrame(values))]


# Half sand, tenth clay: 0.332 - 0.0363 + 0.1276 x 1 = 0.4233; 0.11 less is 0.3133.
@pytest.mark.parametrize(("saturation", "alarm"), [(0.32, False), (0.31, True)])
@pytest.mark.parametrize("depth", ["", "_below_30_cm"])
def test_soil_has_the_pores_of_its_texture(
    saturation: float, alarm: bool, depth: str
) -> None:
    expected = [f"cells.parquet saturation{depth}"] if alarm else []
    assert find(saturation, 0.5, 0.1, depth) == expected


def test_peat_and_rock_are_not_refused() -> None:
    assert find(0.74, 0.31, 0.2) == []
    assert find(0.0, 0.0, 0.0) == []
