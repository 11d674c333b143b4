"""What other tasks of a table are worth to a predictor with few examples, and to a search.

    surrobench run transfer --out runs/transfer
    surrobench run results/transfer/search.toml --out runs/transfer-search
    python benchmarks/transfer.py runs/transfer runs/transfer-search results/transfer

or, where only some predictors were run again, with what is kept of the others,

    surrobench run transfer --predictor few-shot-deep-kernel --out runs/few-shot
    python benchmarks/transfer.py results/transfer results/transfer results/transfer \\
        --more runs/few-shot

Each predictor that is told of the sources stands beside the same one that is not, on the same
training and test architectures. Writes ``gains.csv`` (Kendall tau with and without, by task,
predictor and seed), ``families.md`` (mean gains with intervals over the tasks of a table),
``targets.csv`` and ``targets.md`` (by task, with intervals over seeds), and of the searches
``searches.csv`` and ``searches.md``: evaluations until the best is within 0.1 points
of the optimum.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from markdown_table import markdown

from surrobench.report.statistics.intervals import Interval, mean_interval
from surrobench.studies.run_folder.view import load_results, save_frame

BESIDE = {
    "gp-transfer": "gp-matern52",
    "rgpe": "gp-matern52",
    "gp-multitask": "gp-matern52",
    "few-shot-deep-kernel": "gp-matern52",
    "gp-matern52 on sources": "gp-matern52",
    "random-forest on sources": "random-forest",
    "xgboost on sources": "xgboost",
}
"""Predictors that are told of sources, and what each is without them."""
WITHIN = 0.1
"""Points of accuracy (%) from the optimum."""
KEPT = [
    "task", "predictor", "transform", "encoding", "train_size", "seed", "protocol", "status",
    "reason", "kendall_tau", "crps", "coverage_90", "n_test", "n_sources", "fit_seconds",
    "cpu_seconds", "key", "version",
]  # fmt: skip
"""Columns of the kept results."""


def gains(cells: pd.DataFrame) -> pd.DataFrame:
    """A row for each task, told predictor and seed, of cells of one training size."""
    bad = cells[cells["status"] != "ok"]
    if len(bad):
        raise SystemExit(f"cells without a result: {bad[['task', 'predictor', 'reason']]}")
    cells = cells.assign(**{name: cells[name].astype(str) for name in ("task", "predictor")})
    wide = cells.pivot(index=["task", "seed"], columns="predictor", values="kendall_tau")
    covered = cells.pivot(index=["task", "seed"], columns="predictor", values="coverage_90")
    parts = []
    for told, plain in BESIDE.items():
        if told not in wide:  # not run with so many examples
            continue
        part = pd.DataFrame(
            {
                "predictor": told,
                "beside": plain,
                "with_sources": wide[told],
                "without": wide[plain],
                "coverage_90": covered[told],
                "coverage_90_without": covered[plain],
            }
        )
        parts.append(part.reset_index())
    rows = pd.concat(parts, ignore_index=True)
    rows.insert(0, "table", rows["task"].str.split("/").str[0])
    return rows.assign(gain=rows["with_sources"] - rows["without"])


def interval_text(values: pd.Series) -> str:
    """``+0.12 (+0.08 to +0.16)``; the interval is missing where no level could be kept."""
    found = mean_interval(values.to_numpy())
    if not np.isfinite(found.low):
        return f"{found.mean:+.2f}"
    return f"{found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f})"


def by_target(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean gain of each told predictor on each task, with an interval over seeds and a word."""
    lines = []
    for (table, task, told), part in rows.groupby(["table", "task", "predictor"], sort=False):
        found = mean_interval(part["gain"].to_numpy())
        word = "helps" if found.low > 0 else "hurts" if found.high < 0 else "undecided"
        lines.append(
            {
                "table": table,
                "task": task,
                "predictor": told,
                "without": part["without"].mean(),
                "gain": found.mean,
                "low": found.low,
                "high": found.high,
                "sources": word,
            }
        )
    return pd.DataFrame(lines)


