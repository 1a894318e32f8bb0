"""What a score card's `score.json` must hold before a page is made of it.

A card may come from anybody: types, lengths and hashes are checked here. What its
tables say too isn't believed but computed again (`somobench.cards.folder`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from somobench.schemas.recipe import RELEASE_ID, SHA256
from somobench.schemas.submission_names import LONGEST_NAME

Sha256 = Annotated[str, Field(pattern=SHA256)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Text = Annotated[str, Field(max_length=2000)]
Count = Annotated[int, Field(ge=0)]
MAXIMUM_RUNGS = 100


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class CodeRecord(_Part):
    """The sources that computed the scores."""

    version: Name
    sha256: Sha256


class SubmissionRecord(_Part):
    """The predictions that were scored; no file where they were in memory."""

    name: Name
    file_sha256: Sha256 | None
    values_sha256: Sha256


class CoverageRecord(_Part):
    """Cell-days that were asked for and predicted."""

    asked: Annotated[int, Field(ge=1)]
    given: Count


class LeadCoverageRecord(_Part):
    """Cell-days that were asked for, and those scored at every lead time."""

    asked: Annotated[int, Field(ge=1)]
    common: Count


class LadderRecord(_Part):
    """The rungs' predictions that were compared with, lowest first."""

    sha256: Sha256 | None
    rungs: Annotated[list[Name], Field(max_length=MAXIMUM_RUNGS)]
    of_release: bool | None = None
    """Whether the release lists these predictions; older cards don't say."""
    not_available: dict[Name, Text] = {}
    """Rungs that the release lacks on the split, with the reason."""


class SpreadRecord(_Part):
    """Sensors behind the scored targets of a layer."""

    series: Count
    with_several_sensors: Count
    median_relative_spread: float | None


class BootstrapRecord(_Part):
    """How intervals were drawn."""

    block_length: Count
    draws: Count
    level: Annotated[float, Field(gt=0, lt=1)]


class ScalingRecord(_Part):
    """Series whose scale factors come from the full record, for lack of train days."""

    series: Count
    full_record_series: Count


class CardRecord(_Part):
    """The part of `score.json` that pages show."""

    schema_version: Literal["1"]
    model: Name
    release: Annotated[str, Field(pattern=RELEASE_ID, max_length=100)]
    release_title: Text
    manifest_sha256: Sha256
    split: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=80)]
    split_sha256: Sha256
    code: CodeRecord
    submission: SubmissionRecord
    coverage: CoverageRecord
    ladder: LadderRecord
    bootstrap: BootstrapRecord
    scaling: ScalingRecord
    scored_lead_time: Count | None = None
    headline: dict[str, Any]
    summary: dict[str, Any]
    lead_times: dict[str, Any] | None = None
    lead_coverage: LeadCoverageRecord | None = None
    """Older cards lack it: they scored each lead time on cell-days of its own."""
    target_uncertainty: dict[Name, SpreadRecord] = {}
    """By layer: how far the sensors behind the scored targets lie apart."""

    @property
    def is_virtual(self) -> bool:
        """Whether the release is simulated."""
        return self.release.startswith("virtual-")

    @property
    def has_foreign_ladder(self) -> bool:
        """Whether the rungs aren't known to be those of the release."""
        return bool(self.ladder.rungs) and not self.ladder.of_release

    @property
    def is_complete(self) -> bool:
        """Whether every cell-day asked for was predicted."""
        return self.coverage.given == self.coverage.asked
