"""Uniform sampling: the floor under every other strategy."""

from __future__ import annotations

import numpy as np

from surrobench.spaces.architecture import Arch
from surrobench.strategies.strategy import Strategy


class RandomSearch(Strategy):
    """Candidates drawn uniformly, none twice (Bergstra & Bengio 2012; Li & Talwalkar 2019)."""

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        return self.candidates.sample(n, rng, self.seen())
