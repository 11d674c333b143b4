"""Made-up tables that the network of ``pfn`` learns from: spaces, functions, noise.

A table is drawn in four steps, each with choices of its own, and no published table is looked at:

* a **space** of 2 to 40 variables: categorical (one-hot), counts on linear or geometric grids,
  continuous; independent, or correlated through a few factors, or switched off by another variable;
* a **function** of the space: a sum of some of main effects, products of pairs, draws of Gaussian
  processes over mixed spaces (relevances per variable, categories embedded, effects of a category
  alike at every variable or not), losses at a threshold, small random networks;
* **noise**, from a thousandth to most of the variance, alike everywhere or larger where values are
  low; sometimes a share of the lowest values is tied, as networks that learned nothing are;
* **ranks**: what the network reads and answers are normal scores, as behind ``quantile-normal``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from surrobench.arrays import BoolArray, FloatArray

LEAST_EXAMPLES, MOST_EXAMPLES, MOST_COLUMNS, QUERIES = 8, 96, 120, 64


@dataclass(frozen=True)
class Batch:
    """Tables of one number of examples; columns that a table does not have are 0.

    Attributes:
        X: columns, examples before queries, ``b x (n + q) x d``.
        y: targets, examples before queries, ``b x (n + q)``.
        real: which columns there are, ``b x d``.
        n: number of examples.
    """

    X: FloatArray
    y: FloatArray
    real: BoolArray
    n: int


@dataclass(frozen=True)
class Space:
    """A drawn space at ``m`` points.

    Attributes:
        columns: as an encoding gives them, ``m x d``.
        embedded: each variable as a few numbers of variance about 1, ``v`` arrays ``m x k``.
    """

    columns: FloatArray
    embedded: list[FloatArray]


def draw_space(rng: np.random.Generator, m: int, most: int) -> Space:
    """A space of at most ``most`` columns at ``m`` points."""
    kind = rng.choice(["words", "numbers", "both"], p=[0.45, 0.35, 0.2])
    choices = int(rng.integers(2, 9))
    wanted = max(2.0, math.exp(rng.uniform(math.log(2), math.log(41))))
    latent = _latent(rng, m, int(wanted))
    shared = rng.standard_normal((choices, 3)) if rng.random() < 0.6 else None
    alike, even = rng.uniform(0.5, 1.0), rng.random() < 0.6
    same_size = rng.random() < 0.7
    columns: list[FloatArray] = []
    embedded: list[FloatArray] = []
    width = 0
    for v in range(latent.shape[1]):
        uniform = (rankdata(latent[:, v]) - 0.5) / m
        uniform = (uniform + rng.uniform()) % 1.0 if rng.random() < 0.1 else uniform
        if kind == "words" or (kind == "both" and rng.random() < 0.5):
            k = choices if same_size else int(rng.integers(2, 9))
            weights = np.ones(k) if even else rng.dirichlet(np.full(k, 1.5)) + 0.02
            label = np.searchsorted(np.cumsum(weights / weights.sum())[:-1], uniform)
            own = rng.standard_normal((k, 3))
            if shared is not None and k == choices:
                own = alike * shared + math.sqrt(1 - alike**2) * own
            part, inside = np.eye(k)[label], own[label]
            if k == 2 and rng.random() < 0.5:
                part = part[:, 1:]
        else:
            part, inside = _number(rng, uniform)
        if width and width + part.shape[1] > most:
            break
        columns.append(part)
        embedded.append(inside)
        width += part.shape[1]
    if len(columns) > 2 and rng.random() < 0.15:
        _switch_off(rng, columns, embedded)
    if rng.random() < 0.1:
        _append_sums(rng, columns, embedded)
    return Space(np.concatenate(columns, axis=1), [_standard(part) for part in embedded])


def _latent(rng: np.random.Generator, m: int, v: int) -> FloatArray:
    """Normal variables, ``m x v``: independent, or with a few common factors."""
    own = rng.standard_normal((m, v))
    if rng.random() < 0.7:
        return own
    factors = int(rng.integers(1, 4))
    common = rng.standard_normal((m, factors)) @ rng.standard_normal((factors, v))
    share = rng.uniform(0.2, 0.9)
    mixed: FloatArray = share * common / math.sqrt(factors) + math.sqrt(1 - share**2) * own
    return mixed


def _number(rng: np.random.Generator, uniform: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A column of numbers and what functions see of it."""
    levels = int(rng.integers(2, 13)) if rng.random() < 0.65 else 0
    place = np.minimum(np.floor(uniform * levels), levels - 1) / (levels - 1) if levels else uniform
    if not levels and rng.random() < 0.3:
        place = ndtri(np.clip(uniform, 1e-4, 1 - 1e-4))
    form = rng.choice(["linear", "geometric", "bent"], p=[0.55, 0.3, 0.15])
    column = place
    if form == "geometric":
        column = np.exp(place * rng.uniform(0.5, 4.0))
    elif form == "bent":
        column = np.sign(place) * np.abs(place) ** rng.uniform(0.4, 2.5)
    seen = column if rng.random() < 0.3 else place
    column = -column if rng.random() < 0.3 else column
    return column[:, None], np.stack([_standard(seen), _standard(seen) ** 2 - 1.0], axis=1)


