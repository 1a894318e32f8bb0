"""What `score.json` holds: what was scored against what, by which code, and how.

It is written from this model and read into it. Facts alone are stored; headline,
summary and curves are derived from the tables where they are shown. A card may come
from anybody, so types, lengths, hashes and counts are checked here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from somobench.ladder.rungs import RUNGS
from somobench.schemas.gridded_options import GriddedOptions, Method
from somobench.schemas.manifest import RELEASE_ID, SHA256
from somobench.schemas.submission_names import LONGEST_NAME
from somobench.scoring.marks.record import MarkRecord

SCORE_SCHEMA: Literal["2"] = "2"
TARGET = "target"
MAXIMUM_RUNGS = 100

Sha256 = Annotated[str, Field(pattern=SHA256)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Text = Annotated[str, Field(max_length=2000)]
Count = Annotated[int, Field(ge=0)]
Asked = Annotated[int, Field(ge=1)]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, strict=True, allow_inf_nan=False, extra="forbid"
    )


class CodeRecord(_Part):
    """The sources that computed the scores."""

    version: Name
    sha256: Sha256


class ModelLayerRecord(_Part):
    """Unit of a model's layer, and by what its values are multiplied to be m3 m-3."""

    units: Text
    factor: Annotated[float, Field(gt=0)]


class GriddedRecord(_Part):
    """How a model's own grid was brought to cells, layers and days."""

    method: Method
    asked_reach_km: float | None
    asked_layers: Text | None
    asked_variables: list[Name]
    """What was asked for beside the method; empty where the file said it."""
    reach_km: float
    median_distance_km: float
    greatest_distance_km: float
    """Between a cell and its nearest node."""
    cells: Count
    cells_within_reach: Count
    cells_without_values: Count
    nodes_without_soil: Count = 0
    """Whose water is 0 on all days, such as the sea's."""
    model_layers: Annotated[dict[Name, ModelLayerRecord], Field(max_length=1000)]
    weights: dict[Name, dict[Name, float]]
    """By layer of the release: the share of each of the model's layers."""
    covered: dict[Name, float]
    """By layer of the release: the share of it that the model's layers cover."""
    values_a_day: Count
    days: Count
    """Of the release, with all their values; the other ones are counted below."""
    days_partial: Count
    days_outside: Count

    @property
    def options(self) -> GriddedOptions:
        """What was asked for."""
        return GriddedOptions(
            method=self.method,
            reach_km=self.asked_reach_km,
            layers=self.asked_layers,
            variables=tuple(self.asked_variables),
        )


class SubmissionRecord(_Part):
    """The predictions that were scored; no file where they were in memory."""

    name: Name
    file_sha256: Sha256 | None
    file_size: Count | None
    values_sha256: Sha256
    members: Count | None
    lead_times: list[Count]
    understood: list[Text]
    """What was read otherwise than it is written: units, labels, times."""
    gridded: GriddedRecord | None = None


class LayerCoverageRecord(_Part):
    """Cell-days of a layer that were asked for and predicted."""

    asked: Asked
    given: Count

    @model_validator(mode="after")
    def _refuse_more_than_asked(self) -> LayerCoverageRecord:
        if self.given > self.asked:
            message = f"{self.given} cell-days predicted of {self.asked} asked for"
            raise ValueError(message)
        return self


class CoverageRecord(LayerCoverageRecord):
    """Cell-days that were asked for and predicted."""

    by_layer: dict[Name, LayerCoverageRecord]


class LeadCoverageRecord(_Part):
    """Cell-days that were asked for, and those scored at every lead time."""

    asked: Asked
    common: Count


class LadderRecord(_Part):
    """The rungs' predictions that were compared with, lowest first."""

    sha256: Sha256 | None
    of_release: bool | None
    """Whether the release lists these predictions; None where there are none."""
    rungs: Annotated[list[Name], Field(max_length=MAXIMUM_RUNGS)]
    observing: list[Name]
    """Those of the rungs that read observations of the cell that they predict."""
    missing: Text
    """Why nothing was compared with; empty where something was."""
    not_available: dict[Name, Text]
    """Rungs that the release lacks on the split, with the reason."""

    @model_validator(mode="after")
    def _refuse_other_marks(self) -> LadderRecord:
        for rung in self.rungs:
            known = RUNGS[rung].needs_observations if rung in RUNGS else None
            if known is not None and known != (rung in self.observing):
                message = f"rung {rung}: observing has to be {known}"
                raise ValueError(message)
        if bool(self.rungs) and self.sha256 is None:
            message = "rungs without the sha256 of their predictions"
            raise ValueError(message)
        return self


class SpreadRecord(_Part):
    """Sensors behind the scored targets of a layer."""

    series: Count
    with_several_sensors: Count
    median_relative_spread: float | None


