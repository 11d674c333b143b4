"""Deep kernels learned over the sources, and adapted to a target.

Each member leaves one source out and learns its network on the others: a step takes a few examples
of each, standardised by themselves as those of a target will be, and follows the gradient of their
marginal likelihood (Patacchiola et al., "Bayesian meta-learning for the few-shot setting via deep
kernels", NeurIPS 2020). What the network then still misses of a task that it has not seen, its own
source tells: on it the hyperparameters of the process are fitted, the network being held.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from surrobench.arrays import BoolArray, IntArray
from surrobench.predictors.learners.adamw import AdamW
from surrobench.predictors.transfer.deep_kernels import (
    Batch,
    DeepKernels,
    Points,
    negative_log_likelihood,
)

_BATCH = 20
_MOST_TASKS = 8
_MOST_GROUPS = 10
_MOST_TUNED = 200
_WEIGHT_DECAY = 1e-3
_HELD_OUT_RATE = 0.1
_TARGET_RATE = 0.05
_LEAST_SPLIT = 8
_SHARE = 0.25


@dataclass(frozen=True)
class Tasks:
    """Examples of several tasks, filled up to one length.

    Attributes:
        X: inputs, ``t x n x d``.
        y: targets, ``t x n``.
        counts: examples of each, ``t``.
        held_out: the task that each member does not see, ``e``.
        seen: whether a member learns of a task, ``e x t``.
    """

    X: Tensor
    y: Tensor
    counts: IntArray
    held_out: IntArray
    seen: BoolArray

    @classmethod
    def of(
        cls, tasks: Sequence[tuple[Tensor, Tensor]], members: int, rng: np.random.Generator
    ) -> Tasks:
        """Deal out the tasks: each member leaves one out, all of them in turn.

        Where there is only one, each member leaves out a quarter of its examples instead.

        Args:
            tasks: inputs ``n x d`` and targets ``n x 1`` of each.
            members: ``e``.
            rng: of the draw.
        """
        if len(tasks) > 1:
            held_out = rng.permutation(len(tasks))[np.arange(members) % len(tasks)]
            seen = np.arange(len(tasks))[None, :] != held_out[:, None]
        else:
            tasks = [part for _ in range(members) for part in _split(*tasks[0], rng)]
            held_out = 2 * np.arange(members) + 1
            seen = np.arange(len(tasks))[None, :] == held_out[:, None] - 1
        counts = np.array([len(y) for _, y in tasks])
        X = torch.zeros(len(tasks), int(counts.max()), tasks[0][0].shape[1], dtype=torch.float64)
        y = torch.zeros(X.shape[:2], dtype=torch.float64)
        for place, (inputs, targets) in enumerate(tasks):
            X[place, : len(inputs)], y[place, : len(inputs)] = inputs, targets.squeeze(-1)
        return cls(X, y, counts, held_out, seen)

    def batch(self, rng: np.random.Generator) -> Batch:
        """A few examples of some of the tasks that each member sees."""
        most = min(_MOST_TASKS, int(self.seen.sum(axis=1).min()))
        keys = np.where(self.seen, rng.random(self.seen.shape), np.inf)
        chosen = np.argsort(keys, axis=1)[:, :most]
        rows = self._shuffled(chosen, rng)[..., :_BATCH]
        present = np.arange(rows.shape[-1]) < self.counts[chosen][..., None]
        return self._at(chosen[..., None], rows, present)

    def groups(self, shots: int, rng: np.random.Generator) -> Batch:
        """The task that each member does not see, in groups of so many examples."""
        counts = self.counts[self.held_out]
        each = min(shots, int(counts.max()))
        groups = np.clip(counts // each, 1, _MOST_GROUPS)
        order = self._shuffled(self.held_out[:, None], rng)[:, 0, : int(groups.max()) * each]
        rows = order.reshape(len(counts), -1, each)
        places = np.arange(rows[0].size).reshape(rows.shape[1:])
        used = np.where(counts < each, counts, groups * each)
        return self._at(self.held_out[:, None, None], rows, places < used[:, None, None])

    def _shuffled(self, tasks: IntArray, rng: np.random.Generator) -> IntArray:
        """Rows of each task (any shape) in random order, those that fill up last."""
        length = self.X.shape[1]
        keys = rng.random((*tasks.shape, length))
        keys[np.arange(length) >= self.counts[tasks][..., None]] = np.inf
        return np.argsort(keys, axis=-1)

    def _at(self, tasks: IntArray, rows: IntArray, given: BoolArray) -> Batch:
        present = torch.from_numpy(given.astype(np.float64))
        return Batch(self.X[tasks, rows], standardised(self.y[tasks, rows], present), present)


def _split(
    X: Tensor, y: Tensor, rng: np.random.Generator
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Examples to learn of and examples to leave out; all are both where there are few."""
    if len(y) < _LEAST_SPLIT:
        return (X, y), (X, y)
    order = torch.from_numpy(rng.permutation(len(y)))
    left = order[: int(_SHARE * len(y))]
    rest = order[len(left) :]
    return (X[rest], y[rest]), (X[left], y[left])


