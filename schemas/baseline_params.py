"""The recipe's block `baselines`: what the ladder draws from and may choose."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
Bounds = tuple[Positive, Positive]


class FrozenParams(BaseModel):
    """A frozen block of parameters that accepts no unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BoostingParams(FrozenParams):
    """Rung `gradient_boosting`; how many trees count is chosen on validation days."""

    trees: Annotated[int, Field(ge=1)] = 200
    learning_rate: Positive = 0.1
    leaves: Annotated[int, Field(ge=2)] = 15
    leaf_minimum_values: Annotated[int, Field(ge=1)] = 200


class WaterBalanceParams(FrozenParams):
    """Rung `water_balance`: bounds of its parameters, and the train days it takes."""

    parameter_sets: Annotated[int, Field(ge=1)] = 300
    spin_up_days: Annotated[int, Field(ge=0)] = 730
    minimum_days: Annotated[int, Field(ge=2)] = 180
    """Train days of a layer that a cell needs for parameters of its own."""
    capacity: Bounds = (10.0, 1000.0)
    """Water that the soil can hold, mm."""
    runoff_shape: Bounds = (1.0, 10.0)
    evaporation_shape: Bounds = (0.1, 2.0)
    evaporation_maximum: Bounds = (0.3, 1.0)
    """Greatest evaporation over net radiation, as water."""
    melt_rate: Bounds = (0.5, 5.0)
    """mm K-1 d-1"""


class BaselineParams(FrozenParams):
    """The ladder: its seed, and what each rung may choose from on validation days."""

    seed: Annotated[int, Field(ge=0)] = 1
    minimum_values: Annotated[int, Field(ge=2)] = 90
    """Train values of a layer that a pooled fit needs."""
    maximum_values: Annotated[int, Field(ge=2)] = 500_000
    """Train values that a pooled fit draws where there are more."""
    penalties: Annotated[tuple[Positive, ...], Field(min_length=1)] = (
        1e-4,
        1e-3,
        1e-2,
        1e-1,
        1.0,
        10.0,
    )
    """Ridge penalties for each train value and standardised input."""
    clusters: Annotated[int, Field(ge=1)] = 27
    cluster_starts: Annotated[int, Field(ge=1)] = 5
    cluster_minimum_values: Annotated[int, Field(ge=2)] = 30
    """A cluster with fewer train values takes the regression over all of them."""
    boosting: BoostingParams = BoostingParams()
    water_balance: WaterBalanceParams = WaterBalanceParams()
