"""How well label-free columns (parameters, zero-cost proxies) rank architectures."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from surrobench.errors import UserError
from surrobench.report.common import escaping
from surrobench.report.common.style import INK, MUTED, ONE_COLUMN, paper_style
from surrobench.report.figures import panels

TOP = 0.1
"""The share of the best architectures that is looked at by itself."""


def proxy_correlations(frame: pd.DataFrame, truth: str = "truth") -> pd.DataFrame:
    """Kendall τ of every numeric column with the truth.

    Returns:
        ``proxy``, ``kendall_tau`` over all architectures that have both, ``kendall_tau_top`` over
        the best tenth of them, and ``n``; the largest absolute value first.

    Raises:
        UserError: if the truth is missing or there is no other number.
    """
    if truth not in frame:
        raise UserError(f"the proxies lack the column {truth!r}.")
    names = [name for name in frame.select_dtypes("number").columns if name != truth]
    if not names:
        raise UserError("there are no proxies: the task has no measured columns.")
    rows = []
    for name in names:
        both = frame[[name, truth]].dropna()
        top = both.nlargest(max(2, int(TOP * len(both))), truth)
        rows.append(
            {
                "proxy": str(name),
                "kendall_tau": _tau(both[name], both[truth]),
                "kendall_tau_top": _tau(top[name], top[truth]),
                "n": len(both),
            }
        )
    table = pd.DataFrame(rows)
    order = table["kendall_tau"].abs().fillna(-1).sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _tau(values: pd.Series, truth: pd.Series) -> float:
    """NaN where one side is constant or there are no two architectures."""
    if values.nunique() < 2 or truth.nunique() < 2:
        return float("nan")
    from scipy import stats  # takes a second to import

    return float(stats.kendalltau(values, truth).statistic)


def proxies_against_truth(
    frame: pd.DataFrame, truth: str = "truth", *, title: str = "", width: float = ONE_COLUMN
) -> Figure:
    """Kendall τ of every proxy with the truth, over all architectures and the best tenth.

    Args:
        frame: a row per architecture; every numeric column but the truth is a proxy.
        truth: the column of true values, larger is better.
        title: of the panel.
        width: inches.
    """
    table = proxy_correlations(frame, truth)
    with paper_style():
        height = 0.75 + panels.ROW * max(len(table), 3)
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(table))
        axes.axvline(0, color=INK, linewidth=0.6)
        axes.hlines(places, table["kendall_tau_top"], table["kendall_tau"], color=MUTED, lw=1)
        axes.plot(table["kendall_tau"], places, "o", color="#0072b2", label="all architectures")
        axes.plot(table["kendall_tau_top"], places, "D", color="#d55e00", label="best tenth")
        panels.method_rows(axes, list(table["proxy"]), True)
        axes.set_xlabel("Kendall τ with the truth")
        axes.set_title(escaping.figure(title, 40) if title else "")
        figure.legend(loc="outside lower center", ncols=2)
    return figure
