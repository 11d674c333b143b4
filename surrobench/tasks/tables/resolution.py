"""How finely a target is resolved, and rounding to it.

An accuracy of 10,000 images moves in steps of 0.01 %, the mean of three such runs in steps of a
third of that. Averages that others computed carry floating-point noise of 1e-9 and below: two cells
that scored the same look different, ties vanish, fronts gain points. A table is therefore rounded
to its resolution once, when a task is built from it; after that, equal numbers are equal floats.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from surrobench.arrays import FloatArray, IntArray

NEAR = 1e-9
"""Targets closer than this share of their range, and not equal, are taken for noise."""


def step_of(stated: float | str) -> Fraction:
    """The exact step behind ``0.01`` or ``"1/600"``: decimals as written, not as stored.

    Raises:
        ValueError: if it is no positive finite number.
    """
    try:
        step = Fraction(str(stated).replace(" ", ""))
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError("give a number such as 0.01, or a fraction such as '1/600'") from error
    if step <= 0:
        raise ValueError("a resolution must be above 0")
    return step


def rounded(values: FloatArray, step: Fraction | None) -> FloatArray:
    """The nearest multiples of ``step``, each the float nearest to it; NaN and infinity stay.

    None leaves the values alone.
    """
    if step is None:
        return values
    multiples = np.rint(values * (step.denominator / step.numerator))
    return np.asarray(multiples * float(step.numerator) / float(step.denominator))


def of_means(step: Fraction | None, counts: IntArray) -> Fraction | None:
    """The resolution of means of so many values each: of 2 and of 3 values, a sixth of ``step``."""
    if step is None:
        return None
    return step / math.lcm(*(int(count) for count in np.unique(counts) if count > 0))


def near_ties(values: FloatArray) -> int:
    """How many distinct values lie within :data:`NEAR` of their range from the one below."""
    distinct = np.unique(values)
    if len(distinct) < 2:
        return 0
    return int((np.diff(distinct) < NEAR * (distinct[-1] - distinct[0])).sum())
