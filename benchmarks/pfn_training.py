"""Trains the network of ``pfn`` on made-up tables, on one core; goes on where it was stopped.

    python benchmarks/pfn_training.py runs/pfn

A step draws a batch of tables from a seed that is its number, so an interrupted training ends in
the same weights as one that was not. ``state.pt`` is its state, ``weights.npz`` what the package
reads, ``log.csv`` the loss. ``--steps`` is the length of the schedule of learning rates, and
``--minutes`` ends a call before that.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import torch
from pfn_prior import Batch, draw_batch
from torch import Tensor

from surrobench.predictors.pfn.network import HyperparameterNetwork
from surrobench.predictors.pfn.process import predictive
from surrobench.predictors.transforms import QuantileNormal

TABLES, FEW_QUERIES, EARLY = 16, 16, 0.3
RATE, WARM_UP, DECAY = 2e-3, 200, 1e-4
EVERY = 100


def loss_of(network: HyperparameterNetwork, batch: Batch) -> tuple[Tensor, Tensor]:
    """The loss, and its three parts after the last refinement.

    What is scored is what the predictor does: targets go through ``quantile-normal``, learned from
    the examples, and back. After every refinement the negative log density and the CRPS of normal
    scores count, after the last one also the CRPS in units of the targets' mean absolute deviation.
    """
    n, real = batch.n, torch.from_numpy(batch.real)
    X, y = torch.from_numpy(batch.X).float(), torch.from_numpy(batch.y)
    maps = [QuantileNormal.learn(own.unsqueeze(-1)) for own in y[:, :n]]
    pairs = list(zip(maps, y, strict=True))
    read = torch.cat([one.forward(own[:n].unsqueeze(-1)).T for one, own in pairs]).float()
    asked = torch.stack([one.warp.inverse(own[n:]) for one, own in pairs]).float()
    shift = X[:, :n].mean(dim=1, keepdim=True) * real[:, None]
    examples, queries = X[:, :n] - shift, X[:, n:] - shift
    loss = X.new_zeros(())
    processes = network(X[:, :n], read, real)
    for process in processes[:-1]:
        few = slice(0, FEW_QUERIES)
        mean, variance = predictive(examples, read, queries[:, few], process)
        loss = loss + EARLY * scores(mean, variance, asked[:, few]).sum()
    mean, variance = predictive(examples, read, queries, processes[-1])
    last = scores(mean, variance, asked)
    std = variance.sqrt().double()
    means = mean.double()
    warped = torch.stack(
        [
            one.warp.crps(means[row], std[row], own[n:]).mean() / _spread(own[n:])
            for row, (one, own) in enumerate(pairs)
        ]
    ).mean()
    loss = loss + last.sum() + 2.0 * warped.float()
    return loss, torch.cat([last.detach(), warped.detach().float().reshape(1)])


def _spread(y: Tensor) -> Tensor:
    return (y - y.median()).abs().mean().clamp_min(1e-6)


def scores(mean: Tensor, variance: Tensor, asked: Tensor) -> Tensor:
    """Mean negative log density and mean CRPS, ``2``."""
    std = variance.sqrt()
    at = (asked - mean) / std
    nll = (0.5 * at.clamp(-6, 6).square() + std.log()).mean()
    cdf, density = torch.special.ndtr(at), torch.exp(-0.5 * at.square()) / math.sqrt(2 * math.pi)
    crps = (std * (at * (2 * cdf - 1) + 2 * density - 1 / math.sqrt(math.pi))).mean()
    return torch.stack([nll, crps])


@dataclass(frozen=True)
class Schedule:
    """Learning rates of a training: a linear rise, then half a cosine.

    Attributes:
        steps: of the whole training.
        rate: the highest there could be.
        warm_up: steps of the rise.
    """

    steps: int
    rate: float = RATE
    warm_up: int = WARM_UP

    def __call__(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        rise = min(1.0, (step + 1) / self.warm_up)
        return self.rate * rise * 0.5 * (1.0 + math.cos(math.pi * min(step / self.steps, 1.0)))


def train(
    folder: Path,
    network: HyperparameterNetwork,
    draw: Callable[[np.random.Generator], Sequence[Batch]],
    schedule: Schedule,
    *,
    seed: int,
    minutes: float = math.inf,
) -> None:
    """Train as far as the minutes or the steps go, from where the state in a folder ends.

    Args:
        folder: of the state, the weights and the log; made if absent.
        network: where a training begins that has no state yet; it is changed.
        draw: the tables of a step from its generator, in batches of tables that are as wide.
        schedule: learning rates.
        seed: of the generators of all steps.
        minutes: of this call.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=schedule.rate, weight_decay=DECAY)
    state, step = folder / "state.pt", 0
    if state.exists():
        kept = torch.load(state, weights_only=True)
        network.load_state_dict(kept["network"])
        optimiser.load_state_dict(kept["optimiser"])
        step = int(kept["step"])
    started, computing, recent = time.monotonic(), time.process_time(), []
    while step < schedule.steps:
        rng = np.random.default_rng([seed, step])
        for group in optimiser.param_groups:
            group["lr"] = schedule(step)
        optimiser.zero_grad(set_to_none=True)
        batches = draw(rng)
        parts = torch.zeros(3)
        for batch in batches:
            share = len(batch.X) / sum(len(other.X) for other in batches)
            loss, own = loss_of(network, batch)
            (share * loss).backward()
            parts += share * own
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        if bool(torch.isfinite(norm)):
            optimiser.step()
        recent.append(parts.numpy())
        step += 1
        ends = step == schedule.steps or time.monotonic() - started > 60 * minutes
        if step % EVERY == 0 or ends:
            save(folder, network, optimiser, step)
            nll, crps, warped = np.mean(recent, axis=0)
            seconds = time.process_time() - computing
            with (folder / "log.csv").open("a", encoding="utf-8") as log:
                log.write(f"{step},{nll:.4f},{crps:.4f},{warped:.4f},{seconds:.0f}\n")
            recent = []
        if ends:
            break


def main() -> None:
    """Train as far as the minutes or the steps go."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=math.inf, help="of this call")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    train(
        given.folder,
        HyperparameterNetwork(),
        lambda rng: [draw_batch(rng, TABLES)],
        Schedule(given.steps),
        seed=given.seed,
        minutes=given.minutes,
    )


def save(
    folder: Path, network: HyperparameterNetwork, optimiser: torch.optim.Optimizer, step: int
) -> None:
    """Write the state and the weights, each whole or not at all."""
    kept = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
    torch.save(kept, folder / "state.part")
    (folder / "state.part").replace(folder / "state.pt")
    arrays = {name: value.numpy() for name, value in network.state_dict().items()}
    with (folder / "weights.part").open("wb") as stream:
        np.savez(stream, **arrays)
    (folder / "weights.part").replace(folder / "weights.npz")


if __name__ == "__main__":
    main()
