"""Zero-cost proxies of architectures: which network and which batch they are computed from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from surrobench.errors import UserError
from surrobench.training.datasets.data import Data
from surrobench.training.loop.trainer import initialised
from surrobench.training.zero_cost.proxy import Batch, score

IMAGES = 64
"""Images in a batch, unless another number is asked for."""


def draw_batch(data: Data, images: int = IMAGES, seed: int = 0) -> Batch:
    """Different training examples with their labels, drawn at random; fewer if there are fewer.

    Args:
        data: where they come from; the batch is on its device.
        images: how many.
        seed: of the draw.

    Raises:
        UserError: for fewer images than 2: proxies compare images with each other.
    """
    if images < 2:
        raise UserError(f"zero-cost proxies: images is {images}; it must be at least 2.")
    order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(seed))
    chosen = order[:images].to(data.train.labels.device)
    return Batch(data.train.inputs[chosen], data.train.labels[chosen])


def all_proxies(
    build: Callable[[], nn.Module],
    data: Data,
    seed: int = 0,
    *,
    images: int = IMAGES,
    names: Sequence[str] | None = None,
) -> dict[str, float]:
    """All zero-cost proxies of one architecture.

    The network is built once. With one seed, different architectures look at the same images.

    Args:
        build: makes the untrained network.
        data: images or sequences; only training examples are looked at.
        seed: of the initial weights, the batch and the proxies that draw random numbers.
        images: size of the batch.
        names: registered names or dotted paths; all registered ones if omitted.

    Returns:
        The score of each name, NaN or infinite as its proxy says.

    Raises:
        UserError: for an unknown name, or fewer images than 2.
    """
    batch = draw_batch(data, images, seed)
    network = initialised(build, seed).to(batch.images.device)
    return score(network, batch, names, seed=seed)