class FoldRecord(_Part):
    """A fold of a pooled split, each with a model of its own."""

    fold: Count
    test_cells: Asked
    train_cells: Asked
    nearest_km: Annotated[float, Field(ge=0)] | None
    """From a test cell to a train cell."""
    findings: Annotated[list[Text], Field(max_length=20)] | None
    """What its audit reports; None where the release may not say where stations are."""


class BootstrapRecord(_Part):
    """How intervals were drawn."""

    method: Literal["circular blocks of days and cells with replacement, paired"] = (
        "circular blocks of days and cells with replacement, paired"
    )
    block_length: Count
    block_length_wanted: Count
    draws: Count
    seed: Count
    level: Annotated[float, Field(gt=0, lt=1)]


class ScalingRecord(_Part):
    """Series whose scale factors come from the full record, for lack of train days.

    A model's own grid is scored against targets as measured, `none`.
    """

    name: Literal["train", "none"] = "train"
    series: Count
    full_record_series: Count


class OptionsRecord(_Part):
    """What `evaluate` was asked to allow."""

    allow_missing: bool


class FindingRecord(_Part):
    """Predictions that are those of something else, as a check found them."""

    source: Name
    """`target`, `reanalysis` or the name of a rung."""
    relation: Literal["equal", "affine", "partly", "monotone"]
    lead_time: Count | None
    series: Asked
    of_series: Asked
    cell_days: Asked
    """Of these series; where they equal the target partly, the equal ones."""
    decimals: Count | None
    """To which they are equal, of the series with the fewest; None where exactly."""
    slope: tuple[float, float] | None
    offset: tuple[float, float] | None
    """Least and greatest over series, where the relation is affine; m3 m-3."""

    @property
    def sentence(self) -> str:
        """Say what the predictions are."""
        what = "the target" if self.source == TARGET else f"those of {self.source}"
        if self.relation == "partly":
            said = f"the predictions equal {what} on {self.cell_days:,} cell-days"
        elif self.relation == "monotone":
            said = f"the predictions rise or fall with {what} on all days"
        elif self.slope and self.offset:
            slope, offset = (_say_range(ends) for ends in (self.slope, self.offset))
            said = f"the predictions are {what} times {slope} plus {offset}"
        else:
            to = "" if self.decimals is None else f" to {self.decimals} decimals"
            said = f"the predictions equal {what}{to}"
        lead = "" if self.lead_time is None else f" at lead time {self.lead_time} d"
        return f"{said}, in {self.series} of {self.of_series} series{lead}"


class ScoreRecord(_Part):
    """Content of `score.json`."""

    schema_version: Literal["2"]
    model: Name
    release: Annotated[str, Field(pattern=RELEASE_ID, max_length=100)]
    release_title: Text
    manifest_sha256: Sha256
    split: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=80)]
    split_sha256: Sha256
    code: CodeRecord
    submission: SubmissionRecord
    options: OptionsRecord
    coverage: CoverageRecord
    ladder: LadderRecord
    bootstrap: BootstrapRecord
    scaling: ScalingRecord
    scored_lead_time: Count | None
    lead_coverage: LeadCoverageRecord | None
    target_uncertainty: dict[Name, SpreadRecord]
    """By layer: how far the sensors behind the scored targets lie apart."""
    findings: list[FindingRecord]
    """What says that these are no predictions of a model."""
    marks: Annotated[list[MarkRecord], Field(max_length=20)] = []
    """What they look like, if not like those of a model; of the scored lead time."""
    folds: Annotated[list[FoldRecord], Field(max_length=1000)] | None = None
    """Of a split that pools folds: what each tested, and what its audit reports."""

    @model_validator(mode="after")
    def _refuse_more_than_predicted(self) -> ScoreRecord:
        common = self.lead_coverage.common if self.lead_coverage else 0
        if common > self.coverage.given:
            message = f"lead_coverage: {common} cell-days, more than were predicted"
            raise ValueError(message)
        return self

    @property
    def is_virtual(self) -> bool:
        """Whether the release is simulated."""
        return is_virtual(self.release)

    @property
    def has_foreign_ladder(self) -> bool:
        """Whether the rungs aren't known to be those of the release."""
        return bool(self.ladder.rungs) and not self.ladder.of_release

    @property
    def is_complete(self) -> bool:
        """Whether every cell-day asked for was predicted."""
        return self.coverage.given == self.coverage.asked


def is_virtual(release: str) -> bool:
    """Tell by its id whether a release is simulated."""
    return release.startswith("virtual-")


def _say_range(ends: tuple[float, float]) -> str:
    low, high = (f"{end:.4g}" for end in ends)
    return low if low == high else f"{low} to {high}"
