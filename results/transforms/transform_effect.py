"""Does the quantile-normal target transform turn the ranking of Gaussian processes round?

    python results/transforms/transform_effect.py results/transforms

Reads ``results.parquet`` of the study in ``examples/transforms.toml`` and writes, for every train
size, ``transform-effect.csv`` (what the transform does to each predictor, over tasks) and
``gp-turned-round.csv`` (where the shared-lengthscale Matérn-5/2 GP stands among seven families,
one row per task); ``transform-effect.md`` holds the counts, which are printed too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import permutation_test

FAMILIES = ["random-forest", "xgboost", "mlp-ensemble", "svr", "knn", "bayesian-ridge"]
TREES = ["random-forest", "xgboost"]
GP, SUFFIX, LEVEL = "gp-matern52", "+quantile-normal", 0.05


def load(folder: Path) -> pd.DataFrame:
    """Kendall tau by (train size, task, seed) x predictor; cells without a result are missing."""
    frame = pd.read_parquet(folder / "results.parquet")
    frame = frame[frame["status"] == "ok"]
    index = ["train_size", "task", "seed"]
    return frame.pivot_table(index=index, columns="predictor", values="kendall_tau")


def flips(gains: np.ndarray) -> float:
    """Two-sided p of all sign flips of the seeds' gains; at least six seeds can reach 5 %."""
    if not gains.any():
        return 1.0
    found = permutation_test((gains,), np.mean, permutation_type="samples", n_resamples=4095)
    return float(found.pvalue)


def effect(tau: pd.DataFrame) -> pd.DataFrame:
    """One row per (train size, predictor): on how many tasks the transform helps or hurts."""
    rows = []
    pairs = [name for name in tau.columns if name + SUFFIX in tau.columns]
    for size, block in tau.groupby(level="train_size"):
        for name in pairs:
            gain = (block[name + SUFFIX] - block[name]).dropna().groupby(level="task")
            change = gain.mean()
            significant = gain.apply(lambda d: flips(d.to_numpy()) < LEVEL)
            rows.append(
                {
                    "train_size": size,
                    "predictor": name,
                    "tasks": len(change),
                    "better": int((change > 0).sum()),
                    "better_significantly": int(((change > 0) & significant).sum()),
                    "worse_significantly": int(((change < 0) & significant).sum()),
                    "median_gain": change.median(),
                    "mean_gain": change.mean(),
                }
            )
    return pd.DataFrame(rows)


def standing(tau: pd.DataFrame) -> pd.DataFrame:
    """One row per (train size, task): rank of the GP among seven families, 1 is best."""
    mean = tau.groupby(level=["train_size", "task"]).mean()

    def rank(gp: str, suffix: str) -> pd.Series:
        others = mean[[name + suffix for name in FAMILIES]]
        return 1 + others.gt(mean[gp], axis=0).sum(axis=1)

    def beats_trees(gp: str, suffix: str) -> pd.Series:
        return mean[[name + suffix for name in TREES]].lt(mean[gp], axis=0).all(axis=1)

    return pd.DataFrame(
        {
            "gain_of_gp": (mean[GP + SUFFIX] - mean[GP]).round(4),
            "rank_off": rank(GP, ""),
            "rank_gp_on_others_off": rank(GP + SUFFIX, ""),
            "rank_all_on": rank(GP + SUFFIX, SUFFIX),
            "beats_trees_off": beats_trees(GP, ""),
            "beats_trees_gp_on_others_off": beats_trees(GP + SUFFIX, ""),
            "beats_trees_all_on": beats_trees(GP + SUFFIX, SUFFIX),
        }
    ).reset_index()


def summary(stand: pd.DataFrame) -> pd.DataFrame:
    """One row per train size: on how many tasks the order turned round."""
    rows = []
    for size, block in stand.groupby("train_size"):
        behind = ~block["beats_trees_off"]
        rows.append(
            {
                "train_size": size,
                "tasks": len(block),
                "mean rank, off": block["rank_off"].mean(),
                "mean rank, GP on": block["rank_gp_on_others_off"].mean(),
                "mean rank, all on": block["rank_all_on"].mean(),
                "behind a tree ensemble, off": int(behind.sum()),
                "of these ahead of both, GP on": int(
                    (behind & block["beats_trees_gp_on_others_off"]).sum()
                ),
                "of these ahead of both, all on": int((behind & block["beats_trees_all_on"]).sum()),
                "ahead of both, off": int(block["beats_trees_off"].sum()),
                "ahead of both, all on": int(block["beats_trees_all_on"].sum()),
                "last of seven, off": int((block["rank_off"] == len(FAMILIES) + 1).sum()),
                "last of seven, all on": int((block["rank_all_on"] == len(FAMILIES) + 1).sum()),
                "first of seven, off": int((block["rank_off"] == 1).sum()),
                "first of seven, all on": int((block["rank_all_on"] == 1).sum()),
            }
        )
    return pd.DataFrame(rows)


def markdown(frame: pd.DataFrame) -> str:
    """A Markdown table; whole numbers stay whole."""
    cells = [[f"{v:.2f}" if isinstance(v, float) else str(v) for v in row] for row in frame.values]
    whole = [[str(v) for v in frame.columns], ["---"] * frame.shape[1], *cells]
    return "\n".join("| " + " | ".join(row) + " |" for row in whole)


def main(folder: Path) -> None:
    """Write both files and print the summary."""
    tau = load(folder)
    by_predictor, by_task = effect(tau), standing(tau)
    by_predictor.to_csv(folder / "transform-effect.csv", index=False, float_format="%.4f")
    by_task.to_csv(folder / "gp-turned-round.csv", index=False)
    counts = summary(by_task).set_index("train_size").astype(object).T.reset_index(names="")
    text = markdown(counts) + "\n\n" + markdown(by_predictor.astype(object)) + "\n"
    (folder / "transform-effect.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
