"""Recurrent networks for all cells and layers at once: LSTM and entity-aware LSTM.

Both read (day, cell, input) and (cell, static), and give standardised soil moisture,
(day, cell, layer), from a state that begins at nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RegionalLstm(nn.Module):
    """One LSTM for all cells, whose attributes stand beside the day's weather.

    Kratzert et al. 2019, doi:10.5194/hess-23-5089-2019.
    """

    def __init__(
        self, weather: int, statics: int, layers: int, hidden: int, dropout: float
    ) -> None:
        super().__init__()
        self.hidden = hidden
        self.cell = nn.LSTM(weather + statics, hidden)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, layers)

    def set_forget_bias(self, value: float) -> None:
        """Let the forget gate begin open; gates come in the order i, f, g, o."""
        with torch.no_grad():
            self.cell.bias_hh_l0[self.hidden : 2 * self.hidden] = value

    def forward(self, weather: Tensor, statics: Tensor) -> Tensor:
        """Run through all days and read every layer from each day's state."""
        shape = (*weather.shape[:2], statics.shape[1])
        states, _ = self.cell(torch.cat([weather, statics.expand(shape)], dim=2))
        result: Tensor = self.head(self.dropout(states))
        return result


class EntityAwareLstm(nn.Module):
    """An LSTM whose input gate is given by a cell's attributes alone, for all days.

    Kratzert et al. 2019, doi:10.5194/hess-23-5089-2019; the architecture of SoMo.ml.
    """

    def __init__(
        self, weather: int, statics: int, layers: int, hidden: int, dropout: float
    ) -> None:
        super().__init__()
        self.hidden = hidden
        self.gate = nn.Linear(statics, hidden)
        self.read = nn.Linear(weather, 3 * hidden)
        self.recur = nn.Parameter(torch.empty(hidden, 3 * hidden))
        nn.init.orthogonal_(self.recur)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, layers)

    def set_forget_bias(self, value: float) -> None:
        """Let the forget gate begin open; gates come in the order f, o, g."""
        with torch.no_grad():
            self.read.bias[: self.hidden] = value

    def forward(self, weather: Tensor, statics: Tensor) -> Tensor:
        """Run through all days and read every layer from each day's state."""
        opened = torch.sigmoid(self.gate(statics))
        state = memory = torch.zeros_like(opened)
        states = []
        for given in self.read(weather).unbind(0):
            gates = torch.addmm(given, state, self.recur)
            forget, shown = torch.sigmoid(gates[:, : 2 * self.hidden]).chunk(2, dim=1)
            new = torch.tanh(gates[:, 2 * self.hidden :])
            memory = forget * memory + opened * new
            state = shown * torch.tanh(memory)
            states.append(state)
        result: Tensor = self.head(self.dropout(torch.stack(states)))
        return result
