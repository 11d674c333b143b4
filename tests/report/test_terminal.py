from __future__ import annotations

import io

import numpy as np
import pandas as pd
from rich.console import Console

from surrobench.report import terminal_table


def printed(frame: pd.DataFrame, width: int = 80, **options: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(terminal_table(frame, **options))  # type: ignore[arg-type]
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def rows(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines() if "0." in line and "±" in line]


def test_best_first_with_intervals_and_marks(frame: pd.DataFrame) -> None:
    text = printed(frame[frame["task"] == "nb201/in16-test"])
    assert rows(text)[:2] == ["mlp-ensemble", "xgboost"]
    assert "0.52±.02*" in text
    assert "…" not in text
    assert "2 × mlp-ensemble: timeout (stopped after 600 s)" in text
    assert "Constant predictions" in text


def test_a_narrow_console_drops_the_intervals(frame: pd.DataFrame) -> None:
    text = printed(frame[frame["task"] == "nb201/in16-test"], width=60)
    table = text.split("Mean")[0]
    assert "±" not in table
    assert "…" not in table


def test_many_tasks_are_summed_up_by_rank(frame: pd.DataFrame) -> None:
    text = printed(frame, width=100, most_tasks=2)
    assert "mean rank over 3 tasks" in text
    svr = next(line for line in text.splitlines() if line.startswith("svr"))
    assert "1.0 (0.52)" in svr


def test_markup_in_names_is_shown_not_obeyed(frame: pd.DataFrame) -> None:
    small = frame[(frame["train_size"] == 25) & (frame["task"] == "nb201/in16-test")]
    small = small.assign(task="[red]task[/red]").replace({"predictor": {"svr": "[bold]m[/x]"}})
    text = printed(small)
    assert "[red]task[/red]" in text
    assert "[bold]m[/x]" in text


def test_without_any_result_the_reasons_remain(frame: pd.DataFrame) -> None:
    failed = frame.head(3).assign(status="oom", reason="1.5 GB", kendall_tau=np.nan)
    text = printed(failed)
    assert "No cell has a result." in text
    assert "3 × gp-rbf: oom (1.5 GB)" in text


def test_the_title_of_a_small_table_is_one_line(frame: pd.DataFrame) -> None:
    small = frame[(frame["task"] == "nb201/in16-test") & frame["train_size"].isin([25, 50])]
    name = "a-table-of-ones-own-with-a-long-name/its-task"
    small = small[small["predictor"].isin(["svr", "knn"])].replace(
        {"task": {"nb201/in16-test": name}}
    )
    assert f"{name}: Kendall τ" in map(str.strip, printed(small).splitlines())
    several = pd.concat([small, small.replace({"task": {name: "another/task"}})])
    (title,) = (line for line in printed(several, most_tasks=1).splitlines() if "mean rank" in line)
    assert "over 2 tasks" in title
