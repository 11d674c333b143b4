"""What every tabular task promises, one sentence and one check each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.tasks import load_task
from surrobench.tasks.task import TableTask
from surrobench.testing.checks import Contract

_FEW = 200


def _task(given: Any) -> TableTask:
    made = load_task(str(given), Path.cwd()) if isinstance(given, str | Path) else given
    if not isinstance(made, TableTask):
        raise UserError(f"{given!r} is no tabular task; name one, or the card of one.")
    return made


TASK_CONTRACT = Contract(_task)
promise = TASK_CONTRACT.promise


@promise
def architectures_are_members(task: TableTask) -> None:
    """Every architecture of the pool is in the space, and none is there twice."""
    archs = list(map(tuple, task.archs.tolist()))
    assert len(set(archs)) == len(archs), "an architecture is in the pool twice"
    strangers = [arch for arch in archs[:_FEW] if arch not in task.space]
    assert not strangers, f"{strangers[0] if strangers else ''} is not in the space"


@promise
def values_can_be_ranked(task: TableTask) -> None:
    """Every architecture of the pool has a finite value, and they are not all alike.

    Name another target, or leave the rows without one out (``where`` in the card).
    """
    assert task.truth.shape == (len(task.archs),), f"{task.truth.shape} values"
    assert np.isfinite(task.truth).all(), "a value is not finite"
    assert np.ptp(task.truth) > 0, "all values are equal"


@promise
def equal_networks_share_a_class(task: TableTask) -> None:
    """Classes of equal networks are those of the space: none is on both sides of a split."""
    archs = [tuple(arch) for arch in task.archs[:_FEW].tolist()]
    ours, theirs = task.groups[: len(archs)], task.space.groups(archs)
    pairs = set(zip(ours.tolist(), theirs.tolist(), strict=True))
    assert len(pairs) == len(set(theirs.tolist())), "equal networks are in two classes"


@promise
def training_costs_time(task: TableTask) -> None:
    """Where seconds are known they are not negative, and do not fall from one epoch to the next.

    See that the column is a duration in the unit that the card says, summed up over epochs.
    """
    if task.seconds is None:
        return
    known = task.seconds[np.isfinite(task.seconds).all(axis=1)]
    assert (known >= 0).all(), "a training took negative time"
    assert (np.diff(known, axis=1) >= 0).all(), "a longer training took less time"


@promise
def looking_up_agrees_with_the_table(task: TableTask) -> None:
    """An architecture is looked up with a value of its own and the measured columns of its row."""
    for row in np.linspace(0, len(task) - 1, 20).astype(int).tolist():
        found = task.evaluate(tuple(task.archs[row].tolist()))
        assert found.status in ("ok", "diverged"), f"row {row} has the status {found.status}"
        if found.status == "ok":
            assert np.isfinite(found.value), f"row {row} has the value {found.value}"
        for name, column in task.measured.items():
            same = found.metrics[name] == column[row] or np.isnan(column[row])
            assert same, f"row {row}: {name} is looked up as {found.metrics[name]}"


@promise
def it_can_be_encoded(task: TableTask) -> None:
    """The encoding that it proposes gives finite numbers, which tell most architectures apart.

    Decisions that are missing from the card make different networks look alike: name them all.
    """
    X = task.encode(task.default_encoding)
    assert X.shape[0] == len(task), f"{X.shape} for {counted(len(task), 'architecture')}"
    assert np.isfinite(X).all(), "a value is not finite"
    different = len(np.unique(X, axis=0))
    assert different > 0.5 * len(task), (
        f"only {different} are different of {counted(len(task), 'row')}"
    )


@promise
def there_is_something_to_learn(task: TableTask) -> None:
    """The best value is no outlier: it lies within twenty deviations of the mean.

    A single value far from all others is often a mistake of a unit or a decimal.
    """
    spread = float(np.std(task.truth))
    away = float(np.abs(task.truth - task.truth.mean()).max()) / spread if spread > 0 else 0.0
    assert away < 20.0, f"a value lies {away:.3g} deviations from the mean"