def family_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each told predictor: mean gain over the tasks of each table, with intervals."""
    per_task = rows.groupby(["table", "task", "predictor"], sort=False)["gain"].mean().reset_index()
    lines = []
    for told in BESIDE:
        mine = per_task[per_task["predictor"] == told]
        line = {"predictor": f"`{told}`", "all": interval_text(mine["gain"])}
        for table, part in mine.groupby("table", sort=False):
            line[str(table)] = interval_text(part["gain"])
        lines.append(line)
    return pd.DataFrame(lines)


def count_table(targets: pd.DataFrame) -> pd.DataFrame:
    """A line for each told predictor: on how many tasks sources help, hurt, or neither surely."""
    lines = []
    for told in BESIDE:
        mine = targets[targets["predictor"] == told]
        counts = mine["sources"].value_counts()
        line: dict[str, object] = {"predictor": f"`{told}`"}
        for word in ("helps", "undecided", "hurts"):
            line[word] = int(counts.get(word, 0))
        worst = mine.loc[mine["gain"].idxmin()]
        line["worst"] = f"{worst['gain']:+.2f} ({worst['task']})"
        lines.append(line)
    return pd.DataFrame(lines)


def target_table(rows: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """A line for each task: tau of the process without sources, and every gain."""
    plain = rows[rows["predictor"] == "rgpe"].groupby("task", sort=False)["without"].mean()
    wide = targets.assign(
        text=[
            f"{gain:+.2f}{ {'helps': ' ▲', 'hurts': ' ▼'}.get(word, '') }"
            for gain, word in zip(targets["gain"], targets["sources"], strict=True)
        ]
    ).pivot(index="task", columns="predictor", values="text")
    table = wide.reindex(plain.index)[list(BESIDE)].reset_index()
    table.insert(1, "plain", [f"{value:.2f}" for value in plain])
    return table


def searches(folder: Path) -> pd.DataFrame:
    """A row for each search: evaluations until its best was within 0.1 points of the optimum."""
    if (folder / "searches.csv").exists():  # what is kept of them
        return pd.read_csv(folder / "searches.csv")
    columns = ["task", "strategy", "seed", "evaluation", "evaluations", "simple_regret"]
    steps = pd.read_parquet(folder / "results.parquet", columns=columns)
    for name in ("task", "strategy"):
        steps[name] = steps[name].astype(str)
    lines = []
    for (task, strategy, seed), part in steps.groupby(["task", "strategy", "seed"], sort=False):
        part = part.sort_values("evaluation")
        near = part[part["simple_regret"] <= WITHIN + 1e-9]
        budget = int(part["evaluations"].iloc[0])
        lines.append(
            {
                "task": task,
                "strategy": strategy,
                "seed": seed,
                "reached": bool(len(near)),
                "needed": int(near["evaluation"].min()) if len(near) else budget + 1,
                "regret": float(part["simple_regret"].iloc[-1]),
            }
        )
    return pd.DataFrame(lines)


def search_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each task and strategy, the quickest first; differences to ``gp`` by seed."""
    lines = []
    plain = rows[rows["strategy"] == "gp"].set_index(["task", "seed"])["needed"]
    for (task, strategy), part in rows.groupby(["task", "strategy"], sort=False):
        found = mean_interval(part["needed"].to_numpy())
        saved = mean_interval(
            plain[task].sub(part.set_index("seed")["needed"]).to_numpy(dtype=float)
        )
        lines.append(
            {
                "task": task,
                "strategy": strategy,
                "reached": f"{int(part['reached'].sum())} of {len(part)}",
                "needed": f"{found.mean:.1f}",
                "order": found.mean,
                "saved": "–" if strategy == "gp" else _saved(saved),
                "regret": f"{part['regret'].mean():.2f}",
            }
        )
    return pd.DataFrame(lines).sort_values(["task", "order"])


def _saved(found: Interval) -> str:
    if not np.isfinite(found.low):
        return f"{found.mean:+.1f}"
    return f"{found.mean:+.1f} ({found.low:+.1f} to {found.high:+.1f})"


def cells_of(results: Path, more: Sequence[Path] = ()) -> pd.DataFrame:
    """The cells of a run with the columns that anything is computed from.

    Args:
        results: a run folder, or the file that is kept of it.
        more: runs of some predictors, whose cells take the place of those of the same key.
    """
    frames = [load_results(place) for place in (*more, results)]
    plain = [frame[[name for name in KEPT if name in frame]].convert_dtypes() for frame in frames]
    return pd.concat(plain, ignore_index=True).drop_duplicates("key", ignore_index=True)


def keep(cells: pd.DataFrame, file: Path) -> None:
    """Write cells as results are written."""
    with TemporaryDirectory(dir=file.parent) as folder:
        save_frame(cells, Path(folder)).replace(file)


def main() -> None:
    """Compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of the predictions")
    parser.add_argument("searches", type=Path, help="folder of the searches")
    parser.add_argument("out", type=Path)
    parser.add_argument("--more", type=Path, action="append", default=[], help="further runs")
    given = parser.parse_args()
    out = given.out
    out.mkdir(parents=True, exist_ok=True)
    cells = cells_of(given.run, given.more)
    rows = gains(cells)
    targets = by_target(rows)
    rows.to_csv(out / "gains.csv", index=False, float_format="%.5f")
    targets.to_csv(out / "targets.csv", index=False, float_format="%.4f")
    families = family_table(rows)
    heads = {name: name for name in families.columns}
    texts = {"families.md": markdown(families, heads)}
    counts = {"predictor": "predictor", "helps": "sources help", "undecided": "undecided"}
    counts |= {"hurts": "sources hurt", "worst": "worst mean gain"}
    texts["counts.md"] = markdown(count_table(targets), counts)
    per_task = target_table(rows, targets)
    heads = {"task": "task", "plain": "τ of gp-matern52"} | {name: name for name in BESIDE}
    texts["targets.md"] = markdown(per_task, heads)
    found = searches(given.searches)
    found.to_csv(out / "searches.csv", index=False, float_format="%.5f")
    heads = {"task": "task", "strategy": "strategy", "reached": "within 0.1 points"}
    heads |= {
        "needed": "evaluations",
        "saved": "saved beside gp",
        "regret": "regret after 50, points",
    }
    texts["searches.md"] = markdown(search_table(found), heads)
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8")
        print(text)
    for name in ("study.toml", "environment.json"):
        if (given.run / name).resolve() != (out / name).resolve():
            shutil.copyfile(given.run / name, out / name)
    keep(cells, out / "results.parquet")


if __name__ == "__main__":
    main()
