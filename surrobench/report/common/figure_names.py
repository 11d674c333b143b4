"""The kinds of figures by name, with a line about each; nothing heavy is imported to list them."""

from __future__ import annotations

PREDICTIONS = {
    "curves": "score against training examples",
    "ranking": "all methods at one training size",
    "heat-map": "methods by tasks",
    "three-axes": "score against seconds of initialisation and of query (White et al.)",
    "calibration": "coverage and width of intervals, a method a row",
    "reliability": "observed against nominal coverage",
    "board": "Elo, win rate and improvability",
    "pareto": "Elo against seconds, and what nothing cheaper equals",
    "critical-difference": "mean ranks, joined where a test cannot tell them apart",
    "outcomes": "significant wins and losses of all pairs",
    "aggregates": "interquartile mean and mean over tasks",
    "profile": "share of runs that reach a score",
    "predictions": "predicted against true values of one cell",
}
SEARCHES = {
    "curves": "regret or hypervolume against what was spent",
    "iqm-curves": "the same by interquartile means",
    "quantiles": "median and quartiles",
    "success": "share of runs that found the optimum",
    "by-time": "against seconds of training",
    "targets": "share of targets reached",
    "fronts": "trade-offs of two objectives",
    **{name: PREDICTIONS[name] for name in ("board", "pareto", "critical-difference", "outcomes")},
}
PIPELINES = {
    "picks": "what came of the architectures that were picked",
    "predicted": "predicted values against full trainings",
}
TASKS = {
    "proxies": "measures without training against the values",
    "architectures": "the best architectures, drawn",
    "learning-curves": "losses and scores by epoch",
}
OF_WHAT = {
    "predictions": PREDICTIONS,
    "searches": SEARCHES,
    "pipelines": PIPELINES,
    "tasks": TASKS,
}


def figures() -> list[tuple[str, str]]:
    """Every kind once, with what it shows and of what it can be drawn."""
    names = dict.fromkeys(name for kinds in OF_WHAT.values() for name in kinds)
    return [
        (name, f"{_shows(name)} ({', '.join(of for of, k in OF_WHAT.items() if name in k)})")
        for name in names
    ]


def _shows(name: str) -> str:
    return next(kinds[name] for kinds in OF_WHAT.values() if name in kinds)
