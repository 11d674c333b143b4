"""Scores of predictions: pure functions of one-dimensional arrays.

One module per question: :mod:`ranking` (is the order right?), :mod:`error` (are the values
right?), :mod:`regret` (would the chosen architecture be good?) and :mod:`calibration` (is the
stated uncertainty honest?). :func:`prediction_scores` computes all of them at once.

Larger is better for ``truth`` and ``prediction`` throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrobench.metrics.prediction import prediction_scores

__all__ = ["prediction_scores"]


def __getattr__(name: str) -> Any:
    """Import SciPy only when a score is asked for."""
    if name == "prediction_scores":
        from surrobench.metrics.prediction import prediction_scores

        return prediction_scores
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
