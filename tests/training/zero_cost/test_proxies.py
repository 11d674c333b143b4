"""Each proxy against its formula on networks small enough to work out, and the contract of all."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from surrobench.arrays import FloatArray
from surrobench.errors import UserError
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.training.loop.trainer import initialised
from surrobench.training.networks.cells import CellNetwork
from surrobench.training.networks.costs import count_flops, count_params
from surrobench.training.networks.networks import build_chain
from surrobench.training.zero_cost import PROXIES
from surrobench.training.zero_cost.jacobians import SMALL
from surrobench.training.zero_cost.proxy import Batch, score

N, CLASSES = 12, 3


@pytest.fixture
def batch() -> Batch:
    draws = torch.Generator().manual_seed(0)
    images = torch.randn(N, 1, 2, 2, generator=draws, dtype=torch.float64)
    return Batch(images, torch.arange(N) % CLASSES)


@pytest.fixture
def linear() -> nn.Sequential:
    return initialised(lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, CLASSES)), 1).double()


def value(name: str, network: nn.Module, batch: Batch) -> float:
    return score(network, batch, [name])[name]


def gradient(network: nn.Sequential, batch: Batch) -> Tensor:
    """Of the weight of a linear classifier: outer product of image and probability error."""
    flat = batch.images.flatten(1)
    error = network(batch.images).softmax(1) - functional.one_hot(batch.labels, CLASSES)
    return (error.T @ flat / N).detach()


def test_sizes(batch: Batch, linear: nn.Sequential) -> None:
    found = score(linear, batch, ["params", "flops", "l2_norm"])
    norm = linear[1].weight.norm().item()
    assert found == {"params": 4 * 3 + 3, "flops": 2 * 4 * 3, "l2_norm": pytest.approx(norm)}


def test_layers_are_counted_where_the_output_depends_on_them(digits_batch: Batch) -> None:
    cell, away, chain = networks()
    space = nas_bench_201()
    reductions_and_head = 2 + 1 + 1  # with the stem
    convolutions = 4  # of a cell; there are three cells
    assert value("layers", cell, digits_batch) == 3 * convolutions + reductions_and_head
    assert value("layers", away, digits_batch) == 1  # what follows the last cell
    assert value("layers", chain, digits_batch) == 3
    dead_end = initialised(lambda: CellNetwork(space, (3, 0, 0, 1, 0, 0)), 0)
    assert value("layers", dead_end, digits_batch) == reductions_and_head


def test_grad_norm_and_snip_of_a_linear_classifier(batch: Batch, linear: nn.Sequential) -> None:
    expected = gradient(linear, batch)
    assert value("grad_norm", linear, batch) == pytest.approx(expected.norm().item())
    product = (linear[1].weight.detach() * expected).abs().sum().item()
    assert value("snip", linear, batch) == pytest.approx(product)


def test_grasp_is_the_derivative_along_the_gradient(batch: Batch, linear: nn.Sequential) -> None:
    weight, step = linear[1].weight.detach().clone(), 1e-6
    along = gradient(linear, batch)
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            linear[1].weight.copy_(weight + sign * step * along)
        ends.append((gradient(linear, batch) * weight).sum().item())
    with torch.no_grad():
        linear[1].weight.copy_(weight)
    expected = -(ends[0] - ends[1]) / (2 * step)
    assert value("grasp", linear, batch) == pytest.approx(expected, rel=1e-6)


def test_zico_of_two_linear_layers(batch: Batch) -> None:
    network = initialised(
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 5, bias=False), nn.Linear(5, CLASSES)), 2
    ).double()
    first, second = (layer.weight.detach().numpy() for layer in (network[1], network[2]))
    X, labels = batch.images.flatten(1).numpy(), batch.labels.numpy()
    gradients: list[tuple[FloatArray, FloatArray]] = []
    for half in (slice(0, N // 2), slice(N // 2, N)):
        hidden = X[half] @ first.T
        scores = hidden @ second.T + network[2].bias.detach().numpy()
        error = (
            np.exp(scores) / np.exp(scores).sum(1, keepdims=True) - np.eye(CLASSES)[labels[half]]
        )
        error /= N // 2
        gradients.append(((error @ second).T @ X[half], error.T @ hidden))
    expected = 0.0
    for a, b in zip(*gradients, strict=True):
        expected += np.log(((np.abs(a) + np.abs(b)) / np.abs(a - b)).sum())
    assert value("zico", network, batch) == pytest.approx(expected)


def test_zico_leaves_out_what_does_not_vary(batch: Batch, linear: nn.Sequential) -> None:
    one = Batch(batch.images[:1].repeat(4, 1, 1, 1), torch.zeros(4, dtype=torch.int64))
    assert value("zico", linear, one) == 0


def test_synflow_of_a_linear_network_is_the_log_of_its_absolute_weights(batch: Batch) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, CLASSES), nn.BatchNorm1d(CLASSES)).double()
    total = network[1].weight.abs().sum().item()
    assert value("synflow", network, batch) == pytest.approx(math.log(total))


def test_synflow_of_two_layers_counts_every_path_twice(batch: Batch) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)).double()
    nn.init.zeros_(network[1].bias)
    paths = (network[3].weight.abs() @ network[1].weight.abs()).sum().item()
    assert value("synflow", network, batch) == pytest.approx(math.log(2 * paths))


def test_fisher_of_a_linear_classifier(batch: Batch, linear: nn.Sequential) -> None:
    scores = linear(batch.images).detach()
    error = (scores.softmax(1) - functional.one_hot(batch.labels, CLASSES)) / N
    expected = (scores * error).square().mean(0).sum().item() / 2
    assert value("fisher", linear, batch) == pytest.approx(expected)


def test_fisher_sums_a_channel_over_its_positions(batch: Batch) -> None:
    network = nn.Sequential(nn.Conv2d(1, CLASSES, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = network.double()
    maps = network[0](batch.images).detach()
    scores = maps.mean((2, 3))
    error = (scores.softmax(1) - functional.one_hot(batch.labels, CLASSES)) / N
    # Every position of a channel has the same gradient, a quarter of the score's.
    expected = (maps.sum((2, 3)) * error / 4).square().mean(0).sum().item() / 2
    assert value("fisher", network, batch) == pytest.approx(expected)


def test_jacobians_of_a_linear_network_are_all_equal(batch: Batch, linear: nn.Sequential) -> None:
    # A correlation matrix of ones has the eigenvalues n and, n - 1 times, 0.
    null, full = SMALL, N + SMALL
    expected = -((N - 1) * (math.log(null) + 1 / null) + math.log(full) + 1 / full)
    assert value("jacov", linear, batch) == pytest.approx(expected, rel=1e-3)
    per_class = (N // CLASSES) ** 2 * math.log1p(SMALL)
    assert value("epe_nas", linear, batch) == pytest.approx(CLASSES * per_class, rel=1e-3)


def test_nwot_counts_the_relus_that_agree() -> None:
    images = torch.tensor([[1.0, 1.0, -1.0, 1.0], [1.0, -1.0, -1.0, -1.0]]).view(2, 1, 2, 2)
    network = nn.Sequential(nn.Flatten(), nn.ReLU())
    agreeing = 2  # one on in both, one off in both
    expected = math.log(4 * 4 - agreeing**2)
    batch = Batch(images, torch.tensor([0, 1]))
    assert value("nwot", network, batch) == pytest.approx(expected)
    twice = Batch(images[:1].repeat(2, 1, 1, 1), torch.tensor([0, 1]))
    assert value("nwot", network, twice) == -math.inf


def test_swap_counts_the_patterns_of_units() -> None:
    images = torch.tensor([[1.0, 1.0, -1.0, 1.0], [1.0, -1.0, -1.0, -1.0]]).view(2, 1, 2, 2)
    batch = Batch(images, torch.tensor([0, 1]))
    always, first, never = (True, True), (True, False), (False, False)
    assert value("swap", nn.Sequential(nn.Flatten(), nn.ReLU()), batch) == len(
        {always, first, never}
    )
    # Patterns that come again in another layer, and another function, are no others.
    twice = nn.Sequential(nn.Flatten(), nn.GELU(), nn.ReLU())
    assert value("swap", twice, batch) == 3
    assert math.isnan(value("swap", nn.Flatten(), batch))


def test_swap_tells_units_apart_by_any_of_many_images() -> None:
    images = torch.ones(130, 1, 1, 3)
    images[-1, ..., 1] = images[70, ..., 2] = -1
    batch = Batch(images, torch.zeros(130, dtype=torch.int64))
    network = nn.Sequential(nn.Flatten(), nn.ReLU())
    assert value("swap", network, batch) == 3
    assert value("swap", network, Batch(images[:70], batch.labels[:70])) == 1


def test_zen_of_the_input_itself_is_the_step() -> None:
    batch = Batch(torch.zeros(64, 1, 16, 16), torch.zeros(64, dtype=torch.int64))
    expected = math.log(0.01 * 256 * math.sqrt(2 / math.pi))
    assert value("zen", nn.Flatten(), batch) == pytest.approx(expected, abs=0.01)


def test_zen_gives_back_what_batch_norm_divides_by() -> None:
    batch = Batch(torch.zeros(64, 3, 8, 8), torch.zeros(64, dtype=torch.int64))
    convolution = nn.Conv2d(3, 1, 3, padding=1)
    plain = nn.Sequential(convolution, nn.Flatten())
    normed = nn.Sequential(convolution, nn.BatchNorm2d(1), nn.Flatten())
    assert value("zen", normed, batch) == pytest.approx(value("zen", plain, batch), abs=0.02)


def networks() -> list[nn.Module]:
    cells, chains = nas_bench_201(), Chains(side=8)
    return [
        initialised(lambda: CellNetwork(cells, (3, 1, 2, 3, 4, 3)), 0),
        initialised(lambda: CellNetwork(cells, (0,) * 6), 0),  # the input never gets out
        initialised(lambda: build_chain(chains, chains.parse("conv3-16-max+fc128")), 0),
    ]


@pytest.fixture(scope="module")
def digits_batch() -> Batch:
    return Batch(torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(0)),
                 torch.arange(16) % 10)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", PROXIES.names())
def test_network_and_global_state_are_left_alone(name: str, digits_batch: Batch) -> None:
    for network in networks():
        network.eval()
        before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
        state, images = torch.get_rng_state(), digits_batch.images.clone()
        first, again = (value(name, network, digits_batch) for _ in range(2))
        assert isinstance(first, float)
        assert first == again or (math.isnan(first) and math.isnan(again))
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.equal(digits_batch.images, images)
        assert not network.training
        assert all(torch.equal(t, before[key]) for key, t in network.state_dict().items())
        assert all(parameter.grad is None for parameter in network.parameters())


def test_a_network_that_no_image_gets_through(digits_batch: Batch) -> None:
    found = score(networks()[1], digits_batch)
    undefined = ["jacov", "epe_nas", "vkdnw", "vkdnw_single"]
    assert [name for name, v in found.items() if math.isnan(v)] == undefined
    worst = ["synflow", "nwot", "zen", "expressivity", "progressivity"]
    assert [name for name, v in found.items() if v == -math.inf] == worst
    assert found["snip"] == found["grad_norm"] == found["fisher"] == found["grasp"] == 0


def test_all_registered_proxies_are_computed(digits_batch: Batch) -> None:
    network = networks()[0]
    found = score(network, digits_batch)
    assert list(found) == PROXIES.names()
    assert found["params"] == count_params(network)
    assert found["flops"] == count_flops(network, (1, 8, 8))
    assert all(map(math.isfinite, found.values()))


def test_the_seed_decides_what_is_drawn(digits_batch: Batch) -> None:
    network = networks()[0]
    first, other = (score(network, digits_batch, ["zen"], seed=seed) for seed in (0, 1))
    assert first != other


@pytest.mark.parametrize("name", ["layers", "swap", "vkdnw"])
def test_the_order_of_the_images_does_not_matter(name: str, digits_batch: Batch) -> None:
    network = networks()[0].double()
    images = digits_batch.images.double()
    backwards = Batch(images.flip(0), digits_batch.labels.flip(0))
    expected = value(name, network, Batch(images, digits_batch.labels))
    assert value(name, network, backwards) == pytest.approx(expected, rel=1e-9)


def test_an_unknown_name_is_refused(digits_batch: Batch) -> None:
    with pytest.raises(UserError, match="Did you mean 'synflow'"):
        score(networks()[0], digits_batch, ["sinflow"])
