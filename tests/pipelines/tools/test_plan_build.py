"""A plan from stations alone: cells and layers, nodes and boxes of ERA5, requests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from factories.programs import run
from factories.raw.csv_files import csv_file
from factories.raw.virtual_recipes import make_recipe
from somobench.building.plan import describe_plan
from somobench.pipelines.tools.era5_request import (
    Box,
    find_nodes,
    list_variables,
    measure_years,
    pack_boxes,
)
from somobench.pipelines.tools.plan_build import plan_build
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import PeriodParams, Recipe


def nodes_of(*centres: tuple[float, float], resolution: float = 0.25) -> np.ndarray:
    latitude, longitude = np.array(centres).T
    return find_nodes(latitude, longitude, resolution)


def test_a_cell_needs_the_nodes_on_its_edges() -> None:
    # 41.875 N, 111.625 W: corners at 42 and 41.75, -111.75 and -111.5.
    found = nodes_of((41.875, -111.625))
    assert found.tolist() == [[192, 273], [192, 274], [193, 273], [193, 274]]
    assert len(nodes_of((41.875, -111.625), (41.625, -111.625))) == 6
    assert len(nodes_of((53.25, 10.25), resolution=0.5)) == 9
    assert len(nodes_of((89.875, 179.875))) == 4  # the pole's row, and 180 degrees


def test_boxes_are_joined_while_that_is_cheaper() -> None:
    near = nodes_of((41.875, -111.625), (40.125, -109.875))
    (box,) = pack_boxes(near)
    assert box.area == [42.0, -111.75, 40.0, -109.75]
    far = pack_boxes(nodes_of((41.875, -111.625), (41.875, 10.125)))
    assert [item.nodes for item in far] == [4, 4]


def test_boxes_hold_every_node() -> None:
    rng = np.random.default_rng(3)
    places = np.round(rng.uniform((-60, -180), (75, 179), (200, 2)) * 4) / 4 + 0.125
    nodes = find_nodes(*places.T, 0.25)
    boxes = pack_boxes(nodes)
    held = [
        any(b.top <= r <= b.bottom and b.left <= c <= b.right for b in boxes)
        for r, c in nodes.tolist()
    ]
    assert all(held)
    assert boxes == pack_boxes(nodes[::-1])


def test_bytes_of_a_year_are_hours_times_nodes_times_variables() -> None:
    period = PeriodParams.model_validate({"start": "2019-12-30", "end": "2020-12-31"})
    # 12 variables on all 721 x 1440 nodes: the leap year of docs/real-releases.md.
    first, leap = measure_years(period, 721 * 1440, 12)
    assert (first["days"], leap["days"]) == (2, 366)
    assert leap["bytes"] == 366 * 24 * 721 * 1440 * 12 * 4


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """Return the virtual recipe on two stations of one's own, in 2016."""
    days = [f"2016-01-{day:02d},0.2{day:02d}" for day in range(1, 32)]
    days += [f"2016-03-{day:02d},0.3{day:02d}" for day in range(1, 32)]
    (tmp_path / "a.csv").write_text(csv_file(rows=days))
    deep = csv_file(rows=days, station="Field 2", depth_from="0.2", depth_to="0.2")
    (tmp_path / "b.csv").write_text(deep)
    (tmp_path / "c.csv").write_text(csv_file(rows=days[:3], station="Field 3"))
    monkeypatch.setenv("SOMOBENCH_DATA", str(tmp_path))
    plain = make_recipe(start="2016-01-01", end="2017-01-31").model_dump(mode="json")
    own = plain["stations"]["inputs"][0]
    inputs = [own | {"name": n, "path": f"{n}.csv"} for n in "abc"]
    plain["stations"] |= {"source": "csv", "inputs": inputs, "minimum_days": 60}
    return Recipe.model_validate(plain)


def test_plan_counts_what_the_build_will_have(recipe: Recipe) -> None:
    plan = plan_build(recipe)
    stations, era5 = plan["stations"], plan["era5"]
    assert (stations["sensors_kept"], stations["cells"]) == (2, 1)
    assert stations["sensors_dropped"] == {"fewer than 60 valid days": 1}
    assert stations["cells_by_layer"] == {"1": 1, "2": 1, "3": 0}
    assert era5["variables"] == list_variables(recipe)
    assert {"total_precipitation", "volumetric_soil_water_layer_3"} < {
        *era5["variables"]
    }
    assert era5["boxes"] == [{"area": [53.75, 10.0, 53.5, 10.25], "nodes": 4}]
    count = len(era5["variables"])
    assert era5["bytes"] == (366 + 31) * 24 * 4 * count * 4
    whole, january, closing = era5["requests"]
    assert (len(whole["month"]), january["month"]) == (12, ["01"])
    # Sums of an hour end at its time stamp: the last day needs the next day's first.
    assert (closing["year"], closing["month"], closing["day"]) == (
        ["2017"],
        ["02"],
        ["01"],
    )
    assert closing["time"] == ["00:00"]
    assert "2m_temperature" not in closing["variable"]
    text = "\n".join(line for _, lines in describe_plan(plan) for line in lines)
    assert "2 sensors of 2 stations in 1 network" in text
    assert "1 box with 4 nodes, of which 4 are needed" in text


def test_command_prints_and_writes_the_requests(
    recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(recipe.model_dump_json())
    out = tmp_path / "requests.json"
    assert run(monkeypatch, "plan", str(path), "--out", str(out), "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert json.loads(out.read_text()) == plan["era5"]["requests"]
    (tmp_path / "b.csv").unlink()
    assert run(monkeypatch, "plan", str(path)) == 1
    assert capsys.readouterr().err.startswith(
        "error: raw input b\n  found:    nothing at"
    )


def test_a_simulated_recipe_has_nothing_to_plan() -> None:
    with pytest.raises(InputError, match="the build itself generates"):
        plan_build(make_recipe())


def test_box_counts_its_nodes_and_names_its_edges() -> None:
    box = Box(0, 720, 2, 724)
    assert (box.nodes, box.area) == (15, [90.0, 0.0, 89.5, 1.0])
