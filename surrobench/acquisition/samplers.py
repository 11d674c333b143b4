"""Joint samples of several objectives, whose posteriors may be of different kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from botorch.sampling.base import MCSampler
from botorch.sampling.list_sampler import ListSampler
from botorch.sampling.normal import SobolQMCNormalSampler
from botorch.utils.sampling import draw_sobol_normal_samples
from torch import Tensor

from surrobench.predictors.posterior import SurrogatePosterior


def joint_sampler(posteriors: Sequence[SurrogatePosterior], samples: int, seed: int) -> ListSampler:
    """A sampler for the posteriors of several posteriors, independent of each other."""
    shape = torch.Size([samples])

    def sampler(place: int, posterior: SurrogatePosterior) -> MCSampler:
        members = posterior.members()
        if members is None:
            return SobolSliceSampler(shape, seed % 2**31, place, len(posteriors))
        return MembersInTurnSampler(shape, (seed + 7919 * place) % 2**31, len(members))

    return ListSampler(*(sampler(place, posterior) for place, posterior in enumerate(posteriors)))


class SobolSliceSampler(SobolQMCNormalSampler):
    """Every ``of``-th column of a Sobol sequence, from column ``place`` on.

    Two sequences of few columns each, however scrambled, are correlated; columns of one sequence
    are not.
    """

    def __init__(self, sample_shape: torch.Size, seed: int, place: int, of: int) -> None:
        super().__init__(sample_shape, seed=seed)
        self.place, self.of = place, of

    def _construct_base_samples(self, posterior: Any) -> None:
        shape = self._get_collapsed_shape(posterior=posterior)
        if self.base_samples is not None and self.base_samples.shape == shape:
            return
        count = self.sample_shape.numel()
        columns = shape.numel() // count
        drawn = draw_sobol_normal_samples(
            d=columns * self.of, n=count, dtype=posterior.dtype, seed=self.seed
        )
        self.register_buffer("base_samples", drawn[:, self.place :: self.of].reshape(shape))


class MembersInTurnSampler(MCSampler):
    """Uses every ensemble member equally often, in a random order.

    Members of two objectives' ensembles have nothing to do with each other, whatever their number.
    """

    def __init__(self, sample_shape: torch.Size, seed: int, members: int) -> None:
        super().__init__(sample_shape, seed=seed)
        generator = torch.Generator().manual_seed(seed)
        count = sample_shape.numel()
        rounds = [torch.randperm(members, generator=generator) for _ in range(-(-count // members))]
        self.members = torch.cat(rounds)[:count]

    def forward(self, posterior: Any) -> Tensor:
        """Samples ``sample_shape x batch x q x 1``."""
        members = self.members.reshape(self.sample_shape)
        return posterior.rsample_from_base_samples(self.sample_shape, members)

    def _update_base_samples(self, posterior: Any, base_sampler: MCSampler) -> None:
        """Nothing to keep: the members are always the same."""
