"""A user's training function as a search calls it: by index or by name, checked and timed."""

from __future__ import annotations

import hashlib
import inspect
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path
from types import FunctionType
from typing import Any, Protocol

from surrobench.base.wording import name_of_function
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.tasks.evaluation import Evaluation

Train = Callable[..., Evaluation | float]
_GIVEN = ("epochs", "checkpoint")


class Trains(Protocol):
    """A task, such as a live one: it can train several architectures at the same time."""

    def evaluate(self, arch: Arch, *, epochs: int | None = None) -> Evaluation:
        """Train one architecture, for so many epochs (None: fully)."""

    def evaluate_many(
        self, archs: Sequence[Arch], *, epochs: int | None = None
    ) -> Sequence[Evaluation]:
        """Train architectures together."""


@dataclass(frozen=True)
class Call:
    """How a training is called; it travels to worker processes.

    Attributes:
        train: the function.
        space: of the architectures.
        named: whether it takes values by name, not an architecture.
        lengths: of training, ascending, the last the full one; empty if the function takes none.
        checkpoints: folder that holds one folder for each architecture; None if it takes none.
    """

    train: Train
    space: SearchSpace
    named: bool = False
    lengths: tuple[int, ...] = ()
    checkpoints: Path | None = None

    @classmethod
    def of(
        cls, train: Train, space: SearchSpace, lengths: tuple[int, ...], checkpoints: Path | None
    ) -> Call:
        """What the signature of a function asks for.

        Raises:
            UserError: if it lacks an argument that it would be called with.
        """
        if not callable(train):
            raise UserError(
                f"evaluate is {train!r}; it must be a function of an architecture, or a task."
            )
        parameters = _parameters(train)
        if lengths and parameters is not None and "epochs" not in _accepted(parameters, ["epochs"]):
            raise UserError(
                f"with several lengths of training, {(name := cls._name_of(train))} must take "
                f"them: def {name}(arch, epochs): …"
            )
        named = parameters is not None and _takes_names(parameters, space, cls._name_of(train))
        takes_folder = any(parameter.name == "checkpoint" for parameter in parameters or ())
        return cls(train, space, named, lengths, checkpoints if takes_folder else None)

    def __call__(self, arch: Arch, epochs: int | None) -> tuple[Any, float]:
        """What the function returns, and the seconds that it took.

        Raises:
            RuntimeError: if it calls ``sys.exit``, as scripts do, which is a training that failed
                and no end of the search.
        """
        options = self.length(epochs)
        if self.checkpoints is not None:
            folder = self.checkpoints / hashlib.sha256(repr(arch).encode()).hexdigest()[:16]
            folder.mkdir(parents=True, exist_ok=True)
            options["checkpoint"] = folder
        started = time.perf_counter()
        try:
            if self.named:
                result = self.train(**values_of(self.space, arch), **options)
            else:
                result = self.train(arch, **options)
        except SystemExit as stop:
            raise RuntimeError(f"the training ended with sys.exit({stop.code!r})") from stop
        return result, time.perf_counter() - started

    @property
    def name(self) -> str:
        """What the user calls the function."""
        return self._name_of(self.train)

    @staticmethod
    def _name_of(train: Train) -> str:
        return name_of_function(train, "evaluate")

    def hint(self) -> str:
        """What to know about the arguments of a function that always fails; "" if nothing."""
        if self.named or not isinstance(self.train, FunctionType):
            return ""
        names = ", ".join(variable.name for variable in self.space.variables)
        return (
            " It was called with a tuple of choice indices; with these names for arguments it is "
            f"called with the values: {names}."
        )

    def length(self, epochs: int | None) -> dict[str, Any]:
        """The length of a training as an argument, if the function takes it."""
        return {"epochs": epochs or self.lengths[-1]} if self.lengths else {}


def values_of(space: SearchSpace, arch: Arch) -> dict[str, Any]:
    """What an architecture stands for, by the name of each decision that is there."""
    own = getattr(space, "values", None)
    if callable(own):
        return dict(own(arch))
    return {
        variable.name: variable.choices[choice]
        if variable.values is None
        else variable.values[choice]
        for variable, choice in zip(space.variables, arch, strict=True)
        if choice or not variable.optional
    }


def _parameters(train: Train) -> list[inspect.Parameter] | None:
    try:
        return list(inspect.signature(train).parameters.values())
    except (ValueError, TypeError):  # compiled code does not say
        return None


def _accepted(parameters: Sequence[inspect.Parameter], names: Collection[str]) -> set[str]:
    """Which of some names can be given as keywords."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return set(names)
    return {p.name for p in parameters if p.kind in kinds and p.name in names}


def _takes_names(
    parameters: Sequence[inspect.Parameter], space: SearchSpace, function: str
) -> bool:
    """Whether a function is written in terms of the decisions.

    It is if its first argument (``epochs`` and ``checkpoint`` apart) is one of them, or it takes
    nothing but keywords.
    """
    names = [variable.name for variable in space.variables]
    first = next((one for one in parameters if one.name not in _GIVEN), None)
    keywords_only = first is not None and first.kind in (
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.VAR_KEYWORD,
    )
    if first is None or not (first.name in names or keywords_only):
        return False
    missing = [name for name in names if name not in _accepted(parameters, names)]
    if missing:
        raise UserError(
            f"{function} takes decisions by name, but not {missing[0]!r}; it is called with: "
            f"{', '.join(names)}."
        )
    optional = {variable.name for variable in space.variables if variable.optional}
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    for parameter in parameters:
        if parameter.default is not inspect.Parameter.empty or parameter.kind in variadic:
            continue
        if parameter.name in optional:
            raise UserError(
                f"{parameter.name!r} is not there in every architecture; give it a default, "
                f"such as {parameter.name}=None."
            )
        if parameter.name not in (*names, *_GIVEN):
            raise UserError(
                f"{function} has an argument {parameter.name!r}, which is no decision; the "
                f"decisions are {', '.join(names)}."
            )
    return True


def checked(result: Any, seconds: float, function: str = "evaluate") -> Evaluation:
    """What a training returned, as an evaluation.

    Args:
        result: of the training.
        seconds: that it took.
        function: what the user calls it.

    Raises:
        UserError: if it is neither a number nor an evaluation.
    """
    if isinstance(result, Evaluation):
        return _explained(result if result.cost is not None else replace(result, cost=seconds))
    if hasattr(result, "item") and getattr(result, "ndim", 0) == 0:  # a number of NumPy or torch
        result = result.item()
    if isinstance(result, Mapping):
        raise UserError(
            f"{function} returned a dictionary; say which metric is searched for with "
            f"surrobench.tasks.live.own.OwnEvaluation(space, {function}, value=…), or return "
            "Evaluation(value, metrics={…})."
        )
    if isinstance(result, bool) or not isinstance(result, Real):
        raise UserError(
            f"{function} returned {type(result).__name__}; it must return a number (larger is "
            "better) or an Evaluation."
        )
    return _explained(Evaluation(float(result), seconds))


def _explained(evaluation: Evaluation) -> Evaluation:
    """A value that is no number counts as a failure, and says so."""
    if evaluation.status != "ok" or math.isfinite(evaluation.value):
        return evaluation
    reason = evaluation.reason or f"the value is {named_number(evaluation.value)}"
    return replace(evaluation, status="diverged", reason=reason)


def named_number(value: float) -> str:
    """What is not finite, as people write it."""
    return "NaN" if math.isnan(value) else "infinite"
