"""What a neural rung's training depends on, but for the release and the split."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from somobench.schemas.baseline_params import FrozenParams, Positive

Count = Annotated[int, Field(ge=1)]


class NeuralSettings(FrozenParams):
    """Size of a network, and how it is trained.

    Forget bias is SoMo.ml's (O and Orth 2021, doi:10.1038/s41597-021-00964-1), which
    has hidden size 128 and dropout 0.5; these are smaller, for two cores.
    """

    hidden: Count = 64
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.4
    forget_bias: float = 5.0
    """The forget gate's bias at the start: about 150 days of memory."""
    days: Count = 365
    """Days of a sequence whose error counts."""
    warm_up: Annotated[int, Field(ge=0)] = 180
    """Days before them, over which the state forgets that it began at nothing."""
    batch: Count = 16
    """Sequences an update."""
    updates: Count = 250
    checks: Count = 5
    """Times that the error on validation days is looked at, evenly over the updates."""
    learning_rate: Positive = 5e-3
    """At the most; it rises over a tenth of the updates and falls to nothing."""
    weighting: Literal["uniform", "quantile", "extreme"] = "uniform"
    """How much a day counts in training, by where its target lies in its series."""
    group_step: Annotated[float, Field(ge=0)] = 0.0
    """Step of group-DRO's weights; 0 gives all days the same say."""
