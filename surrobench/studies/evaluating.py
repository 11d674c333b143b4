"""One predictor on one task, in one line of a notebook: the cells of a prediction study."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from surrobench.errors import UserError
from surrobench.studies.engine.bars import BarObserver
from surrobench.studies.engine.executor import Limits, execute
from surrobench.studies.engine.outcomes import record_of
from surrobench.studies.engine.template import new_template
from surrobench.studies.observer import RunObserver
from surrobench.studies.plan import PlannedCell
from surrobench.studies.prediction.kind import PREDICTION
from surrobench.studies.prediction.plan import make_plan
from surrobench.studies.run_folder.record import Record
from surrobench.studies.runner import is_bound, records_here
from surrobench.tasks.given import GivenTask

if TYPE_CHECKING:
    import pandas as pd

    from surrobench.tasks.task import TableTask

    Task = str | Path | TableTask

TIMEOUT_SECONDS = 600.0
"""Of a cell in a process of its own."""


def evaluate(
    predictor: Any,
    task: Task | Sequence[Task],
    n: int | Sequence[int] = 100,
    seeds: int | Sequence[int] = 7,
    *,
    encoding: str | Sequence[str] = "default",
    protocol: str = "grouped",
    workers: int = 1,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Fit a predictor to samples of a task and judge what it says of all other architectures.

    The cells are those of a prediction study, with the same numbers.

    Args:
        predictor: as a study file has it: a name (``"gp-rbf"``, ``"svr+quantile-normal"``), a
            mapping with options (``{"use": "knn", "neighbours": 3}``), or a class or an instance,
            also one with scikit-learn's ``fit`` and ``predict``.
        task: a name, the path of a card, or a loaded task; a table stands for all its tasks.
        n: training examples, one number or several.
        seeds: how many (0, 1, …), or a list of seeds.
        encoding: of the architectures; by default the one that the task proposes.
        protocol: how architectures are split, see :mod:`surrobench.studies.prediction.protocols`.
        workers: processes; with one the cells are computed here, where no limit of time holds.
        progress: whether to show a bar; by default in a terminal or a notebook.

    Returns:
        One row per task, encoding, training size and seed: ``status`` and ``reason``, the scores
        of :mod:`surrobench.metrics.prediction` and the seconds of fit and query.

    Raises:
        UserError: for unknown names or options, and sizes that a task is too small for.

    Example:
        >>> import surrobench as sb
        >>> frame = sb.evaluate("knn", "live/digits-chain", n=[25, 100], seeds=2)
        >>> frame.groupby("train_size")["kendall_tau"].mean().round(2).to_dict()
        {25: 0.45, 100: 0.57}
    """
    return evaluate_all(
        [predictor],
        task,
        n,
        seeds,
        encoding=encoding,
        protocol=protocol,
        workers=workers,
        progress=progress,
    )


def evaluate_all(
    predictors: Sequence[Any],
    tasks: Task | Sequence[Task],
    n: int | Sequence[int] = 100,
    seeds: int | Sequence[int] = 7,
    *,
    encoding: str | Sequence[str] = "default",
    protocol: str = "grouped",
    workers: int = 1,
    progress: bool | None = None,
) -> pd.DataFrame:
    """:func:`evaluate` for several predictors, which all meet the same architectures."""
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise UserError(f"workers is {workers!r}; write a whole number, 1 or more.")
    names, given = _tasks(tasks)
    study = PREDICTION.build(
        {
            "kind": "prediction",
            "name": "evaluation",
            "tasks": names,
            "predictors": list(predictors),
            "encodings": _listed(encoding),
            "train_sizes": _listed(n),
            "seeds": _listed(seeds) if isinstance(seeds, Iterable) else seeds,
            "protocol": protocol,
        },
        "",
        "evaluate",
    )
    plan = make_plan(study, Path.cwd(), given)
    observer = BarObserver(PREDICTION.caption, progress)
    observer.begin(Path(), len(plan.cells), 0, workers)
    try:
        records = list(_records(plan.cells, workers, observer))
    finally:
        observer.end()
    from surrobench.studies.run_folder.view import with_rankings

    frame = PREDICTION.frame(records, [cell.key for cell in plan.cells])
    return with_rankings(frame, plan.rankings)


def _tasks(tasks: Task | Sequence[Task]) -> tuple[list[str], Mapping[str, GivenTask]]:
    """Names of tasks, and which of them were handed over loaded."""
    from surrobench.tasks.task import TableTask

    several = isinstance(tasks, Iterable) and not isinstance(tasks, str | TableTask)
    listed: list[Any] = list(cast("Iterable[Any]", tasks)) if several else [tasks]
    given = {t.name: GivenTask.of(t) for t in listed if isinstance(t, TableTask)}
    for task in listed:
        if not isinstance(task, str | Path | TableTask):
            raise UserError(
                f"{task!r} is no task: give a name, the path of a card, or what load_task returns."
            )
    return [t.name if isinstance(t, TableTask) else str(t) for t in listed], given


def _listed(value: Any) -> list[Any]:
    """One or several, as a study file has them; numbers of NumPy as those of Python."""
    several = isinstance(value, Iterable) and not isinstance(value, str)
    listed = list(value) if several else [value]
    return [one.item() if hasattr(one, "item") else one for one in listed]


def _records(cells: Sequence[PlannedCell], workers: int, observer: RunObserver) -> Iterator[Record]:
    """The records of cells as they are finished."""
    here = cells if workers == 1 else [cell for cell in cells if is_bound(cell)]
    away = [] if workers == 1 else [cell for cell in cells if not is_bound(cell)]
    template = new_template(PREDICTION.worker_target) if away else None
    with tempfile.TemporaryDirectory() as logs, closing(template) if template else nullcontext():
        for outcome in execute(
            PREDICTION.worker_target,
            away,
            workers=workers,
            limits=Limits(TIMEOUT_SECONDS),
            logs=Path(logs),
            template=template,
        ):
            record = record_of(PREDICTION, outcome)
            observer.cell(record)
            yield record
    for record in records_here(PREDICTION, here):
        observer.cell(record)
        yield record
