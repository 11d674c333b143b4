"""Plans that a fork of the template makes are those that this process makes."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from surrobench.studies.engine.forks import Forks
from surrobench.studies.engine.planning import forked_plan
from surrobench.studies.prediction.config import Study
from surrobench.studies.prediction.kind import PREDICTION

CONTENT = {
    "kind": "prediction",
    "name": "small",
    "tasks": ["live/digits-chain"],
    "predictors": ["constant", "params"],
    "train_sizes": [25, 50],
    "seeds": 2,
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="there is a template on Linux alone")
def test_a_forked_plan_is_the_plan(tmp_path: Path) -> None:
    study = Study.read(CONTENT)
    with closing(Forks(PREDICTION.worker_target, allowed=True)) as forks:
        forks.begin()
        made = forked_plan(forks, PREDICTION, study, tmp_path)
    assert made is not None
    plan, kernels = made
    assert plan == PREDICTION.plan(study, tmp_path)
    assert "torch" in kernels


@pytest.mark.parametrize(
    "changed",
    [
        {"tasks": ["@core"]},
        {"predictors": ["constant", "mypackage.mine:Predictor"]},
        {"seeds": 100_000},
    ],
)
def test_what_is_planned_in_this_process(tmp_path: Path, changed: dict[str, object]) -> None:
    """Collections of tasks, code of others and very large plans."""
    study = PREDICTION.build({**CONTENT, **changed})
    with closing(Forks(PREDICTION.worker_target, allowed=True)) as forks:
        assert forked_plan(forks, PREDICTION, study, tmp_path) is None


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="there is a template on Linux alone")
def test_the_driver_imports_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys, surrobench.cli\n"
        "sys.argv = ['surrobench', 'run', 'quickstart', '--predictor', 'constant', '--seeds', '1',"
        f" '--workers', '1', '--out', {str(tmp_path / 'run')!r}]\n"
        "try:\n    surrobench.cli.main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "assert not {'torch', 'sklearn', 'xgboost', 'scipy.stats'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
