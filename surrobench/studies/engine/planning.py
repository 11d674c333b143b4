"""A plan made by a fork of the template: the driver of a run needs no torch for it.

To lay out a study every predictor is built once, which imports its libraries. The template has
imported them anyway, for the workers. Whatever goes wrong there is left to the usual way, in the
process of the driver, which then says what it is.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from surrobench.base.registry import Registry, is_own
from surrobench.encodings import ENCODINGS
from surrobench.predictors import PREDICTORS
from surrobench.studies.engine.executor import GuardedProcess, Limits, WorkerStartError
from surrobench.studies.engine.forks import Forks
from surrobench.studies.engine.template import settle
from surrobench.studies.kind import Kind
from surrobench.studies.kinds import KINDS, AnyStudy
from surrobench.studies.plan import Plan
from surrobench.studies.prediction.config import Study

MOST_CELLS = 50_000
"""A larger plan takes longer to hand over than to import what makes it."""
_LOOK_SECONDS = 0.1


def forked_plan(
    forks: Forks, kind: Kind, study: AnyStudy, base: Path
) -> tuple[Plan, dict[str, str]] | None:
    """The plan, and the numerical kernels there; None if it is to be made here.

    Args:
        forks: of the run; its template imports the methods of the study.
        kind: of the study.
        study: what to run.
        base: folder that relative card paths start from.
    """
    names = _own_predictors(study)
    if not names or not forks.begun:
        return None
    template = forks.of(PREDICTORS.own_modules(names))
    settle(template, lambda: False, _LOOK_SECONDS)
    if template is None or template.lost:
        return None
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "plan.log"
        target = f"{__name__}:{planned.__name__}"
        process = GuardedProcess[Any](target, Limits(None, None), log, {}, template=template)
        try:
            outcome = process.run((kind.name, study, str(base)))
        except WorkerStartError:
            return None
        finally:
            process.close()
        told = log.read_bytes()
    if outcome is None or outcome.ending != "done" or told:
        return None
    plan, kernels = outcome.value
    return plan, kernels


def planned(asked: tuple[str, AnyStudy, str]) -> tuple[Plan, dict[str, str]]:
    """What a fork does: the plan of a study, and the kernels of the libraries there."""
    from surrobench.studies.run_folder.kernels import numerical_kernels

    name, study, base = asked
    return KINDS[name].plan(study, Path(base)), numerical_kernels()


def _own_predictors(study: AnyStudy) -> list[str]:
    """Names of the predictors, if nothing of a study is code of others and it is not too large."""
    if not isinstance(study, Study) or study.sources:
        return []
    tasks = [task for task in study.tasks if type(task) is str and not set("@*") & set(task)]
    if len(tasks) < len(study.tasks):
        return []
    count = len(study.predictors) * len(study.transforms or ["default"]) * len(study.encodings)
    if count * len(tasks) * len(study.train_sizes) * len(study.seeds) > MOST_CELLS:
        return []
    names = [choice.use for choice in study.predictors]
    encodings = [name for name in study.all_encodings() if name != "default"]
    known = all(type(name) is str and _is_own(PREDICTORS, name.partition("+")[0]) for name in names)
    parts = [part for name in encodings for part in name.split("+")]
    return names if known and all(_is_own(ENCODINGS, part) for part in parts) else []


def _is_own(registry: Registry[Any], name: str) -> bool:
    return name in registry.names() and is_own(registry.entry(name).target)
