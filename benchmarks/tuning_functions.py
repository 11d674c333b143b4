"""Noise-free functions that a Gaussian process must not search worse with than before.

The development tables of ``benchmarks/tuning.py`` are measurements with noise. A prior that
expects much noise ranks them a little better, and on a deterministic training function of one's own
it takes the whole signal for noise. So a prior is adopted only if searches of these functions do
not lose by it. No report scores them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from surrobench import search
from surrobench.predictors.hyperparameters import Setting
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices

BUDGET, SEEDS = 60, 16
SIZES = (40, 30, 20)
HARTMANN_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
HARTMANN_A = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
HARTMANN_P = 1e-4 * np.array(
    [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]
)


@dataclass(frozen=True)
class Function:
    """A space, what is maximised over it, and how it is encoded."""

    space: Choices
    value: Callable[[Arch], float]
    encoding: str


def _quadratic(u: NDArray[np.float64]) -> float:
    away = u - np.array([0.31, 0.67, 0.43])
    return -float(4.0 * (away**2).sum() + 0.5 * away[0] * away[1])


def _branin(u: NDArray[np.float64]) -> float:
    """Branin's function (Dixon and Szegő, 1978) of the first two, a parabola of the third."""
    x, y = 15.0 * u[0] - 5.0, 15.0 * u[1]
    bowl = (y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6) ** 2
    return -float((bowl + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10) / 50 + (u[2] - 0.4) ** 2 / 5)


def _hartmann(u: NDArray[np.float64]) -> float:
    """Hartmann's function of three variables (Dixon and Szegő, 1978)."""
    inner = (HARTMANN_A * (u - HARTMANN_P) ** 2).sum(axis=1)
    return float(HARTMANN_WEIGHTS @ np.exp(-inner))


def _pairwise(seed: int) -> Function:
    """Six decisions of five words: random effects of each, and of each pair at half the size."""
    rng = np.random.default_rng(seed)
    single, pairs = rng.normal(size=(6, 5)), 0.5 * rng.normal(size=(6, 6, 5, 5))
    space = Choices("words", [Variable(f"edge {i}", tuple("abcde")) for i in range(6)])

    def value(arch: Arch) -> float:
        alone = sum(single[i, a] for i, a in enumerate(arch))
        both = sum(pairs[i, j, arch[i], arch[j]] for i, j in itertools.combinations(range(6), 2))
        return float(alone + both)

    return Function(space, value, "one-hot")


def _on_grid(function: Callable[[NDArray[np.float64]], float]) -> Function:
    variables = [Variable(name, tuple(range(k))) for name, k in zip("abc", SIZES, strict=True)]
    steps = np.array(SIZES) - 1.0
    return Function(
        Choices("grid", variables), lambda arch: function(np.array(arch) / steps), "ordinal"
    )


@lru_cache(maxsize=2)
def functions(words: bool) -> dict[str, Function]:
    """Three of each: of words for categorical kernels, of numbers for the others."""
    if words:
        return {f"pairwise-{seed}": _pairwise(seed) for seed in range(3)}
    return {
        name: _on_grid(function)
        for name, function in (
            ("quadratic", _quadratic),
            ("branin", _branin),
            ("hartmann", _hartmann),
        )
    }


@lru_cache(maxsize=6)
def _scale(name: str, words: bool) -> tuple[float, float]:
    """The best value, and how far it lies above the mean."""
    function = functions(words)[name]
    sizes = (len(variable.choices) for variable in function.space.variables)
    values = [function.value(arch) for arch in itertools.product(*map(range, sizes))]
    return max(values), max(values) - float(np.mean(values))


def regret(family: str, setting: Setting, name: str, seed: int) -> float:
    """Distance to the best after a search, in units of that between the best and the mean."""
    words = family == "gp-categorical"
    function = functions(words)[name]
    best, scale = _scale(name, words)
    found = search(
        function.space,
        function.value,
        budget=BUDGET,
        seed=seed,
        predictor={"use": family, **setting},
        encoding=function.encoding,
    )
    return (best - float(found.best.value)) / scale


NARROW: Setting = {
    "lengthscale_location": 0.5,
    "lengthscale_spread": 0.3,
    "outputscale_spread": 2.0,
    "noise_location": -2.0,
    "noise_spread": 0.5,
    "max_evaluations": 50,
}
"""What the first version of the protocol chose: a narrow prior around much noise."""


def main() -> None:
    """Regrets with that prior and with the defaults."""
    for name in functions(words=False):
        for label, setting in (("narrow", NARROW), ("default", {})):
            found = [regret("gp-matern52", setting, name, seed) for seed in range(SEEDS)]
            print(f"{name:10} {label:8} mean {np.mean(found):.4f} worst {max(found):.4f}")


if __name__ == "__main__":
    main()
