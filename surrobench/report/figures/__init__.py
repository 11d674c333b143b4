"""One function for each kind of figure: results in, a matplotlib figure out.

Every function takes a data frame of records or :class:`~surrobench.report.results.Results` and
returns a :class:`matplotlib.figure.Figure` that the caller may restyle. Methods look the same in
all of them (:mod:`surrobench.report.common.style`).
"""

from __future__ import annotations

from surrobench.report.common.style import ONE_COLUMN, TWO_COLUMNS
from surrobench.report.figures.architectures import Drawing, architectures
from surrobench.report.figures.coverage import coverage
from surrobench.report.figures.critical_difference import critical_difference
from surrobench.report.figures.curves import against_train_size
from surrobench.report.figures.distributions import aggregates, performance_profile
from surrobench.report.figures.heat_map import heat_map
from surrobench.report.figures.learning import learning_curves
from surrobench.report.figures.outcomes import outcome_matrix
from surrobench.report.figures.panels import highlights
from surrobench.report.figures.pareto import board_figure, pareto
from surrobench.report.figures.predicted import predicted_against_true
from surrobench.report.figures.proxies import proxies_against_truth
from surrobench.report.figures.ranking import ranking
from surrobench.report.figures.reliability import reliability
from surrobench.report.figures.three_axes import three_axes

__all__ = [
    "ONE_COLUMN",
    "TWO_COLUMNS",
    "Drawing",
    "against_train_size",
    "aggregates",
    "architectures",
    "board_figure",
    "coverage",
    "critical_difference",
    "heat_map",
    "highlights",
    "learning_curves",
    "outcome_matrix",
    "pareto",
    "performance_profile",
    "predicted_against_true",
    "proxies_against_truth",
    "ranking",
    "reliability",
    "three_axes",
]
