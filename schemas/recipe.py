"""The parameters of one release: a misspelt key or an impossible value stops here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from pydantic import ValidationError as PydanticError

from somobench.schemas.baseline_params import BaselineParams
from somobench.schemas.errors import Failure, InputError, ValidationError
from somobench.schemas.manifest import SHA256
from somobench.schemas.variables import VARIABLES
from somobench.schemas.yaml_lines import find_line

InputRole = Literal["stations", "forcing", "reference"]
RECIPE_NAME = r"^[a-z][a-z0-9_]*$"
VIRTUAL = "virtual"
"""Path of an input that is generated."""
CSV = ".csv"


class Params(BaseModel):
    """A frozen block of parameters that accepts no unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ReleaseParams(Params):
    """Identity and licence of the release."""

    recipe: Annotated[str, Field(pattern=RECIPE_NAME)]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    title: str
    description: str
    licence_spdx: str
    redistributable: bool
    predecessor: str | None = None

    @property
    def id(self) -> str:
        """Release id, `<recipe>-<major.minor.patch>`."""
        return f"{self.recipe}-{self.version}"


class PeriodParams(Params):
    """First and last day, both inside, UTC."""

    start: dt.date
    end: dt.date

    @model_validator(mode="after")
    def _ordered(self) -> PeriodParams:
        if self.end < self.start:
            message = f"end {self.end} lies before start {self.start}"
            raise ValueError(message)
        return self


class InputParams(Params):
    """One raw input: where it lies, what it is, and how its producer wants credit."""

    name: str
    path: str
    """Relative to the root of real input data, or `virtual` where it is generated. A
    station input of your own may lie anywhere (an absolute path); where it ends in
    `.csv` it is read by station source `csv`, whatever the other inputs are."""
    sha256: Annotated[str, Field(pattern=SHA256)] | None = None
    producer: str
    version_producer: str | None = None
    licence: str
    citation: str
    url: str | None = None
    doi: str | None = None
    date_accessed: dt.date | None = None

    @property
    def generated(self) -> bool:
        """Whether the virtual world generates it."""
        return self.path == VIRTUAL


class GridParams(Params):
    """The target grid: cell-centred, latitude and longitude, WGS84."""

    resolution: Annotated[float, Field(gt=0, le=5)]


class LayerParams(Params):
    """A nominal target layer, in whole centimetres."""

    layer: Annotated[int, Field(ge=1, le=9)]
    depth_from_cm: Annotated[int, Field(ge=0)]
    depth_to_cm: Annotated[int, Field(gt=0)]
    midpoint_cm: Annotated[float, Field(gt=0)]


