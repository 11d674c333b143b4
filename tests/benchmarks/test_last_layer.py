"""The published Bayesian last layer of ``benchmarks/last_layer.py`` against the plain formulas."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import multivariate_normal

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(5)
FEATURES = RNG.standard_normal((12, 20))
TARGETS = RNG.standard_normal(12)
PAIRS = ((0.7, 9.0), (2.0, 0.5))
"""Precisions of the weights and of the noise."""


@pytest.fixture(scope="module")
def last_layer() -> Iterator[ModuleType]:
    """The script under test, which is no part of the package."""
    before = list(sys.path)
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import last_layer as script

    yield script
    sys.path[:] = before


def test_the_evidence_is_the_density_of_the_targets(last_layer: ModuleType) -> None:
    weights, noise = np.array(PAIRS).T
    line = last_layer.Line.of(FEATURES, TARGETS)
    evidence = line.log_evidence(weights, noise, squared=True)
    density = [
        multivariate_normal(np.zeros(12), FEATURES @ FEATURES.T / a + np.eye(12) / b)
        for a, b in PAIRS
    ]
    logs = [found.logpdf(TARGETS) for found in density]
    assert evidence[0] - evidence[1] == pytest.approx(logs[0] - logs[1])


def test_the_answer_is_the_posterior_of_a_linear_model(last_layer: ModuleType) -> None:
    at, (a, b) = RNG.standard_normal((7, 20)), PAIRS[0]
    precision = a * np.eye(20) + b * FEATURES.T @ FEATURES
    weights = b * np.linalg.solve(precision, FEATURES.T @ TARGETS)
    variance = (at @ np.linalg.inv(precision) * at).sum(axis=1) + 1.0 / b
    line = last_layer.Line.of(FEATURES, TARGETS)
    mean, spread = line.answer(at, last_layer.Prior(weights=a, noise=b))
    np.testing.assert_allclose(mean, at @ weights)
    np.testing.assert_allclose(spread, variance)


def test_the_noise_of_a_line_is_found(last_layer: ModuleType) -> None:
    features = RNG.standard_normal((400, 3))
    y = features @ np.ones(3) + 0.5 * RNG.standard_normal(400)
    line = last_layer.Line.of(features, y)
    for priors in (last_layer.best(line), last_layer.drawn(line, np.random.default_rng(0))):
        assert np.mean([prior.noise**-0.5 for prior in priors]) == pytest.approx(0.5, abs=0.1)