def _switch_off(
    rng: np.random.Generator, columns: list[FloatArray], embedded: list[FloatArray]
) -> None:
    """Variables that count only where another one is large."""
    on = embedded[0][:, 0] > np.quantile(embedded[0][:, 0], rng.uniform(0.1, 0.6))
    for v in range(1, len(columns)):
        if rng.random() < 0.4:
            columns[v] = np.where(on[:, None], columns[v], columns[v].min(axis=0))
            embedded[v] = np.where(on[:, None], embedded[v], 0.0)


def _append_sums(
    rng: np.random.Generator, columns: list[FloatArray], embedded: list[FloatArray]
) -> None:
    """Counts of what several variables have, as features of graphs are."""
    whole = np.concatenate(columns, axis=1)
    for _ in range(int(rng.integers(1, 4))):
        total = whole @ (rng.random((whole.shape[1], 1)) < 0.4)
        columns.append(total)
        embedded.append(np.concatenate([_standard(total), _standard(total) ** 2 - 1.0], axis=1))


def _standard(values: FloatArray) -> FloatArray:
    deviation = values.std(axis=0)
    standard: FloatArray = (values - values.mean(axis=0)) / np.where(deviation > 1e-9, deviation, 1)
    return standard


def _importances(rng: np.random.Generator, v: int) -> FloatArray:
    """Weights of variables, the squares of which sum to 1; some may be 0."""
    weights = np.exp(rng.uniform(0.0, 1.5) * rng.standard_normal(v))
    absent = rng.random(v) < rng.choice([0.0, 0.3, 0.7], p=[0.5, 0.3, 0.2])
    weights[absent] = 0.0
    if not weights.any():
        weights[rng.integers(v)] = 1.0
    normed: FloatArray = weights / np.linalg.norm(weights)
    return normed


def _main_effects(rng: np.random.Generator, space: Space) -> FloatArray:
    """A sum of functions of one variable each, those of numbers mostly monotone."""
    weights = _importances(rng, len(space.embedded))
    signs = np.where(rng.random(len(weights)) < rng.choice([0.5, 0.9]), 1.0, -1.0)
    bend = 0.5 * rng.random()
    effects = [part[:, 0] + bend * rng.standard_normal() * part[:, -1] for part in space.embedded]
    total: FloatArray = np.stack(effects, axis=1) @ (weights * signs)
    return total


def _pairs(rng: np.random.Generator, space: Space) -> FloatArray:
    """A sum of products of pairs of variables."""
    weights = _importances(rng, len(space.embedded))
    chosen = weights**2 / (weights**2).sum()
    total = np.zeros(len(space.columns))
    for _ in range(int(rng.integers(1, 2 + len(weights)))):
        a, b = rng.choice(len(weights), size=2, p=chosen)
        total += rng.standard_normal() * space.embedded[a][:, 0] * space.embedded[b][:, -1]
    return total


def _process(rng: np.random.Generator, space: Space) -> FloatArray:
    """A draw of a Gaussian process over the embedded variables."""
    weights = _importances(rng, len(space.embedded))
    scale = math.exp(rng.uniform(-0.7, 1.2))
    inputs = np.concatenate(
        [w * part for w, part in zip(weights, space.embedded, strict=True)], axis=1
    )
    squared = np.square(inputs).sum(axis=1)
    distance = np.maximum(squared[:, None] + squared - 2.0 * inputs @ inputs.T, 0.0) / scale**2
    r = np.sqrt(distance)
    kernel = (
        lambda: np.exp(-0.5 * distance / 2.0),
        lambda: (1 + math.sqrt(5) * r + 5 * distance / 3) * np.exp(-math.sqrt(5) * r),
        lambda: (1 + math.sqrt(3) * r) * np.exp(-math.sqrt(3) * r),
        lambda: np.exp(-r),
    )[int(rng.integers(4))]()
    kernel.flat[:: len(kernel) + 1] += 1e-6
    drawn: FloatArray = np.linalg.cholesky(kernel) @ rng.standard_normal(len(kernel))
    return drawn


def _losses(rng: np.random.Generator, space: Space) -> FloatArray:
    """Steps down where a sum of few variables is beyond a threshold, or all are."""
    total, inside = np.zeros(len(space.columns)), space.embedded
    for _ in range(int(rng.integers(1, 5))):
        chosen = rng.choice(len(inside), size=min(int(rng.integers(1, 4)), len(inside)))
        parts = np.stack([inside[v] @ rng.standard_normal(inside[v].shape[1]) for v in chosen])
        score = parts.min(axis=0) if rng.random() < 0.5 else parts.sum(axis=0)
        total -= rng.exponential() * (score > np.quantile(score, rng.uniform(0.3, 0.9)))
    return total


