"""A pipeline study, checked and summed up: what every table and figure of it starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from surrobench.base.page_facts import facts_html
from surrobench.errors import UserError
from surrobench.report.common.records import split_spec
from surrobench.report.statistics.intervals import mean_interval

REQUIRED = ("task", "predictor", "seed", "candidates", "arch", "pick", "value", "status")
_TEXT = (
    "task", "predictor", "encoding", "acquisition", "unit", "data", "arch", "status", "reason",
    "judge",
)  # fmt: skip
_NUMBERS = (
    "predicted", "predicted_std", "brief_value", "value", "value_std", "runs", "judged", "params",
    "flops", "optimum", "pool", "without_judge", "train", "picks", "ranked", "kendall_tau",
    "kendall_tau_top_half",
    "train_seconds", "fit_seconds", "score_seconds", "full_seconds", "row_seconds",
)  # fmt: skip
_CELL = ["task", "method", "seed"]
VALUES = ("regret", "best", "picked")
"""Measures in the unit of the task."""
MEASURES = {
    "regret": False,
    "best": True,
    "picked": True,
    "kendall_tau": True,
    "kendall_tau_top_half": True,
    "seconds": False,
    "full_seconds": False,
}
"""What a choice is judged by, and whether larger is better."""
SKEWED = (*VALUES, "seconds", "full_seconds")
"""Of these Student's interval over seeds does not keep its level: picks pile up at the optimum."""


