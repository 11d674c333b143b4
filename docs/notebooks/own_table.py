# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A table of your own
#
# A file with one row per trained architecture, and a card that says what the columns are. Here the
# rows are made up; yours come from your trainings.

# %%
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

folder = Path(tempfile.mkdtemp())
rng = np.random.default_rng(0)
grid = [
    (d, w, o) for d in range(2, 8) for w in (16, 32, 64, 128, 256) for o in ("adam", "sgd", "lion")
]
rows = pd.DataFrame(grid, columns=["depth", "width", "optimiser"])
rows["params"] = rows["depth"] * rows["width"] ** 2
rows["accuracy"] = (
    70
    + 2 * rows["depth"]
    - 0.3 * rows["depth"] ** 2
    + 1.5 * np.log2(rows["width"] / 16)
    + rows["optimiser"].map({"adam": 1.0, "sgd": 0.0, "lion": 0.5})
    + rng.normal(0, 0.3, len(rows))
)
rows.to_csv(folder / "mine.csv", index=False)
rows.head()

# %%
(folder / "mine.toml").write_text("""
name = "mine"
data = "mine.csv"
decisions = ["depth", { column = "width", scale = "log" }, "optimiser"]
measured = ["params"]

[tasks.accuracy]
target = "accuracy"
direction = "maximize"
unit = "%"
""")

from surrobench.tasks import task_info

info = task_info(str(folder / "mine.toml"))
print(info.name, info.pool_size, "architectures;", "default encoding:", info.default_encoding)
for decision in info.decisions:
    print(f"{', '.join(decision.names)} ({decision.kind}, {decision.scale}){decision.shown}")

# %% [markdown]
# How each decision was read is worth a look. Then predict:

# %%
from surrobench import run_study

frame = run_study(
    "quickstart",
    out=folder / "run",
    tasks=[str(folder / "mine.toml")],
    predictors=["gp-matern52", "random-forest", "bayesian-ridge", "params"],
    encodings=["one-hot", "one-hot+measured:params"],
    train_sizes=[20],
    seeds=6,
    workers=1,
)
frame.pivot_table(index="predictor", columns="encoding", values="kendall_tau").round(2)

# %% [markdown]
# And search: the strategies propose rows and are shown a value only after they asked for it.

# %%
(folder / "search.toml").write_text("""
kind = "search"
name = "mine"
tasks = ["mine.toml"]
strategies = ["random", "local-search", { use = "bayesian", label = "gp" }]
evaluations = 30
seeds = 5
""")
found = run_study(folder / "search.toml", out=folder / "search", workers=1)
last = found[found["evaluation"] == found["evaluation"].max()]
last.groupby("strategy")["best_value"].agg(["mean", "min", "max"]).round(2)
