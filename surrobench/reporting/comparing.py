"""Several predictors on one or more tasks: numbers, ranks, the board, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from surrobench.base.page_facts import escaped, facts_html
from surrobench.errors import UserError
from surrobench.report.common.measures import Measure
from surrobench.report.comparing.scores import Scores
from surrobench.report.comparing.verdicts import verdict
from surrobench.report.results import Results
from surrobench.studies.evaluating import evaluate_all

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from surrobench.tasks.task import TableTask


@dataclass(frozen=True, repr=False)
class Comparison:
    """What :func:`compare` found.

    Attributes:
        frame: one row per task, method, training size and seed, as of
            :func:`~surrobench.studies.evaluating.evaluate`.
        measure: that methods are compared by.
        n: the training size that ranks, board and verdict are about, the largest.
    """

    frame: pd.DataFrame
    measure: Measure
    n: int

    @cached_property
    def results(self) -> Results:
        """The frame, checked, for the functions of :mod:`surrobench.report`."""
        return Results.of(self.frame)

    @cached_property
    def means(self) -> pd.DataFrame:
        """Mean scores, methods × tasks, best first."""
        order = self.results.order(self.measure, self.n)
        return self.results.means(self.measure, self.n).reindex(order)

    @cached_property
    def ranks(self) -> pd.Series:
        """Mean rank of each method over the tasks (1 is best); NaN if it lacks one."""
        found = self.results.mean_ranks(self.measure, self.n).rename("mean_rank")
        return found.sort_values(kind="stable")

    @cached_property
    def board(self) -> pd.DataFrame:
        """Elo, win rate and the like: :class:`~surrobench.report.comparing.board.Board`."""
        return Scores.of(self.results, self.measure, self.n).board.table

    @cached_property
    def verdict(self) -> str:
        """Who leads, who cannot be told from it, and where no test can tell."""
        return verdict(self.results, self.measure, self.n)

    def plot(self, kind: str, **options: Any) -> Figure:
        """See :func:`surrobench.reporting.drawing.plot`."""
        from surrobench.reporting.drawing import plot

        return plot(self, kind, **options)

    def __str__(self) -> str:
        """The verdict."""
        return self.verdict

    def __repr__(self) -> str:
        """How much was compared."""
        results = self.results
        return (
            f"Comparison(methods={len(results.methods)}, tasks={len(results.tasks)}, "
            f"n={results.sizes}, seeds={results.records['seed'].nunique()})"
        )

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escaped(line)}</p>" for line in self.verdict.splitlines())
        columns = ["method", "elo", "win_rate", "improvability", "mean_rank", "seconds"]
        table = self.board[columns].round(3).to_html(index=False, escape=True, border=0)
        head = f"{self.measure.label} with {self.n} training examples"
        return facts_html(head, [], lines + table)


def compare(
    predictors: Sequence[Any],
    tasks: str | Path | TableTask | Sequence[str | Path | TableTask],
    n: int | Sequence[int] = 100,
    seeds: int | Sequence[int] = 7,
    *,
    measure: str | None = None,
    encoding: str | Sequence[str] = "default",
    protocol: str = "grouped",
    workers: int = 1,
    progress: bool | None = None,
) -> Comparison:
    """Compare predictors on the same samples of the same tasks.

    Args:
        predictors: each as in :func:`~surrobench.studies.evaluating.evaluate`.
        tasks: one or several: names, paths of cards, or loaded tasks.
        n: training examples, one number or several; the verdict is about the largest.
        seeds: how many, or which. With fewer than six no test can tell anything at 5 %.
        measure: to compare by; Kendall's τ by default.
        encoding: of the architectures; by default the one that each task proposes.
        protocol: how architectures are split, see :mod:`surrobench.studies.prediction.protocols`.
        workers: processes; with one the cells are computed here.
        progress: whether to show a bar; by default in a terminal or a notebook.

    Raises:
        UserError: for unknown names or options, and where no cell has a result.

    Example:
        >>> import surrobench as sb
        >>> found = sb.compare(["knn", "params", "constant"], "live/digits-chain", n=50, seeds=6)
        >>> print(found.verdict)
        live/digits-chain, Kendall τ with 50 training examples, 6 seeds: knn (0.478) has ...
        >>> found.board["method"].tolist()
        ['knn', 'params']
    """
    listed = [predictors] if isinstance(predictors, str) else list(predictors)
    frame = evaluate_all(
        listed,
        tasks,
        n,
        seeds,
        encoding=encoding,
        protocol=protocol,
        workers=workers,
        progress=progress,
    )
    results = Results.of(frame)
    chosen = results.primary(measure)
    if chosen is None:
        reasons = "; ".join(dict.fromkeys(frame["reason"].astype(str)))
        raise UserError(f"no cell has a result: {reasons}")
    return Comparison(frame, chosen, results.focus_sizes(chosen)[-1])
