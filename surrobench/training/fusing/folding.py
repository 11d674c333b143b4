"""Networks that compute the same in evaluation, with less."""

from __future__ import annotations

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from surrobench.training.fusing.fused import fuse_layers


def fold(network: nn.Module) -> nn.Module:
    """Batch norms become part of the convolutions before them, and means of neighbours are faster.

    The layers keep their names, so what is folded and then fused has the weights, by name, of what
    is fused and then folded.

    Args:
        network: in evaluation; it is changed. Outputs stay equal up to rounding.

    Returns:
        ``network``, which can no longer be trained.
    """
    for module in list(network.modules()):
        for name, layer in list(module.named_children()):
            if isinstance(layer, nn.AvgPool2d):
                setattr(module, name, fuse_layers([layer]))
        if isinstance(module, nn.Sequential):
            for place, (layer, following) in enumerate(pairwise(list(module))):
                if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
                    module[place] = fuse_conv_bn_eval(layer, following)
                    module[place + 1] = nn.Identity()
    return network
