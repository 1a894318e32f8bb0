"""The regions of the virtual world: where they lie, their climates, their networks.

Tables only: how weather, soil and sensors follow from them is elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Climate:
    """The climate of one box; `driest` and `wettest` stand on opposite sides of it."""

    code: int  # of the region's random streams: never reused
    north: float  # latitude of the first row of nodes
    west: float  # longitude of the first column of nodes, 0..360 as in ERA5
    temperature: float  # K, annual mean at the lowest node
    amplitude: float  # K, half the seasonal range
    synoptic: float  # K, standard deviation of weather
    warmest_day: int  # of the year
    elevation: tuple[float, float]  # m, at the driest and at the wettest side
    rain: tuple[float, float]  # mm d-1, at the driest and at the wettest side
    wet_fraction: float  # of days, annual mean
    wet_amplitude: float  # relative seasonal amplitude of the wet fraction
    wettest_day: int  # of the year
    dew_depression: float  # K, mean on dry days
    wet_side: str  # "south", "west" or "east"


CLIMATES: Mapping[str, Climate] = MappingProxyType(
    {
        "europe": Climate(
            code=0,
            north=48.0,
            west=10.0,
            temperature=284.0,
            amplitude=9.5,
            synoptic=3.8,
            warmest_day=202,
            elevation=(450.0, 1100.0),
            rain=(1.2, 8.2),
            wet_fraction=0.42,
            wet_amplitude=0.2,
            wettest_day=190,
            dew_depression=6.0,
            wet_side="south",
        ),
        "namerica": Climate(
            code=1,
            north=40.5,
            west=254.0,
            temperature=285.5,
            amplitude=11.5,
            synoptic=4.2,
            warmest_day=203,
            elevation=(1500.0, 2500.0),
            rain=(0.3, 4.8),
            wet_fraction=0.26,
            wet_amplitude=0.35,
            wettest_day=150,
            dew_depression=12.0,
            wet_side="west",
        ),
        "africa": Climate(
            code=2,
            north=12.5,
            west=2.0,
            temperature=300.6,
            amplitude=3.0,
            synoptic=1.3,
            warmest_day=110,
            elevation=(220.0, 330.0),
            rain=(0.3, 4.8),
            wet_fraction=0.30,
            wet_amplitude=0.65,
            wettest_day=215,
            dew_depression=14.0,
            wet_side="south",
        ),
        "oceania": Climate(
            code=3,
            north=-33.0,
            west=148.0,
            temperature=289.5,
            amplitude=6.5,
            synoptic=3.0,
            warmest_day=20,
            elevation=(200.0, 850.0),
            rain=(0.25, 5.6),
            wet_fraction=0.27,
            wet_amplitude=0.25,
            wettest_day=200,
            dew_depression=10.0,
            wet_side="east",
        ),
    }
)


@dataclass(frozen=True)
class Network:
    """How a network measures and how its archive files look.

    `depths` are (from, to) in m. `provider` are the operator's own flags for good and
    bad values; empty where the network delivers none.
    """

    name: str
    cse: str
    depths: tuple[tuple[float, float], ...]
    sensor: str
    step: int = 1  # hours between values
    width: int = 0  # of the value column, 0 for compact rows
    provider: tuple[str, ...] = ("M", "M")
    soil_thermometer: bool = False
    air_thermometer: bool = False
    marks_missing: bool = False


NETWORKS: Mapping[str, tuple[Network, ...]] = MappingProxyType(
    {
        "europe": (
            Network(
                name="VNET-ALPS",
                cse="VNET-ALPS",
                depths=((0.05, 0.05), (0.2, 0.2), (0.5, 0.5)),
                sensor="Virtual Probe-A",
                soil_thermometer=True,
                width=9,
            ),
            Network(
                name="VNET-DALE",
                cse="VIRTUAL",
                depths=((0.0, 0.05), (0.1, 0.3), (0.3, 0.5), (1.0, 1.0)),
                sensor="Virtual-TDR",
                step=3,
                provider=("1", "4"),
            ),
        ),
        "namerica": (
            Network(
                name="VNET-RANGE",
                cse="VNET-RANGE",
                depths=((0.05, 0.05), (0.1, 0.1), (0.2, 0.2), (0.5, 0.5)),
                sensor="Virtual-Hydra(2.5-Volt)-A",
                air_thermometer=True,
                provider=("V", "S"),
            ),
            Network(
                name="VNET-PLAINS",
                cse="VNET-PLAINS",
                depths=((0.05, 0.05), (0.3, 0.3), (0.4, 0.4)),
                sensor="Virtual_Probe_B",
                provider=(),
                marks_missing=True,
                width=9,
            ),
        ),
        "africa": (
            Network(
                name="VNET-SAHEL",
                cse="VNET-SAHEL",
                depths=((0.0, 0.1), (0.2, 0.2), (0.4, 0.4)),
                sensor="Virtual-FDR",
                step=3,
                provider=("1", "3"),
            ),
            Network(
                name="VNET-SAVANNA",
                cse="VIRTUAL",
                depths=((0.05, 0.05), (0.05, 0.15), (0.2, 0.25), (0.4, 0.5)),
                sensor="Virtual-FDR",
                provider=(),
            ),
        ),
        "oceania": (
            Network(
                name="VNET-BUSH",
                cse="VNET-BUSH",
                depths=((0.05, 0.05), (0.2, 0.2), (0.5, 0.5)),
                sensor="Virtual Probe-A",
                width=9,
            ),
            Network(
                name="VNET-COAST",
                cse="VNET-COAST",
                depths=((0.0, 0.1), (0.1, 0.3), (0.3, 0.5)),
                sensor="Virtual-TDR",
                step=3,
                provider=("0", "3"),
            ),
        ),
    }
)
