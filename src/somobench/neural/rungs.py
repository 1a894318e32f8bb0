"""The neural rungs by name; nothing here needs PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

LSTM, EA_LSTM, HYBRID = "lstm", "ea_lstm", "hybrid"


@dataclass(frozen=True, kw_only=True)
class NeuralRung:
    """A network, and what sets its training apart.

    Attributes
    ----------
    name, title, description : str
    network : str
        Which architecture it has.
    changes : mapping
        Settings that differ from the defaults.
    """

    name: str
    title: str
    description: str
    network: str
    changes: Mapping[str, Any] = field(default_factory=dict)


_ALL = (
    NeuralRung(
        name="lstm",
        title="Regional LSTM",
        description="One LSTM for all cells on the day's weather and attributes of the "
        "cell.",
        network=LSTM,
    ),
    NeuralRung(
        name="ea_lstm",
        title="Entity-aware LSTM",
        description="An LSTM whose input gate is given by attributes of the cell.",
        network=EA_LSTM,
        changes={"updates": 200},
    ),
    NeuralRung(
        name="hybrid",
        title="Hybrid water balance",
        description="The ladder's water balance, whose parameters a network reads from "
        "attributes of the cell; trained end to end.",
        network=HYBRID,
        changes={"warm_up": 365, "updates": 120, "learning_rate": 0.02},
    ),
    NeuralRung(
        name="lstm_dro",
        title="Regional LSTM, group-DRO",
        description="The regional LSTM, trained for the regime or region that it is "
        "worst in.",
        network=LSTM,
        changes={"group_step": 0.01},
    ),
)

NEURAL: Mapping[str, NeuralRung] = MappingProxyType({rung.name: rung for rung in _ALL})
"""Every neural rung by name."""
