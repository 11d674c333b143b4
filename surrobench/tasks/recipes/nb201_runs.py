"""How many training runs stand behind the published averages of NAS-Bench-201.

The files hold averages only, and call them averages over seeds. But an accuracy of ``m`` images is
a multiple of 1/m, an average of two runs one of 1/2m, of three runs one of 1/3m: a number betrays
how many runs it averages, unless it happens to be a multiple of the coarser step as well. The same
networks were scored on several sets, so that hardly any cell stays undecided.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from surrobench.arrays import BoolArray

TEST_STEPS = {
    "cifar10_test_acc": 100 / 10_000,
    "cifar100_test_acc": 100 / 5_000,
    "in16_test_acc": 100 / 3_000,
}
"""Steps of one run, %: 10,000 test images of CIFAR-10, half of the test images of the others."""
VALIDATION_STEPS = {
    "cifar10_val_acc": 100 / 25_000,
    "cifar10_valid_model_test_acc": 100 / 10_000,
}
_CLOSE = 2e-3  # of a step; the published averages are off by up to 1e-4 of one


def behind_test(cells: pd.DataFrame) -> npt.NDArray[np.int8]:
    """Runs of the networks trained on all training images: 2 or 3.

    3 where some average can be no other. Where two of the published single runs differ, they
    average to the published value in 98.8 % of the cells with 2, and in 1 % of those with 3.
    """
    three = _betrayed(cells, TEST_STEPS, 3) | _betrayed(cells, VALIDATION_STEPS, 3)
    return np.where(three, 3, 2).astype(np.int8)


def behind_validation(cells: pd.DataFrame) -> npt.NDArray[np.int8]:
    """Runs of the networks trained on half of the training images: 1, 2 or 3.

    1 where the average equals the single run that NASLib holds. Cells with 3 of these have 3 of
    the others too, which decides between 2 and 3 where the numbers do not.
    """
    three, two = (_betrayed(cells, VALIDATION_STEPS, runs) for runs in (3, 2))
    gap = (cells["cifar10_valid_model_test_acc"] - cells["cifar10_val_acc_run"]).to_numpy()
    one = (np.abs(gap) < _CLOSE * VALIDATION_STEPS["cifar10_valid_model_test_acc"]) & ~two
    likely = three | (~two & (behind_test(cells) == 3))
    return np.where(three, 3, np.where(one, 1, np.where(likely, 3, 2))).astype(np.int8)


def _betrayed(cells: pd.DataFrame, steps: dict[str, float], runs: int) -> BoolArray:
    """Whether some average is a multiple of the step of an average of 2 (or 3) runs alone."""
    found = np.zeros(len(cells), dtype=bool)
    for column, step in steps.items():
        values = cells[column].to_numpy()
        only = ~_multiple(values, step) & _multiple(values, step / runs)
        found |= only
    return found


def _multiple(values: npt.NDArray[np.float64], step: float) -> BoolArray:
    counts = values / step
    return np.asarray(np.abs(counts - np.rint(counts)) < _CLOSE)
