"""One random cell per step, then a search over the shared weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from surrobench.base.options import check_choice, check_whole
from surrobench.spaces.architecture import Arch
from surrobench.spaces.edge_cells import EdgeCells
from surrobench.strategies import STRATEGIES, make_strategy
from surrobench.strategies.one_shot.method import OneShotMethod, OneShotRun
from surrobench.strategies.one_shot.shared_training import Epoch, SharedTraining, random_cell
from surrobench.training.supernet import path


@dataclass(frozen=True, kw_only=True)
class SinglePath(OneShotMethod):
    """Uniform sampling of single paths, then a search by the accuracy of the shared weights.

    Every step trains the weights of one cell, drawn uniformly from those that connect input and
    output. With ``chooser = "genetic"`` this is SPOS (Guo et al., Single Path One-Shot Neural
    Architecture Search with Uniform Sampling, ECCV 2020), with ``"random"`` random search with
    weight sharing (Li & Talwalkar, Random Search and Reproducibility for NAS, UAI 2019).

    Args:
        chooser: the strategy that asks for accuracies of shared weights.
        evaluations: how many it gets.
        initial: how many of them are drawn at random to begin with.
    """

    chooser: str = "genetic"
    evaluations: int = 200
    initial: int = 20

    def __post_init__(self) -> None:
        """Refuse wrong options."""
        super().__post_init__()
        check_choice(self, "chooser", self.chooser, STRATEGIES.names())
        check_whole(self, "evaluations", self.evaluations, 1)
        check_whole(self, "initial", self.initial, 1, self.evaluations)

    def start(self, training: SharedTraining) -> OneShotRun:
        """A run on shared weights that nothing was done to yet."""
        return _SinglePathRun(self, training)


class _SinglePathRun(OneShotRun):
    def __init__(self, options: SinglePath, training: SharedTraining) -> None:
        self.options, self.training = options, training

    def train_epoch(self) -> Epoch:
        """A new cell for every batch."""
        training, losses = self.training, []
        for batch in training.batches():
            training.advance()
            arch = random_cell(training.space, training.rng)
            losses.append(training.step(path(training.space, arch), batch))
        return Epoch(float(torch.stack(losses).mean()))

    def choose(self) -> Arch:
        """The best that the chooser comes across."""
        options, training = self.options, self.training
        return best_by_asking(
            options.chooser,
            training.space,
            training.accuracy,
            evaluations=options.evaluations,
            initial=options.initial,
            seed=training.seed,
        )


def best_by_asking(
    strategy: str,
    space: EdgeCells,
    score: Callable[[Arch], float],
    *,
    evaluations: int,
    initial: int,
    seed: int,
) -> Arch:
    """The best architecture that a search strategy finds by a score; larger is better.

    Args:
        strategy: registered name.
        space: what is searched.
        score: of an architecture.
        evaluations: scores that may be asked for.
        initial: architectures drawn at random to begin with.
        seed: of the strategy.
    """
    asked = make_strategy(strategy, space, seed=seed, design=initial)
    found: dict[Arch, float] = {}
    for _ in range(evaluations):
        for arch in asked.ask(1):
            found[arch] = score(arch)
            asked.tell(arch, found[arch])
    return max(found, key=found.__getitem__)
