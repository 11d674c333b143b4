"""What the picks of a pipeline are judged by, in words."""

from __future__ import annotations

from collections.abc import Iterable

from surrobench.base.wording import counted

HELD_OUT = "held-out runs"
SEARCHED = "searched run"
PUBLISHED = "published mean"
TRAINED = "full trainings"

SHORT = {
    HELD_OUT: "mean of runs not shown",
    SEARCHED: "the run that was shown",
    PUBLISHED: "published mean",
    TRAINED: "mean of full trainings",
}
"""For the axis of a figure."""


def regret_text(kind: str, complete: bool) -> str:
    """What regret of the best pick counts from."""
    if not complete:
        return "from the best that anybody found"
    return {
        HELD_OUT: "from the best candidate, by runs that were not shown",
        SEARCHED: "against the run that was searched",
        PUBLISHED: "against the published mean",
    }.get(kind, "from the optimum")


def values_sentence(kind: str, complete: bool, tasks: Iterable[str], without: float) -> str:
    """What values and regret mean on some tasks."""
    names = ", ".join(tasks)
    if not complete:
        return (
            f"On {names} nobody knows the optimum: values are means over full trainings, and "
            "regret counts from the best that any method or the reference found for the seed, "
            "which is too small a regret for all of them."
        )
    if kind == HELD_OUT:
        told = (
            f"On {names} a short training is the beginning of one run of the table; values are "
            "means over its other runs, which no predictor was shown, and regret counts from the "
            "best candidate by them."
        )
        if without > 0:
            told += (
                " Candidates are architectures with several runs; "
                f"{counted(without, 'other has', 'others have')} "
                "nothing to be judged by."
            )
        return told
    if kind == SEARCHED:
        return (
            f"On {names} values are those of the very runs whose beginnings were shown, luck "
            "included: this is regret against the run that was searched."
        )
    if kind == PUBLISHED:
        return (
            f"On {names} values are published means over several runs, which short trainings may "
            "be a part of: this is regret against the published mean."
        )
    return (
        f"On {names} values are means over all runs of the table, the one that was shown among "
        "them, and regret counts from its best candidate."
    )
