"""Where each method stands in the published results, computed from their rows."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

_PREDICTION = ["task", "predictor", "train_size", "status"]
_SCORES = ["kendall_tau", "fit_seconds", "query_seconds_per_arch"]


@dataclass(frozen=True)
class Standings:
    """Means over seeds and their ranks on every task.

    Attributes:
        predictions: a row per results folder, task, predictor and number of examples, with the mean
            ``tau`` over seeds, its ``rank`` among the ``methods`` of the task, and mean seconds.
        searches: a row per results folder, task, strategy (by its label) and budget, with the mean
            ``score``, the ``measure``, ``rank`` and ``methods``, and ``seconds`` of the strategy.
        commands: results folder -> the command that makes it.
        strategies: results folder -> label -> how the strategy was asked for.
    """

    predictions: pd.DataFrame
    searches: pd.DataFrame
    commands: dict[str, str]
    strategies: dict[str, dict[str, dict[str, Any]]]

    @classmethod
    def of(cls, root: Path) -> Standings:
        """Read every published result of a repository."""
        predictions, searches, strategies = [], [], {}
        for path in sorted((root / "results").glob("*/results.parquet")):
            columns = set(pq.read_schema(path).names)
            if {*_PREDICTION, *_SCORES} <= columns:
                predictions.append(_predictions(path))
            elif "strategy" in columns:
                searches.append(_searches(path))
                strategies[path.parent.name] = _asked(path.parent / "study.toml")
        return cls(
            pd.concat(predictions, ignore_index=True),
            pd.concat(searches, ignore_index=True),
            _commands(root),
            strategies,
        )


def _predictions(path: Path) -> pd.DataFrame:
    rows = pd.read_parquet(path, columns=[*_PREDICTION, *_SCORES])
    rows = rows[rows["status"] == "ok"].astype({"task": str, "predictor": str})
    keys = ["task", "predictor", "train_size"]
    means = rows.groupby(keys)[_SCORES].mean().dropna(subset=["kendall_tau"]).reset_index()
    grouped = means.groupby(["task", "train_size"])["kendall_tau"]
    return means.rename(columns={"kendall_tau": "tau"}).assign(
        rank=grouped.rank(ascending=False, method="min"),
        methods=grouped.transform("size"),
        results=path.parent.name,
        table=means["task"].str.split("/").str[0],
    )


def _searches(path: Path) -> pd.DataFrame:
    from surrobench.report.search.results import SearchResults

    fronts = path.parent / "fronts.csv"
    known = pd.read_csv(fronts) if fronts.is_file() else None
    tables = []
    for part in SearchResults.of(pd.read_parquet(path), known).by_measure():
        for budget in part.budgets:
            scores = part.means(budget)
            ranks = scores.rank(ascending=not part.measure.larger_is_better, method="min")
            own = part.comparison(budget)["overhead_seconds"].rename("seconds")
            table = pd.concat(
                [scores.stack().rename("score"), ranks.stack().rename("rank")], axis=1
            )
            table = table.rename_axis(["method", "task"]).join(own).reset_index()
            table["methods"] = table.groupby("task")["score"].transform("size")
            tables.append(table.assign(budget=budget, measure=part.measure.label))
    return pd.concat(tables, ignore_index=True).assign(results=path.parent.name)


def _asked(study: Path) -> dict[str, dict[str, Any]]:
    listed = tomllib.loads(study.read_text(encoding="utf-8"))["strategies"]
    asked = [{"use": one} if isinstance(one, str) else one for one in listed]
    return {str(one.get("label", one["use"])): one for one in asked}


def _commands(root: Path) -> dict[str, str]:
    """The command behind each results folder, as the lists of claims state it."""
    found: dict[str, str] = {}
    for path in sorted((root / "results" / "claims").glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8")).get("data", {})
        for one in data.values():
            place = Path(one["file"])
            if place.name == "results.parquet":
                found.setdefault(place.parent.name, one["command"])
    return found
