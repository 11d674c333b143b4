"""What every predictor leaves alone: its own recipe, and the process that it works in."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import cloudpickle
import torch

from surrobench.base.process_state import read_settings
from surrobench.testing.checks import Contract
from surrobench.testing.problems import Subject, moments

PROCESS_CONTRACT = Contract(Subject.of)
promise = PROCESS_CONTRACT.promise


@promise
def the_recipe_is_left_as_it_was(subject: Subject) -> None:
    """Fitting changes no option of the recipe.

    A recipe is frozen: make it a frozen dataclass, and compute what depends on the data in local
    variables.
    """
    before = _content(subject.predictor)
    subject.fit()
    assert _content(subject.predictor) == before, "fit changed the recipe"


def _content(recipe: Any) -> str:
    options = {**getattr(recipe, "__dict__", {})}
    return f"{recipe!r} {[(name, repr(value)) for name, value in sorted(options.items())]}"


@promise
def workers_can_be_sent_it(subject: Subject) -> None:
    """A copy that went through pickle predicts the same; studies compute in worker processes.

    Keep no open file, lock, generator function or device handle in the recipe; open them in
    ``fit``.
    """
    try:
        copy = cloudpickle.loads(cloudpickle.dumps(subject.predictor))
    except Exception as error:
        raise AssertionError(f"it cannot be pickled: {type(error).__name__}: {error}") from error
    problem = subject.problem
    model = copy.fit(problem.X.clone(), problem.y.clone(), seed=0)
    assert torch.equal(moments(model, problem.pool)[0], moments(subject.model, problem.pool)[0]), (
        "a copy of the recipe predicts something else"
    )


@promise
def nothing_is_printed(subject: Subject) -> None:
    """Fitting and predicting print nothing.

    Turn the verbosity of the library off, and use ``warnings.warn`` for what a user must know.
    """
    out, err = io.StringIO(), io.StringIO()
    streams = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    with streams[0], streams[1], warnings.catch_warnings():
        warnings.simplefilter("ignore")
        moments(subject.fit(), subject.problem.pool)
    said = (out.getvalue() or err.getvalue()).strip()
    assert not said, f"it printed {said[:60]!r}"


@promise
def the_process_is_left_as_it_was(subject: Subject) -> None:
    """Working folder, locale, environment, warnings, threads and torch's defaults stay.

    Other predictors run in the same process: use the context managers of the libraries, and put
    back what has to be set.
    """
    before, filters = read_settings(), list(warnings.filters)
    moments(subject.fit(), subject.problem.pool)
    after = read_settings()
    changed = sorted(name for name, value in before.items() if after.get(name, value) != value)
    if warnings.filters != filters:
        changed.append("the filters of warnings")
    assert not changed, f"it changed: {', '.join(changed)}"
