"""What ``benchmarks/tuning.py`` found, as tables: every trial, what was chosen, side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from machine import write_machine
from markdown_table import markdown
from tuning_settings import LIBRARY, described

from surrobench.predictors.hyperparameters import SPACES, Setting, space_of

SURE = 2.0
"""Standard errors that a confirmed gain must exceed."""


def with_tables(cells: pd.DataFrame) -> pd.DataFrame:
    """The fits, with the table of each task."""
    return cells.assign(table=cells["task"].str.partition("/")[0])


def gain(cells: pd.DataFrame, trial: str, other: str = "0") -> tuple[float, float]:
    """Mean gain in tau of one setting over another, every table counting alike, and its error.

    Args:
        cells: finished fits of one family at one stage with one transform.
        trial: the setting.
        other: what it is compared with, on the same examples.

    Returns:
        The gain and its standard error over tasks within tables.
    """
    places = ["table", "task", "train_size", "seed"]
    taus = with_tables(cells).pivot_table(index=places, columns="trial", values="tau")
    tasks = (taus[trial] - taus[other]).groupby(["table", "task"]).mean().groupby("table")
    error = np.sqrt((tasks.var() / tasks.count()).sum()) / len(tasks)
    return float(tasks.mean().mean()), float(error)


def loss(searched: pd.DataFrame, trial: str) -> tuple[float, float]:
    """How much more regret than trial 0 on the noise-free functions, and its error over seeds.

    Args:
        searched: searches of one family; none for one that is not searched with.
        trial: the setting.

    Returns:
        Mean over functions of the mean difference in regret, in units of the distance between the
        best and the mean value, and its standard error; not a number without searches.
    """
    if searched.empty:
        return float("nan"), float("nan")
    regrets = searched.pivot_table(index=["task", "seed"], columns="trial", values="tau")
    by_function = (regrets[trial] - regrets["0"]).groupby("task")
    error = np.sqrt((by_function.var() / by_function.count()).sum()) / len(by_function)
    return float(by_function.mean().mean()), float(error)


def mean_tau(cells: pd.DataFrame) -> pd.Series:
    """Mean tau of each trial, every table counting alike."""
    by_table = with_tables(cells).groupby(["trial", "table"])["tau"].mean()
    return by_table.groupby("trial").mean()


def trials(cells: pd.DataFrame, settings: dict[str, dict[str, Setting]]) -> pd.DataFrame:
    """Every trial of every family at every stage that it reached."""
    plain = cells[(cells["transform"] == "standardise") & (cells["stage"] != "functions")]
    rows = []
    for (family, stage), part in plain.groupby(["family", "stage"], sort=False):
        means, spent = mean_tau(part), part.groupby("trial")["fit_cpu"].mean()
        rows += [
            {
                "family": family,
                "trial": trial,
                "stage": stage,
                "tau": means[trial],
                "cpu_seconds_per_fit": spent[trial],
                "setting": described(_setting(family, trial, settings)),
            }
            for trial in sorted(means.index, key=lambda t: (not t.isdigit(), t.zfill(3)))
        ]
    return pd.DataFrame(rows)


def _setting(family: str, trial: str, settings: dict[str, dict[str, Setting]]) -> Setting:
    return LIBRARY[family] if trial == "library" else settings[family][trial]


def finalists(cells: pd.DataFrame) -> list[str]:
    """The settings beside trial 0 that were confirmed, the best first."""
    means = mean_tau(cells)
    return [t for t in means.sort_values(ascending=False).index if t not in ("0", "library")]


def chosen(cells: pd.DataFrame, settings: dict[str, dict[str, Setting]]) -> pd.DataFrame:
    """What each family got: the confirmed gain of its best finalist, and whether it was adopted."""
    rows = []
    for family in settings:
        confirmed = at_the_end(cells, family, "standardise")
        best = finalists(confirmed)[0]
        by_value, error = gain(confirmed, best)
        searched = cells[(cells["family"] == family) & (cells["stage"] == "functions")]
        worse, worse_error = loss(searched, best)
        adopted = by_value > SURE * error and not worse > SURE * worse_error
        warped, warped_error = gain(at_the_end(cells, family, "quantile-normal"), best)
        rows.append(
            {
                "family": family,
                "trials": len(settings[family]),
                "hyperparameters": len(space_of(family)),
                "best": best,
                "gain": by_value,
                "standard_error": error,
                "more_regret": worse,
                "standard_error_regret": worse_error,
                "adopted": adopted,
                "gain_quantile_normal": warped,
                "standard_error_quantile_normal": warped_error,
                "before": described(settings[family]["0"]),
                "now": described(settings[family][best if adopted else "0"]),
                "best_setting": described(settings[family][best]),
            }
        )
    return pd.DataFrame(rows)


def at_the_end(cells: pd.DataFrame, family: str, transform: str) -> pd.DataFrame:
    """The confirmation's fits of one family with one transform."""
    return cells[
        (cells["family"] == family)
        & (cells["stage"] == "confirm")
        & (cells["transform"] == transform)
    ]


def side_by_side(cells: pd.DataFrame, choice: pd.DataFrame) -> pd.DataFrame:
    """Previous, library's and present defaults on the examples of the confirmation."""
    rows = []
    for family, best, adopted in choice[["family", "best", "adopted"]].itertuples(index=False):
        for transform in ("standardise", "quantile-normal"):
            part = at_the_end(cells, family, transform)
            means, spent = mean_tau(part), part.groupby("trial")["fit_cpu"].mean()
            sizes = {f"tau_{size}": mean_tau(some) for size, some in part.groupby("train_size")}
            labels = {"before": "0", "library": "library", "now": best if adopted else "0"}
            rows += [
                {
                    "family": family,
                    "transform": transform,
                    "defaults": label,
                    "tau": means[trial],
                    **{name: values[trial] for name, values in sizes.items()},
                    "cpu_seconds_per_fit": spent[trial],
                }
                for label, trial in labels.items()
                if trial in means
            ]
    return pd.DataFrame(rows)


def write_report(
    folder: Path, cells: pd.DataFrame, settings: dict[str, dict[str, Setting]]
) -> None:
    """Write the tables, the page around them, and what they were measured with."""
    found = trials(cells, settings)
    choice = chosen(cells, settings)
    beside = side_by_side(cells, choice)
    for name, frame in (("trials", found), ("chosen", choice), ("side-by-side", beside)):
        frame.to_csv(folder / f"{name}.csv", index=False, float_format="%.4f")
    write_machine(folder)
    text = (Path(__file__).parent / "tuning_page.md").read_text(encoding="utf-8")
    shown = choice.drop(columns=["before", "now", "best_setting"]).round(4)
    for mark, frame in (
        ("{chosen}", shown),
        ("{settings}", choice[["family", "before", "now"]]),
        ("{side-by-side}", beside.round(3)),
        ("{spaces}", _spaces()),
    ):
        text = text.replace(mark, markdown(frame, {name: name for name in frame}))
    (folder / "README.md").write_text(text, encoding="utf-8")


def _spaces() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"family": family, "setting": name, "values": ", ".join(map(str, values))}
            for family, space in SPACES.items()
            for name, values in space.items()
        ]
    )
