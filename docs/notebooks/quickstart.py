# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Quickstart
#
# Compare predictors on networks that were really trained, in a few lines.

# %%
import tempfile

from surrobench import load_task, run_study

task = load_task("live/digits-chain")
print(task.name, "-", task.description)
print(f"{len(task)} architectures; the best value is {task.optimum:.2f} {task.unit}")

# %% [markdown]
# A study crosses predictors, training sizes and seeds. Every predictor meets the same samples.

# %%
folder = tempfile.mkdtemp()
frame = run_study(
    "quickstart",
    out=f"{folder}/run",
    predictors=["gp-matern52+quantile-normal", "svr", "knn", "bayesian-ridge", "constant"],
    train_sizes=[25, 50, 100],
    seeds=6,
    workers=1,
)
frame[["predictor", "train_size", "seed", "kendall_tau", "crps", "coverage_90"]].head()

# %% [markdown]
# One row per cell. Kendall τ with the true ranking, means over seeds:

# %%
frame.pivot_table(index="predictor", columns="train_size", values="kendall_tau").round(2)

# %% [markdown]
# The figures of a report are functions of the same frame.

# %%
import matplotlib.pyplot as plt

from surrobench.report.figures import against_train_size

plt.rcParams["figure.dpi"] = 100  # of what a notebook shows
against_train_size(frame, "kendall_tau", width=5)

# %% [markdown]
# Or by name, one line each (`surrobench list figures` names the kinds), with a verdict in words:

# %%
import surrobench as sb

sb.plot(frame, "pareto", size=5)

# %%
found = sb.compare(["svr", "knn", "params"], task, n=50, seeds=6)
print(found.verdict)
found

# %% [markdown]
# On the command line `surrobench report FOLDER` writes all of them, with tables for a paper.
