"""Optuna's samplers (Akiba et al. 2019) as search strategies."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import torch

from surrobench.arrays import FloatArray
from surrobench.base.options import check_choice
from surrobench.spaces.architecture import Arch, Variable
from surrobench.strategies.distances import MOST_CHOICES
from surrobench.strategies.peers.peer import require
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Observation, Strategy

SAMPLERS: tuple[str, ...] = ("tpe", "gp")
_FITTED = "_gprs_cache_list"
"""Where a ``GPSampler`` keeps its last fit, to begin the next one from its hyperparameters."""
_HYPERPARAMETERS = ("inverse_squared_lengthscales", "kernel_scale", "noise_var")


class _Parameter:
    """One decision as parameters of Optuna: a choice, or a number and whether it is there.

    Attributes:
        distributions: those of its parameters, by name.
    """

    def __init__(self, name: str, variable: Variable, kinds: Any) -> None:
        self._name, self._there = name, f"{name} there"
        self._first = int(variable.optional)
        self._numbers: FloatArray | None = None
        if not (variable.ordinal and len(variable.choices) > MOST_CHOICES):
            self.distributions = {
                name: kinds.CategoricalDistribution(tuple(range(len(variable.choices))))
            }
            return
        numbers = np.array(variable.values, dtype=np.float64)[self._first :]
        self._log = variable.scale == "log"
        self._numbers = numbers
        self.distributions = {
            name: kinds.FloatDistribution(float(numbers.min()), float(numbers.max()), log=self._log)
        }
        if variable.optional:
            self.distributions[self._there] = kinds.CategoricalDistribution((False, True))

    def params_of(self, choice: int) -> dict[str, Any]:
        """The parameters of a choice; no number where the decision is absent."""
        if self._numbers is None:
            return {self._name: choice}
        there = choice >= self._first
        number = {self._name: float(self._numbers[choice - self._first])} if there else {}
        return number | ({self._there: there} if self._first else {})

    def choice(self, params: Mapping[str, Any]) -> int:
        """The choice nearest to suggested parameters."""
        if self._numbers is None:
            return int(params[self._name])
        if self._first and not params[self._there]:
            return 0
        scaled = np.log if self._log else np.asarray
        gaps = np.abs(scaled(self._numbers) - scaled(params[self._name]))
        return int(gaps.argmin()) + self._first


class OptunaSearch(Strategy):
    """A sampler of Optuna with its default settings, through its ask-and-tell interface.

    Every decision is a categorical distribution, but a numeric one of more than twelve choices is a
    real range, logarithmic where its scale is. A decision that may be absent is told only where it
    is there, and whether it is there as a choice of its own. ``"tpe"`` is ``TPESampler`` (Bergstra
    et al. 2011; Watanabe 2023), ``"gp"`` is ``GPSampler`` (a Gaussian process with a Matérn-5/2
    kernel, log expected improvement). Both draw uniformly until ten results are known; an initial
    design counts among these. Failed trainings are told as failed trials, which the samplers leave
    out; what is pending is told as running.

    A suggestion that is no candidate or was seen is replaced by the nearest candidate that was not,
    and the result is told under the architecture that was trained. ``TPESampler`` repeats itself
    often in small spaces, so it gains by this.

    Each suggestion comes from a new sampler with a seed of its own, so that a saved search goes on
    exactly. ``GPSampler`` starts each fit from the hyperparameters of the one before, which pass
    from sampler to sampler.

    Args:
        problem: the candidates.
        seed: of all random draws.
        design: the architectures to begin with, or how many to draw.
        repeats: whether an architecture may be proposed again.
        sampler: ``"tpe"`` or ``"gp"``.

    Raises:
        UserError: for a wrong option, or if Optuna is missing.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
        sampler: Literal["tpe", "gp"] = "tpe",
    ) -> None:
        check_choice(self, "sampler", sampler, SAMPLERS)
        self._optuna: Any = require("optuna", "Optuna", "peers")
        super().__init__(problem, seed=seed, design=design, repeats=repeats)
        self.sampler = sampler
        self._parameters = [
            _Parameter(f"{position}", variable, self._optuna.distributions)
            for position, variable in enumerate(self.space.variables)
        ]
        self._distributions = {
            name: one for each in self._parameters for name, one in each.distributions.items()
        }
        self._begin()

    def _begin(self) -> None:
        with self._quietly():
            self._study = self._optuna.create_study(direction="maximize")
        self._added = 0
        self._running: dict[Arch, int] = {}
        self._fitted: Sequence[Any] | None = None

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        chosen: list[Arch] = []
        with self._quietly():
            self._tell_study()
            for _ in range(n):
                sampler = self._new_sampler(int(rng.integers(2**31)))
                self._study.sampler = sampler
                trial = self._study.ask(self._distributions)
                self._fitted = getattr(sampler, _FITTED, None)
                choices = [each.choice(trial.params) for each in self._parameters]
                # The result is added later, in the order in which results come in.
                self._end(trial.number)
                arch = self.candidates.nearest(choices, rng, {*self.seen(), *chosen})
                if arch is None:
                    break
                chosen.append(arch)
                self._start(arch)
        return chosen

    def _new_sampler(self, seed: int) -> Any:
        samplers = self._optuna.samplers
        if self.sampler == "tpe":
            return samplers.TPESampler(seed=seed)
        sampler = samplers.GPSampler(seed=seed)
        if self._fitted is not None and hasattr(sampler, _FITTED):
            setattr(sampler, _FITTED, self._fitted)
        return sampler

    # -- what the study knows ------------------------------------------------------------------

    def _tell_study(self) -> None:
        """Add results that are new, and make running what is pending."""
        for observation in self.history[self._added :]:
            if observation.arch in self._running:
                self._end(self._running.pop(observation.arch))
            self._add(observation)
        self._added = len(self.history)
        for arch in self.pending:
            if arch not in self._running:
                self._start(arch)

    def _add(self, observation: Observation) -> None:
        states = self._optuna.trial.TrialState
        self._study.add_trial(
            self._optuna.trial.create_trial(
                params=(params := self._params(observation.arch)),
                distributions={name: self._distributions[name] for name in params},
                state=states.COMPLETE if observation.ok else states.FAIL,
                value=observation.value if observation.ok else None,
            )
        )

    def _start(self, arch: Arch) -> None:
        """A running trial of an architecture."""
        self._study.enqueue_trial(self._params(arch))
        self._running[arch] = self._study.ask(self._distributions).number

    def _end(self, number: int) -> None:
        """Close a trial without a result: samplers do not look at failed ones."""
        self._study.tell(number, state=self._optuna.trial.TrialState.FAIL)

    def _params(self, arch: Arch) -> dict[str, Any]:
        params: dict[str, Any] = {}
        for each, choice in zip(self._parameters, arch, strict=True):
            params |= each.params_of(choice)
        return params

    def _save(self) -> dict[str, Any]:
        fitted = [
            {name: getattr(process, name).tolist() for name in _HYPERPARAMETERS}
            for process in self._fitted or []
        ]
        return {"fitted": fitted}

    def _load(self, own: Mapping[str, Any]) -> None:
        self._begin()
        self._fitted = [
            SimpleNamespace(
                **{
                    name: torch.tensor(process[name], dtype=torch.float64)
                    for name in _HYPERPARAMETERS
                }
            )
            for process in own["fitted"]
        ] or None

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Without Optuna's messages and warnings, whose settings stay as the user left them."""
        logging = self._optuna.logging
        verbosity = logging.get_verbosity()
        logging.set_verbosity(logging.CRITICAL)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            logging.set_verbosity(verbosity)
