"""Networks against the arithmetic that they promise."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from somobench.neural.networks import (  # noqa: E402 - it needs torch
    EntityAwareLstm,
    RegionalLstm,
)

NETWORKS = (RegionalLstm, EntityAwareLstm)


def test_entity_aware_lstm_is_the_published_arithmetic() -> None:
    # Kratzert et al. 2019, equations 7 to 13, a day after a day.
    torch.manual_seed(1)
    network = EntityAwareLstm(2, 3, 1, hidden=2, dropout=0.0)
    weather, statics = torch.randn(4, 5, 2), torch.randn(5, 3)
    opened = torch.sigmoid(statics @ network.gate.weight.T + network.gate.bias)
    memory = state = torch.zeros(5, 2)
    for day in range(4):
        f, o, g = (
            weather[day] @ network.read.weight.T
            + network.read.bias
            + state @ network.recur
        ).split(2, dim=1)
        memory = torch.sigmoid(f) * memory + opened * torch.tanh(g)
        state = torch.sigmoid(o) * torch.tanh(memory)
        expected = state @ network.head.weight.T + network.head.bias
        found = network(weather[: day + 1], statics)[day]
        assert torch.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("kind", NETWORKS)
def test_forget_bias_lets_memory_last(kind: type) -> None:
    # With an open forget gate a pulse of weather is still felt 60 days later.
    felt = []
    for bias in (-5.0, 5.0):
        torch.manual_seed(1)
        network = kind(1, 1, 1, 8, 0.0)
        network.set_forget_bias(bias)
        weather = torch.zeros(61, 2, 1)
        weather[0, 1] = 3.0
        values = network(weather, torch.zeros(2, 1))[-1]
        felt.append((values[1] - values[0]).abs().item())
    assert felt[0] < 1e-6 < felt[1]


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_day_answers_to_no_later_day(kind: type) -> None:
    torch.manual_seed(1)
    network = kind(2, 1, 3, 4, 0.0)
    weather = torch.randn(10, 2, 2)
    changed = weather.clone()
    changed[6:] += 1
    before, after = (network(part, torch.zeros(2, 1)) for part in (weather, changed))
    assert torch.equal(before[:6], after[:6])
    assert not torch.equal(before[6], after[6])
