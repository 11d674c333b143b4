"""Controllers are causal distributions over sequences, and their weights survive JSON."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
from torch import Tensor

from surrobench.strategies.reinforcement.adam import Adam
from surrobench.strategies.reinforcement.controllers import CONTROLLERS, Controller
from surrobench.strategies.reinforcement.tensors import decode_tensor, encode_tensor

CARDINALITIES = (3, 1, 4, 2)
EVERY = torch.tensor(list(itertools.product(*map(range, CARDINALITIES))))

controllers = pytest.mark.parametrize("name", sorted(CONTROLLERS))


def controller(name: str, seed: int = 0, spread: float = 1.0) -> Controller:
    """A controller far from uniform, so that a wrong condition shows."""
    built = CONTROLLERS[name](CARDINALITIES, 8, 2, np.random.default_rng(seed))
    with torch.no_grad():
        for parameter in built.parameters():
            noise = np.random.default_rng(seed + 1).normal(0.0, spread, parameter.shape)
            parameter.add_(torch.from_numpy(noise))
    return built


@controllers
def test_probabilities_of_all_sequences_sum_to_one(name: str) -> None:
    log_probabilities, _ = controller(name).log_probabilities(EVERY)
    probabilities = log_probabilities.sum(dim=1).exp()
    assert probabilities.sum().item() == pytest.approx(1.0, abs=1e-5)
    assert probabilities.std().item() > 1e-3  # not the uniform distribution


@pytest.mark.slow
@controllers
def test_samples_follow_the_probabilities(name: str) -> None:
    built = controller(name, spread=0.5)
    uniform = torch.from_numpy(np.random.default_rng(5).random((40_000, len(CARDINALITIES))))
    rows = {tuple(sequence): row for row, sequence in enumerate(EVERY.tolist())}
    counts = np.bincount([rows[tuple(s)] for s in built.sample(uniform).tolist()], minlength=24)
    expected = built.log_probabilities(EVERY)[0].sum(dim=1).exp().detach().numpy()
    # Five standard deviations of each count.
    allowed = 5.0 * np.sqrt(expected * (1.0 - expected) / 40_000) + 1e-4
    assert (np.abs(counts / 40_000 - expected) < allowed).all()


@controllers
def test_sampling_inverts_the_distribution_function_of_each_decision(name: str) -> None:
    built = controller(name)
    uniform = torch.from_numpy(np.random.default_rng(2).random((50, len(CARDINALITIES))))
    sampled = built.sample(uniform)
    below = built.logits(sampled).softmax(dim=-1).cumsum(dim=-1)
    upper = below.gather(-1, sampled[..., None]).squeeze(-1)
    own = built.log_probabilities(sampled)[0].exp()
    assert (uniform <= upper + 1e-5).all()
    assert (uniform >= upper - own - 1e-5).all()


@controllers
@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_sampling_at_the_edges_gives_choices_that_exist(name: str, edge: float) -> None:
    sampled = controller(name).sample(torch.full((2, len(CARDINALITIES)), edge))
    assert (sampled >= 0).all()
    assert (sampled < torch.tensor(CARDINALITIES)).all()


@controllers
def test_later_decisions_do_not_change_earlier_logits(name: str) -> None:
    built = controller(name)
    for position in range(len(CARDINALITIES)):
        first, second = EVERY[:1].clone(), EVERY[:1].clone()
        second[:, position:] = torch.tensor(CARDINALITIES[position:]) - 1
        before, after = built.logits(first), built.logits(second)
        torch.testing.assert_close(before[:, : position + 1], after[:, : position + 1])


@controllers
def test_earlier_decisions_change_later_logits(name: str) -> None:
    built = controller(name)
    other = EVERY[:1].clone()
    other[0, 0] = 1
    assert not torch.allclose(built.logits(EVERY[:1])[:, 3, :2], built.logits(other)[:, 3, :2])


@controllers
def test_entropy_is_that_of_each_softmax(name: str) -> None:
    built = controller(name)
    _, entropies = built.log_probabilities(EVERY)
    for position, count in enumerate(CARDINALITIES):
        logits = built.logits(EVERY)[:, position, :count]
        expected = torch.distributions.Categorical(logits=logits).entropy()
        torch.testing.assert_close(entropies[:, position], expected, atol=1e-5, rtol=1e-5)


@controllers
def test_a_new_controller_is_nearly_uniform(name: str) -> None:
    built = CONTROLLERS[name](CARDINALITIES, 32, 1, np.random.default_rng(0))
    probabilities = built.log_probabilities(EVERY)[0].sum(dim=1).exp()
    torch.testing.assert_close(probabilities, torch.full((24,), 1 / 24), atol=0.01, rtol=0.0)


@controllers
def test_weights_depend_on_their_generator_alone(name: str) -> None:
    def weights(seed: int) -> list[Tensor]:
        torch.rand(seed + 1)  # whatever others draw does not matter
        rng = np.random.default_rng(seed)
        return [p.detach() for p in CONTROLLERS[name](CARDINALITIES, 8, 2, rng).parameters()]

    kept = torch.get_rng_state()
    first = weights(0)
    torch.manual_seed(1)
    again, other = weights(0), weights(1)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not all(torch.equal(one, two) for one, two in zip(first, other, strict=True))
    state = torch.get_rng_state()
    CONTROLLERS[name](CARDINALITIES, 8, 2, np.random.default_rng(0))
    assert torch.equal(state, torch.get_rng_state())
    torch.set_rng_state(kept)


def test_adam_equals_torchs() -> None:
    ours = [torch.tensor([1.0, -2.0], requires_grad=True), torch.ones(2, 2, requires_grad=True)]
    theirs = [parameter.detach().clone().requires_grad_(True) for parameter in ours]
    optimiser, reference = Adam(ours, 0.05), torch.optim.Adam(theirs, lr=0.05)
    for _ in range(20):
        optimiser.minimise((ours[0].square() * ours[1]).sum() + ours[0].sin().sum())
        reference.zero_grad()
        ((theirs[0].square() * theirs[1]).sum() + theirs[0].sin().sum()).backward()
        reference.step()
    for one, two in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, two)


def test_a_restored_adam_takes_the_same_steps() -> None:
    first = torch.linspace(0.1, 1.0, 7, requires_grad=True)
    optimiser = Adam([first], 0.1)
    optimiser.minimise(first.exp().sum())
    second = torch.zeros(7, requires_grad=True)
    restored = Adam([second], 0.1)
    restored.load(json.loads(json.dumps(optimiser.save())))
    for parameter, some in ((first, optimiser), (second, restored)):
        some.minimise(parameter.exp().sum())
    assert torch.equal(first, second)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4)])
def test_tensors_survive_json_bit_by_bit(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = torch.from_numpy(np.random.default_rng(0).normal(size=shape)).to(dtype) / 3.0
    back = decode_tensor(json.loads(json.dumps(encode_tensor(tensor))))
    assert back.dtype == dtype
    assert torch.equal(back, tensor)
    back += 1.0  # writable


def test_special_values_survive_json() -> None:
    tensor = torch.tensor([float("inf"), -0.0, 1e-45, float("nan")])
    back = decode_tensor(json.loads(json.dumps(encode_tensor(tensor))))
    assert encode_tensor(back) == encode_tensor(tensor)


def test_other_tensors_are_refused() -> None:
    with pytest.raises(ValueError, match="int64"):
        encode_tensor(torch.tensor([1]))
    content = encode_tensor(torch.ones(2, 3))
    with pytest.raises(ValueError):
        decode_tensor({**content, "shape": [2, 4]})
    with pytest.raises(KeyError):
        decode_tensor({**content, "dtype": "object"})