class StationParams(Params):
    """Where station data come from and which of them count."""

    source: Literal["csv", "fluxnet", "ismn", "uscrn", "uscrn_hourly"]
    inputs: tuple[InputParams, ...]
    good_flags: tuple[str, ...]
    minimum_count: Annotated[int, Field(ge=1)]
    minimum_days: Annotated[int, Field(ge=2)]
    depth_rounding: Literal["nearest", "down", "up"] = "nearest"
    minimum_quality: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of good values that a day needs, where the source tells; None: any."""
    minimum_quality_source: str | None = None
    """Where that number comes from."""
    positions: dict[str, tuple[float, float]] = {}
    """Latitude and longitude of stations whose archive gives none, in degrees."""
    positions_source: str | None = None
    """Where those come from."""
    maximum_repeats: Annotated[int, Field(ge=2)] | None = None
    """Days in a row that a sensor may keep one value; of a longer run none counts."""
    comment: str | None = None
    """What else their user must know; goes into the attributes of the targets."""

    @model_validator(mode="after")
    def _sourced(self) -> StationParams:
        for key in ("minimum_quality", "positions"):
            if getattr(self, key) and not getattr(self, f"{key}_source"):
                message = f"{key} without {key}_source, where it comes from"
                raise ValueError(message)
        return self


class ForcingParams(Params):
    """Where daily meteorology comes from and how it is made daily."""

    source: Literal["era5", "points", "site_reanalysis", "station"]
    inputs: tuple[InputParams, ...]
    variables: tuple[str, ...]
    frequency: Literal["hourly", "daily"]
    accumulation: Literal["hour_ending", "since_00_utc", "daily_total"]
    registration: Literal["node", "cell", "points"]
    remapping: Literal["corner_mean", "none", "nearest"]
    latent_heat: Annotated[float, Field(gt=2, lt=3)] = 2.45
    names: dict[str, str] = {}
    """Names of this input where they differ from the source's own."""
    units: dict[str, str] = {}
    """Units of this input where it names none, or a wrong one."""
    preliminary: Literal["accept", "refuse"] = "accept"
    """Source `era5`: whether preliminary values (ERA5T, expver 5) may go in."""
    minimum_hours: Annotated[int, Field(ge=1, le=24)] = 20
    """Source `station`: good hours that a day of an hourly station needs."""
    maximum_gap: Annotated[int, Field(ge=0)] = 5
    """Source `station`: days in a row that are filled; a longer gap drops the cell."""
    maximum_precipitation_gap: Annotated[int, Field(ge=0)] = 3
    """The same for precipitation, of which neighbouring days tell least."""
    as_measured: tuple[str, ...] = ()
    """Variables that may lack any day: never filled, and in no feature set."""
    coverage: Literal["period", "record"] = "period"
    """What a cell must have of the others: every day of the period, or every day from
    the first to the last that all of them have; no target lies outside."""
    dryness: Literal["net_radiation", "reference_evapotranspiration", "table"] = (
        "net_radiation"
    )
    """What the dryness of cells rests on; see `DRYNESS_SOURCES`."""
    maximum_distance: Annotated[float, Field(gt=0)] = 0.01
    """Source `points`: degrees between a station and the point that stands for it."""
    comment: str | None = None
    """What else its user must know; goes into the attributes of every variable."""

    @model_validator(mode="after")
    def _listed(self) -> ForcingParams:
        strange = sorted(set(self.as_measured) - set(self.variables))
        if strange:
            message = f"as_measured names {strange}, which variables lacks"
            raise ValueError(message)
        return self

    @field_validator("variables")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(names) - set(VARIABLES))
        if unknown:
            message = f"unknown variables {unknown}; known: {sorted(VARIABLES)}"
            raise ValueError(message)
        return names


class ReferenceParams(Params):
    """Soil moisture that targets are matched to, and the overlap that it takes."""

    source: Literal["era5", "none"]
    inputs: tuple[InputParams, ...] = ()
    """Empty where the forcing inputs carry the reference as well."""
    layers: tuple[int, ...] = ()
    """Layers with a reference; targets of other layers stay unscaled."""
    minimum_overlap: Annotated[int, Field(ge=2)] = 90


class TargetParams(Params):
    """The published target rule's thresholds."""

    minimum_days: Annotated[int, Field(ge=2)] = 90
    secondary_minimum_overlap: Annotated[int, Field(ge=2)] = 90
    secondary_minimum_correlation: Annotated[float, Field(ge=-1, le=1)] = 0.30
    decimals: Annotated[int, Field(ge=1, le=9)] = 5


class RegionParams(Params):
    """A named box; a cell belongs to the first box that holds its centre."""

    name: str
    south: float
    north: float
    west: float
    east: float


class TemporalSplitParams(Params):
    """Split by calendar: validation and test begin where the part before ends."""

    validation_start: dt.date
    test_start: dt.date
    minimum_train_years: Annotated[float, Field(gt=0)] = 1.0


class SpatialSplitParams(Params):
    """Split by spatial blocks, so that neighbours stay together."""

    block_degrees: Annotated[float, Field(gt=0)]
    folds: Annotated[int, Field(ge=3)]
    seed: int
    minimum_cells: Annotated[int, Field(ge=3)] = 10
    fold: Annotated[int, Field(ge=0)] = 0
    """The fold that is tested; the next one validates, the first after the last."""

    @model_validator(mode="after")
    def _numbered(self) -> SpatialSplitParams:
        if self.fold >= self.folds:
            message = f"fold {self.fold} of {self.folds}; folds are numbered from 0"
            raise ValueError(message)
        return self


class UngaugedSplitParams(Params):
    """Hold out whole networks, or regions where there are too few networks."""

    seed: int
    by: Literal["network", "vegetation_class"] = "network"
    """What is held out whole: networks (or regions), or classes of vegetation."""
    test_fraction: Annotated[float, Field(gt=0, lt=0.5)] = 0.2
    """Share of cells to test on, and to validate on; met as networks allow."""
    minimum_cells: Annotated[int, Field(ge=3)] = 10


