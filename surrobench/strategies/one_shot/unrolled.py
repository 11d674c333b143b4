"""The gradient of the architecture through one step of the weights (second-order DARTS)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Loss = Callable[[Sequence[Tensor], Tensor], Tensor]
"""A scalar as a function of weights and architecture."""

SCALE = 0.01
"""Length of the step of the finite difference; the value of the paper."""


def unrolled_gradient(
    train: Loss,
    validation: Loss,
    weights: Sequence[Tensor],
    alpha: Tensor,
    *,
    rate: float,
    drift: Sequence[Tensor] | None = None,
    scale: float = SCALE,
) -> Tensor:
    r"""Gradient of the validation loss after one step of the weights, by the architecture.

    .. math::

        \nabla_\alpha L_v(w', \alpha) - \xi \nabla^2_{\alpha, w} L_t(w, \alpha)
        \nabla_{w'} L_v(w', \alpha), \quad w' = w - \xi (\nabla_w L_t(w, \alpha) + d)

    The product with the second derivatives is a central difference of
    :math:`\nabla_\alpha L_t` along :math:`\nabla_{w'} L_v` (Liu, Simonyan & Yang, DARTS, ICLR
    2019, equations 7 and 8).

    Args:
        train: the loss :math:`L_t` that weights follow.
        validation: the loss :math:`L_v` that the architecture follows.
        weights: :math:`w`; left as they are.
        alpha: of the architecture, any shape; left as it is.
        rate: :math:`\xi`.
        drift: :math:`d`, what else the step of the weights adds to the gradient (momentum, weight
            decay); nothing if omitted. Does not depend on ``alpha``.
        scale: length of the finite difference's step from :math:`w`.

    Returns:
        The gradient, in the shape of ``alpha``.
    """
    start = [weight.detach().requires_grad_() for weight in weights]
    architecture = alpha.detach().requires_grad_()
    with torch.enable_grad():
        slope = _gradients(train(start, architecture), start)
        moved = _along(start, slope, -rate)
        if drift is not None:
            moved = _along(moved, drift, -rate)
        moved = [weight.requires_grad_() for weight in moved]
        direct, *along = _gradients(validation(moved, architecture), [architecture, *moved])
        norm = torch.cat([part.flatten() for part in along]).norm()
        if norm == 0:
            return direct
        epsilon = scale / float(norm)
        ends = [
            _gradients(train(_along(start, along, sign * epsilon), architecture), [architecture])[0]
            for sign in (1.0, -1.0)
        ]
    return direct - rate * (ends[0] - ends[1]) / (2 * epsilon)


def _gradients(loss: Tensor, of: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, list(of), allow_unused=True, materialize_grads=True)


def _along(weights: Sequence[Tensor], direction: Sequence[Tensor], length: float) -> list[Tensor]:
    return [
        (weight.detach() + length * part.detach())
        for weight, part in zip(weights, direction, strict=True)
    ]
