"""What regret is judged by and which lengths of training a strategy could use, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from surrobench.base.wording import counted

HELD_OUT = "held-out runs"
SEARCHED = "searched run"
PUBLISHED = "published mean"
_LABELS = {
    HELD_OUT: "simple regret on runs not shown",
    SEARCHED: "simple regret against the run searched",
    PUBLISHED: "simple regret against the published mean",
}
_SHORT = {
    HELD_OUT: "by training runs that the search was not shown",
    SEARCHED: "by the very run that was searched",
    PUBLISHED: "by the published mean, which is also what was searched",
}
MIXED = ", each task by its own judge"
"""Behind the name of a score that has several judges."""


@dataclass(frozen=True)
class Judgement:
    """Who judges the searches of a task.

    Attributes:
        kind: ``"held-out runs"``, ``"searched run"``, ``"published mean"``, or "" if unknown.
        runs: training runs behind a judgement, on average; the most that there are of a published
            mean; NaN if unknown.
        pool: candidates.
        without: architectures of the table that nothing could judge.
    """

    kind: str = ""
    runs: float = float("nan")
    pool: float = float("nan")
    without: float = 0.0

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Judgement:
        """From the evaluations of one task; results of earlier versions do not say."""
        kinds = sorted(set(rows["judge"]) - {""})
        if len(kinds) != 1:
            return cls()
        known = rows[rows["judge"] == kinds[0]].iloc[0]
        runs, pool, without = (float(known[n]) for n in ("judge_runs", "pool", "without_judge"))
        return cls(kinds[0], runs, pool, without if np.isfinite(without) else 0.0)

    @property
    def label(self) -> str:
        """Name of the regret, for axes and captions."""
        return _LABELS.get(self.kind, "simple regret")

    def sentence(self, tasks: Iterable[str]) -> str:
        """What it means on some tasks; empty if unknown."""
        names, runs = ", ".join(tasks), f"{self.runs:.3g}"
        if self.kind == HELD_OUT:
            others = "the other" if self.runs == 1 else f"the mean of the other {runs}"
            told = (
                f"On {names} a search is shown one training run of an architecture, which its seed "
                f"picks, and judged by {others}; regret counts from the best that candidates have "
                "there. It may rise during a search: what is best by the run shown replaces what "
                "was best before, and may be worse by the judge."
            )
            if self.without:
                told += (
                    f" Candidates are the {counted(self.pool, 'architecture')} with several runs; "
                    f"{counted(self.without, 'other has', 'others have')} nothing to be judged by."
                )
            return told
        if self.kind == SEARCHED:
            return (
                f"On {names} this is regret against the very run that was searched, luck included: "
                "no other judges."
            )
        if self.kind == PUBLISHED:
            return (
                f"On {names} this is regret against the published mean, of up to "
                f"{runs} runs, which is also what was searched."
            )
        return ""


def judged_by(judges: Mapping[str, Judgement]) -> str:
    """In short what judges the searches of which tasks; empty where nothing is known."""
    groups: dict[str, list[str]] = {}
    for task, judge in judges.items():
        if judge.kind in _SHORT:
            groups.setdefault(_SHORT[judge.kind], []).append(task)
    told = [f"{how} on {', '.join(tasks)}" for how, tasks in groups.items()]
    return f"What is found is judged {'; '.join(told)}." if told else ""


def front_sentences(judges: Mapping[str, Judgement]) -> list[str]:
    """What the objectives of trained networks, and the true fronts, are judged by."""
    told = []
    for task, judge in judges.items():
        if judge.kind == HELD_OUT:
            others = "the other" if judge.runs == 1 else f"the mean of the other {judge.runs:.3g}"
            told.append(
                f"On {task} a search is shown one training run of an architecture, and its front "
                f"and hypervolume are judged by {others}; the true front that is drawn is that of "
                "the means over all runs, which a judge may place elsewhere."
            )
        elif judge.kind == SEARCHED:
            told.append(
                f"On {task} fronts and hypervolumes are those of the very runs that were searched, "
                "luck included."
            )
        elif judge.kind == PUBLISHED:
            told.append(
                f"On {task} fronts and hypervolumes are those of the published means of "
                f"{judge.runs:.3g} runs, which are also what was searched."
            )
    return told


def judge_sentences(judges: Mapping[str, Judgement]) -> list[str]:
    """One sentence for each kind of judgement, naming its tasks."""
    groups: dict[Judgement, list[str]] = {}
    for task, judge in judges.items():
        groups.setdefault(judge, []).append(task)
    return [told for judge, tasks in groups.items() if (told := judge.sentence(tasks))]


def lengths_of(rows: pd.DataFrame) -> pd.Series:
    """Method -> the lengths of training that it could use, as the rows say; empty if they do not.

    Where they differ between tasks, all of them, separated by semicolons.
    """
    known = rows.loc[rows["lengths"] != "", ["method", "lengths"]].drop_duplicates()
    return known.groupby("method")["lengths"].agg(lambda texts: "; ".join(sorted(set(texts))))


def lengths_sentence(rows: pd.DataFrame) -> str:
    """Which methods could train briefly, and for how long; empty if none could."""
    lengths = lengths_of(rows)
    several = lengths[lengths.str.contains(",")]
    if several.empty:
        return ""
    groups = several.groupby(several).groups
    told = [
        f"{', '.join(map(str, methods))} could train for {_either(str(text))} epochs"
        for text, methods in groups.items()
    ]
    others = sorted(set(lengths[~lengths.str.contains(",")]))
    rest = f"; the others for {' or '.join(others)} alone" if others else ""
    return f"{'; '.join(told)}{rest}."


def _either(text: str) -> str:
    """``12, 200`` becomes ``12 or 200``."""
    head, comma, last = text.rpartition(", ")
    return f"{head} or {last}" if comma else text