def standardised(y: Tensor, present: Tensor) -> Tensor:
    """Targets (``... x m``) with mean 0 and variance 1 among those present; constants are zero."""
    count = present.sum(-1, keepdim=True)
    centred = (y - (y * present).sum(-1, keepdim=True) / count.clamp_min(1.0)) * present
    variance = centred.square().sum(-1, keepdim=True) / (count - 1.0).clamp_min(1.0)
    deviation = variance.sqrt()
    return centred / torch.where(deviation > 1e-9, deviation, torch.ones_like(deviation))


def meta_train(
    kernels: DeepKernels,
    tasks: Tasks,
    rng: np.random.Generator,
    *,
    steps: int,
    learning_rate: float,
) -> None:
    """Learn networks and hyperparameters of the tasks that each member sees, in place.

    Args:
        kernels: the members.
        tasks: of the sources.
        rng: of the batches.
        steps: of AdamW.
        learning_rate: at the start of a cosine schedule.
    """
    total = float((tasks.seen * tasks.counts).sum(axis=1).mean())
    optimisers = [AdamW(part, _WEIGHT_DECAY) for part in (kernels.weights, kernels.hyperparameters)]
    for step in range(steps):
        batch = tasks.batch(rng)
        for optimiser, slopes in zip(
            optimisers, gradients(kernels, batch, prior_share=1.0 / total), strict=True
        ):
            optimiser.step(slopes, _cosine(learning_rate, step, steps))


def fit_to_held_out(
    kernels: DeepKernels, tasks: Tasks, rng: np.random.Generator, *, steps: int, shots: int
) -> None:
    """Fit the hyperparameters to the task that each member has not seen, in place.

    Args:
        kernels: the members.
        tasks: of the sources.
        rng: of the groups.
        steps: of AdamW.
        shots: examples that belong together, as those of a target.
    """
    optimiser = AdamW(kernels.hyperparameters, 0.0)
    for step in range(steps):
        batch = tasks.groups(shots, rng)
        with torch.no_grad():
            points = Points.of(kernels, batch.X)
        with torch.enable_grad():
            chosen = kernels.hyperparameters.detach().requires_grad_()
            _, loss = negative_log_likelihood(kernels, chosen, points, batch)
            loss = loss + kernels.penalty(chosen).sum()
            (slopes,) = torch.autograd.grad(loss, [chosen])
        optimiser.step(slopes, _cosine(_HELD_OUT_RATE, step, steps))


def fine_tune(
    kernels: DeepKernels,
    X: Tensor,
    y: Tensor,
    rng: np.random.Generator,
    *,
    steps: int,
    learning_rate: float,
) -> None:
    """A few steps on the examples of the target, in place.

    The hyperparameters have their priors where the held-out source put them, and move faster than
    the networks: what examples say of lengthscales and noise is no matter of a few steps of theirs.

    Args:
        kernels: the members.
        X: inputs, ``n x d``.
        y: targets, ``n``; beyond some hundred, every step looks at as many as that.
        rng: of that draw.
        steps: of AdamW.
        learning_rate: of the networks.
    """
    optimisers = [AdamW(part, 0.0) for part in (kernels.weights, kernels.hyperparameters)]
    rates = learning_rate, _TARGET_RATE
    kernels.centre = kernels.hyperparameters.clone()
    every = kernels.members, 1
    for _ in range(steps):
        rows = torch.arange(len(y))
        if len(y) > _MOST_TUNED:
            rows = torch.from_numpy(np.sort(rng.permutation(len(y))[:_MOST_TUNED]))
        targets = y[rows].expand(*every, -1)
        batch = Batch(X[rows].expand(*every, -1, -1), targets, torch.ones_like(targets))
        found = gradients(kernels, batch, prior_share=1.0 / len(y))
        for optimiser, slopes, rate in zip(optimisers, found, rates, strict=True):
            optimiser.step(slopes, rate)


def gradients(kernels: DeepKernels, batch: Batch, *, prior_share: float) -> tuple[Tensor, ...]:
    """Slopes in weights and hyperparameters of the mean loss of an example, summed over members.

    Args:
        kernels: the members.
        batch: examples.
        prior_share: what the priors of the hyperparameters weigh, per example.
    """
    with torch.enable_grad():
        weights = kernels.weights.detach().requires_grad_()
        chosen = kernels.hyperparameters.detach().requires_grad_()
        points = Points.of(kernels, batch.X, weights)
        _, loss = negative_log_likelihood(kernels, chosen, points, batch)
        examples = float(batch.present.sum()) / kernels.members
        loss = loss / examples + prior_share * kernels.penalty(chosen).sum()
        return torch.autograd.grad(loss, [weights, chosen])


def _cosine(rate: float, step: int, steps: int) -> float:
    return 0.5 * rate * (1.0 + math.cos(math.pi * step / steps))
