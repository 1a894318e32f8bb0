"""Small recipes of the virtual world for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from somobench.schemas.recipe import Recipe

RECIPE = Path(__file__).resolve().parents[3] / "conf" / "recipe" / "virtual.yaml"


def make_recipe(
    *,
    regions: tuple[str, ...] = ("europe", "oceania"),
    start: str = "2016-01-01",
    end: str = "2017-01-31",
    cells: int = 3,
    nodes: int = 3,
    seed: int = 1,
    **blocks: Any,
) -> Recipe:
    """Return the virtual recipe made small; `blocks` replace whole blocks."""
    content = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    content["period"] = {"start": start, "end": end}
    known = {region["name"]: region for region in content["regions"]}
    place = {"south": -90, "north": 90, "west": -180, "east": 180}
    content["regions"] = [known.get(name, {"name": name, **place}) for name in regions]
    content["virtual"] = {"seed": seed, "cells_per_region": cells, "box_nodes": nodes}
    return Recipe.model_validate(content | blocks)
