"""What a mark says: predictions that look like something else than a model's.

A mark is no verdict. It says what the predictions look like, by which number, and what
an honest model that it was put on would have to say for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Check = Literal[
    "constant",
    "memoryless",
    "levels",
    "errors_cancel",
    "day_to_day",
    "test_season",
    "shifted",
    "sign",
    "reversed",
    "cells",
    "layers",
]


class MarkTexts(NamedTuple):
    """What a mark says; `{value}`, `{limit}` and `{what}` stand for its own."""

    looks_like: str
    because: str
    if_honest: str


MARK_TEXTS: Mapping[str, MarkTexts] = MappingProxyType(
    {
        "constant": MarkTexts(
            "a constant",
            "{value:.0%} of the series stand still on 19 days in 20",
            "say that it predicts a mean and no days",
        ),
        "memoryless": MarkTexts(
            "noise",
            "the correlation of a day with the next is {value}, below {limit}, with no "
            "skill, and soil keeps water",
            "say why it jumps from day to day",
        ),
        "levels": MarkTexts(
            "another unit or scaling",
            "the {what} is {value}, beyond {limit}",
            "say how the target's train scaling was learnt",
        ),
        "errors_cancel": MarkTexts(
            "something that knows the target of nearby days",
            "its errors cancel out: their means over {what} days have {value} of their "
            "standard deviation, and errors of weather-driven models last (white noise "
            "has {limit})",
            "hand it in as a forecast, with lead_time, that reads observations",
        ),
        "day_to_day": MarkTexts(
            "something mixed with the target",
            "its changes from day to day correlate with the target's by {value}, and "
            "{what}, so that more than {limit} is far beyond it",
            "say what it reads that no rung does",
        ),
        "test_season": MarkTexts(
            "the mean season of the test years",
            "it is the same in every year, and what the season of train years leaves "
            "of it correlates with what it leaves of the target by {value}, "
            "above {limit}",
            "say from what else than test days it comes",
        ),
        "shifted": MarkTexts(
            "predictions with wrong dates",
            "changes from day to day fit best {what} ({value}, {limit} as they are)",
            "say which days its weather has: UTC or local ones",
        ),
        "sign": MarkTexts(
            "predictions with their sign turned",
            "the median correlation is {value}, below {limit}",
            "say why it is wet where it is dry",
        ),
        "reversed": MarkTexts(
            "predictions in reversed order of time",
            "they correlate by {value} more when they are turned around, over {limit}",
            "say which dates it had",
        ),
        "cells": MarkTexts(
            "predictions with their cells exchanged",
            "departures from the monthly mean correlate with some other cell's target "
            "by {value}, and with their own by {limit}",
            "say which cell is which",
        ),
        "layers": MarkTexts(
            "predictions with their layers exchanged",
            "layers {what} fit better the other way round in {value:.0%} of cells, "
            "over {limit:.0%}",
            "say at which depths it predicts",
        ),
    }
)


class MarkRecord(BaseModel):
    """What a check found that isn't a model's usual behaviour."""

    model_config = ConfigDict(
        frozen=True, strict=True, allow_inf_nan=False, extra="forbid"
    )

    check: Check
    value: float
    """What was measured."""
    limit: float
    """What it was held against."""
    what: Annotated[str, Field(max_length=200)]

    @property
    def sentence(self) -> str:
        """Say what they look like, why, and what to say if they are honest."""
        texts = MARK_TEXTS[self.check]
        numbers = {"value": self.value, "limit": self.limit, "what": self.what}
        because = texts.because.format(**numbers)
        return (
            f"the predictions look like {texts.looks_like}, because {because}; if they "
            f"are honest, {texts.if_honest}"
        )
