"""Prediction studies as a kind of study."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrobench.studies.kind import StudyKind
from surrobench.studies.prediction.config import Study
from surrobench.studies.run_folder.record import Record

if TYPE_CHECKING:
    import pandas as pd

    from surrobench.studies.expected_cost import Cost
    from surrobench.studies.kind import Framer
    from surrobench.studies.plan import Plan, Work
    from surrobench.studies.prediction.plan import Cell


class PredictionKind(StudyKind[Study, "Cell"]):
    """Predictors that are fitted to some architectures of a table and judged on others."""

    name = "prediction"
    model = Study
    columns = ("task", "predictor", "transform", "encoding", "train_size", "seed", "status")
    sign = "predictor"
    row = ("key",)
    subject = "predictor"
    parts = ("predictor", "transform", "encoding")
    methods = "predictors"
    caption = "{predictor} n={train_size}"

    def plan(self, study: Study, base: Path) -> Plan:
        """By task, train size, seed, predictor and encoding."""
        from surrobench.studies.prediction.plan import make_plan

        return make_plan(study, base)

    @property
    def run_cell(self) -> Callable[[Cell], Record]:
        """One fit and its scores."""
        from surrobench.studies.prediction.cell import run_cell

        return run_cell

    def cost(self, cell: Cell, work: Work) -> Cost:
        """One fit, and answers for the test architectures."""
        from surrobench.studies.expected_cost import prediction_cost

        return prediction_cost(cell, work)

    def framer(self) -> Framer:
        """One row per cell."""
        from surrobench.studies.prediction.frame import make_frame

        return make_frame

    def _ends(self, frame: pd.DataFrame) -> pd.DataFrame:
        from surrobench.studies.prediction.frame import ends

        return ends(frame)

    def keep_shown(
        self,
        compute: Callable[[str, Cell], Any],
        frame: pd.DataFrame,
        cells: Iterable[Cell],
        folder: Path,
    ) -> None:
        """Keep the predictions of the typical cells."""
        from surrobench.studies.prediction.kept_predictions import COMPUTED, keep_predictions

        keep_predictions(partial(compute, COMPUTED), frame, cells, folder)


PREDICTION = PredictionKind()
