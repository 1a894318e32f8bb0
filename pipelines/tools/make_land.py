"""Make the outlines of land that pages draw, from Natural Earth as TopoJSON.

`npm pack world-atlas@2.0.2` gives the archive whose `land-110m.json` is read:

    python -m somobench.pipelines.tools.make_land land-110m.json \
        src/somobench/pages/templates/land.json
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

ABOUT = (
    "Outlines of land, Natural Earth 4.1.0, 1:110m (naturalearthdata.com, public "
    "domain), from the npm package world-atlas 2.0.2 (ISC licence), rounded to tenths "
    "of a degree. Each ring: first longitude and latitude in tenths of a degree, then "
    "the steps from point to point, which go on beyond 180 degrees."
)
TENTHS = 10.0  # of a degree: 11 km at most, finer than a pixel of the maps
LEAST_POINTS = 3
TURN, HALF_TURN, POLE = 3600, 1800, 900  # tenths of a degree

Point = tuple[int, int]


def make_land(topology: dict[str, Any]) -> dict[str, Any]:
    """Return the rings of a TopoJSON of land as steps in tenths of a degree."""
    arcs = [_decode_arc(arc, topology["transform"]) for arc in topology["arcs"]]
    polygons = [
        polygon
        for geometry in topology["objects"]["land"]["geometries"]
        for polygon in geometry["arcs"]
    ]
    rings = [_join_arcs(ring, arcs) for polygon in polygons for ring in polygon]
    kept = [ring for ring in rings if len(ring) > LEAST_POINTS]
    return {"about": ABOUT, "rings": [_write_steps(ring) for ring in kept]}


def _decode_arc(arc: list[list[int]], transform: dict[str, list[float]]) -> list[Point]:
    east, north = 0, 0
    points = []
    for step_east, step_north in arc:
        east, north = east + step_east, north + step_north
        degrees = [
            place * scale + start
            for place, scale, start in zip(
                (east, north), transform["scale"], transform["translate"], strict=True
            )
        ]
        points.append((round(degrees[0] * TENTHS), round(degrees[1] * TENTHS)))
    return points


def _join_arcs(ring: list[int], arcs: list[list[Point]]) -> list[Point]:
    """Return a ring's points without repeats; a negative number is a reversed arc."""
    points: list[Point] = []
    for number in ring:
        points += arcs[number] if number >= 0 else arcs[~number][::-1]
    return [points[0], *(two for one, two in pairwise(points) if one != two)]


def _write_steps(ring: list[Point]) -> list[int]:
    """Return steps that go on across the date line and close around a pole."""
    steps = [
        ((two[0] - one[0] + HALF_TURN) % TURN - HALF_TURN, two[1] - one[1])
        for one, two in pairwise(ring)
    ]
    around = sum(step[0] for step in steps)
    if around:
        down = -POLE - ring[-1][1]
        steps += [(0, down), (-around, 0)]
    return [number for point in (ring[0], *steps) for number in point]


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    land = make_land(json.loads(source.read_text("utf-8")))
    target.write_text(json.dumps(land, separators=(",", ":")) + "\n", "utf-8")
