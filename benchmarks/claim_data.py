"""The rows that claims are computed from: files of results, or what the reports make of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from claim_list import Data

from surrobench.errors import UserError
from surrobench.report.pipeline.results import PipelineResults
from surrobench.report.pipeline.smaller import smaller_networks
from surrobench.report.search.results import SearchResults

BUDGETS = (30, 50, 100, 150)
"""Full trainings after which pages say how searches stand."""


class Frames:
    """The named data of one list of claims, read when they are asked for."""

    def __init__(self, root: Path, data: dict[str, Data], cache: dict[Data, pd.DataFrame]) -> None:
        """``cache`` is shared by all lists, so that no file is read twice."""
        self._root, self._data, self._cache = root, data, cache

    def __getitem__(self, name: str) -> pd.DataFrame:
        """The rows of a data set.

        Raises:
            UserError: if the list names none like that, or the file is not there.
        """
        if name not in self._data:
            raise UserError(f"no data named '{name}'; there are {', '.join(self._data)}")
        data = self._data[name]
        key = data.model_copy(update={"command": ""})
        if key not in self._cache:
            path = self._root / data.file
            if not path.is_file():
                raise UserError(f"{data.file} is missing: {data.command}")
            self._cache[key] = VIEWS[data.view](path)
        return self._cache[key]

    def names(self) -> list[str]:
        """All data that the list names."""
        return list(self._data)

    def source(self, name: str) -> str:
        """File of a data set and the command that makes it."""
        return f"`{self._data[name].file}` by `{self._data[name].command}`"


_UNUSED = [
    "reason", "key", "version", "host", "protocol", "clock", "arch", "constraints", "objectives",
    "transform", "unit",
]  # fmt: skip
"""Columns that no claim needs."""


def _read(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    return (
        pd.read_parquet(path, columns=columns) if path.suffix == ".parquet" else pd.read_csv(path)
    )


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Categories as text: groups that do not occur are no groups."""
    categories = frame.select_dtypes("category").columns
    return frame.astype({name: object for name in categories})


def rows(path: Path) -> pd.DataFrame:
    """Every row as it is, without what describes cells."""
    if path.suffix != ".parquet":
        return _read(path)
    columns = [name for name in pq.read_schema(path).names if name not in _UNUSED]
    return _plain(_read(path, columns))


def prediction(path: Path) -> pd.DataFrame:
    """Finished cells of a prediction study, and the ``table`` that a task belongs to."""
    frame = rows(path)
    frame = frame[frame["status"] == "ok"].reset_index(drop=True)
    return frame.assign(table=frame["task"].str.split("/").str[0])


def search(path: Path) -> pd.DataFrame:
    """A row per task, strategy, seed and budget of a search study, as its report reads it.

    ``score`` (regret, or share of hypervolume), ``test_value`` of what was best by then, whether
    the optimum was ``found`` by then, and what had been spent when it was (``to_optimum``).
    """
    fronts = path.parent / "fronts.csv"
    known = pd.read_csv(fronts) if fronts.is_file() else None
    tables = []
    for task, traces in SearchResults.of(_read(path), known).traces.items():
        budgets = [b for b in BUDGETS if b <= max(1, int(traces.budget))]
        places = traces.before(budgets)
        scores, _ = traces.scores(places)
        tests = traces.read("test_value", places)
        for column, budget in enumerate(budgets):
            table = traces.runs[["method", "seed"]].rename(columns={"method": "strategy"})
            found = traces.found <= budget * (1 + 1e-9)
            tables.append(
                table.assign(
                    task=task,
                    budget=budget,
                    score=scores[:, column],
                    test_value=tests[:, column],
                    found=found,
                    to_optimum=pd.Series(traces.found).where(found, float("inf")),
                )
            )
    return pd.concat(tables, ignore_index=True)


def choices(path: Path) -> pd.DataFrame:
    """A row per method and seed of a pipeline study: what came of its picks."""
    return PipelineResults.of(_read(path)).choices


def smaller(path: Path) -> pd.DataFrame:
    """A row per method and seed of a pipeline study: the best of its small picks."""
    return smaller_networks(PipelineResults.of(_read(path)))


def costs(path: Path) -> pd.DataFrame:
    """A row per stage of a pipeline study: what it took."""
    results = PipelineResults.of(_read(path))
    return pd.concat([results.costs(task).assign(task=task) for task in results.tasks])


VIEWS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "rows": rows,
    "prediction": prediction,
    "search": search,
    "choices": choices,
    "smaller": smaller,
    "costs": costs,
}