@dataclass(frozen=True)
class PipelineResults:
    """Checked rows; :meth:`of` makes them from a data frame.

    A *method* is the label of a predictor and, where one label was run on one task with several
    encodings or acquisition functions, their names.

    Attributes:
        rows: one per architecture that a finished cell looked at.
        failures: one row for each cell without a result.
    """

    rows: pd.DataFrame
    failures: pd.DataFrame

    @classmethod
    def of(cls, frame: pd.DataFrame | PipelineResults) -> PipelineResults:
        """Check the rows of a pipeline study.

        Raises:
            UserError: if there are none, or a column is missing.
        """
        if isinstance(frame, PipelineResults):
            return frame
        missing = [column for column in REQUIRED if column not in frame.columns]
        if missing:
            raise UserError(
                f"the results lack the column(s) {', '.join(missing)}; a report of a pipeline "
                f"needs {', '.join(REQUIRED)}."
            )
        if frame.empty:
            raise UserError("the results hold no rows: run the study first.")
        rows = _named(_typed(frame))
        good = rows["status"] == "ok"
        failures = rows.loc[~good, [*_CELL, "status", "reason"]].drop_duplicates()
        return cls(rows[good].reset_index(drop=True), failures.reset_index(drop=True))

    def _repr_html_(self) -> str:
        return facts_html(
            "Results",
            [
                ("tasks", ", ".join(self.tasks)),
                ("methods", ", ".join(self.methods)),
                ("without a result", len(self.failures)),
            ],
        )

    @cached_property
    def tasks(self) -> list[str]:
        """Tasks in the order of the rows, with those that have no result behind."""
        return list(dict.fromkeys([*self.rows["task"], *self.failures["task"]]))

    @cached_property
    def methods(self) -> list[str]:
        """Methods in the order of the rows."""
        return list(dict.fromkeys([*self.rows["method"], *self.failures["method"]]))

    @cached_property
    def seeds(self) -> list[int]:
        """Seeds, ascending."""
        return sorted({*self.rows["seed"], *self.failures["seed"]})

    @cached_property
    def choices(self) -> pd.DataFrame:
        """What came of every cell, one row per task, method and seed.

        ``best`` is the pick with the highest mean of its full trainings, as judged: by runs of a
        table that were not shown, where it has them (:meth:`judge`), or else by that mean;
        ``picked`` the mean of all picks; ``regret`` what ``best`` falls
        short of the optimum; ``seconds`` those of short trainings, fit and scoring.
        """
        columns = ["best", "picked", "regret", "failed_picks", *MEASURES]
        if self.rows.empty:
            return pd.DataFrame(columns=[*_CELL, *dict.fromkeys(columns)])
        found = [self._choice(rows) for _, rows in self.rows.groupby(_CELL, sort=False)]
        return pd.DataFrame(found)

    def _choice(self, rows: pd.DataFrame) -> dict[str, object]:
        picks, cell = rows[rows["pick"] > 0], rows.iloc[0]
        task, method, seed = str(cell["task"]), str(cell["method"]), int(cell["seed"])
        known = picks[picks["value"].notna()]
        ordered = known.sort_values("value", ascending=False, kind="stable")["judged"]
        best = float(ordered.iloc[0]) if len(known) else np.nan
        waiting = cell[["train_seconds", "fit_seconds", "score_seconds"]].astype(float)
        return {
            "task": task,
            "method": method,
            "seed": seed,
            "best": best,
            "picked": picks["judged"].mean(),
            "regret": self.optima[task, seed] - best,
            "failed_picks": len(picks) - len(known),
            "seconds": float(waiting.fillna(0).sum()),
            **{name: cell[name] for name in MEASURES if name in cell.index},
            "ranked": cell["ranked"],
        }

    @cached_property
    def optima(self) -> dict[tuple[str, int], float]:
        """The best value of each pool: the table's, or else the best that anybody trained."""
        groups = self.rows.groupby(["task", "seed"])
        known, found = groups["optimum"].first(), groups["judged"].max()
        table = known.where(known.notna(), found)
        rows = table.rename("value").reset_index()
        keys = zip(rows["task"].astype(str), rows["seed"].astype(int), strict=True)
        return dict(zip(keys, rows["value"].astype(float).tolist(), strict=True))

    def judge(self, task: str) -> str:
        """Who judges picks, "" where results do not say.

        ``"held-out runs"``, the ``"searched run"`` or the ``"published mean"`` of a table, or
        ``"full trainings"`` of a live task.
        """
        kinds = set(self._of(task)["judge"]) - {""}
        return str(kinds.pop()) if len(kinds) == 1 else ""

    def without_judge(self, task: str) -> float:
        """Architectures of a table that are no candidates because nothing could judge them."""
        return float(self._of(task)["without_judge"].fillna(0).max())

    def complete(self, task: str) -> bool:
        """Whether a table can judge every candidate."""
        return bool(self._of(task)["optimum"].notna().any())

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Mean, limits and number of seeds of each measure, a row per (task, method, measure)."""
        lines = []
        for (task, method), rows in self.choices.groupby(["task", "method"], sort=False):
            for measure in MEASURES:
                interval = mean_interval(rows[measure].to_numpy(dtype=float), measure in SKEWED)
                lines.append(
                    {
                        "task": task,
                        "method": method,
                        "measure": measure,
                        "mean": interval.mean,
                        "low": interval.low,
                        "high": interval.high,
                        "seeds": interval.n,
                    }
                )
        names = ["task", "method", "measure", "mean", "low", "high", "seeds"]
        return pd.DataFrame(lines, columns=names)

    def order(self, task: str) -> list[str]:
        """Methods with a result on a task: least regret first, then the best picks."""
        own = self.summary[self.summary["task"] == task]
        table = own.pivot(index="method", columns="measure", values="mean")
        table["picked"] = -table["picked"]
        return [str(m) for m in table.sort_values(["regret", "picked"], kind="stable").index]

    def noise(self, task: str) -> dict[str, float]:
        """Between seeds of one architecture, and between architectures.

        ``seed_std``, with ``freedom`` degrees of freedom, is pooled over ``architectures`` with two
        full trainings or more, ``runs`` the most of one of them; ``arch_std`` is that of
        ``reference`` architectures drawn at random.
        """
        rows = self._of(task)
        # Judged by others, an architecture may have a row without full trainings before that.
        several = rows[rows["value_std"].notna()].drop_duplicates("arch")
        freedom = several["runs"] - 1
        total = float(freedom.sum())
        pooled = float((freedom * several["value_std"] ** 2).sum()) / total if total else np.nan
        drawn = self._of(task)
        drawn = drawn[drawn["reference"]].drop_duplicates("arch")
        others = drawn["judged"].dropna().to_numpy(dtype=float)
        return {
            "seed_std": float(np.sqrt(pooled)),
            "architectures": float(len(several)),
            "freedom": total,
            "runs": float(rows["runs"].max()) if len(rows) else 0.0,
            "arch_std": float(others.std(ddof=1)) if len(others) > 1 else np.nan,
            "reference": float(len(others)),
        }

    def decimals(self, task: str) -> int:
        """Of values: what the seeds of one architecture differ by has two digits; 2 to 4."""
        noise = self.noise(task)["seed_std"]
        if not (np.isfinite(noise) and noise > 0):
            return 2
        return int(np.clip(1 - np.floor(np.log10(noise)), 2, 4))

    def unit(self, task: str) -> str:
        """Of the values."""
        return str(self._of(task)["unit"].iloc[0]) if len(self._of(task)) else ""

    def data(self, task: str) -> str:
        """What was trained on."""
        return str(self._of(task)["data"].iloc[0]) if len(self._of(task)) else ""

    def _of(self, task: str) -> pd.DataFrame:
        return self.rows[self.rows["task"] == task]

    def costs(self, task: str) -> pd.DataFrame:
        """``stage``, ``count`` and ``seconds`` of everything that a task took, once each."""
        rows = self._of(task)
        cells = rows.drop_duplicates(["method", "seed"])
        brief = cells.groupby("seed")[["train_seconds", "train", "pool"]].max()
        fits = cells[cells["fit_seconds"].notna()]
        full = rows[rows["runs"] > 0].drop_duplicates("arch")
        trainings, seconds = full["runs"].sum(), full["row_seconds"].sum(min_count=1)
        runs = full["runs"].max() if len(full) else np.nan
        everything = brief["pool"].sum() * runs
        lines = [
            ("short trainings", brief["train"].sum(), brief["train_seconds"].sum()),
            ("fits", len(fits), fits["fit_seconds"].sum()),
            ("scored pools", len(fits), fits["score_seconds"].sum()),
            ("full trainings", trainings, seconds),
            (
                "every candidate trained fully, estimated",
                everything,
                everything * seconds / trainings if trainings else np.nan,
            ),
        ]
        table = pd.DataFrame(lines, columns=["stage", "count", "seconds"])
        table["each"] = table["seconds"] / table["count"].where(table["count"] > 0)
        return table


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Text as text, seeds and places as integers, numbers as numbers; what is missing is empty."""
    rows = frame.reset_index(drop=True)
    for column in _TEXT:
        values = rows[column] if column in rows else pd.Series("", index=rows.index)
        rows[column] = values.astype(object).where(values.notna(), "").astype(str)
    for column in _NUMBERS:
        values = rows[column] if column in rows else pd.Series(np.nan, index=rows.index)
        rows[column] = pd.to_numeric(values, errors="coerce").astype(float)
    rows["judged"] = rows["judged"].where(rows["judged"].notna(), rows["value"])
    for column in ("seed", "pick"):
        rows[column] = pd.to_numeric(rows[column], errors="coerce").fillna(0).astype(int)
    reference = rows.get("reference", False)
    rows["reference"] = pd.Series(reference, index=rows.index).eq(True)
    return rows


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    """Add ``method``, and name and transform of the predictor for its look."""
    specs = [split_spec(name) for name in rows["predictor"]]
    name = rows["predictor"].copy()
    for part in ("encoding", "acquisition"):
        here = rows.groupby(["predictor", "task"])[part].transform("nunique")
        several = here.groupby(rows["predictor"]).transform("max") > 1
        name = name + (" · " + rows[part]).where(several & (rows[part] != ""), "")
    return rows.assign(
        method=name, base=[spec[0] for spec in specs], transform=[spec[1] for spec in specs]
    )
