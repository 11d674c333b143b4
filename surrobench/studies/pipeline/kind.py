"""Pipeline studies as a kind of study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from surrobench.studies.kind import StudyKind
from surrobench.studies.pipeline.config import PipelineStudy
from surrobench.studies.run_folder.record import Record

if TYPE_CHECKING:
    import pandas as pd

    from surrobench.studies.expected_cost import Cost
    from surrobench.studies.kind import Framer
    from surrobench.studies.pipeline.plan import PipelineCell
    from surrobench.studies.plan import Plan, Work


class PipelineKind(StudyKind[PipelineStudy, "PipelineCell"]):
    """Predictors that learn from short trainings and choose which candidates to train in full."""

    name = "pipeline"
    model = PipelineStudy
    columns = ("task", "predictor", "seed", "candidates", "arch", "pick", "value", "status")
    sign = "candidates"
    row = ("key", "arch")
    subject = "predictor"
    parts = ("predictor", "encoding", "acquisition")
    methods = "predictors"
    caption = "{predictor}, seed {seed}"

    def plan(self, study: PipelineStudy, base: Path) -> Plan:
        """By task, with the cells of one seed together."""
        from surrobench.studies.pipeline.plan import make_pipeline_plan

        return make_pipeline_plan(study, base)

    @property
    def run_cell(self) -> Callable[[PipelineCell], Record]:
        """One choice among candidates, and full trainings that judge it."""
        from surrobench.studies.pipeline.cell import run_pipeline

        return run_pipeline

    def cost(self, cell: PipelineCell, work: Work) -> Cost:
        """A fit to short trainings, answers for all candidates, and trainings."""
        from surrobench.studies.expected_cost import pipeline_cost

        return pipeline_cost(cell, work)

    def framer(self) -> Framer:
        """One row per architecture that a cell looked at."""
        from surrobench.studies.pipeline.frame import make_pipeline_frame

        return make_pipeline_frame

    def _ends(self, frame: pd.DataFrame) -> pd.DataFrame:
        from surrobench.studies.pipeline.frame import ends

        return ends(frame)


PIPELINE = PipelineKind()
