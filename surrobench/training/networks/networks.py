"""Trainable networks of the architectures of a search space."""

from __future__ import annotations

from torch import nn

from surrobench.spaces.architecture import Arch
from surrobench.spaces.chains import Chains


def build_chain(
    space: Chains, arch: Arch, *, div: int = 4, channels: int = 1, classes: int = 10
) -> nn.Sequential:
    """The network of a chain: convolution blocks, then fully-connected layers, then the classifier.

    Initial weights are drawn from torch's global generator, which
    :func:`surrobench.training.loop.trainer.train` seeds and restores.

    Args:
        space: its ``side`` is the side of the images and decides which poolings take place.
        arch: an architecture of ``space``.
        div: every number of filters and every width is divided by it. It is a fidelity: it makes
            training cheaper and is not part of the architecture.
        channels: channels of the images.
        classes: outputs of the classifier.

    Raises:
        UserError: if ``arch`` is not in ``space``.
    """
    conv, fc = space.layers(arch)
    layers: list[nn.Module] = []
    side = space.side
    for block, pools in zip(conv, space.active_pools(arch), strict=True):
        filters = block.filters // div
        layers += [
            nn.Conv2d(channels, filters, block.kernel, padding=block.kernel // 2),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
        ]
        if pools:
            layers.append(nn.MaxPool2d(2) if block.pool == "max" else nn.AvgPool2d(2))
            side //= 2
        channels = filters
    layers.append(nn.Flatten())
    features = channels * side * side
    for width in fc:
        layers += [nn.Linear(features, width // div), nn.ReLU()]
        features = width // div
    layers.append(nn.Linear(features, classes))
    return nn.Sequential(*layers)
