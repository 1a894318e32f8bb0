"""How large an experiment is: repeats, folds, draws, models."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from somobench.schemas.baseline_params import BaselineParams

Count = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """Everything that the numbers of an experiment depend on, but for the release."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: Annotated[int, Field(ge=0)] = 1
    repeats: Count = 3
    """Times that folds and training cells are drawn again."""
    folds: Annotated[int, Field(ge=2)] = 5
    """Parts of the cells that are held out in turn."""
    apart_km: Annotated[float, Field(ge=0)] = 50.0
    """No cell nearer than this to a tested one trains for it."""
    most_cells: Annotated[int, Field(ge=4)] = 16
    """Training cells of an arm, where the release has as many."""
    most_days: Count = 500
    """Training values of a cell and layer, where its cells have as many."""
    draws: Count = 500
    """Draws of days, cells and training sets behind an interval."""
    baselines: BaselineParams = BaselineParams()


QUICK = Settings(
    repeats=2,
    folds=2,
    most_cells=8,
    most_days=200,
    draws=50,
    baselines=BaselineParams.model_validate(
        {
            "boosting": {"trees": 20, "leaf_minimum_values": 20},
            "water_balance": {"parameter_sets": 20, "spin_up_days": 60},
        }
    ),
)
"""A look in half a minute: smaller in everything, and not to be published."""
