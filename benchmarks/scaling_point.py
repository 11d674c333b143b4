"""One point of the scaling curves, in a process of its own: ``scaling_point.py POOL N``.

Prints one line of JSON: seconds of each part and the peak memory in MiB.
"""

from __future__ import annotations

import os

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from seven_node_cells import encoded

from surrobench.acquisition import make_acquisition
from surrobench.acquisition.context import AcquisitionContext
from surrobench.predictors import make_predictor

PREDICTOR, ACQUISITION = "gp-categorical", "log-ei"
APPENDED = 5
"""Observations that are appended one by one; their median is kept."""
T = TypeVar("T")


def peak_mib() -> float:
    """The most memory that this process has held (Linux would count its parent's otherwise)."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds and what came of it."""
    started = time.perf_counter()
    answer = work()
    return time.perf_counter() - started, answer


def repeated(work: Callable[[], Any], enough: float = 0.5, most: int = 7) -> float:
    """The median over several times, once for what takes long."""
    seconds: list[float] = []
    while not seconds or (len(seconds) < most and sum(seconds) < enough):
        seconds.append(timed(work)[0])
    return float(np.median(seconds))


class Point:
    """A process of ``n`` observations on a pool of ``m`` cells."""

    def __init__(self, m: int, n: int) -> None:
        X, blocks = encoded(m)
        self.X = torch.from_numpy(X)
        rng = np.random.default_rng(0)
        self.n, self.rows = n, rng.permutation(m)[: n + APPENDED].tolist()
        y = np.tanh(X[self.rows] @ rng.normal(size=(X.shape[1], 4))).sum(axis=1)
        y += 0.1 * rng.normal(size=len(y))
        self.y = torch.from_numpy(y).unsqueeze(-1)
        self.session: Any = None
        self.recipe: Any = make_predictor(PREDICTOR)
        self.recipe = self.recipe.for_blocks(blocks)
        self.score = make_acquisition(ACQUISITION)

    def scores(self, belief: Any) -> torch.Tensor:
        """The acquisition function of all that was not observed."""
        allowed = torch.ones(len(self.X), dtype=torch.bool)
        allowed[belief.rows] = False
        return self.score.scores(AcquisitionContext((belief,), allowed))

    def whole(self) -> float:
        """Seconds from the encoded pool to the scores; the session stays open."""
        seconds = timed(self._open)[0]
        self.fitted = self.session.state()
        return seconds

    def _open(self) -> None:
        self.session = self.recipe.on_pool(self.X)
        self.scores(self.session.update(self.rows[: self.n], self.y[: self.n], seed=0))

    def step(self) -> dict[str, float]:
        """Seconds of one more observation, and of the scores after it."""
        seconds = []
        for n in range(self.n + 1, len(self.rows) + 1):
            rows, y = self.rows[:n], self.y[:n]
            started = time.perf_counter()
            belief = self.session.update(rows, y, seed=0, refit=False)
            seconds.append(time.perf_counter() - started)
        scored = repeated(lambda: self.scores(belief))
        return {"append": float(np.median(seconds)), "acquisition": scored}

    def parts(self) -> dict[str, float]:
        """Seconds of the fit alone, and of the posterior with hyperparameters that are known."""
        rows, y = self.rows[: self.n], self.y[: self.n]
        self.session = None
        fit = repeated(lambda: self.recipe.fit(self.X[rows], y, seed=0))
        session = self.recipe.on_pool(self.X)
        session.restore(self.fitted)
        posterior, _ = timed(lambda: session.update(rows, y, seed=0, refit=False))
        return {"fit": fit, "posterior": posterior}


def main(m: int, n: int) -> None:
    """Measure one point."""
    torch.set_num_threads(1)
    Point(100, 10).whole()  # what is imported late is not part of the point
    found: dict[str, float] = {"pool": m, "n": n, "imports_mib": peak_mib()}
    encoding, point = timed(lambda: Point(m, n))
    found |= {"whole": point.whole(), "peak_mib": peak_mib(), "encoding": encoding}
    print(json.dumps({**found, **point.step(), **point.parts()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
