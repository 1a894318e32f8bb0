"""How a model's own grid is brought to the cells of a release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from somobench.schemas.errors import UsageError

Method = Literal["nearest", "bilinear"]
METHODS: tuple[Method, ...] = get_args(Method)
FARTHEST = 500.0  # km; what is further away tells nothing about a cell


@dataclass(frozen=True, kw_only=True)
class GriddedOptions:
    """How a model's grid is brought to cells.

    Attributes
    ----------
    method : "nearest" or "bilinear"
    reach_km : float, optional
        Greatest distance of a node from its cell; by default half the diagonal between
        nodes of a grid, and half that of the release's cells for points.
    layers : str, optional
        A known scheme of model layers, such as `ecmwf`, or their edges in metres, such
        as `0,0.07,0.28,1`, where the file doesn't say.
    variables : tuple of str
        Names of the soil moisture, where a file holds several.
    """

    method: Method = "nearest"
    reach_km: float | None = None
    layers: str | None = None
    variables: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what can't be done.

        Raises
        ------
        UsageError
            For an unknown method, or a reach that isn't a distance.
        """
        if self.method not in METHODS:
            raise UsageError("method", found=self.method, expected=" or ".join(METHODS))
        if self.reach_km is not None and not 0 < self.reach_km <= FARTHEST:
            raise UsageError(
                "reach",
                found=f"{self.reach_km} km",
                expected=f"more than 0, at most {FARTHEST:g} km",
            )

    @property
    def are_asked(self) -> bool:
        """Tell whether anything was chosen, so that the file has to be gridded."""
        return self != GriddedOptions()
