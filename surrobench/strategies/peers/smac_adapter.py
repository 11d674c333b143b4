"""SMAC3's random forest (Lindauer et al. 2022) as a search strategy."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from surrobench.spaces.architecture import Arch
from surrobench.strategies.peers.peer import require
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Strategy

_LARGEST_TRIALS = 10**6


class SmacSearch(Strategy):
    """SMAC3's ``HyperparameterOptimizationFacade`` with its default settings, by ask-and-tell.

    A random forest of 10 trees on log-scaled costs, expected improvement maximised by local and
    random search, every fifth suggestion at random, a new fit after every eight. Every decision is
    a categorical hyperparameter, and a target counts as deterministic. SMAC's own Sobol design is
    switched off: the initial design is told as results of the user's. Failed trainings are told as
    crashed with the worst known cost.

    A suggestion that is no candidate or was seen is replaced by the nearest candidate that was not;
    the result is told under the architecture that was trained, and the suggestion stays running,
    so that SMAC does not make it again.

    In a small space SMAC declares itself exhausted after 16 known suggestions in a row, long before
    every architecture is known, and then suggests nothing more. A new facade that is told all
    results goes on in its place; only when that one has nothing new either is the proposal drawn
    uniformly, and counted in ``uniform``.

    SMAC's forest splits the codes of categories by thresholds, so the order in which a space lists
    its choices acts as a prior.

    SMAC keeps generators and a queue that it cannot give away. A saved search therefore goes on by
    asking SMAC again for all that it was asked before, which takes as long as it did then and gives
    the same. Nothing is left on disk.

    Args:
        problem: the candidates.
        seed: of all random draws.
        design: the architectures to begin with, or how many to draw.
        repeats: whether an architecture may be proposed again.

    Raises:
        UserError: if SMAC3 is missing.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
    ) -> None:
        with _quietly():
            self._smac: Any = require("smac", "SMAC3", "peers")
            self._spaces: Any = require("ConfigSpace", "ConfigSpace", "peers")
        super().__init__(problem, seed=seed, design=design, repeats=repeats)
        self._facade: Any = None
        self._told_smac = 0
        self._calls: list[tuple[int, int]] = []
        self._renewals = 0
        self.uniform = 0
        """Suggestions that SMAC did not make, so that candidates were drawn uniformly."""

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        with _quietly():
            if self._facade is None:
                self._replay()
            self._tell_smac(len(self.history))
            self._calls.append((len(self.history), n))
            suggestions = [self._suggestion() for _ in range(n)]
        chosen: list[Arch] = []
        for suggestion in suggestions:
            if suggestion is not None:
                arch = self.candidates.nearest(suggestion, rng, {*self.seen(), *chosen})
                chosen += [] if arch is None else [arch]
        return chosen

    def _suggestion(self) -> Arch | None:
        """What SMAC suggests; None if a facade that was told everything finds nothing either."""
        found = self._asked()
        if found is None:
            self._renew()
            found = self._asked()
        self.uniform += found is None
        return found

    def _asked(self) -> Arch | None:
        from smac.main.exceptions import ConfigurationSpaceExhaustedException

        try:
            config = self._facade.ask().config
        except (StopIteration, RuntimeError, ConfigurationSpaceExhaustedException):
            return None
        return tuple(int(config[name]) for name in self._names)

    def _renew(self) -> None:
        """A new facade in the place of one that has ended, told what that one was told."""
        told = self._told_smac
        self._renewals += 1
        self._facade = self._new_facade()
        self._told_smac = 0
        self._tell_smac(told)

    def _replay(self) -> None:
        """Bring a new facade to where the old one was."""
        self._renewals = self.uniform = 0
        self._facade = self._new_facade()
        self._told_smac = 0
        for told, asked in self._calls:
            self._tell_smac(told)
            for _ in range(asked):
                self._suggestion()

    # -- in SMAC's terms -----------------------------------------------------------------------

    @property
    def _names(self) -> list[str]:
        # ConfigSpace sorts hyperparameters by name.
        digits = len(str(len(self.space.variables)))
        return [f"x{position:0{digits}}" for position in range(len(self.space.variables))]

    def _new_facade(self) -> Any:
        seed = int(self.rng("smac", self._renewals).integers(2**31))
        space = self._spaces.ConfigurationSpace(seed=seed)
        for name, count in zip(self._names, self.space.cardinalities, strict=True):
            space.add(self._spaces.CategoricalHyperparameter(name, list(range(count))))
        facade = self._smac.HyperparameterOptimizationFacade
        # SMAC writes what it starts with; nothing is saved later.
        with tempfile.TemporaryDirectory() as folder:
            scenario = self._smac.Scenario(
                space,
                output_directory=Path(folder),
                deterministic=True,
                n_trials=min(self.candidates.size, _LARGEST_TRIALS),
                seed=seed,
            )
            return facade(
                scenario,
                None,
                initial_design=facade.get_initial_design(scenario, n_configs=0),
                logging_level=False,
                overwrite=True,
            )

    def _tell_smac(self, upto: int) -> None:
        """Tell SMAC, which minimises, of results up to a place in the history."""
        from smac.runhistory import StatusType, TrialInfo, TrialValue

        for place in range(self._told_smac, upto):
            observation = self.history[place]
            values = dict(zip(self._names, observation.arch, strict=True))
            config = self._spaces.Configuration(self._facade.scenario.configspace, values=values)
            cost = -float(self.targets(self.history[: place + 1])[-1])
            status = StatusType.SUCCESS if observation.ok else StatusType.CRASHED
            info = TrialInfo(config=config, seed=0)
            self._facade.tell(info, TrialValue(cost=cost, status=status), save=False)
        self._told_smac = max(self._told_smac, upto)

    # -- state -------------------------------------------------------------------------------

    def _save(self) -> dict[str, Any]:
        return {"calls": [list(call) for call in self._calls]}

    def _load(self, own: Mapping[str, Any]) -> None:
        self._calls = [(int(told), int(asked)) for told, asked in own["calls"]]
        self._facade = None


@contextmanager
def _quietly() -> Iterator[None]:
    """On this thread alone, without messages and warnings, whose settings stay as they were.

    SMAC would grow its ten trees on all cores, of which a study gives each search one.
    """
    logger = logging.getLogger("smac")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings(), joblib.parallel_config("sequential"):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