def _network(rng: np.random.Generator, space: Space) -> FloatArray:
    """A random network with one hidden layer."""
    weights = _importances(rng, len(space.embedded))
    inputs = np.concatenate(
        [w * part for w, part in zip(weights, space.embedded, strict=True)], axis=1
    )
    hidden = int(rng.choice([4, 16, 64]))
    inner = inputs @ rng.standard_normal((inputs.shape[1], hidden)) * rng.uniform(0.5, 2.0)
    shape = np.tanh if rng.random() < 0.5 else (lambda values: np.maximum(values, 0.0))
    answer: FloatArray = shape(inner + rng.standard_normal(hidden)) @ rng.standard_normal(hidden)
    return answer


_FUNCTIONS: tuple[Callable[[np.random.Generator, Space], FloatArray], ...] = (
    _main_effects,
    _pairs,
    _process,
    _losses,
    _network,
)
_CHANCES = (0.65, 0.25, 0.5, 0.25, 0.2)


def draw_values(rng: np.random.Generator, space: Space) -> FloatArray:
    """Observed values of a drawn function at the points of a space, ``m``."""
    parts = [f for f, chance in zip(_FUNCTIONS, _CHANCES, strict=True) if rng.random() < chance]
    parts = parts or [_process]
    total = np.zeros(len(space.columns))
    for share, part in zip(rng.dirichlet(np.ones(len(parts))), parts, strict=True):
        total += math.sqrt(share) * _standard(part(rng, space))
    total = _standard(total)
    share = 10.0 ** rng.uniform(-3.0, -0.1)
    noise = math.sqrt(share) * rng.standard_normal(len(total))
    if rng.random() < 0.3:
        noise *= np.exp(-rng.uniform(0.2, 0.8) * total)
    values: FloatArray = math.sqrt(1.0 - share) * total + noise
    if rng.random() < 0.07:
        values = np.maximum(values, np.quantile(values, rng.uniform(0.02, 0.3)))
    return values


_FORMS = ("normal", "low tail", "high tail", "bounded", "wide")
_SHARES = (0.25, 0.35, 0.1, 0.15, 0.15)


def draw_targets(rng: np.random.Generator, values: FloatArray) -> FloatArray:
    """The values on another scale that increases with them: skewed, bounded or with wide tails."""
    score = ndtri((rankdata(values) - 0.5) / len(values))
    form = rng.choice(_FORMS, p=_SHARES)
    strength = rng.uniform(0.2, 1.2)
    if form == "low tail":
        return -np.expm1(-strength * score) / strength
    if form == "high tail":
        return np.expm1(strength * score) / strength
    if form == "bounded":
        bounded: FloatArray = ndtr(2.0 * strength * score + rng.uniform(-1.0, 1.0))
        return bounded
    return np.sinh(strength * score) / strength if form == "wide" else score


def in_unit_cube(X: FloatArray, n: int) -> FloatArray:
    """Columns by their range over the first ``n`` rows; constant ones are shifted to 0 alone."""
    low, high = X[:n].min(axis=0), X[:n].max(axis=0)
    scaled: FloatArray = (X - low) / np.where(high > low, high - low, 1.0)
    return np.clip(scaled, -2.0, 3.0)


def draw_sizes(rng: np.random.Generator) -> tuple[int, int]:
    """Numbers of examples and, at most, of columns of a batch."""
    n, d = (
        math.exp(rng.uniform(math.log(low), math.log(high)))
        for low, high in ((LEAST_EXAMPLES, MOST_EXAMPLES), (4, MOST_COLUMNS))
    )
    return round(n), round(d)


def draw_batch(rng: np.random.Generator, tables: int) -> Batch:
    """Tables of the prior."""
    n, most = draw_sizes(rng)
    drawn = []
    for _ in range(tables):
        space = draw_space(rng, n + QUERIES, most)
        drawn.append((space.columns, draw_targets(rng, draw_values(rng, space))))
    return batch_of(drawn, n)


def batch_of(tables: list[tuple[FloatArray, FloatArray]], n: int) -> Batch:
    """A batch of tables, each of ``n`` examples and as many queries as all others."""
    d = max(X.shape[1] for X, _ in tables)
    whole = np.zeros((len(tables), len(tables[0][0]), d))
    real = np.zeros((len(tables), d), dtype=bool)
    for row, (X, _) in enumerate(tables):
        whole[row, :, : X.shape[1]] = in_unit_cube(X, n)
        real[row, : X.shape[1]] = True
    return Batch(whole, np.stack([y for _, y in tables]), real, n)
