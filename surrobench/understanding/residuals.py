"""Where a predictor goes wrong: its errors by groups of architectures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from surrobench.arrays import FloatArray
from surrobench.metrics.ranking import kendall_tau
from surrobench.spaces.architecture import Variable
from surrobench.understanding.fitting import Fit, Sample

FEWEST = 10
"""Test architectures below which a group is left out."""
_FIFTHS = ("worst fifth", "second fifth", "middle fifth", "fourth fifth", "best fifth")
_THIRDS = ("low third", "middle third", "high third")
MOST_MEASURED = 4

Mask = npt.NDArray[np.bool_]


def residuals_by_group(fit: Fit) -> pd.DataFrame:
    """Errors on the test set by true value, by how often a choice occurs, and by measured columns.

    Returns:
        A row per group of at least :data:`FEWEST` architectures: ``by``, ``group``, ``n``, ``bias``
        (mean of prediction less truth), ``mae``, ``kendall_tau`` within the group, and
        ``coverage_90``, the share of truths inside the central 90 % interval.
    """
    truth, predicted = fit.sample.truth, np.asarray(fit.predictive.median)
    low, high = fit.predictive.quantile([0.05, 0.95]).T
    inside = (low <= truth) & (truth <= high)
    error = predicted - truth
    rows = []
    for by, group, chosen in _groups(fit.sample):
        if chosen.sum() >= FEWEST:
            tau = kendall_tau(truth[chosen], predicted[chosen])
            sizes = float(error[chosen].mean()), float(np.abs(error[chosen]).mean())
            rows.append((by, group, int(chosen.sum()), *sizes, tau, float(inside[chosen].mean())))
    columns = ["by", "group", "n", "bias", "mae", "kendall_tau", "coverage_90"]
    return pd.DataFrame(rows, columns=columns)


def _groups(sample: Sample) -> Iterator[tuple[str, str, Mask]]:
    yield "all", "all", np.ones(len(sample.truth), dtype=bool)
    yield from _parts("true value", sample.truth, _FIFTHS)
    yield from _counts(sample)
    for name in _measured(sample):
        yield from _parts(name, sample.task.measured[name][sample.test], _THIRDS)


def _measured(sample: Sample) -> list[str]:
    """Measured columns of the encoding first, then the others; only known and varying ones."""
    used = [feature.name for feature in sample.features]
    names = sorted(sample.task.measured, key=lambda name: name not in used)
    columns = {name: sample.task.measured[name][sample.test] for name in names}
    known = [name for name in names if np.isfinite(columns[name]).all() and np.ptp(columns[name])]
    return known[:MOST_MEASURED]


def _parts(by: str, values: FloatArray, names: tuple[str, ...]) -> Iterator[tuple[str, str, Mask]]:
    """Equal parts by the order of the values; equal values stay together."""
    limits = np.quantile(values, np.linspace(0, 1, len(names) + 1)[1:-1])
    part = np.searchsorted(limits, values, side="left")
    for place, name in enumerate(names):
        yield by, name, part == place


def _counts(sample: Sample) -> Iterator[tuple[str, str, Mask]]:
    """How many variables have a certain choice, for labels that several variables share."""
    variables = sample.task.space.variables
    labels = list(dict.fromkeys(label for variable in variables for label in variable.choices))
    for label in labels:
        holders = [i for i, variable in enumerate(variables) if label in variable.choices]
        if len(holders) < 2:
            continue
        wanted = np.array([variables[i].choices.index(label) for i in holders])
        count = (sample.choices[:, holders] == wanted).sum(axis=1)
        for number in range(len(holders) + 1):
            yield f"number of {_named(label, variables, holders)}", str(number), count == number


def _named(label: str, variables: Sequence[Variable], holders: Sequence[int]) -> str:
    """A choice with the last word of the names of its variables, if they share it."""
    words = {variables[i].name.split()[-1] for i in holders if " " in variables[i].name}
    shared = len(words) == 1 and all(" " in variables[i].name for i in holders)
    return f"{words.pop()} {label}" if shared else label
