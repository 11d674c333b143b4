"""What a zero-cost proxy is, and how several are computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from surrobench.training.zero_cost import PROXIES


@dataclass(frozen=True)
class Batch:
    """Images that proxies look at.

    Attributes:
        images: ``n x channels x height x width``.
        labels: ``n`` int64.
    """

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Proxy:
    """A score of an untrained network; use as a decorator of the function that computes it.

    The function gets a copy of the network in training mode, so it may change it, and torch's
    global generator seeded; the network and the global state are left as they were.

    Attributes:
        compute: the function.
        reads: whether it changes nothing but running statistics, which a network in training mode
            does not read; such proxies share one copy.
    """

    compute: Callable[[nn.Module, Batch], float]
    reads: bool = False

    def __call__(self, network: nn.Module, batch: Batch, *, seed: int = 0) -> float:
        """The score: NaN if it is not defined for this network, else possibly infinite."""
        return self._of_copy(deepcopy(network).train(), batch, seed)

    def _of_copy(self, copy: nn.Module, batch: Batch, seed: int) -> float:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(seed)
            return self.compute(copy, batch)


def reading(compute: Callable[[nn.Module, Batch], float]) -> Proxy:
    """A decorator like :class:`Proxy` for functions that leave the network as it is."""
    return Proxy(compute, reads=True)


def score(
    network: nn.Module, batch: Batch, names: Sequence[str] | None = None, *, seed: int = 0
) -> dict[str, float]:
    """Zero-cost proxies of an untrained network.

    Args:
        network: from images to scores of the classes; left as it is.
        batch: labelled images; 32 to 64 are usual.
        names: registered names or dotted paths; all registered ones if omitted.
        seed: of the proxies that draw random numbers.

    Returns:
        The score of each name; NaN or infinite as its proxy says.

    Raises:
        UserError: for an unknown name.
    """
    proxies = {name: PROXIES.create(name) for name in names or PROXIES.names()}
    shared = deepcopy(network).train()  # a copy takes as long as a pass through a small network
    return {
        name: proxy._of_copy(shared, batch, seed)
        if proxy.reads
        else proxy(network, batch, seed=seed)
        for name, proxy in proxies.items()
    }


def weights(network: nn.Module) -> list[Tensor]:
    """The weights of all convolutions and linear layers, without biases."""
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
    return [module.weight for module in network.modules() if isinstance(module, kinds)]


def noise(batch: Batch) -> Tensor:
    """Standard normal images of the batch's shape; sequences as they are."""
    images = batch.images
    return torch.randn_like(images) if images.is_floating_point() else images


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """Mean cross-entropy of the batch."""
    return functional.cross_entropy(network(batch.images), batch.labels)


def gradients(
    value: Tensor, of: Sequence[Tensor], *, keep_graph: bool = False
) -> list[tuple[Tensor, Tensor]]:
    """Pairs of a tensor and its gradient, for those that ``value`` depends on.

    Args:
        value: a scalar.
        of: tensors to differentiate by.
        keep_graph: whether the gradients themselves can be differentiated.
    """
    if not value.requires_grad:
        return []
    found = torch.autograd.grad(value, of, create_graph=keep_graph, allow_unused=True)
    return [(tensor, g) for tensor, g in zip(of, found, strict=True) if g is not None]
