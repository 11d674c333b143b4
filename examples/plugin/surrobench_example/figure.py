"""A figure: a function of the rows of a run."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure


def tau_against_seconds(frame: pd.DataFrame, *, width: float) -> Figure:
    """Kendall's tau of each predictor against the seconds of a fit, means over all cells."""
    if "kendall_tau" not in frame:
        raise ValueError("there is no rank correlation in these results")
    means = frame.groupby("predictor")[["fit_seconds", "kendall_tau"]].mean()
    figure, axes = plt.subplots(figsize=(width, 0.6 * width), layout="constrained")
    axes.scatter(means["fit_seconds"], means["kendall_tau"])
    for name, row in means.iterrows():
        axes.annotate(str(name), (row["fit_seconds"], row["kendall_tau"]))
    axes.set(xscale="log", xlabel="seconds of a fit", ylabel="Kendall τ")
    return figure