class YearSplitParams(Params):
    """Split each cell's years by their dryness."""

    minimum_years: Annotated[int, Field(ge=6)] = 6
    first_month: Annotated[int, Field(ge=1, le=12)] = 1
    """Month that years begin with: 1 for calendar years."""


class RegimeSplitParams(Params):
    """Train on cells of one regime, test on those of the other."""

    seed: int
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the train side's cells, drawn by a hash, that validate."""
    minimum_cells: Annotated[int, Field(ge=2)] = 5
    """Of either regime."""


class SplitParams(Params):
    """Every split that the release should carry where its data allow."""

    temporal: TemporalSplitParams | None = None
    spatial: SpatialSplitParams | None = None
    ungauged: UngaugedSplitParams | None = None
    dry_years: YearSplitParams | None = None
    wet_years: YearSplitParams | None = None
    energy_to_water: RegimeSplitParams | None = None
    water_to_energy: RegimeSplitParams | None = None


class FeatureParams(Params):
    """Lags of feature set `memory`, and the smoothing of the climatology."""

    lags: Annotated[int, Field(ge=0, le=365)] = 7
    climatology_window: Annotated[int, Field(ge=1)] = 35
    climatology_minimum_days: Annotated[int, Field(ge=1)] = 180
    climatology_shrinkage_years: Annotated[float, Field(ge=0)] = 1.0


class VirtualParams(Params):
    """The simulated world: its size and its seed."""

    seed: int
    cells_per_region: Annotated[int, Field(ge=1)]
    box_nodes: Annotated[int, Field(ge=3)]


class NamedInput(NamedTuple):
    """A raw input of a recipe: what for, read by whom, and which of its section."""

    role: InputRole
    source: str
    number: int
    params: InputParams


class Recipe(Params):
    """All that a build may read."""

    release: ReleaseParams
    period: PeriodParams
    grid: GridParams
    layers: tuple[LayerParams, ...]
    stations: StationParams
    forcing: ForcingParams
    reference: ReferenceParams
    targets: TargetParams
    regions: tuple[RegionParams, ...]
    splits: SplitParams
    features: FeatureParams
    baselines: BaselineParams = BaselineParams()
    virtual: VirtualParams | None = None

    @property
    def target_moments_from(self) -> dict[int, str]:
        """By layer: whether mean and variance of targets are the reanalysis' own."""
        scaled = self.reference.layers if self.reference.source != "none" else ()
        return {
            item.layer: "reanalysis" if item.layer in scaled else "observations"
            for item in self.layers
        }

    def raw_inputs(self) -> Iterator[NamedInput]:
        """Yield every raw input with its role and its reader."""
        sections: dict[InputRole, Any] = {
            "stations": self.stations,
            "forcing": self.forcing,
            "reference": self.reference,
        }
        for role, section in sections.items():
            for number, params in enumerate(section.inputs):
                is_csv = role == "stations" and params.path.endswith(CSV)
                source = "csv" if is_csv else section.source
                yield NamedInput(role, source, number, params)


def load_recipe(path: Path | str = "params.yaml") -> Recipe:
    """Read and check a recipe.

    Raises
    ------
    InputError
        If the file is absent or isn't YAML.
    ValidationError
        With every unknown key and impossible value, and the lines they stand in.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(
            f"recipe {path}", found=error, expected="a readable YAML file"
        ) from error
    try:
        return Recipe.model_validate(content)
    except PydanticError as error:
        failures = [_make_failure(item, text) for item in error.errors()]
        raise ValidationError(
            f"recipe {path}",
            failures,
            hint="docs/real-releases.md and conf/recipe/ show what a recipe holds",
        ) from error


def _make_failure(item: Mapping[str, Any], text: str) -> Failure:
    """Return a failure by line and key; a missing key has its section's line."""
    key = ".".join(str(part) for part in item["loc"])
    found = "nothing" if item["type"] == "missing" else repr(item["input"])[:80]
    expected = _EXPECTED.get(item["type"], item["msg"])
    return Failure(f"line {find_line(text, item['loc'])}, {key}", found, expected)


_EXPECTED = {"missing": "a value", "extra_forbidden": "a key that recipes have"}
"""What a recipe should hold, by pydantic's name of the mistake."""
